/** Starts the programs from published packages through their raw exports. See packages.ts for where they come from. */
import { createHash } from 'node:crypto';
import type { Instance, Running, Start } from './instance.ts';
import { startSqlite } from './sqlite.ts';
import { startZstd } from './zstd.ts';

const pageBytes = 65_536;

/** Bytes hashed at a time: the buffer of hash-wasm's modules (MAX_HEAP of its lib/WASMInterface.ts). */
const chunkBytes = 16 * 1024;

/** Reproducible bytes that are neither constant nor compressible. */
export function makeChunk(): Uint8Array {
  let x = 1;
  return Uint8Array.from({ length: chunkBytes }, () => {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) | 0;
    return x >>> 24;
  });
}

const word = (bytes: Uint8Array, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getInt32(at, true);

/** sha256 and xxhash64: a run hashes the chunk `length` times over, as one message. */
const hash =
  (module: string, digestBytes: number, init: (instance: Instance, buffer: number) => void): Start =>
  ({ load }) => {
    const instance = load(module).instantiate();
    const buffer = instance.call('Hash_GetBuffer');
    const chunk = makeChunk();
    const run: Running['run'] = (length) => {
      init(instance, buffer);
      instance.memory().set(chunk, buffer);
      for (let count = 0; count < length; count += 1) instance.call('Hash_Update', chunkBytes);
      instance.call('Hash_Final', 0);
      return word(instance.memory(), buffer);
    };
    return {
      run,
      output: () => Buffer.from(instance.memory().subarray(buffer, buffer + digestBytes)).toString('hex'),
      drop: instance.drop,
    };
  };

/** Parameters of `argon2id`: one lane, once through 512 KiB. */
export const argon2 = {
  password: 'a password',
  salt: 'sixteen bytes of',
  memoryKib: 512,
  iterations: 1,
  hashBytes: 64,
} as const;

const littleEndian = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32LE(value, 4 * index));
  return bytes;
};
const blake2b = (...parts: readonly Uint8Array[]): Buffer => {
  const made = createHash('blake2b512');
  for (const part of parts) made.update(part);
  return made.digest();
};

/** H' of RFC 9106, section 3.3, for the two lengths needed here: 64 and 1024 bytes. */
function expand(length: number, ...parts: readonly Uint8Array[]): Buffer {
  const blocks = [blake2b(littleEndian(length), ...parts)];
  if (length === 64) return blocks[0] ?? Buffer.alloc(0);
  while (32 * (blocks.length - 1) + 64 < length) blocks.push(blake2b(blocks.at(-1) ?? Buffer.alloc(0)));
  return Buffer.concat(
    blocks.map((block, index) => (index === blocks.length - 1 ? block : block.subarray(0, 32))),
  );
}

/** The module fills and mixes the memory; the hashing before and after is the caller's, as in the package. */
const startArgon2: Start = ({ load }) => {
  const { memoryKib, iterations, hashBytes } = argon2;
  const instance = load('argon2').instantiate();
  // First: it allocates the buffer.
  const buffer = instance.call('Hash_GetBuffer');
  instance.call('Hash_SetMemorySize', memoryKib * 1024 + 1024);
  const password = Buffer.from(argon2.password);
  const salt = Buffer.from(argon2.salt);
  const parameters = littleEndian(1, hashBytes, memoryKib, iterations, 0x13, 2);
  const seed = blake2b(
    parameters,
    littleEndian(password.length),
    password,
    littleEndian(salt.length),
    salt,
    littleEndian(0, 0), // neither secret nor associated data
  );
  const blocks = Buffer.concat([
    expand(1024, seed, littleEndian(0, 0)),
    expand(1024, seed, littleEndian(1, 0)),
  ]);
  const result = () => instance.memory().subarray(buffer, buffer + 1024);
  return {
    run: (length) => {
      // The module mixes into existing memory: the first hash is that of a fresh instance; the later ones do the same
      // work on its remains, as later passes of Argon2 do.
      instance.memory().fill(0, buffer, buffer + memoryKib * 1024);
      for (let count = 0; count < length; count += 1) {
        instance.memory().set(blocks, buffer);
        instance.memory().set(parameters, buffer + memoryKib * 1024);
        instance.call('Hash_Calculate', 0, memoryKib);
      }
      return word(instance.memory(), buffer);
    },
    output: () => expand(hashBytes, result()).toString('hex'),
    drop: instance.drop,
  };
};

/** A run parses the source file `length` times. */
const startLexer: Start = ({ load, read }) => {
  const instance = load('lexer').instantiate();
  const source = Buffer.from(read('source.js')).toString('latin1');
  const utf16 = Buffer.from(source, 'utf16le');
  // The module's heap starts at the end of its memory's data; it never grows its memory itself.
  instance.grow(Math.ceil((2 * utf16.length + 4) / pageBytes) + 1);
  const names = (): string[] => {
    const found: string[] = [];
    while (instance.call('re') !== 0) {
      found.push(source.slice(instance.call('es'), instance.call('ee')));
    }
    return found;
  };
  return {
    run: (length) => {
      for (let count = 0; count < length; count += 1) {
        const at = instance.call('sa', source.length + 1);
        instance.memory().set(utf16, at);
        // Six parameters, of which the package's own code passes five.
        const result = instance.call('parseCJS', at, source.length, 0, 0, 0, 0);
        if (result !== 0) return result;
      }
      // The parser's last position and its last note.
      return instance.call('re') === 0 ? -1 : instance.call('ee');
    },
    output: () => {
      const at = instance.call('sa', source.length + 1);
      instance.memory().set(utf16, at);
      instance.call('parseCJS', at, source.length, 0, 0, 0, 0);
      return [...new Set(names())].join(' ');
    },
    drop: instance.drop,
  };
};

/** By workload name. */
export const programs: Readonly<Record<string, Start>> = {
  argon2id: startArgon2,
  sha256: hash('sha256', 32, (instance) => instance.call('Hash_Init', 256)),
  xxhash64: hash('xxhash64', 8, (instance, buffer) => {
    instance.memory().fill(0, buffer, buffer + 8); // the seed
    instance.call('Hash_Init');
  }),
  lexer: startLexer,
  'zstd-compress': startZstd('compress'),
  'zstd-decompress': startZstd('decompress'),
  sqlite: startSqlite,
};
