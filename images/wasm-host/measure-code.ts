/** The machine code inside a serialized module. */
import { createHash } from 'node:crypto';
import { ProofError } from './proof-error.ts';
import { findModuleSection } from './serialized-module.ts';

/** Bytes of the section `.text`. @throws ProofError `engine` when it is no such file or has no code. */
export function findCode(elf: Buffer): Buffer {
  const code = findModuleSection(elf, '.text');
  if (code === null) throw new ProofError('engine', 'a serialized module has no machine code');
  return code;
}

/** sha256 of the machine code: equal for two tiers means that they run the same instructions. */
export function hashCode(elf: Buffer): string {
  return createHash('sha256').update(findCode(elf)).digest('hex');
}
