/**
 * Templates on disk: one folder each, named by the digest of everything its boot depended on. Written under
 * a name of its own and renamed when whole, so a killed or parallel builder leaves nothing half-made; checked
 * before every use; bounded in size, least recently used first.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import {
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  utimes,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { openPrivateFolder } from '../../images/cache/private-folder.ts';
import { errnoOf, PoolproofError } from '../errors.ts';
import type { MachineSpec } from '../plan/machine-spec.ts';
import { templateError } from './template-error.ts';

const files = { ram: 'ram', state: 'state', manifest: 'template.json' } as const;

/** Raised when a template of an older harness no longer fits. */
const formatVersion = 1;

const manifestSchema = z.object({
  format: z.literal(formatVersion),
  key: z.string(),
  stateSha256: z.string(),
  stateBytes: z.number(),
  ramBytes: z.number(),
  /** Any write to the RAM file moves it. */
  ramMtimeNs: z.string(),
});

export type Template = Readonly<{ key: string; folder: string; ramFile: string; stateFile: string }>;

/**
 * Digest of everything a boot depends on. QEMU accepts most mismatches between a saved state and a machine silently
 * (another -smp, -append or disk), so nothing may be missing: every value of the spec, whose paths name kernel,
 * initramfs and disks by their digests, QEMU's version, the arguments built from them, and the warm-up; under KVM the
 * CPU of this computer (`computer`). The QEMU binary counts by size and time, so an upgrade in place is seen.
 */
export async function digestMachine(
  spec: MachineSpec,
  identity: Readonly<{
    qemuTitle: string;
    arguments: readonly string[];
    warmed: readonly string[];
    computer?: string;
  }>,
): Promise<string> {
  const binary = await stat(spec.qemu);
  const qemu = `${identity.qemuTitle} ${binary.size} ${binary.mtimeMs}`;
  return createHash('sha256').update(JSON.stringify({ formatVersion, spec, identity, qemu })).digest('hex');
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

const sha256Of = async (file: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(file))
    .digest('hex');

/** Id of this computer's boot, with which a process id is unique; empty where there is none. */
function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')
      .replace(/[^0-9a-f]/g, '')
      .slice(0, 12);
  } catch {
    return '';
  }
}

/** A name with its maker: an unfinished template, or the list of templates that a run uses. */
const nameOwned = (kind: 'building' | 'using', bootId: string): string =>
  `.${kind}-${bootId}-${process.pid}-${randomBytes(8).toString('hex')}`;

/** Made by a process that no longer runs; on a cache that several computers share, an hour ago or more. */
function isAbandoned(name: string, usedMs: number, bootId: string): boolean {
  const [, boot, pid] = /^\.(?:building|using)-([0-9a-f]*)-(\d+)-/.exec(name) ?? [];
  if (boot === bootId && pid !== undefined) {
    try {
      process.kill(Number(pid), 0);
      return false;
    } catch (error) {
      return errnoOf(error) === 'ESRCH';
    }
  }
  return boot !== undefined && usedMs < Date.now() - 3_600_000;
}

export class TemplateStore {
  readonly #cacheDir: string;
  readonly #folder: string;
  readonly #limitBytes: number;
  readonly #used = new Set<string>();
  readonly #distrusted = new Set<string>();
  /** File that lists the templates of this run for other runs. */
  #list: string | null = null;

  constructor(cacheDir: string, limitBytes: number) {
    this.#cacheDir = cacheDir;
    this.#folder = path.join(cacheDir, 'templates');
    this.#limitBytes = limitBytes;
  }

  /** The template of that key if it is there and unharmed; a harmed one is removed. */
  async find(key: string): Promise<Template | null> {
    const template = this.#describe(key, path.join(this.#folder, key));
    try {
      const manifest = manifestSchema.parse(
        JSON.parse(await readFile(path.join(template.folder, files.manifest), 'utf8')),
      );
      const ram = await stat(template.ramFile, { bigint: true });
      const whole =
        manifest.key === key &&
        ram.size === BigInt(manifest.ramBytes) &&
        String(ram.mtimeNs) === manifest.ramMtimeNs &&
        (await sha256Of(template.stateFile)) === manifest.stateSha256;
      if (!whole) throw new PoolproofError('TEMPLATE_INVALID', `template ${key} was changed`);
      const now = new Date();
      await utimes(path.join(template.folder, files.manifest), now, now);
      return template;
    } catch {
      // Not there, half there, damaged: in every case the way on is to build it anew.
      await this.drop(key);
      return null;
    }
  }

