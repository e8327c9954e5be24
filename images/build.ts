/** Builds images: fetches and makes what the cache lacks (`buildImages`). */
import { mkdir, readdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import pLimit from 'p-limit';
import type { ArtefactPlan } from './recipes.ts';
import {
  basePlanName,
  findInCache,
  initramfsRecipe,
  isComplete,
  kernelPins,
  kernelPlanName,
  openJob,
  recipeOf,
  type Found,
  type Job,
  type JobOptions,
} from './resolve-build.ts';
import { holdBuildLock, type WaitEvent } from './cache/build-lock.ts';
import {
  blobPath,
  findArtefact,
  hashRecipe,
  makeWorkFolder,
  openCache,
  saveArtefact,
  type Artefact,
  type ImageCache,
} from './cache/image-cache.ts';
import { enginePath, isTried, lockNamesOf, withoutRevision, type ImageRequest } from './definitions.ts';
import { PoolproofError } from './errors.ts';
import { ComponentStore, type Component, type FetchEvent } from './source/component-store.ts';
import { findOwnKernel, ownKernelRow, recallOwnKernel } from './source/own-kernel.ts';
import { diskFullError, isDiskFull } from './source/run-tool.ts';

/** Events while images are built, for progress lines. */
export type ImageEvent =
  | FetchEvent
  | Readonly<{ kind: 'build'; name: string }>
  /** A kernel in which no cell of the project has passed yet. */
  | Readonly<{ kind: 'untried'; name: string }>
  /** Another process builds in the same cache; this one goes on when that one is done. */
  | WaitEvent;

export type BuildRequest = ImageRequest & JobOptions & Readonly<{ onEvent?: (event: ImageEvent) => void }>;

export type BuiltFile = Readonly<{
  path: string;
  /** `sha256:` and 64 hexadecimal digits. */
  digest: string;
}>;

export type BuiltDisk = BuiltFile &
  Readonly<{
    /** `base`, `host`, `node-<line or version>`, `wasmtime-<version>`; the serial number init mounts it by. */
    name: string;
    sizeBytes: number;
  }>;

export type BuiltComponent = Readonly<{
  name: string;
  version: string;
  sha256: string;
  size: number;
  /** The pinned version, where its successor was used. */
  successorOf?: string;
}>;

export type BuiltImages = Readonly<{
  kernel: BuiltFile & Readonly<{ release: string }>;
  initramfs: BuiltFile;
  /** In the order of the request: base, host, Nodes, engines. */
  disks: readonly BuiltDisk[];
  /** Over everything above: equal digests mean equal guests. */
  digest: string;
  components: readonly BuiltComponent[];
  /** Release line, or the requested whole version → whole version. */
  nodes: Readonly<Record<string, string>>;
  /** Name of a foreign subject → folder of its files inside the guest; absent without any. */
  subjects?: Readonly<Record<string, string>>;
  /** Digest of the same images without the files of subjects; absent without any. */
  withoutSubjects?: string;
  /** Version of libwasmtime → its path inside the guest. */
  engines: Readonly<Record<string, string>>;
}>;

/**
 * Makes sure that every file a guest needs is in the cache, and returns the paths. If all are there, it takes a few
 * milliseconds, calls no package manager and reads no big file. Two processes never build at once.
 *
 * @throws PoolproofError IMAGE_UNKNOWN, IMAGE_FETCH, IMAGE_CHECKSUM, IMAGE_LOCKED, IMAGE_BUILD, IMAGE_LOCK_INVALID,
 * TOOL_NOT_FOUND, OS_UNSUPPORTED, DISK_FULL, CACHE_UNWRITABLE
 */
export async function buildImages(request: BuildRequest): Promise<BuiltImages> {
  const onEvent = request.onEvent ?? (() => undefined);
  if (!isTried(request.kernel)) onEvent({ kind: 'untried', name: request.kernel });
  await findOwnKernel(request.kernel, request);
  const job = await openJob(request, request);
  let found = await findInCache(job);
  if (!isComplete(job, found)) {
    await using _lock = await holdBuildLock(job.cache, onEvent);
    found = await findInCache(job);
    if (!isComplete(job, found)) {
      await buildMissing(job, onEvent);
      found = await findInCache(job);
    }
  }
  return describe(job, request, found);
}

/**
 * Whether the kernel of a request is there, built or imported. Where it is not, everything has to be fetched and made;
 * where it is, perhaps one disk. Looks at records and file sizes only.
 */
export const isKernelBuilt = (request: BuildRequest): Promise<boolean> =>
  lookUp(request, (job, found) => found.artefacts.has(kernelPlanName(job)));

/** Whether everything of a request is there, built or imported. Looks at records and file sizes only. */
export const isBuilt = (request: BuildRequest): Promise<boolean> => lookUp(request, isComplete);

async function lookUp(request: BuildRequest, decide: (job: Job, found: Found) => boolean): Promise<boolean> {
  const row = ownKernelRow(request.kernel);
  if (row !== undefined && (await recallOwnKernel(await openCache(request.cacheDir), row.name)).length === 0)
    return false;
  const job = await openJob(request, request);
  return decide(job, await findInCache(job));
}

async function buildMissing(job: Job, onEvent: (event: ImageEvent) => void): Promise<void> {
  await removeLeftovers(job.cache);
  await using work = await makeWorkFolder(job.cache);
  await checkSpace(job);
  const workFolder = path.join(work.path, 'fetched');
  const { locked, aptFolder } = job;
  const store = new ComponentStore(job.cache, {
    locked,
    workFolder,
    onEvent,
    ...(aptFolder && { aptFolder }),
  });
  // Two at a time: one package manager waits for the network while one disk is written.
  const limit = pLimit(2);
  let failed = false;
  const results = await Promise.allSettled(
    job.plans.map((plan) =>
      limit(async () => {
        // After a failure the other work ends first, since it uses the same folder.
        if (failed) return undefined;
        try {
          return await buildArtefact(job, plan, store, path.join(work.path, plan.name), onEvent);
        } catch (error) {
          failed = true;
          throw error;
        }
      }),
    ),
  );
  try {
    const artefacts = results.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
    const base = artefacts.find((artefact) => artefact?.name === basePlanName(job));
    if (base !== undefined) await buildInitramfs(job, base, work.path);
  } catch (error) {
    if (!(error instanceof PoolproofError) && isDiskFull(String(error)))
      throw diskFullError('building images', error);
    throw error;
  }
}

async function buildArtefact(
  job: Job,
  plan: ArtefactPlan,
  store: ComponentStore,
  folder: string,
  onEvent: (event: ImageEvent) => void,
): Promise<Artefact> {
  const before = await findInCache(job);
  const present = before.artefacts.get(plan.name);
  if (present !== undefined) return present.artefact;
  const components = new Map<string, Component>();
  const parts = kernelPins(job);
  if (plan.components.some((name) => parts.some((pin) => pin.name === name))) {
    for (const part of await store.ensureKernel(parts)) components.set(part.name, part);
  }
  for (const name of plan.components.filter((part) => !components.has(part))) {
    const pin = job.pins.get(name);
    const wanted = job.unpinned.get(name);
    if (pin !== undefined) components.set(name, await store.ensure(pin));
    if (wanted !== undefined) components.set(name, await store.ensureUnpinned(wanted));
  }
  onEvent({ kind: 'build', name: plan.name });
  await mkdir(folder, { recursive: true });
  const built = await plan.build({
    folder,
    fileOf: (name) => blobPath(job.cache, components.get(name)?.sha256 ?? ''),
  });
  const artefact = await saveArtefact(job.cache, recipeOf(plan, components), built.file, {
    name: plan.name,
    components: [...components.values()].map((component) => component.sha256),
    facts: built.facts ?? {},
  });
  await rm(folder, { recursive: true, force: true });
  return artefact;
}

async function buildInitramfs(job: Job, base: Artefact, folder: string): Promise<void> {
  const recipe = initramfsRecipe(job, base);
  if ((await findArtefact(job.cache, recipe)) !== undefined) return;
  const file = path.join(folder, 'initramfs');
  await writeFile(file, Buffer.concat([await readFile(blobPath(job.cache, base.sha256)), job.scripts]));
  await saveArtefact(job.cache, recipe, file, {
    name: `initramfs-${job.kernel}`,
    components: base.components,
  });
}

/** The holder of the lock is alone: files still in tmp/ are from a killed process. */
async function removeLeftovers(cache: ImageCache): Promise<void> {
  const folder = path.join(cache.folder, 'tmp');
  for (const name of await readdir(folder))
    await rm(path.join(folder, name), { recursive: true, force: true });
}

/** Assumed size of a package of unknown size: a little more than the biggest Node. */
const unpinnedBytes = 64 * 2 ** 20;

/** Fails before the first download where the disk is clearly too small. */
async function checkSpace(job: Job): Promise<void> {
  const found = await findInCache(job);
  const missing = job.plans
    .filter((plan) => !found.artefacts.has(plan.name))
    .flatMap((plan) => plan.components);
  const sizeOf = (name: string): number =>
    (found.components.get(name) ?? job.pins.get(name))?.size ?? unpinnedBytes;
  const bytes = [...new Set(missing)].reduce((sum, name) => sum + sizeOf(name), 0);
  // A package is there packed, unpacked and as a disk: measured, six times its size for a Node or a kernel.
  const neededMib = Math.ceil((bytes * 7) / 2 ** 20);
  const { bavail, bsize } = await statfs(job.cache.folder);
  const freeMib = Math.floor((bavail * bsize) / 2 ** 20);
  if (freeMib >= neededMib) return;
  throw new PoolproofError(
    'DISK_FULL',
    `building images takes up to ${neededMib} MiB in ${job.cache.folder}, which has ${freeMib} MiB left`,
    { hint: 'free some space, run `poolproof images gc`, or move the cache with POOLPROOF_CACHE' },
  );
}

function describe(job: Job, request: ImageRequest, found: Found): BuiltImages {
  const kernel = found.artefacts.get(kernelPlanName(job))?.artefact;
  const initramfs = found.initramfs?.artefact;
  if (kernel === undefined || initramfs === undefined || !isComplete(job, found)) {
    throw new PoolproofError('IMAGE_BUILD', 'an image vanished from the cache after it was built', {
      hint: 'was `poolproof images gc` running? Try again',
    });
  }
  const file = (artefact: Artefact): BuiltFile => ({
    path: blobPath(job.cache, artefact.sha256),
    digest: `sha256:${artefact.sha256}`,
  });
  const disks = job.plans.flatMap((plan) => {
    const artefact = found.artefacts.get(plan.name)?.artefact;
    return plan.kind === 'disk' && artefact !== undefined
      ? [{ name: plan.name, ...file(artefact), sizeBytes: artefact.size }]
      : [];
  });
  const all = [kernel.sha256, initramfs.sha256, ...disks.map((disk) => `${disk.name} ${disk.digest}`)];
  const versionOf = (name: string): string => found.components.get(name)?.version ?? '';
  return {
    kernel: { ...file(kernel), release: kernel.facts['release'] ?? '' },
    initramfs: file(initramfs),
    disks,
    digest: `sha256:${hashRecipe(all)}`,
    components: [...found.components.values()].map(({ name, version, sha256, size, successorOf }) => ({
      name,
      version,
      sha256,
      size,
      ...(successorOf === undefined ? {} : { successorOf }),
    })),
    nodes: Object.fromEntries(
      request.nodes.map((line) => [
        line,
        withoutRevision(versionOf(lockNamesOf(job.architecture).node(line))),
      ]),
    ),
    engines: Object.fromEntries(request.engines.map((version) => [version, enginePath(version)])),
  };
}
