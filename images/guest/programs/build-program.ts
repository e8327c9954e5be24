/**
 * The guest's small programs as files: for the few calls that no shell tool makes, and where starting one costs too
 * much.
 */
import { guestArchitecture } from '../../architectures.ts';
import { buildExecutable } from '../executable.ts';
import { programs } from './x86-64.ts';

export type ProgramName = keyof typeof programs;

export const programNames = Object.keys(programs) as readonly ProgramName[];

/** The executable's bytes. */
export function buildProgram(name: ProgramName): Buffer {
  return buildExecutable(Buffer.from(programs[name], 'base64'), guestArchitecture.program.elfMachine);
}
