/** libwasmtime as a plain file, for the wasm host on this very machine. */
import { resolveCacheFolder } from './cache/cache-folder.ts';
import { access, mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readWheelMember } from './archive/unpack.ts';
import { holdBuildLock } from './cache/build-lock.ts';
import { blobPath, makeWorkFolder, openCache } from './cache/image-cache.ts';
import { engineLibrary, engines, lockNames } from './definitions.ts';
import { PoolproofError } from './errors.ts';
import { loadLock } from './lock.ts';
import { ComponentStore, type FetchEvent } from './source/component-store.ts';

/**
 * Path of a pinned version's library in the cache; fetched and checked when it is not there.
 * @throws PoolproofError IMAGE_UNKNOWN for a version that is not pinned, and those of fetching.
 */
export async function findEngineLibrary(
  version: string,
  cacheDir: string = resolveCacheFolder(),
  onEvent: (event: FetchEvent) => void = () => undefined,
): Promise<string> {
  const pin = (await loadLock()).find(({ name }) => name === lockNames.engine(version));
  if (pin === undefined) {
    throw new PoolproofError('IMAGE_UNKNOWN', `libwasmtime ${version} is not pinned`, {
      hint: `known are ${engines.join(', ')}; --library names a file of your own`,
    });
  }
  const cache = await openCache(cacheDir);
  const folder = path.join(cache.folder, 'engines', pin.sha256.slice(0, 16));
  const file = path.join(folder, 'libwasmtime.so');
  const present = await access(file).then(
    () => true,
    () => false,
  );
  if (present) return file;
  await using _lock = await holdBuildLock(cache);
  await using work = await makeWorkFolder(cache);
  const store = new ComponentStore(cache, {
    locked: true,
    workFolder: path.join(work.path, 'fetched'),
    onEvent,
  });
  const component = await store.ensure(pin);
  const partial = path.join(work.path, 'libwasmtime.so');
  await writeFile(partial, await readWheelMember(blobPath(cache, component.sha256), engineLibrary), {
    mode: 0o755,
  });
  await mkdir(folder, { recursive: true });
  await rename(partial, file);
  return file;
}
