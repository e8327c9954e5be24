/** Lists the images there are, and verifies every byte of them (`images list`, `images verify`). */
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { findInCache, openJob, type JobOptions } from './resolve-build.ts';
import { holdBuildLock, type WaitEvent } from './cache/build-lock.ts';
import {
  blobPath,
  hashFile,
  hasBlob,
  openCache,
  parseArtefact,
  type ImageCache,
} from './cache/image-cache.ts';
import { architectures, defaultArchitecture, type Architecture } from './architectures.ts';
import { enginesOf, findKernelRow, kernels, lockNamesOf, nodesOf, type ImageRequest } from './definitions.ts';
import type { Pin } from './lock.ts';
import { recallOwnKernel } from './source/own-kernel.ts';
import { listUnpinned } from './source/unpinned.ts';

/** Every kernel with each architecture that it is for. */
const kernelsOfAll: readonly (readonly [string, Architecture])[] = architectures.flatMap((architecture) =>
  kernels
    .filter(({ metaPackages }) => metaPackages[architecture.name] !== undefined)
    .map(({ name }) => [name, architecture] as const),
);

/** Everything the tables and the lock know, for one kernel. Costs are measured in guests of x86-64 only. */
export const fullRequest = (
  kernel: string,
  architecture: Architecture = defaultArchitecture,
): ImageRequest => ({
  kernel,
  nodes: nodesOf(architecture),
  engines: enginesOf(architecture),
  ...(architecture === defaultArchitecture ? { measure: true } : { architecture: architecture.name }),
});

/** The same, and what a cache has beside it. */
function requestWithUnpinned(
  kernel: string,
  architecture: Architecture,
  unpinned: readonly Pin[],
): ImageRequest {
  const full = fullRequest(kernel, architecture);
  const lockNames = lockNamesOf(architecture);
  const versions = (lockName: (version: string) => string): string[] =>
    unpinned.filter(({ name, version }) => lockName(version) === name).map(({ version }) => version);
  return {
    ...full,
    nodes: [...full.nodes, ...versions(lockNames.node)],
    engines: [...full.engines, ...versions(lockNames.engine)],
  };
}

export type ListedImage = Readonly<{
  /**
   * `kernel-bookworm`, `initramfs-bookworm`, `base`, `host`, `node-22`, `wasmtime-50.0.1` …; behind its architecture
   * where that is not x86-64 (`arm64/base`), but for what all have in common.
   */
  name: string;
  /** Versions of what it is made of, e.g. `6.1.192-2`. */
  versions: readonly string[];
  /** `built`: ready; `fetched`: every package is in the cache; `absent`: something must be fetched. */
  state: 'built' | 'fetched' | 'absent';
  /** Of the built file. */
  sizeBytes: number | undefined;
  digest: string | undefined;
  /** Pinned versions that Debian dropped and successors stand for. */
  successorOf: readonly string[];
}>;

/** Those of them whose packages are known: pinned, or found here earlier. */
export async function listedKernels(cache: ImageCache): Promise<(typeof kernelsOfAll)[number][]> {
  const known = kernelsOfAll.map(async ([name]) => {
    return findKernelRow(name)?.distribution === 'debian' || (await recallOwnKernel(cache, name)).length > 0;
  });
  const isKnown = await Promise.all(known);
  return kernelsOfAll.filter((_, index) => isKnown[index]);
}

/** The images that can be built, and those in the cache; calls no package manager. */
export async function listImages(options: JobOptions = {}): Promise<ListedImage[]> {
  const listed = new Map<string, ListedImage>();
  const unpinned = await listUnpinned(await openCache(options.cacheDir));
  for (const [kernel, architecture] of await listedKernels(await openCache(options.cacheDir))) {
    const job = await openJob(requestWithUnpinned(kernel, architecture, unpinned), options);
    const found = await findInCache(job);
    for (const plan of job.plans) {
      const components = plan.components.flatMap((name) => found.components.get(name) ?? []);
      const scriptsAdded = plan.kind === 'initramfs';
      const recorded = scriptsAdded ? found.initramfs : found.artefacts.get(plan.name);
      const fetched = await Promise.all(components.map((one) => hasBlob(job.cache, one.sha256, one.size)));
      const plainName = scriptsAdded ? `initramfs-${kernel}` : plan.name;
      const name = plan.components.length === 0 ? plainName : `${job.architecture.lockPrefix}${plainName}`;
      listed.set(name, {
        name,
        versions: components.map((component) => component.version),
        state: recorded !== undefined ? 'built' : fetched.every(Boolean) ? 'fetched' : 'absent',
        sizeBytes: recorded?.artefact.size,
        digest: recorded && `sha256:${recorded.artefact.sha256}`,
        successorOf: components.flatMap((component) => component.successorOf ?? []),
      });
    }
  }
  return [...listed.values()];
}

export type Damage = Readonly<{
  file: string;
  /** From the file's name or its record. */
  expected: string;
  found: string;
}>;

/**
 * Reads every file of the cache and compares its bytes with its name. Damaged ones are removed, so that
 * the next build makes or fetches them again; a machine that runs from one keeps what it has open.
 */
export async function verifyImages(
  options: Readonly<{
    cacheDir?: string;
    onFile?: (file: string) => void;
    onEvent?: (event: WaitEvent) => void;
  }> = {},
): Promise<Readonly<{ checked: number; damaged: readonly Damage[] }>> {
  const cache = await openCache(options.cacheDir);
  await using _lock = await holdBuildLock(cache, options.onEvent);
  const damaged: Damage[] = [];
  const names = (await readdir(path.join(cache.folder, 'blobs'))).sort();
  for (const name of names) {
    const file = blobPath(cache, name);
    options.onFile?.(file);
    const { sha256 } = await hashFile(file);
    if (sha256 === name) continue;
    damaged.push({ file, expected: name, found: sha256 });
    await rm(file);
  }
  const records = path.join(cache.folder, 'artefacts');
  for (const name of await readdir(records)) {
    const file = path.join(records, name);
    const artefact = parseArtefact(await readFile(file, 'utf8'));
    const blob = artefact && (await stat(blobPath(cache, artefact.sha256)).catch(() => undefined));
    if (blob?.size === artefact?.size && artefact !== undefined) continue;
    await rm(file);
    // A record whose file was just found damaged, or collected before, adds nothing.
    if (artefact === undefined) damaged.push({ file, expected: 'a record', found: 'something else' });
  }
  return { checked: names.length, damaged };
}
