/** A request resolved to plans, pins and recipes, and the part of them that the cache already has. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { checkUpToDate, loadHostFiles, loadMeasureFiles } from './archive/host-files.ts';
import { buildScriptArchive } from './archive/initramfs.ts';
import { ownKernelName, planArtefacts, recipeVersion, type ArtefactPlan } from './recipes.ts';
import { findArtefact, hashRecipe, openCache, type Artefact, type ImageCache } from './cache/image-cache.ts';
import {
  enginesOf,
  kernels,
  lockNamesOf,
  nodesOf,
  requestedArchitecture,
  type ImageRequest,
} from './definitions.ts';
import type { Architecture } from './architectures.ts';
import { PoolproofError } from './errors.ts';
import { parseKernelFile } from './kernel-file.ts';
import { loadLock, type Pin } from './lock.ts';
import { project } from './paths.ts';
import { recallComponent, recallKernel, type Component } from './source/component-store.ts';
import { recallOwnKernel } from './source/own-kernel.ts';
import { readOwnKernelFiles } from './source/own-kernel-files.ts';
import { isWholeVersion, recallUnpinned, wantUnpinned, type Wanted } from './source/unpinned.ts';

export type JobOptions = Readonly<{
  /** @default POOLPROOF_CACHE, else `poolproof` in the XDG cache folder */
  cacheDir?: string;
  /** Refuse a successor of a pinned version. @default false */
  locked?: boolean;
  /** @default images/lock.yaml */
  lockFile?: string;
  /** Apt's configuration, with the sources of kernels that nothing pins. @default /etc/apt */
  aptFolder?: string;
  /** Compiled wasm host, taken as it is. @default dist/images, which must be newer than its sources */
  compiledFolder?: string;
}>;

/** A request with everything read that its images depend on. */
export type Job = Readonly<{
  architecture: Architecture;
  kernel: string;
  locked: boolean;
  cache: ImageCache;
  aptFolder: string | undefined;
  plans: readonly ArtefactPlan[];
  /** The pins of the plans, by lock name. */
  pins: ReadonlyMap<string, Pin>;
  /** The unpinned components of the plans, by lock name. */
  unpinned: ReadonlyMap<string, Wanted>;
  /** This project's own part of the initramfs. */
  scripts: Buffer;
}>;

/** The part of a job that is in the cache. */
export type Found = Readonly<{
  components: ReadonlyMap<string, Component>;
  /** By plan name; those that are missing are missing. */
  artefacts: ReadonlyMap<string, RecordedArtefact>;
  initramfs: RecordedArtefact | undefined;
}>;

export type RecordedArtefact = Readonly<{ recipe: string; artefact: Artefact }>;

/** @throws PoolproofError IMAGE_UNKNOWN, IMAGE_LOCK_INVALID, IMAGE_BUILD (nothing compiled), CACHE_UNWRITABLE */
export async function openJob(request: ImageRequest, options: JobOptions = {}): Promise<Job> {
  checkRequest(request);
  const architecture = requestedArchitecture(request);
  const [cache, locked, hostFiles, measureFiles, scripts] = await Promise.all([
    openCache(options.cacheDir),
    loadLock(options.lockFile),
    loadHostFiles(options.compiledFolder),
    request.measure === true ? loadMeasureFiles(options.compiledFolder) : null,
    buildScriptArchive(project.guestFolder, architecture),
    checkUpToDate(path.join(project.sourceFolder, 'guest'), project.guestFolder),
  ]);
  const own = await readOwnKernelFiles(request.kernel);
  const recorded = own === null ? await recallOwnKernel(cache, request.kernel) : [];
  const pins = [...locked, ...recorded];
  const plans = planArtefacts(request, pins, hostFiles, measureFiles, own);
  return {
    architecture,
    kernel: own === null ? request.kernel : ownKernelName(own.digest),
    locked: options.locked ?? false,
    cache,
    aptFolder: options.aptFolder,
    plans,
    ...componentsFor(plans, pins, own !== null),
    scripts,
  };
}

