/** libwasmtime as a plain file, for the wasm host on this very machine. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readWheelMember } from './archive/unpack.ts';
import { engineLibrary, engines, lockNames } from './definitions.ts';
import { findPackageFile } from './package-file.ts';
import type { FetchEvent } from './source/component-store.ts';

/**
 * Path of a version's library in the cache; fetched and checked when it is not there.
 * @throws PoolproofError IMAGE_UNKNOWN for a version that was never published, and those of fetching.
 */
export async function findEngineLibrary(
  version: string,
  cacheDir?: string,
  onEvent?: (event: FetchEvent) => void,
): Promise<string> {
  const library = {
    lockName: lockNames.engine(version),
    title: `libwasmtime ${version}`,
    hint: `pinned are ${engines.join(', ')}; --library names a file of your own`,
    folder: 'engines',
    name: 'libwasmtime.so',
    extract: async (wheel: string, folder: string): Promise<string> => {
      const file = path.join(folder, 'libwasmtime.so');
      await mkdir(folder, { recursive: true });
      await writeFile(file, await readWheelMember(wheel, engineLibrary), { mode: 0o755 });
      return file;
    },
  };
  return findPackageFile(library, cacheDir, onEvent);
}
