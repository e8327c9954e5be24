/**
 * Reads serialized modules of libwasmtime: ELF files of 64 bits, little-endian, with a section that names the engine.
 */
import type { Library, Pointer } from './libwasmtime.ts';
import { ProofError } from './proof-error.ts';

export function serializeModule(library: Library, module: Pointer): Buffer {
  const vector = Buffer.alloc(16); // wasm_byte_vec_t: size, data
  library.raise(library.pointer('wasmtime_module_serialize', module, vector));
  const bytes = library.view(vector.readBigUInt64LE(8), Number(vector.readBigUInt64LE(0)));
  const copy = Buffer.from(new Uint8Array(bytes)); // its own memory: the vector's is given back
  library.call('wasm_byte_vec_delete', vector);
  return copy;
}

/** Bytes of one section; null where there is none. @throws ProofError `engine` when it is no such file. */
export function findSection(elf: Buffer, wanted: string): Buffer | null {
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
    if (names.toString('latin1', name, names.indexOf(0, name)) === wanted) return bytes;
  }
  return null;
}

/**
 * The version libwasmtime writes into every module it serializes, in the form it writes: `32.0.0` of 32 and 34, the
 * major number alone (`50`) of 38 and later. A module of another version is refused by it, so it cannot be left out.
 * @throws ProofError `engine` where the section is missing or has another form
 */
export function readEngineVersion(elf: Buffer): string {
  const section = findSection(elf, '.wasmtime.engine');
  // A byte for the format, one for the length of the version.
  const version = section?.toString('latin1', 2, 2 + (section[1] ?? 0)) ?? '';
  if (!/^\d+(?:\.\d+\.\d+.*)?$/.test(version)) {
    throw new ProofError('engine', 'a serialized module does not name the version of its engine');
  }
  return version;
}

/** True where `found`, as a library reports it, can be the requested version: `50` of `50.0.1`. */
export function isVersionOf(found: string, asked: string): boolean {
  return asked === found || asked.startsWith(`${found}.`);
}
