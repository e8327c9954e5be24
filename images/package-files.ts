/** Node and libwasmtime as plain files in the cache, for what runs on this computer. */
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readWheelMember, unpackNpm } from './archive/unpack.ts';
import { holdBuildLock, type WaitEvent } from './cache/build-lock.ts';
import { resolveCacheFolder } from './cache/cache-folder.ts';
import { blobPath, makeWorkFolder, openCache } from './cache/image-cache.ts';
import { ownArchitecture } from './architectures.ts';
import { engines, lockNamesOf, nodes } from './definitions.ts';
import { PoolproofError } from './errors.ts';
import { loadLock } from './lock.ts';
import { ComponentStore, type Component, type FetchEvent } from './source/component-store.ts';
import { recallUnpinned, wantUnpinned } from './source/unpinned.ts';

const ownNames = lockNamesOf(ownArchitecture);

type PackageFile = Readonly<{
  lockName: string;
  /** What the user asked for, in an error: `libwasmtime 50.0.1`. */
  title: string;
  /** What to do when there is no such package. */
  hint: string;
  /** Folder in the cache. */
  folder: string;
  name: string;
  /** Takes the file out of the package. `folder` is empty, and on the file system of the cache. @returns its path */
  extract: (packageFile: string, folder: string) => Promise<string>;
}>;

/**
 * Path of the file; fetched and checked when it is not there.
 * @throws PoolproofError IMAGE_UNKNOWN when nothing of that name is pinned or can be published, and those of fetching.
 */
async function findPackageFile(
  { lockName, title, hint, folder: kind, name, extract }: PackageFile,
  cacheDir: string = resolveCacheFolder(),
  onEvent: (event: FetchEvent | WaitEvent) => void = () => undefined,
): Promise<string> {
  const pin = (await loadLock()).find((row) => row.name === lockName);
  const wanted = wantUnpinned(lockName);
  let ensure: ((store: ComponentStore) => Promise<Component>) | undefined;
  if (pin !== undefined) ensure = (store) => store.ensure(pin);
  else if (wanted !== undefined) ensure = (store) => store.ensureUnpinned(wanted);
  if (ensure === undefined)
    throw new PoolproofError('IMAGE_UNKNOWN', `${title} is not pinned, and is no whole version`, { hint });
  const cache = await openCache(cacheDir);
  const pathOf = (sha256: string): string => path.join(cache.folder, kind, sha256.slice(0, 16), name);
  const known = pin ?? (await recallUnpinned(cache, lockName));
  if (known !== undefined && existsSync(pathOf(known.sha256))) return pathOf(known.sha256);
  await using _lock = await holdBuildLock(cache, onEvent);
  await using work = await makeWorkFolder(cache);
  const store = new ComponentStore(cache, {
    // Of what is pinned no successor will do.
    locked: pin !== undefined,
    workFolder: path.join(work.path, 'fetched'),
    onEvent,
  });
  const { sha256 } = await ensure(store);
  const partial = await extract(blobPath(cache, sha256), path.join(work.path, 'extracted'));
  const file = pathOf(sha256);
  await mkdir(path.dirname(file), { recursive: true });
  await rename(partial, file);
  return file;
}

type Find = (
  version: string,
  cacheDir?: string,
  onEvent?: (event: FetchEvent | WaitEvent) => void,
) => Promise<string>;

/**
 * Path of `node` of a pinned release line or a whole version, the very one that guests run; fetched and checked when it
 * is not there.
 * @throws PoolproofError IMAGE_UNKNOWN for a line that is not pinned, and those of fetching.
 */
export const findNodeBinary: Find = (line, ...options) =>
  findPackageFile(
    {
      lockName: ownNames.node(line),
      title: `Node ${line}`,
      hint: `known are ${nodes.join(', ')}; --node also takes the path of a file`,
      folder: 'nodes',
      name: 'node',
      extract: async (tarball, folder) => {
        await unpackNpm(tarball, folder, /^bin\/node$/);
        return path.join(folder, 'bin', 'node');
      },
    },
    ...options,
  );

/**
 * Path of a version's libwasmtime; fetched and checked when it is not there.
 * @throws PoolproofError IMAGE_UNKNOWN for a version that was never published, and those of fetching.
 */
export const findEngineLibrary: Find = (version, ...options) =>
  findPackageFile(
    {
      lockName: ownNames.engine(version),
      title: `libwasmtime ${version}`,
      hint: `pinned are ${engines.join(', ')}; --library names a file of your own`,
      folder: 'engines',
      name: 'libwasmtime.so',
      extract: async (wheel, folder) => {
        const file = path.join(folder, 'libwasmtime.so');
        await mkdir(folder, { recursive: true });
        const library = ownArchitecture.wheel?.library ?? '';
        await writeFile(file, await readWheelMember(wheel, library), { mode: 0o755 });
        return file;
      },
    },
    ...options,
  );
