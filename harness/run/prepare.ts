/** Prepares a run: QEMU, images, the accelerator, this computer. */
import { createHash } from 'node:crypto';
import {
  architectureOf,
  defaultArchitecture,
  isOwn,
  type Architecture,
  type ArchitectureName,
} from '../../images/architectures.ts';
import { requestedArchitecture } from '../../images/definitions.ts';
import { buildImages, type BuiltDisk, type BuiltImages, type ImageEvent } from '../../images/build.ts';
import { requireKernelSources } from '../../images/source/own-kernel.ts';
import { buildOwnDisk, checkOwnDisk, type OwnDisk } from '../../images/own-disk.ts';
import { buildSubjectDisk } from '../../images/subject-disk.ts';
import { PoolproofError } from '../errors.ts';
import { chooseAccelerator, type AcceleratorChoice } from '../machine/accelerator.ts';
import { defaultSettings, type Settings } from '../axes/table.ts';
import type { Cell, Matrix } from '../matrix/cell.ts';
import type { Subject } from '../matrix/subject.ts';
import { findQemu, readComputer, readPromisedMib, type Computer, type Qemu } from '../plan/computer.ts';
import { digestMatrix } from '../plan/digest-matrix.ts';
import { buildMachineSpec } from '../plan/machine-spec.ts';
import { checkMemory } from '../plan/check-memory.ts';
import { checkArchitecture } from '../plan/check-architecture.ts';
import { collectRequirements, imagesOf } from '../plan/requirements.ts';
import type { SelectedPart } from '../plan/select-part.ts';
import { publicPath } from '../store/run-record.ts';
import { requireTools } from './require-tools.ts';
import { readHomepage, readToolVersion } from './tool-version.ts';
import type { RunInit } from '../store/open-run.ts';

export type PrepareOptions = Readonly<{
  /** The image cache; templates and the record of the accelerator are there too. */
  cacheDir: string;
  /** Refuse a successor of a pinned package. @default false */
  locked?: boolean;
  /** Disks of the user's own, for every guest. @default none */
  disks?: readonly OwnDisk[];
  onImageEvent?: (event: ImageEvent) => void;
}>;

/** What runs the guests of an architecture. */
export type Emulator = Readonly<{ qemu: Qemu; accelerator: AcceleratorChoice }>;

/** QEMU and accelerator are those of x86-64, or of the only other architecture that the cells have. */
export type Prepared = Emulator &
  Readonly<{
    computer: Computer;
    /** By {@link imagesOf}. */
    images: ReadonlyMap<string, BuiltImages>;
    /** Of all architectures; absent where there is one. */
    emulators?: ReadonlyMap<ArchitectureName, Emulator>;
  }>;

/** What runs a guest with these settings. */
export const emulatorOf = (prepared: Prepared, { arch }: Pick<Settings, 'arch'>): Emulator =>
  prepared.emulators?.get(arch) ?? prepared;

/**
 * Builds missing images; some milliseconds when there are none.
 * @throws PoolproofError QEMU_*, IMAGE_*, TOOL_NOT_FOUND, DISK_FULL, …; NO_MEMORY for a guest that is too large for
 *   this computer; MATRIX_EMPTY without a cell.
 */
export async function prepare(cells: Iterable<Cell>, options: PrepareOptions): Promise<Prepared> {
  const subjects: SubjectsByImages = new Map();
  const promisedMib = await readPromisedMib();
  const requirements = collectRequirements(checkCells(cells, promisedMib, subjects));
  const { cacheDir, locked = false, disks = [], onImageEvent: onEvent } = options;
  for (const disk of disks) await checkOwnDisk(disk);
  await requireTools([...requirements.values()].map((request) => ({ ...request, cacheDir, locked })));
  const wanted = new Set([...requirements.values()].map((request) => requestedArchitecture(request)));
  const emulators = new Map<ArchitectureName, Qemu>();
  // Before anything is fetched for guests that cannot run here.
  for (const architecture of wanted)
    emulators.set(architecture.name, await findQemu(undefined, architecture));
  const images = new Map<string, BuiltImages>();
  const computer = await readComputer();
  await requireKernelSources(
    [...requirements.values()].map(({ kernel }) => kernel),
    { cacheDir, locked },
  );
  const found = new Map<ArchitectureName, Emulator>();
  for (const [name, request] of requirements) {
    const built = await buildImages({ ...request, cacheDir, locked, ...(onEvent && { onEvent }) });
    const withSubjects = await addSubjects(built, [...(subjects.get(name)?.values() ?? [])], options);
    images.set(name, await addOwnDisks(withSubjects, options));
    const architecture = requestedArchitecture(request);
    const qemu = emulators.get(architecture.name);
    if (qemu !== undefined && !found.has(architecture.name))
      found.set(architecture.name, await chooseEmulator(architecture, qemu, built, options));
  }
  const main = found.get(defaultArchitecture.name) ?? [...found.values()][0];
  if (main === undefined) throw new PoolproofError('MATRIX_EMPTY', 'there is no cell to run');
  return { ...main, computer, images, ...(found.size > 1 && { emulators: found }) };
}

async function chooseEmulator(
  architecture: Architecture,
  qemu: Qemu,
  images: BuiltImages,
  { cacheDir }: PrepareOptions,
): Promise<Emulator> {
  const { name } = architecture;
  if (!isOwn(architecture)) {
    const reason = `this computer is no ${name}`;
    return { qemu, accelerator: { accelerator: 'tcg', reason } };
  }
  // The machine that is booted once to see whether KVM works.
  const probe = { ...defaultSettings(), arch: name, memory: 512 * 1024 * 1024 };
  const spec = buildMachineSpec(probe, images, { qemu: qemu.path, accelerator: 'tcg' });
  return { qemu, accelerator: await chooseAccelerator(spec, qemu.title, cacheDir) };
}

/** Foreign subjects by images and name, noted while the cells go by: a matrix can have a million. */
type SubjectsByImages = Map<string, Map<string, Subject>>;

function* checkCells(cells: Iterable<Cell>, promisedMib: number, found: SubjectsByImages): Generator<Cell> {
  for (const cell of cells) {
    checkArchitecture(cell);
    checkMemory(cell, promisedMib);
    if (cell.subject !== undefined) {
      const name = imagesOf(cell.settings);
      const ofImages = found.get(name) ?? new Map<string, Subject>();
      found.set(name, ofImages.set(cell.subject.name, cell.subject));
    }
    yield cell;
  }
}

/** The same guests with a disk for each subject that has files. */
async function addSubjects(
  built: BuiltImages,
  subjects: readonly Subject[],
  { cacheDir, onImageEvent }: PrepareOptions,
): Promise<BuiltImages> {
  const disks = new Map<string, BuiltDisk>();
  const folders: Record<string, string> = {};
  for (const { name, files } of subjects) {
    if (files.length === 0) continue;
    const { disk, folder } = await buildSubjectDisk(files, {
      cacheDir,
      ...(onImageEvent && { onEvent: onImageEvent }),
    });
    disks.set(disk.name, disk);
    folders[name] = folder;
  }
  if (subjects.length === 0) return built;
  const digest = createHash('sha256').update(built.digest);
  for (const disk of disks.values()) digest.update(disk.digest);
  return {
    ...built,
    disks: [...built.disks, ...disks.values()],
    digest: `sha256:${digest.digest('hex')}`,
    subjects: folders,
    withoutSubjects: built.digest,
  };
}

/** The same guests with the user's own disks. Results have their names and digests, and no path. */
async function addOwnDisks(
  built: BuiltImages,
  { disks = [], cacheDir, onImageEvent }: PrepareOptions,
): Promise<BuiltImages> {
  if (disks.length === 0) return built;
  const onEvent = onImageEvent && { onEvent: onImageEvent };
  const own: BuiltDisk[] = [];
  for (const disk of disks) own.push(await buildOwnDisk(disk, { cacheDir, ...onEvent }));
  const digest = createHash('sha256').update(built.digest);
  for (const disk of own) digest.update(`${disk.name} ${disk.digest}`);
  return {
    ...built,
    disks: [...built.disks, ...own],
    digest: `sha256:${digest.digest('hex')}`,
    components: [
      ...built.components,
      ...own.map(({ name, digest: of, sizeBytes }) => ({
        name: `disk/${name}`,
        version: of.slice(0, 19),
        sha256: of.slice('sha256:'.length),
        size: sizeBytes,
      })),
    ],
  };
}

/** The record of a run, as far as it is known before the first cell. */
export async function describeRun(
  whole: Matrix,
  { matrix, uncut, selection }: SelectedPart,
  { qemu, computer, accelerator, images, emulators }: Prepared,
  options: RunInit['options'],
): Promise<RunInit> {
  const digest = createHash('sha256');
  for (const built of images.values()) digest.update(built.digest);
  const subjects = new Map<string, Subject>();
  const folders: Record<string, string> = {};
  for (const { subject, settings } of uncut.cells()) {
    if (subject === undefined) continue;
    const name = `${architectureOf(settings.arch).lockPrefix}${subject.name}`;
    subjects.set(name, subject);
    folders[name] = images.get(imagesOf(settings))?.subjects?.[subject.name] ?? folders[name] ?? '';
  }
  const built = [...images.values()];
  const components = built.flatMap((each) => each.components);
  const homepage = await readHomepage();
  return {
    tool: {
      name: 'poolproof',
      version: await readToolVersion(),
      ...(homepage === null ? {} : { homepage }),
    },
    matrix: { file: publicPath(matrix.file), title: matrix.title, text: matrix.text, size: matrix.size },
    machine: {
      cpuModel: computer.cpuModel,
      cores: computer.cores,
      memTotal: computer.memTotalMib * 1024 * 1024,
      kernel: computer.kernel,
      os: computer.os,
    },
    qemu: { path: publicPath(qemu.path), version: qemu.version },
    ...(emulators !== undefined && {
      emulators: Object.fromEntries(
        [...emulators].map(
          ([
            name,
            {
              qemu: { path, version },
            },
          ]) => [name, { path: publicPath(path), version }],
        ),
      ),
    }),
    accelerator: { kind: accelerator.accelerator, reason: accelerator.reason },
    kernels: Object.fromEntries([...images].map(([name, built]) => [name, built.kernel.release])),
    images: {
      digest: `sha256:${digest.digest('hex')}`,
      components: Object.fromEntries(components.map(({ name, version }) => [name, version])),
      packages: Object.fromEntries(components.map(({ name, sha256 }) => [name, sha256])),
    },
    selection,
    digests: digestMatrix(whole, subjects, folders),
    ...(matrix.cases.length > 0 && { cases: matrix.cases }),
    options,
  };
}