/** Looks at records and file sizes only: milliseconds, whatever the size of the images. */
export async function findInCache(job: Job): Promise<Found> {
  const components = new Map<string, Component>();
  for (const part of await recallKernel(job.cache, kernelPins(job), job.locked))
    components.set(part.name, part);
  for (const [name, pin] of job.pins) {
    if (!components.has(name)) components.set(name, await recallComponent(job.cache, pin, job.locked));
  }
  for (const name of job.locked ? [] : job.unpinned.keys()) {
    const known = await recallUnpinned(job.cache, name);
    if (known !== undefined) components.set(name, known);
  }
  const artefacts = new Map<string, RecordedArtefact>();
  for (const plan of job.plans) {
    const recipe = recipeOf(plan, components);
    const artefact = await findArtefact(job.cache, recipe);
    if (artefact !== undefined) artefacts.set(plan.name, { recipe, artefact });
  }
  const base = artefacts.get(basePlanName(job))?.artefact;
  const recipe = base && initramfsRecipe(job, base);
  const initramfs = recipe === undefined ? undefined : await findArtefact(job.cache, recipe);
  return {
    components,
    artefacts,
    initramfs: recipe === undefined || initramfs === undefined ? undefined : { recipe, artefact: initramfs },
  };
}

/** Pins of all parts of the job's kernel. */
export const kernelPins = (job: Job): Pin[] =>
  [...job.pins.values()].filter(({ name }) =>
    name.startsWith(lockNamesOf(job.architecture).kernel(job.kernel, '')),
  );

export const isComplete = (job: Job, found: Found): boolean =>
  found.initramfs !== undefined && job.plans.every((plan) => found.artefacts.has(plan.name));

export const kernelPlanName = (job: Job): string => `kernel-${job.kernel}`;

export const basePlanName = (job: Job): string => `initramfs-base-${job.kernel}`;

export const recipeOf = (plan: ArtefactPlan, components: ReadonlyMap<string, Component>): string =>
  hashRecipe([
    recipeVersion,
    plan.name,
    plan.components.map((name) => components.get(name)?.sha256),
    plan.inputs,
  ]);

/** The initramfs of a guest is two archives in one file, which the kernel reads one after the other. */
export const initramfsRecipe = (job: Job, base: Artefact): string =>
  hashRecipe([recipeVersion, 'initramfs', base.sha256, hash(job.scripts)]);

const hash = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

function checkRequest(request: ImageRequest): void {
  const refuse = (what: string, value: string, known: readonly string[], more = ''): never => {
    throw new PoolproofError('IMAGE_UNKNOWN', `there is no image for ${what} ${value}`, {
      hint: `known are ${known.join(', ')}${more}`,
    });
  };
  const row = requestedArchitecture(request);
  const { name: architecture, npm, wheel } = row;
  const rows = kernels
    .filter(({ metaPackages }) => metaPackages[architecture] !== undefined)
    .map(({ name }) => name);
  if (!rows.includes(request.kernel) && parseKernelFile(request.kernel) === null) {
    const of = kernels.some(({ name }) => name === request.kernel) ? ` for ${architecture}` : '';
    refuse('kernel', `${request.kernel}${of}`, rows, ', and a file with a slash in its name');
  }
  const more = ', and any whole version that was published';
  for (const node of request.nodes) {
    const nodes = nodesOf(row);
    if (npm === null && !nodes.includes(node)) refuse('node', `${node} for ${architecture}`, nodes);
    if (!nodes.includes(node) && !isWholeVersion(node)) refuse('node', node, nodes, more);
  }
  for (const version of request.engines) {
    if (wheel === null) refuse('wasmtime', `${version} for ${architecture}`, ['the engine v8 of Node']);
    if (!isWholeVersion(version)) refuse('wasmtime', version, enginesOf(row), more);
  }
}

function componentsFor(
  plans: readonly ArtefactPlan[],
  pins: readonly Pin[],
  isOwnKernel: boolean,
): Pick<Job, 'pins' | 'unpinned'> {
  const byName = new Map(pins.map((pin) => [pin.name, pin]));
  const notPinned = (name: string): PoolproofError =>
    new PoolproofError('IMAGE_UNKNOWN', `${name} is not pinned in lock.yaml`, {
      hint: 'poolproof images update',
    });
  const needed = new Map<string, Pin>();
  const unpinned = new Map<string, Wanted>();
  for (const plan of plans) {
    if (plan.kind === 'kernel' && plan.components.length === 0 && !isOwnKernel) throw notPinned(plan.name);
    for (const name of plan.components) {
      const wanted = wantUnpinned(name);
      const pin = byName.get(name) ?? (wanted && findSamePackage(pins, wanted));
      if (pin !== undefined) needed.set(name, pin);
      else if (wanted !== undefined) unpinned.set(name, wanted);
      else throw notPinned(name);
    }
  }
  return { pins: needed, unpinned };
}

/** `22.23.3` where the line 22 is pinned to just that. */
function findSamePackage(
  pins: readonly Pin[],
  { name, package: packageName, version }: Wanted,
): Pin | undefined {
  const same = pins.find((pin) => pin.package === packageName && pin.version === version);
  return same && { ...same, name };
}
