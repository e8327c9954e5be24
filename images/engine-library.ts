/** libwasmtime as a plain file, for the wasm host on this very machine. */
import { resolveCacheFolder } from './cache/cache-folder.ts';
import { access, mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readWheelMember } from './archive/unpack.ts';
import { holdBuildLock } from './cache/build-lock.ts';
import { blobPath, makeWorkFolder, openCache, type ImageCache } from './cache/image-cache.ts';
import { engineLibrary, engines, lockNames } from './definitions.ts';
import { PoolproofError } from './errors.ts';
import { loadLock } from './lock.ts';
import { ComponentStore, type FetchEvent } from './source/component-store.ts';
import { recallUnpinned, wantUnpinned } from './source/unpinned.ts';

/**
 * Path of a version's library in the cache; fetched and checked when it is not there.
 * @throws PoolproofError IMAGE_UNKNOWN for a version that was never published, and those of fetching.
 */
export async function findEngineLibrary(
  version: string,
  cacheDir: string = resolveCacheFolder(),
  onEvent: (event: FetchEvent) => void = () => undefined,
): Promise<string> {
  const name = lockNames.engine(version);
  const wanted = wantUnpinned(name);
  if (wanted === undefined) {
    throw new PoolproofError('IMAGE_UNKNOWN', `${version} is no version of libwasmtime`, {
      hint: `pinned are ${engines.join(', ')}; --library names a file of your own`,
    });
  }
  const cache = await openCache(cacheDir);
  const pin = (await loadLock()).find((candidate) => candidate.name === name);
  const known = pin ?? (await recallUnpinned(cache, name));
  if (known !== undefined) {
    const file = libraryPath(cache, known.sha256);
    if (await exists(file)) return file;
  }
  await using _lock = await holdBuildLock(cache);
  await using work = await makeWorkFolder(cache);
  const store = new ComponentStore(cache, {
    // Of what is pinned no successor will do.
    locked: pin !== undefined,
    workFolder: path.join(work.path, 'fetched'),
    onEvent,
  });
  const component = pin === undefined ? await store.ensureUnpinned(wanted) : await store.ensure(pin);
  const file = libraryPath(cache, component.sha256);
  const partial = path.join(work.path, 'libwasmtime.so');
  await writeFile(partial, await readWheelMember(blobPath(cache, component.sha256), engineLibrary), {
    mode: 0o755,
  });
  await mkdir(path.dirname(file), { recursive: true });
  await rename(partial, file);
  return file;
}

const libraryPath = (cache: ImageCache, sha256: string): string =>
  path.join(cache.folder, 'engines', sha256.slice(0, 16), 'libwasmtime.so');

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );
