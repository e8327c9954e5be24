/** `poolproof images …` */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { buildImages } from '../../images/build.ts';
import { collectGarbage } from '../../images/collect-garbage.ts';
import { defaultArchitecture } from '../../images/architectures.ts';
import { pinnedKernels, requestedArchitecture, type ImageRequest } from '../../images/definitions.ts';
import { fullRequest, listImages, verifyImages } from '../../images/inspect.ts';
import { requireKernelSources } from '../../images/source/own-kernel.ts';
import { buildSubjectDisk, type WantedFile } from '../../images/subject-disk.ts';
import { exportImages, importImages, nameArchive } from '../../images/transfer.ts';
import { updateLock } from '../../images/update.ts';
import { PoolproofError } from '../errors.ts';
import { findMatrix } from '../matrix/find-matrix.ts';
import { loadMatrix } from '../matrix/load.ts';
import { collectRequirements, imagesOf } from '../plan/requirements.ts';
import { formatCount } from '../report/format-run.ts';
import { cacheOption, notifyOf, type Context } from './context.ts';

type Options = Readonly<{ cache?: string | undefined }>;

const mib = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;

type Wanted = ImageRequest & Readonly<{ subjects?: readonly (readonly WantedFile[])[] }>;

/**
 * The images of a matrix, also to measure, and the files of its subjects; without one everything that is pinned for
 * x86-64, or for the kernel given.
 */
async function requestsFor(file: string | undefined, only: string | null = null): Promise<readonly Wanted[]> {
  if (file === undefined) {
    return pinnedKernels
      .filter(({ metaPackages }) => metaPackages[defaultArchitecture.name] !== undefined)
      .filter(({ name }) => only === null || name === only)
      .map(({ name }) => fullRequest(name));
  }
  const cells = [...(await loadMatrix(findMatrix(file), { requireFiles: true })).cells()];
  const measures = cells.some(({ measure }) => measure !== undefined);
  return [...collectRequirements(cells)].map(([name, request]) => {
    const ofKernel = cells.filter(({ settings }) => imagesOf(settings) === name);
    const subjects = new Map(ofKernel.flatMap(({ subject }) => (subject ? [[subject.name, subject]] : [])));
    const files = [...subjects.values()].map((subject) => subject.files).filter(({ length }) => length > 0);
    return { ...request, ...(measures && { measure: true }), subjects: files };
  });
}

export async function list(
  context: Context,
  _args: readonly string[],
  options: Options & Readonly<{ json?: boolean | undefined }>,
): Promise<number> {
  const listed = await listImages({ cacheDir: cacheOption(options) });
  if (options.json) {
    context.out(`${JSON.stringify(listed, null, 2)}\n`);
    return 0;
  }
  for (const { name, state, versions, sizeBytes, successorOf } of listed) {
    const successor = successorOf.length === 0 ? '' : ` (successor of ${successorOf.join(', ')})`;
    const size = sizeBytes === undefined ? '' : mib(sizeBytes);
    context.out(
      `${name.padEnd(22)} ${state.padEnd(8)} ${size.padStart(10)}  ${versions.join(' ')}${successor}\n`,
    );
  }
  return 0;
}

export async function build(
  context: Context,
  args: readonly string[],
  options: Options & Readonly<{ locked?: boolean | undefined }>,
): Promise<number> {
  const [cacheDir, { onImageEvent: onEvent }] = [cacheOption(options), notifyOf(context)];
  const [requests, { locked = false }] = [await requestsFor(args[0]), options];
  await requireKernelSources(
    requests.map(({ kernel }) => kernel),
    { cacheDir, locked },
  );
  for (const { subjects = [], ...request } of requests) {
    const built = await buildImages({ ...request, cacheDir, locked, onEvent });
    for (const files of subjects) await buildSubjectDisk(files, { cacheDir, onEvent });
    const { lockPrefix } = requestedArchitecture(request);
    context.out(
      `${lockPrefix}${request.kernel}: kernel ${built.kernel.release}, ${formatCount(built.disks.length, 'disk')}, ${built.digest}\n`,
    );
  }
  return 0;
}

export async function verify(context: Context, _args: readonly string[], options: Options): Promise<number> {
  const { checked, damaged } = await verifyImages({
    cacheDir: cacheOption(options),
    onEvent: notifyOf(context).onImageEvent,
  });
  for (const { file, expected, found } of damaged)
    context.err(`damaged: ${file}: ${expected} expected, ${found} found\n`);
  context.out(
    `${formatCount(checked, 'file')} read, ${damaged.length} damaged${damaged.length > 0 ? ' and removed' : ''}\n`,
  );
  return damaged.length > 0 ? 1 : 0;
}

export async function update(context: Context, _args: readonly string[], options: Options): Promise<number> {
  const changes = await updateLock({
    cacheDir: cacheOption(options),
    onEvent: notifyOf(context).onImageEvent,
  });
  for (const { name, from, to } of changes) context.out(`${name}: ${from ?? 'new'} -> ${to ?? 'gone'}\n`);
  context.out(`${formatCount(changes.length, 'pin')} moved\n`);
  return 0;
}

export async function exportTo(context: Context, args: readonly string[], options: Options): Promise<number> {
  const [file, matrix] = args;
  // Without a matrix: the default kernel, which is the first.
  const [request, ...others] = await requestsFor(matrix, pinnedKernels[0]?.name);
  if (file === undefined || request === undefined) throw new PoolproofError('USAGE', 'missing <file>');
  if (others.length > 0) {
    throw new PoolproofError('USAGE', 'an archive holds the images of one kernel; this matrix uses several', {
      hint: 'make a matrix for each kernel',
    });
  }
  const wanted = { ...request, cacheDir: cacheOption(options), onEvent: notifyOf(context).onImageEvent };
  const isFolder = (await stat(file).catch(() => null))?.isDirectory() === true;
  const target = isFolder ? path.join(file, nameArchive((await buildImages(wanted)).digest)) : file;
  const { sizeBytes, digest } = await exportImages(target, wanted);
  context.out(`${target}: ${mib(sizeBytes)}, ${digest}\n`);
  return 0;
}

export async function importFrom(
  context: Context,
  args: readonly string[],
  options: Options,
): Promise<number> {
  const [file] = args;
  if (file === undefined) throw new PoolproofError('USAGE', 'missing <file>');
  const { digest, images } = await importImages(file, cacheOption(options), notifyOf(context).onImageEvent);
  context.out(`${formatCount(images.length, 'image')}, ${digest}\n`);
  return 0;
}

/** `keep`: bytes. */
export async function gc(
  context: Context,
  _args: readonly string[],
  { keep: keepBytes, ...options }: Options & Readonly<{ keep?: number | undefined }>,
): Promise<number> {
  const cacheDir = cacheOption(options);
  const collected = await collectGarbage(
    keepBytes === undefined ? { cacheDir, unused: true } : { cacheDir, keepBytes },
    notifyOf(context).onImageEvent,
  );
  context.out(
    `${formatCount(collected.removedFiles, 'file')} removed, ${mib(collected.removedBytes)}; ${mib(collected.keptBytes)} kept\n`,
  );
  return 0;
}
