/** Refuses cells that an architecture has no machine for, before anything is fetched or booted. */
import {
  architectureOf,
  architectures,
  defaultArchitecture,
  type ArchitectureName,
} from '../../images/architectures.ts';
import { findKernelRow, kernels } from '../../images/definitions.ts';
import { PoolproofError } from '../errors.ts';
import { axes as axisTable, rowOf, type Settings } from '../axes/table.ts';
import type { Cell, Matrix } from '../matrix/cell.ts';
import { MatrixErrors, type Problem } from '../matrix/diagnostics.ts';
import { findProgram, readElfMachine } from '../matrix/interpreter.ts';
import type { Subject, SubjectFile } from '../matrix/subject.ts';

/** Whether a file is of this architecture: its subject or its package says so, or it is no program. */
const isFor = ({ from, architecture }: SubjectFile, arch: ArchitectureName): boolean =>
  architecture === arch ||
  /\.(?:wasm|[cm]?js|json)$/.test(from) ||
  architectureOf(arch).npm?.mark?.test(packageOf(from)) === true;

/** `npm:@scope/name` of `npm:@scope/name@1.2.3/bin/program`; empty for one that is none of npm's. */
const packageOf = (from: string): string => /^npm:(?:@[^/]*\/)?[^/]*/.exec(from)?.[0] ?? '';

/** The first of a subject's packages that an architecture cannot run; null where it can run all. */
export const findForeignPackage = (
  { files }: Pick<Subject, 'files'>,
  arch: ArchitectureName,
): string | null =>
  arch === defaultArchitecture.name
    ? null
    : (files.find((file) => /^(?:npm|pip):/.test(file.from) && !isFor(file, arch))?.from ?? null);

/** Read once per subject: a matrix can have a million cells. */
const machines = new WeakMap<Subject, number | null>();

/** e_machine of the subject's program; null where it is a script, or comes with a package. */
function machineOf(subject: Subject): number | null {
  const known = machines.get(subject);
  if (known !== undefined) return known;
  const program = findProgram(subject);
  const read = program === null ? null : readElfMachine(program);
  machines.set(subject, read);
  return read;
}

type AxisName = 'kernel' | 'arch' | 'cpu' | 'addressBits';

/** A combination of settings that no machine has. */
type Mismatch = Readonly<{
  what: string;
  instead: string;
  /** Axes to be changed, the likeliest first. */
  axes: readonly AxisName[];
}>;

/** What is wrong with a cell for its architecture; null where nothing is. */
function findMismatch({ settings, subject, measure }: Cell): Mismatch | null {
  const { arch, kernel, cpu } = settings;
  const row = findKernelRow(kernel);
  if (row !== undefined && row.metaPackages[arch] === undefined) {
    const others = kernels
      .filter(({ metaPackages }) => metaPackages[arch] !== undefined)
      .map(({ name }) => name)
      .join(', ');
    const what = `the kernel ${kernel} is none of ${arch}, which has ${others}`;
    return {
      what,
      instead: `write for it: \`arch: ${arch}, kernel: [${others}]\``,
      axes: ['kernel', 'arch'],
    };
  }
  const leaveOut = (some: string): string => `leave it out: \`exclude: [{ ${some} }]\``;
  const machine = subject === undefined ? null : machineOf(subject);
  if (machine !== null && machine !== architectureOf(arch).program.elfMachine) {
    const of = architectures.find(({ program }) => program.elfMachine === machine)?.name;
    const what = `the subject's program is of ${of ?? `another architecture (ELF machine ${machine})`}`;
    return { what, instead: leaveOut(`arch: ${arch}`), axes: ['arch'] };
  }
  const width = findWrongWidth(settings);
  if (width !== null || arch === defaultArchitecture.name) return width;
  if (cpu !== null) {
    const what = `cpu ${cpu} is a model of ${defaultArchitecture.name}`;
    return { what, instead: leaveOut(`arch: ${arch}, cpu: ${cpu}`), axes: ['cpu'] };
  }
  if (measure !== undefined) {
    const what = `costs are measured in guests of ${defaultArchitecture.name} only: in others no count of instructions is proven`;
    return { what, instead: leaveOut(`arch: ${arch}`), axes: ['arch'] };
  }
  const foreign = subject === undefined ? null : findForeignPackage(subject, arch);
  if (foreign === null) return null;
  const what = `the subject's ${foreign} is of ${defaultArchitecture.name}`;
  return { what, instead: leaveOut(`arch: ${arch}`), axes: ['arch'] };
}

/** Widths are those of a process: sv39 leaves it 38 bits, the other half is the kernel's. */
function findWrongWidth({ arch, kernel, addressBits: bits }: Settings): Mismatch | null {
  if (bits === null) return null;
  const { addressBits, kernel: words } = architectureOf(arch);
  const real = Object.keys(words.addressWidths).map(Number);
  const most = findKernelRow(kernel)?.addressBits ?? addressBits;
  if (real.length === 0 ? bits <= most : real.includes(bits)) return null;
  return {
    what: `${arch} has no ${bits} bits of addresses for a process`,
    instead:
      real.length === 0
        ? `there are up to ${most}`
        : `there are ${real.join(', ')}: one less than in the names of sv39, sv48, sv57`,
    axes: ['addressBits'],
  };
}

/** @throws PoolproofError USAGE with what to write instead */
export function checkArchitecture(cell: Cell): void {
  const found = findMismatch(cell);
  if (found !== null) throw new PoolproofError('USAGE', `${cell.id}: ${found.what}`, { hint: found.instead });
}

/**
 * The same for a matrix, before a plan and before a run: all of it, each with its place in the file.
 * @throws MatrixErrors; PoolproofError USAGE for a matrix without a file
 */
export function checkMatrix({ file, text, cells, placeOf }: Matrix): void {
  const problems = new Map<string, Problem>();
  for (const cell of cells()) {
    const found = findMismatch(cell);
    if (found === null || problems.has(found.what)) continue;
    const place = found.axes
      .map((axis) => placeOf?.(axis, rowOf(axisTable, axis).format(cell.settings[axis])) ?? null)
      .find((one) => one !== null);
    if (place === undefined) checkArchitecture(cell);
    else
      problems.set(found.what, {
        code: 'MATRIX_BAD_VALUE',
        message: found.what,
        ...place,
        hint: found.instead,
      });
  }
  if (problems.size > 0) throw new MatrixErrors(file, text, [...problems.values()]);
}
