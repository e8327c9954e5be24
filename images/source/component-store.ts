/** Fetches a component once, checks it against its pin, and remembers successors of dropped versions. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import pLimit from 'p-limit';
import writeFileAtomic from 'write-file-atomic';
import { addBlob, hasBlob, hashFile, type ImageCache } from '../cache/image-cache.ts';
import { findKernelRow, lockNamesOf } from '../definitions.ts';
import { architectures, defaultArchitecture, type Architecture } from '../architectures.ts';
import { PoolproofError } from '../errors.ts';
import { parsePin, type Pin } from '../lock.ts';
import { AptRoot, findKernelPackages, resolveSources } from './apt.ts';
import { recallMirror } from './debian-mirror.ts';
import { downloadNpm, listNpmVersions, newestOfLine } from './npm.ts';
import { downloadWheel } from './pip.ts';
import { neverPublished, recallUnpinned, recordPath, rememberUnpinned, type Wanted } from './unpinned.ts';

/** A component as it is used: the pin, or the successor of a version that is no longer offered. */
export type Component = Pin & Readonly<{ successorOf?: string }>;

export type FetchEvent =
  | Readonly<{ kind: 'fetch'; name: string; version: string }>
  /** Debian offers the pinned version no more; the build goes on with what replaced it. */
  | Readonly<{ kind: 'successor'; name: string; pinned: string; used: string }>;

export type FetchOptions = Readonly<{
  /** Refuse successors with IMAGE_LOCKED. */
  locked: boolean;
  /** Folder for packages before they are checked; on the cache's file system. */
  workFolder: string;
  onEvent: (event: FetchEvent) => void;
  /** @default /etc/apt */
  aptFolder?: string;
}>;

const successorPath = (cache: ImageCache, pinSha256: string): string =>
  path.join(cache.folder, 'successors', `${pinSha256}.json`);

/** Records the successor of a pin, so that later builds need not search. */
export async function rememberSuccessor(cache: ImageCache, pinSha256: string, successor: Pin): Promise<void> {
  await writeFileAtomic(successorPath(cache, pinSha256), `${JSON.stringify(successor)}\n`);
}

/** The component of a pin, offline: itself, or the successor used before. */
export async function recallComponent(cache: ImageCache, pin: Pin, locked: boolean): Promise<Component> {
  if (locked || (await hasBlob(cache, pin.sha256, pin.size))) return pin;
  return (await recallSuccessor(cache, pin)) ?? pin;
}

/** The same for all parts of a kernel: the pins, or successors of every one. */
export async function recallKernel(
  cache: ImageCache,
  pins: readonly Pin[],
  locked: boolean,
): Promise<Component[]> {
  const found = await Promise.all(pins.map((pin) => recallComponent(cache, pin, locked)));
  if (!isMixed(found)) return found;
  return Promise.all(pins.map(async (pin) => (await recallSuccessor(cache, pin)) ?? pin));
}

async function recallSuccessor(cache: ImageCache, pin: Pin): Promise<Component | undefined> {
  const text = await readFile(successorPath(cache, pin.sha256), 'utf8').catch(() => undefined);
  const successor = text === undefined ? undefined : parsePin(text);
  return successor && { ...successor, successorOf: pin.version };
}

/** Some parts of a kernel are pinned and some successors, or successors of different days. */
function isMixed(parts: readonly Component[]): boolean {
  const successors = parts.filter(({ successorOf }) => successorOf !== undefined);
  if (successors.length === 0) return false;
  return successors.length < parts.length || new Set(parts.map(({ version }) => version)).size > 1;
}

/** Brings components into the cache through apt, npm and pip. One object serves one build. */
export class ComponentStore {
  readonly #cache: ImageCache;
  readonly #options: FetchOptions;
  readonly #apt = new Map<string, AptRoot>();
  readonly #fetched = new Map<string, Promise<Component>>();
  #kernel: Promise<readonly Component[]> | undefined;
  /** Two apt runs in one root would write the same lists. */
  readonly #aptLimit = pLimit(1);

  constructor(cache: ImageCache, options: FetchOptions) {
    this.#cache = cache;
    this.#options = options;
  }

  /**
   * Makes sure that a pin's bytes, or its successor's, are in the cache.
   *
   * @throws PoolproofError IMAGE_CHECKSUM, IMAGE_LOCKED, IMAGE_FETCH and those of the package managers
   */
  ensure(pin: Pin): Promise<Component> {
    let fetched = this.#fetched.get(pin.name);
    if (fetched === undefined) this.#fetched.set(pin.name, (fetched = this.#ensure(pin)));
    return fetched;
  }

