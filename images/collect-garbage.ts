/** Removes files from the cache that no image needs, or that exceed a size (`images gc`). */
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { findInCache, openJob, type JobOptions } from './resolve-build.ts';
import { holdBuildLock, type WaitEvent } from './cache/build-lock.ts';
import { blobPath, openCache, parseArtefact, type ImageCache } from './cache/image-cache.ts';
import { fullRequest, listedKernels } from './inspect.ts';

export type GarbageRequest = JobOptions &
  Readonly<
    | {
        /** Remove files that neither the lock nor this version of the program needs. */
        unused: true;
      }
    | {
        /** Remove until the files take no more than this: unused ones first, then packages, then images. */
        keepBytes: number;
      }
  >;

export type Collected = Readonly<{ removedFiles: number; removedBytes: number; keptBytes: number }>;

/** Not while guests run: a machine keeps the files it has open, one that starts may miss some. */
export async function collectGarbage(
  request: GarbageRequest,
  onEvent?: (event: WaitEvent) => void,
): Promise<Collected> {
  const cache = await openCache(request.cacheDir);
  await using _lock = await holdBuildLock(cache, onEvent);
  const { images, packages } = await listUsed(request);
  const files = await Promise.all(
    (await readdir(path.join(cache.folder, 'blobs'))).map(async (name) => {
      const { size, mtimeMs } = await stat(blobPath(cache, name));
      return { name, size, mtimeMs, rank: images.has(name) ? 2 : packages.has(name) ? 1 : 0 };
    }),
  );
  // The least wanted first, among equals the oldest.
  files.sort((a, b) => a.rank - b.rank || a.mtimeMs - b.mtimeMs);
  let keptBytes = files.reduce((sum, file) => sum + file.size, 0);
  let removedFiles = 0;
  let removedBytes = 0;
  for (const file of files) {
    const remove = 'unused' in request ? file.rank === 0 : keptBytes > request.keepBytes;
    if (!remove) continue;
    await rm(blobPath(cache, file.name));
    keptBytes -= file.size;
    removedBytes += file.size;
    removedFiles += 1;
  }
  await removeStaleRecords(cache);
  // Files unpacked for this machine's own use are quickly unpacked again.
  for (const kind of ['engines', 'nodes']) {
    const folder = path.join(cache.folder, kind);
    for (const name of await readdir(folder).catch(() => [])) {
      const pinned = [...packages].some((sha256) => sha256.startsWith(name));
      if (!pinned || 'keepBytes' in request) await rm(path.join(folder, name), { recursive: true });
    }
  }
  // Nobody builds now: what a killed build left, package lists, which are read anew anyway, and the workloads'
  // machine code, which a guest makes again in half a minute.
  for (const sub of ['tmp', 'apt', 'modules']) {
    const folder = path.join(cache.folder, sub);
    for (const name of await readdir(folder).catch(() => [])) {
      await rm(path.join(folder, name), { recursive: true, force: true });
    }
  }
  return { removedFiles, removedBytes, keptBytes };
}

async function listUsed(
  options: JobOptions,
): Promise<Readonly<{ images: ReadonlySet<string>; packages: ReadonlySet<string> }>> {
  const images = new Set<string>();
  const packages = new Set<string>();
  for (const [kernel, architecture] of await listedKernels(await openCache(options.cacheDir))) {
    const found = await findInCache(await openJob(fullRequest(kernel, architecture), options));
    for (const component of found.components.values()) packages.add(component.sha256);
    for (const { artefact } of found.artefacts.values()) images.add(artefact.sha256);
    if (found.initramfs !== undefined) images.add(found.initramfs.artefact.sha256);
  }
  return { images, packages };
}

async function removeStaleRecords(cache: ImageCache): Promise<void> {
  const folder = path.join(cache.folder, 'artefacts');
  for (const name of await readdir(folder)) {
    const artefact = parseArtefact(await readFile(path.join(folder, name), 'utf8'));
    const blob = artefact && (await stat(blobPath(cache, artefact.sha256)).catch(() => undefined));
    if (blob === undefined) await rm(path.join(folder, name));
  }
}
