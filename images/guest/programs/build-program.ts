/**
 * The guest's small programs as files: for the few calls that no shell tool makes, and where starting one costs too
 * much.
 */
import { defaultArchitecture, type Architecture, type ArchitectureName } from '../../architectures.ts';
import { buildExecutable } from '../executable.ts';
import { programs as arm64 } from './arm64.ts';
import { programs as riscv64 } from './riscv64.ts';
import { programs as x86 } from './x86-64.ts';

export type ProgramName = keyof typeof x86;

const byArchitecture: Readonly<Record<ArchitectureName, Readonly<Partial<Record<ProgramName, string>>>>> = {
  'x86-64': x86,
  // Without what only measures: costs are measured in guests of x86-64.
  arm64,
  riscv64,
};

/** Those that an architecture has. */
export const programNamesOf = ({ name }: Architecture): readonly ProgramName[] =>
  Object.keys(byArchitecture[name]) as readonly ProgramName[];

/** The executable's bytes. @throws RangeError for a program that the architecture does not have */
export function buildProgram(
  program: ProgramName,
  { name, program: { elfMachine } }: Architecture = defaultArchitecture,
): Buffer {
  const code = byArchitecture[name][program];
  if (code === undefined) throw new RangeError(`${name} has no program ${program}`);
  return buildExecutable(Buffer.from(code, 'base64'), elfMachine);
}
