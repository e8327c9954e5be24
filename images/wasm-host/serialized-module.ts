/**
 * What `wasmtime_module_serialize` gives: an ELF file of 64 bits, little-endian, with a section that names the engine.
 */
import { findSection, isElf } from './elf-section.ts';
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
export function findModuleSection(elf: Buffer, name: string): Buffer | null {
  if (!isElf(elf)) throw new ProofError('engine', 'a serialized module is not an ELF file');
  return findSection(elf, name);
}

/**
 * The version libwasmtime writes into every module it serializes, in the form it writes: `32.0.0` of 32 and 34, the
 * major number alone (`50`) of 38 and later. A module of another version is refused by it, so it cannot be left out.
 * @throws ProofError `engine` where the section is missing or has another form
 */
export function readEngineVersion(elf: Buffer): string {
  const section = findModuleSection(elf, '.wasmtime.engine');
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
