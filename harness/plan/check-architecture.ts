/** Refuses cells that an architecture has no machine for, before anything is fetched or booted. */
import {
  architectureOf,
  architectures,
  defaultArchitecture,
  type ArchitectureName,
} from '../../images/architectures.ts';
import { findKernelRow, kernels } from '../../images/definitions.ts';
import { PoolproofError } from '../errors.ts';
import type { Cell } from '../matrix/cell.ts';
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

/** @throws PoolproofError USAGE with what to leave out of the matrix */
export function checkArchitecture({ id, settings, subject, measure }: Cell): void {
  const { arch, kernel, cpu } = settings;
  const refuse = (what: string, leaveOut: string): never => {
    throw new PoolproofError('USAGE', `${id}: ${what}`, {
      hint: `leave it out: \`exclude: [{ ${leaveOut} }]\``,
    });
  };
  const row = findKernelRow(kernel);
  if (row !== undefined && row.metaPackages[arch] === undefined) {
    const others = kernels.filter(({ metaPackages }) => metaPackages[arch] !== undefined);
    refuse(
      `the kernel ${kernel} is none of ${arch}, which has ${others.map(({ name }) => name).join(', ')}`,
      `arch: ${arch}, kernel: ${kernel}`,
    );
  }
  const machine = subject === undefined ? null : machineOf(subject);
  if (machine !== null && machine !== architectureOf(arch).program.elfMachine) {
    const of = architectures.find(({ program }) => program.elfMachine === machine)?.name;
    refuse(
      `the subject's program is of ${of ?? `another architecture (ELF machine ${machine})`}`,
      `arch: ${arch}`,
    );
  }
  if (arch === defaultArchitecture.name) return;
  if (cpu !== null)
    refuse(`cpu ${cpu} is a model of ${defaultArchitecture.name}`, `arch: ${arch}, cpu: ${cpu}`);
  if (measure !== undefined)
    refuse(
      `costs are measured in guests of ${defaultArchitecture.name} only: in others no count of instructions is proven`,
      `arch: ${arch}`,
    );
  const foreign = subject === undefined ? null : findForeignPackage(subject, arch);
  if (foreign !== null) refuse(`the subject's ${foreign} is of ${defaultArchitecture.name}`, `arch: ${arch}`);
}
