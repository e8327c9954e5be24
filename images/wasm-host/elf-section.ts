/** Sections of ELF files of 64 bits, little-endian: of serialized modules, and of kernel modules. */

export const isElf = (file: Buffer): boolean =>
  file.length >= 64 && file.readUInt32BE(0) === 0x7f454c46 && file[4] === 2 && file[5] === 1;

/**
 * Bytes of one section; null where there is none.
 * @throws RangeError for a file that is cut, or no ELF file
 */
export function findSection(elf: Buffer, wanted: string): Buffer | null {
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
    if (names.toString('latin1', name, names.indexOf(0, name)) === wanted) return bytes;
  }
  return null;
}
