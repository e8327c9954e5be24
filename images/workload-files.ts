/** Modules and inputs of the real programs as plain files, for measuring on this very machine. */
import { resolveCacheFolder } from './cache/cache-folder.ts';
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { unpackNpm } from './archive/unpack.ts';
import { holdBuildLock, type WaitEvent } from './cache/build-lock.ts';
import { blobPath, hashRecipe, makeWorkFolder, openCache, type ImageCache } from './cache/image-cache.ts';
import { lockNames } from './definitions.ts';
import { PoolproofError } from './errors.ts';
import { loadLock, type Pin } from './lock.ts';
import { ComponentStore, type FetchEvent } from './source/component-store.ts';
import { extractWorkloads } from './wasm-host/workloads/extract.ts';
import { workloadPackages, type WorkloadPackage } from './wasm-host/workloads/packages.ts';

/** Lock name of a package. */
export const workloadLockName = ({ name, version }: WorkloadPackage): string =>
  lockNames.workload(name, version);

/**
 * Folder in the cache with every file of the workloads disk; fetched, checked and cut out when it is not there.
 *
 * @throws PoolproofError IMAGE_UNKNOWN when a package is not pinned, and those of fetching
 */
export async function findWorkloadFiles(
  cacheDir: string = resolveCacheFolder(),
  onEvent: (event: FetchEvent | WaitEvent) => void = () => undefined,
  lockFile?: string,
): Promise<string> {
  const pins = findPins(await loadLock(lockFile));
  const cache = await openCache(cacheDir);
  const recipe = hashRecipe([workloadPackages, [...pins.values()].map(({ sha256 }) => sha256)]);
  const folder = path.join(cache.folder, 'workloads', recipe.slice(0, 16));
  if (existsSync(folder)) return folder;
  await using _lock = await holdBuildLock(cache, onEvent);
  // Another process may have been here between the look and the lock.
  if (existsSync(folder)) return folder;
  await using work = await makeWorkFolder(cache);
  const folderOf = await unpack(cache, pins, work.path, onEvent);
  const partial = path.join(work.path, 'workloads');
  await mkdir(partial);
  for (const [file, data] of await extractWorkloads(folderOf))
    await writeFile(path.join(partial, file), data);
  await mkdir(path.dirname(folder), { recursive: true });
  await rename(partial, folder);
  return folder;
}

/**
 * Unpacks whole packages, for comparison with their own results.
 *
 * @returns folder of a package by its name
 */
export async function unpackWorkloadPackages(
  folder: string,
  cacheDir: string = resolveCacheFolder(),
  lockFile?: string,
): Promise<(name: string) => string> {
  const cache = await openCache(cacheDir);
  await using _lock = await holdBuildLock(cache);
  await using work = await makeWorkFolder(cache);
  const pins = findPins(await loadLock(lockFile));
  await fetchAll(cache, pins, work.path, () => undefined);
  return await unpack(cache, pins, folder, () => undefined);
}

async function fetchAll(
  cache: ImageCache,
  pins: ReadonlyMap<string, Pin>,
  folder: string,
  onEvent: (event: FetchEvent) => void,
): Promise<void> {
  const store = new ComponentStore(cache, {
    locked: true,
    workFolder: path.join(folder, 'fetched'),
    onEvent,
  });
  for (const pin of pins.values()) await store.ensure(pin);
}

/** `folder` must be on the cache's file system when something is still to be fetched. */
async function unpack(
  cache: ImageCache,
  pins: ReadonlyMap<string, Pin>,
  folder: string,
  onEvent: (event: FetchEvent) => void,
): Promise<(name: string) => string> {
  await fetchAll(cache, pins, folder, onEvent);
  const folderOf = (name: string): string => path.join(folder, 'packages', name.replaceAll('/', '+'));
  for (const [name, { sha256 }] of pins) await unpackNpm(blobPath(cache, sha256), folderOf(name), /./);
  return folderOf;
}

function findPins(pins: readonly Pin[]): ReadonlyMap<string, Pin> {
  return new Map(
    workloadPackages.map((row) => {
      const name = workloadLockName(row);
      const pin = pins.find((candidate) => candidate.name === name);
      if (pin === undefined) {
        throw new PoolproofError('IMAGE_UNKNOWN', `${name} is not pinned in lock.yaml`, {
          hint: 'poolproof images update',
        });
      }
      return [row.name, pin];
    }),
  );
}
