/** Moves every pin of `lock.yaml` to the newest version (`images update`). */
import { resolveCacheFolder } from './cache/cache-folder.ts';
import path from 'node:path';
import { holdBuildLock } from './cache/build-lock.ts';
import { makeWorkFolder, openCache } from './cache/image-cache.ts';
import type { ImageEvent } from './build.ts';
import { architectures, type Architecture } from './architectures.ts';
import {
  enginesOf,
  guestPackagesOf,
  koffiPackagesOf,
  lockNamesOf,
  nodesOf,
  pinnedKernels,
} from './definitions.ts';
import { PoolproofError } from './errors.ts';
import { loadLock, saveLock, type Pin } from './lock.ts';
import { ComponentStore } from './source/component-store.ts';
import { workloadLockName } from './workload-files.ts';
import { workloadPackages } from './wasm-host/workloads/packages.ts';

export type UpdateRequest = Readonly<{
  /** @default images/lock.yaml */
  lockFile?: string;
  /** @default the same cache as `buildImages` */
  cacheDir?: string;
  onEvent?: (event: ImageEvent) => void;
}>;

/** One component whose pin moved; `from` is undefined for a new one, `to` for one that no row needs any more. */
export type PinChange = Readonly<{ name: string; from: string | undefined; to: string | undefined }>;

/**
 * Moves every pin to the newest version its package manager offers, fetching it for its checksum, and
 * writes the lock. Returns what changed; same version with other bytes counts as a change too.
 */
export async function updateLock(request: UpdateRequest = {}): Promise<readonly PinChange[]> {
  const cache = await openCache(request.cacheDir ?? resolveCacheFolder());
  const onEvent = request.onEvent ?? (() => undefined);
  const before = await loadLock(request.lockFile).catch((error: unknown) => {
    // A first lock, or a damaged one: this command is the cure for both.
    if (error instanceof PoolproofError && error.code === 'IMAGE_LOCK_INVALID') return [];
    throw error;
  });
  await using _lock = await holdBuildLock(cache, onEvent);
  await using work = await makeWorkFolder(cache);
  const store = new ComponentStore(cache, {
    locked: false,
    workFolder: path.join(work.path, 'fetched'),
    onEvent,
  });
  const names = new Set([...architectures.flatMap(listNames), ...workloadPackages.map(workloadLockName)]);
  for (const architecture of architectures) {
    for (const { name, metaPackages } of pinnedKernels) {
      if (metaPackages[architecture.name] === undefined) continue;
      for (const part of await store.listKernelNames(name, architecture)) names.add(part);
    }
  }
  const after: Pin[] = [];
  for (const name of names) after.push(await store.fetchNewest(name));
  await saveLock(after, request.lockFile);
  return comparePins(before, after);
}

/** Lock names of everything but kernels. */
export function listNames(architecture: Architecture): readonly string[] {
  const lockNames = lockNamesOf(architecture);
  return [
    ...guestPackagesOf(architecture).map(lockNames.debian),
    ...koffiPackagesOf(architecture).map(lockNames.koffi),
    ...nodesOf(architecture).map(lockNames.node),
    ...enginesOf(architecture).map(lockNames.engine),
  ];
}

export function comparePins(before: readonly Pin[], after: readonly Pin[]): PinChange[] {
  const old = new Map(before.map((pin) => [pin.name, pin]));
  const changed = after
    .filter((pin) => old.get(pin.name)?.sha256 !== pin.sha256)
    .map((pin) => ({ name: pin.name, from: old.get(pin.name)?.version, to: pin.version }));
  const kept = new Set(after.map((pin) => pin.name));
  const gone = before
    .filter((pin) => !kept.has(pin.name))
    .map((pin) => ({ name: pin.name, from: pin.version, to: undefined }));
  return [...changed, ...gone];
}
