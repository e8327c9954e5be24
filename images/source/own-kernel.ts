/** Kernels that lock.yaml does not pin: found once in the sources of this computer, and recorded in the cache. */
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { defaultArchitecture } from '../architectures.ts';
import { holdBuildLock } from '../cache/build-lock.ts';
import { openCache, type ImageCache } from '../cache/image-cache.ts';
import { kernels, lockNames, type KernelDefinition } from '../definitions.ts';
import { PoolproofError } from '../errors.ts';
import { pinSchema, type Pin } from '../lock.ts';
import { AptRoot, findKernelPackages, resolveSources } from './apt.ts';

/** The row of a kernel that nothing pins; undefined for Debian's. */
export const ownKernelRow = (name: string): KernelDefinition | undefined =>
  kernels.find((row) => row.name === name && row.distribution !== 'debian');

/** Whether a lock name is of a package of such a kernel. */
export const isOwnKernelPart = (name: string): boolean => {
  const [kind, row = '', part] = name.split('/');
  return kind === 'kernel' && ownKernelRow(row) !== undefined && /^[a-z-]+$/.test(part ?? '');
};

/** One file per kernel: its packages fit each other, and are recorded together or not at all. */
const recordFile = (cache: ImageCache, row: string): string =>
  path.join(cache.folder, 'kernels', `${row}.json`);

/** The packages of a kernel that were found earlier; none before that. */
export async function recallOwnKernel(cache: ImageCache, row: string): Promise<readonly Pin[]> {
  const text = await readFile(recordFile(cache, row), 'utf8').catch(() => '[]');
  try {
    const pins = z.array(pinSchema).parse(JSON.parse(text));
    return pins.every(({ name }) => name.startsWith(lockNames.kernel(row, ''))) ? pins : [];
  } catch {
    return [];
  }
}

export async function rememberOwnKernel(cache: ImageCache, row: string, pins: readonly Pin[]): Promise<void> {
  const file = recordFile(cache, row);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFileAtomic(file, `${JSON.stringify(pins)}\n`);
}

export type OwnKernelOptions = Readonly<{
  cacheDir?: string;
  locked?: boolean;
  /** The configuration of apt with the kernel's sources. @default /etc/apt */
  aptFolder?: string;
}>;

/**
 * Refuses kernels that this computer cannot have, before anything is fetched for the others of the matrix.
 *
 * @throws PoolproofError OS_UNSUPPORTED without the distribution's sources, IMAGE_LOCKED
 */
export async function requireKernelSources(
  rows: Iterable<string>,
  { cacheDir, locked = false, aptFolder }: OwnKernelOptions = {},
): Promise<void> {
  for (const name of rows) {
    const row = ownKernelRow(name);
    if (row === undefined) continue;
    if ((await recallOwnKernel(await openCache(cacheDir), name)).length > 0) continue;
    if (locked) {
      throw new PoolproofError('IMAGE_LOCKED', `the kernel ${name} is not pinned in lock.yaml`, {
        hint: 'without --locked, the newest one that the sources of this computer have is fetched and recorded',
      });
    }
    await resolveSources(row.suite, aptFolder === undefined ? {} : { folder: aptFolder });
  }
}

/**
 * Finds the newest packages of a kernel that nothing pins, and records them; later builds with this cache take the same
 * ones. Does nothing for a pinned or a recorded kernel.
 *
 * @throws PoolproofError those of {@link requireKernelSources}, IMAGE_FETCH
 */
export async function findOwnKernel(name: string, options: OwnKernelOptions = {}): Promise<void> {
  const row = ownKernelRow(name);
  const metaPackage = row?.metaPackages[defaultArchitecture.name];
  if (row === undefined || metaPackage === undefined) return;
  await requireKernelSources([name], options);
  const cache = await openCache(options.cacheDir);
  if ((await recallOwnKernel(cache, name)).length > 0) return;
  await using _lock = await holdBuildLock(cache);
  const { aptFolder } = options;
  const apt = new AptRoot(
    path.join(cache.folder, 'apt', row.suite),
    { suite: row.suite, architecture: defaultArchitecture },
    async () => {
      const found = await resolveSources(row.suite, aptFolder === undefined ? {} : { folder: aptFolder });
      return found.sources;
    },
  );
  const parts = await findKernelPackages(apt, metaPackage);
  const pins = parts.map(({ part, found }) => ({
    name: lockNames.kernel(name, part),
    package: found.package,
    version: found.version,
    // Those of the index that the distribution's key signed.
    sha256: found.sha256,
    size: found.size,
  }));
  await rememberOwnKernel(cache, name, pins);
}
