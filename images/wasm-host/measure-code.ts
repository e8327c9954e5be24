/** The machine code inside what `wasmtime_module_serialize` gives: an ELF file of 64 bits, little-endian. */
import { createHash } from 'node:crypto';
import { ProofError } from './proof-error.ts';

/** Bytes of the section `.text`. @throws ProofError `engine` when it is no such file or has no code. */
export function findCode(elf: Buffer): Buffer {
  if (elf.length < 64 || elf.readUInt32BE(0) !== 0x7f454c46 || elf[4] !== 2 || elf[5] !== 1) {
    throw new ProofError('engine', 'a serialized module is not an ELF file');
  }
  // Elf64_Ehdr: e_shoff at 40, e_shentsize at 58, e_shnum at 60, e_shstrndx at 62.
  const table = Number(elf.readBigUInt64LE(40));
  const entryBytes = elf.readUInt16LE(58);
  const section = (index: number) => {
    const at = table + index * entryBytes;
    // Elf64_Shdr: sh_name at 0, sh_offset at 24, sh_size at 32.
    const offset = Number(elf.readBigUInt64LE(at + 24));
    return {
      name: elf.readUInt32LE(at),
      bytes: elf.subarray(offset, offset + Number(elf.readBigUInt64LE(at + 32))),
    };
  };
  const names = section(elf.readUInt16LE(62)).bytes;
  for (let index = 0; index < elf.readUInt16LE(60); index += 1) {
    const { name, bytes } = section(index);
    if (names.toString('latin1', name, names.indexOf(0, name)) === '.text') return bytes;
  }
  throw new ProofError('engine', 'a serialized module has no machine code');
}

/** sha256 of the machine code: equal for two tiers means that they run the same instructions. */
export function hashCode(elf: Buffer): string {
  return createHash('sha256').update(findCode(elf)).digest('hex');
}