  async #ensure(pin: Pin): Promise<Component> {
    const known = await recallComponent(this.#cache, pin, this.#options.locked);
    if (await hasBlob(this.#cache, known.sha256, known.size)) return known;
    const file = await this.#download(pin);
    if (file !== undefined) {
      await this.#addChecked(file, pin, '`poolproof images update` pins what is offered now');
      return pin;
    }
    if (this.#options.locked) {
      throw new PoolproofError('IMAGE_LOCKED', `${pin.package} ${pin.version} is no longer offered`, {
        hint: 'build without --locked to go on with its successor, or run `poolproof images update`',
      });
    }
    return this.#replace(pin);
  }

  /**
   * The same for all parts of the build's one kernel: were one the successor of its pin, the others would not fit it.
   */
  ensureKernel(pins: readonly Pin[]): Promise<readonly Component[]> {
    return (this.#kernel ??= this.#ensureKernel(pins));
  }

  async #ensureKernel(pins: readonly Pin[]): Promise<Component[]> {
    const found: Component[] = [];
    for (const pin of pins) found.push(await this.ensure(pin));
    if (!isMixed(found)) return found;
    const replaced: Component[] = [];
    for (const pin of pins) replaced.push(await this.#replace(pin));
    return replaced;
  }

  async #replace(pin: Pin): Promise<Component> {
    const successor = await this.fetchNewest(pin.name);
    await rememberSuccessor(this.#cache, pin.sha256, successor);
    this.#options.onEvent({
      kind: 'successor',
      name: pin.name,
      pinned: pin.version,
      used: successor.version,
    });
    return { ...successor, successorOf: pin.version };
  }

  /**
   * The same for a version that nothing pins. The first time its bytes are those the package manager checked,
   * and they are recorded; from then on they must be the recorded ones.
   *
   * @throws PoolproofError IMAGE_UNKNOWN for a version that was never published, IMAGE_LOCKED, IMAGE_CHECKSUM,
   * IMAGE_FETCH and those of the package managers
   */
  ensureUnpinned(wanted: Wanted): Promise<Component> {
    let fetched = this.#fetched.get(wanted.name);
    if (fetched === undefined) this.#fetched.set(wanted.name, (fetched = this.#ensureUnpinned(wanted)));
    return fetched;
  }

  async #ensureUnpinned(wanted: Wanted): Promise<Component> {
    if (this.#options.locked) {
      throw new PoolproofError(
        'IMAGE_LOCKED',
        `${wanted.package} ${wanted.version} is not pinned in lock.yaml`,
        {
          hint: 'without --locked, any published version is fetched and recorded',
        },
      );
    }
    const known = await recallUnpinned(this.#cache, wanted.name);
    if (known !== undefined && (await hasBlob(this.#cache, known.sha256, known.size))) return known;
    const file = await this.#download(wanted);
    if (file === undefined) {
      throw await neverPublished(wanted, path.join(this.#options.workFolder, 'versions'));
    }
    const pin = known ?? { ...wanted, ...(await hashFile(file)) };
    await this.#addChecked(file, pin, `the record is ${recordPath(this.#cache, wanted.name)}`);
    await rememberUnpinned(this.#cache, pin);
    return pin;
  }

  /** Fetches the newest version of what a lock name stands for, whatever is pinned. */
  async fetchNewest(name: string): Promise<Pin> {
    const wanted = await this.#findNewest(name);
    const file = await this.#download(wanted);
    if (file === undefined) {
      throw new PoolproofError('IMAGE_FETCH', `${wanted.package} ${wanted.version} is not available`);
    }
    const { sha256, size } = await hashFile(file);
    await addBlob(this.#cache, file, sha256);
    return { name, package: wanted.package, version: wanted.version, sha256, size };
  }

  /** Lock names of a kernel as of today: Debian decides the number of its packages. */
  async listKernelNames(row: string, architecture: Architecture): Promise<string[]> {
    const parts = await this.#findKernel(row, architecture);
    return parts.map(({ part }) => lockNamesOf(architecture).kernel(row, part));
  }

  async #addChecked(file: string, pin: Pin, cure: string): Promise<void> {
    const { sha256, size } = await hashFile(file);
    if (sha256 !== pin.sha256 || size !== pin.size) {
      throw new PoolproofError(
        'IMAGE_CHECKSUM',
        `${pin.package} ${pin.version} has sha256 ${sha256} and ${size} bytes, ` +
          `but ${pin.sha256} and ${pin.size} bytes are on record`,
        { hint: `find out why before trusting it; ${cure}` },
      );
    }
    await addBlob(this.#cache, file, sha256);
  }

  /** The package file; undefined when that version is no longer offered. */
  async #download(wanted: Wanted): Promise<string | undefined> {
    const { name, package: packageName, version } = wanted;
    // A folder for each: a file's name is the package manager's business.
    const folder = path.join(
      this.#options.workFolder,
      name.replaceAll(/[^\w.]/g, '_'),
      version.replaceAll(/[^\w.]/g, '_'),
    );
    const announce = (): void => this.#options.onEvent({ kind: 'fetch', name, version });
    if (name.startsWith('npm/')) {
      announce();
      return downloadNpm(packageName, version, folder);
    }
    const { architecture, plainName } = splitLockName(name);
    if (plainName.startsWith('pip/')) {
      announce();
      return downloadWheel(packageName, version, folder, architecture);
    }
    return this.#aptLimit(async () => {
      const apt = this.#aptFor(name);
      const found = await apt.find(packageName, version);
      if (found === undefined) return undefined;
      announce();
      return apt.download(found, folder);
    });
  }

  async #findNewest(name: string): Promise<Wanted> {
    const { architecture, plainName } = splitLockName(name);
    const [kind = '', ...rest] = plainName.split('/');
    if (kind === 'kernel') {
      const [row = '', part = ''] = rest;
      const found = (await this.#findKernel(row, architecture)).find((entry) => entry.part === part)?.found;
      if (found !== undefined) return { name, package: found.package, version: found.version };
    } else if (kind === 'debian') {
      const found = await this.#aptLimit(() => this.#aptFor(name).find(rest.join('/')));
      if (found !== undefined) return { name, package: found.package, version: found.version };
    } else {
      const [, packageName = '', selector = ''] = /^(@?[^@]+)@(.+)$/.exec(rest.join('/')) ?? [];
      // A line (`22`) moves to its newest release; a full version stays.
      if (/\./.test(selector)) return { name, package: packageName, version: selector };
      const all = await listNpmVersions(packageName, path.join(this.#options.workFolder, 'npm-view'));
      const version = newestOfLine(all, selector);
      if (version !== undefined) return { name, package: packageName, version };
    }
    throw new PoolproofError('IMAGE_FETCH', `no package manager offers anything for ${name}`);
  }

  #findKernel(row: string, architecture: Architecture): ReturnType<typeof findKernelPackages> {
    const definition = findKernelRow(row);
    const metaPackage = definition?.metaPackages[architecture.name];
    if (definition === undefined || metaPackage === undefined)
      throw new PoolproofError('IMAGE_UNKNOWN', `there is no kernel ${row} for ${architecture.name}`);
    return this.#aptLimit(() => findKernelPackages(this.#aptOf(definition.suite, architecture), metaPackage));
  }

  #aptFor(name: string): AptRoot {
    const { architecture, plainName } = splitLockName(name);
    const row = /^kernel\/([^/]+)/.exec(plainName)?.[1] ?? '';
    return this.#aptOf(findKernelRow(row)?.suite ?? architecture.debian.suite, architecture);
  }

  #aptOf(suite: string, architecture: Architecture): AptRoot {
    // Lists of two architectures in one root would be fetched anew at each change.
    const folder = `${architecture.lockPrefix.replace('/', '-')}${suite}`;
    let apt = this.#apt.get(folder);
    if (apt === undefined) {
      apt = new AptRoot(path.join(this.#cache.folder, 'apt', folder), { suite, architecture }, async () => {
        const remembered = await recallMirror(this.#cache.folder);
        const { aptFolder: folder } = this.#options;
        const { sources } = await resolveSources(suite, { remembered, ...(folder && { folder }) });
        return architecture.debian.isMainOnly ? sources.filter((source) => source.suite === suite) : sources;
      });
      this.#apt.set(folder, apt);
    }
    return apt;
  }
}

/** `arm64/debian/libc6` → its architecture and `debian/libc6`. */
function splitLockName(name: string): Readonly<{ architecture: Architecture; plainName: string }> {
  const architecture =
    architectures.find(({ lockPrefix }) => lockPrefix !== '' && name.startsWith(lockPrefix)) ??
    defaultArchitecture;
  return { architecture, plainName: name.slice(architecture.lockPrefix.length) };
}
