/**
 * The workplace of a campaign: a cache, results and temporary files of its own. The cache is a copy of the user's, made
 * once; each fault finds it whole, as hard links to that copy, and harmed files are copied first.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { copyCache } from './copy-cache.ts';
import { startHarness, type Harness } from './harness.ts';
import { hosts, programs, type SmallRun } from './small-runs.ts';

export class Workplace {
  /** Everything of the campaign is below it, and its name is in the command line or environment of all it starts. */
  readonly root: string;
  readonly #whole: string;

  private constructor(root: string) {
    this.root = root;
    this.#whole = path.join(root, 'whole');
  }

  get cache(): string {
    return path.join(this.root, 'cache');
  }
  get results(): string {
    return path.join(this.root, 'results');
  }
  get tmp(): string {
    return path.join(this.root, 'tmp');
  }

  /**
   * Copies the cache and saves the templates of the small runs, so that a fault costs clones and no boots.
   * @throws Error when a run without a fault is not right: then no fault would say anything.
   */
  static async open(userCache: string, say: (text: string) => void): Promise<Workplace> {
    const place = new Workplace(mkdtempSync(path.join(tmpdir(), 'poolproof-campaign-')));
    try {
      mkdirSync(place.#whole);
      copyCache(userCache, place.#whole);
      for (const run of [hosts, programs]) {
        say(`a run without a fault: ${run.name}`);
        place.reset();
        const { exitCode, stdout, stderr } = await place.start(run, []).ended;
        if (exitCode !== 0)
          throw new Error(`${run.name}: exit code ${exitCode ?? 'none'}\n${stderr}${stdout}`);
        // Renamed, not copied: QEMU's own file, whose time is in the template's record.
        rmSync(place.#whole, { recursive: true });
        renameSync(place.cache, place.#whole);
      }
    } catch (error) {
      place.close();
      throw error;
    }
    return place;
  }

  /** A whole cache, no results, no temporary files. */
  reset(): void {
    for (const folder of [this.cache, this.results, this.tmp])
      rmSync(folder, { recursive: true, force: true });
    execFileSync('cp', ['-al', this.#whole, this.cache]);
    // Its state changes from run to run, in place.
    for (const folder of [this.results, this.tmp]) mkdirSync(folder);
  }

  /** Starts `poolproof run` over a small run. */
  start(
    run: SmallRun,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    cap?: number,
  ): Harness {
    const file = path.join(this.root, `${run.name}.yaml`);
    writeFileSync(file, run.text);
    return this.call(['run', file, '--results', this.results, '--jobs', '2', ...args], env, cap);
  }

  /** Starts any command. */
  call(args: readonly string[], env: Readonly<Record<string, string>> = {}, cap?: number): Harness {
    return startHarness(args, {
      cwd: this.root,
      env: { ...process.env, TMPDIR: this.tmp, POOLPROOF_CACHE: this.cache, NO_COLOR: '1', ...env },
      ...(cap !== undefined && { cap }),
    });
  }

  /** The newest run that has its record; null before there is one. */
  get runDir(): string | null {
    const names = existsSync(this.results)
      ? readdirSync(this.results).filter((name) => /^\d/.test(name))
      : [];
    const dirs = names.sort().map((name) => path.join(this.results, name));
    return dirs.filter((dir) => existsSync(path.join(dir, 'run.json'))).at(-1) ?? null;
  }

  /** Files of a kind in every template: `ram`, `state`, `template.json`. */
  templateFiles(name: string): string[] {
    const folder = path.join(this.cache, 'templates');
    return readdirSync(folder)
      .filter((entry) => !entry.startsWith('.'))
      .map((entry) => path.join(folder, entry, name))
      .filter((file) => existsSync(file));
  }

  /** Files that recipes gave: kernels, initramfs, disks. */
  builtBlobs(): string[] {
    const records = path.join(this.cache, 'artefacts');
    return readdirSync(records)
      .map(
        (name) => (JSON.parse(readFileSync(path.join(records, name), 'utf8')) as { sha256: string }).sha256,
      )
      .map((sha256) => path.join(this.cache, 'blobs', sha256))
      .filter((file) => existsSync(file));
  }

  close(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Changes a file without touching what it is a link to. `keepTime`: it looks unharmed from outside. */
export function harm(file: string, change: (copy: string) => void, keepTime = false): void {
  const copy = `${file}.harmed`;
  execFileSync('cp', ['-a', '--sparse=always', file, copy]);
  change(copy);
  // touch takes nanoseconds; Node's own call does not.
  if (keepTime) execFileSync('touch', ['--reference', file, copy]);
  renameSync(copy, file);
}

export const sizeOf = (file: string): number => statSync(file).size;