  /**
   * Builds a template in a folder of its own and puts it in its place. When another run was faster, its
   * template is used: equal keys are equal templates.
   * @throws PoolproofError DISK_FULL when there is clearly too little space; what `build` throws.
   */
  async create(
    key: string,
    ramBytes: number,
    build: (template: Template) => Promise<void>,
  ): Promise<Template> {
    const work = path.join(this.#folder, nameOwned('building', readBootId()));
    try {
      await this.#open();
      await mkdir(work, { mode: 0o700 });
      await this.#checkSpace();
      const building = this.#describe(key, work);
      await build(building);
      await syncFile(building.ramFile);
      const ram = await stat(building.ramFile, { bigint: true });
      if (ram.size !== BigInt(ramBytes))
        throw new PoolproofError('TEMPLATE_INVALID', 'the RAM file has another size');
      const manifest: z.infer<typeof manifestSchema> = {
        format: formatVersion,
        key,
        stateSha256: await sha256Of(building.stateFile),
        stateBytes: (await stat(building.stateFile)).size,
        ramBytes,
        ramMtimeNs: String(ram.mtimeNs),
      };
      await writeFile(path.join(work, files.manifest), `${JSON.stringify(manifest)}\n`, { flush: true });
      return await this.#publish(key, work);
    } catch (error) {
      throw templateError(error, this.#folder);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }

  async drop(key: string): Promise<void> {
    await rm(path.join(this.#folder, key), { recursive: true, force: true });
  }

  /** Removes a template whose clone did what no boot does; clones of it that run go on. */
  async distrust(key: string): Promise<void> {
    this.#distrusted.add(key);
    await this.drop(key);
  }

  /** False once a template was found to be bad in this run. */
  isTrusted({ key }: Template): boolean {
    return !this.#distrusted.has(key);
  }

  /**
   * Keeps the template of a key, there or still to come, from being collected, by this run or another. To be
   * called before {@link find}; holds until the store is disposed of, or the process ends.
   */
  async use(key: string): Promise<void> {
    await this.#open();
    this.#used.add(key);
    // From here on at once: two calls at a time must not write one file in turns, nor two files.
    this.#list ??= path.join(this.#folder, nameOwned('using', readBootId()));
    try {
      writeFileSync(this.#list, [...this.#used].join('\n'));
    } catch (error) {
      throw templateError(error, this.#folder);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#list !== null) await rm(this.#list, { force: true });
    this.#list = null;
    this.#used.clear();
  }

  /** @throws PoolproofError NOT_PRIVATE, DISK_FULL, CACHE_UNWRITABLE */
  async #open(): Promise<void> {
    try {
      await openPrivateFolder(this.#cacheDir);
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw templateError(error, this.#folder);
    }
  }

  async #readUsed(): Promise<ReadonlySet<string>> {
    const names = await readdir(this.#folder).catch(() => []);
    const lists = names.filter((name) => name.startsWith('.using-'));
    // Gone between the two looks: that run has ended.
    const texts = await Promise.all(
      lists.map((name) => readFile(path.join(this.#folder, name), 'utf8').catch(() => '')),
    );
    return new Set(texts.flatMap((text) => text.split('\n')));
  }

  /**
   * Removes least recently used templates until the rest fits the limit, and what killed processes left. What a run
   * uses stays, also above the limit.
   */
  async collect(): Promise<void> {
    const names = await readdir(this.#folder).catch(() => []);
    const entries = await Promise.all(names.map((name) => this.#measure(name)));
    const present = entries.filter((entry) => entry !== null);
    const bootId = readBootId();
    for (const { name, usedMs } of present) {
      if (isAbandoned(name, usedMs, bootId)) await this.drop(name);
    }
    const keep = await this.#readUsed();
    const templates = present.filter(({ name }) => !name.startsWith('.')).sort((a, b) => b.usedMs - a.usedMs);
    let total = 0;
    for (const { name, bytes } of templates) {
      total += bytes;
      if (total > this.#limitBytes && !keep.has(name)) await this.drop(name);
    }
  }

  async #measure(name: string): Promise<{ name: string; bytes: number; usedMs: number } | null> {
    const folder = path.join(this.#folder, name);
    const used = await stat(path.join(folder, files.manifest)).catch(() => stat(folder).catch(() => null));
    const ram = await stat(path.join(folder, files.ram)).catch(() => null);
    // A sparse file: what it takes, not how long it is. Blocks are of 512 bytes (stat(2)).
    return used === null ? null : { name, bytes: (ram?.blocks ?? 0) * 512, usedMs: used.mtimeMs };
  }

  async #publish(key: string, work: string): Promise<Template> {
    const folder = path.join(this.#folder, key);
    try {
      await rename(work, folder);
    } catch (error) {
      const taken = ['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '');
      const other = taken ? await this.find(key) : null;
      if (other === null) throw error;
      return other;
    }
    return this.#describe(key, folder);
  }

  /** Space that is free where templates are kept, MiB. */
  async readFreeMib(): Promise<number> {
    await this.#open();
    const { bavail, bsize } = await statfs(this.#folder);
    return Math.floor((bavail * bsize) / 1024 ** 2);
  }

  async #checkSpace(): Promise<void> {
    // Measured: templates of 512 MiB to 8 GiB take 126–340 MiB; warmed ones twice that.
    if ((await this.readFreeMib()) < 1024) {
      throw new PoolproofError('DISK_FULL', `less than 1 GiB is free for a template in ${this.#folder}`, {
        hint: 'free some space, or boot every cell with --cold',
      });
    }
  }

  #describe(key: string, folder: string): Template {
    return { key, folder, ramFile: path.join(folder, files.ram), stateFile: path.join(folder, files.state) };
  }
}
