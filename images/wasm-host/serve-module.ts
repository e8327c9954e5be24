/** The bytes of a module → the way it takes requests, or the reason why it cannot be served. */
import { ServeError } from './serve-error.ts';

/** `message`: exports of our own (README.md); `cgi`: a WASI preview 1 command. */
export type Abi = 'message' | 'cgi';

const wasi = 'wasi_snapshot_preview1';

/** Of an export or import. */
const kinds = ['function', 'table', 'memory', 'global', 'tag'] as const;

const i32 = 0x7f;
const i64 = 0x7e;

/** What a server must know of a module. */
export type Served = Readonly<{
  abi: Abi;
  /** Pages of its memory at the start, and the most it may have; null: no bound of its own. */
  memory: Readonly<{ pages: number; maxPages: number | null }>;
}>;

type Signature = Readonly<{ parameters: readonly number[]; results: readonly number[] }>;

const signatures: Readonly<Record<string, Signature>> = {
  allocate: { parameters: [i32], results: [i32] },
  handle: { parameters: [i32, i32], results: [i64] },
  _start: { parameters: [], results: [] },
};

type Limits = Readonly<{ flags: number; pages: number; maxPages: number | null }>;

type Contents = Readonly<{
  imports: readonly Readonly<{ module: string; name: string; kind: string }>[];
  exports: ReadonlyMap<string, Readonly<{ kind: string; index: number }>>;
  signatureOf: (functionIndex: number) => Signature | undefined;
  memories: readonly Limits[];
}>;

/** Engines call functions without a check of their types, so they are checked here. @throws ServeError BAD_MODULE */
export function readServed(file: string, bytes: Uint8Array): Served {
  const refuse = (why: string): never => {
    throw new ServeError('BAD_MODULE', `${file}: ${why}`);
  };
  const contents = readContents(bytes, refuse);
  const { exports, imports } = contents;
  const abi = exports.has('handle') ? 'message' : exports.has('_start') ? 'cgi' : null;
  if (abi === null) {
    const names = [...exports.keys()].slice(0, 8).join(', ');
    return refuse(
      `exports neither \`handle\` (with \`memory\` and \`allocate\`) nor \`_start\` of a WASI command, but ${names === '' ? 'nothing' : names}`,
    );
  }
  const memory = exports.get('memory');
  const limits = memory?.kind === 'memory' ? contents.memories[memory.index] : undefined;
  if (limits === undefined) return refuse('exports no memory named `memory`');
  if ((limits.flags & 2) !== 0) return refuse('its memory is shared');
  for (const name of abi === 'message' ? ['allocate', 'handle'] : ['_start']) {
    const found = exports.get(name);
    const signature = found?.kind === 'function' ? contents.signatureOf(found.index) : undefined;
    if (JSON.stringify(signature) !== JSON.stringify(signatures[name])) {
      return refuse(`its export \`${name}\` is not ${describe(signatures[name])}`);
    }
  }
  for (const { module, name, kind } of imports) {
    if (abi === 'message')
      return refuse(`imports ${module}.${name}: a module with \`handle\` imports nothing`);
    if (module !== wasi || kind !== 'function')
      return refuse(`imports ${module}.${name}: only functions of ${wasi} are there`);
  }
  return { abi, memory: { pages: limits.pages, maxPages: limits.maxPages } };
}

function describe(signature: Signature | undefined): string {
  const words = (types: readonly number[] = []) =>
    types.map((type) => (type === i32 ? 'i32' : 'i64')).join(' ');
  const { parameters, results } = signature ?? {};
  return `(param ${words(parameters)}) (result ${words(results)})`
    .replace('(param )', '')
    .replace(' (result )', ' without parameters and results')
    .trim();
}

/** Section ids. */
const typeSection = 1;
const importSection = 2;
const functionSection = 3;
const memorySection = 5;
const exportSection = 7;

/** Sections that say what is exported and imported; the engine reads all the others. */
function readContents(bytes: Uint8Array, refuse: (why: string) => never): Contents {
  const reader = openReader(bytes, refuse);
  checkHead(bytes, refuse);
  reader.skip(8);
  const types: (Signature | undefined)[] = [];
  const functions: number[] = [];
  const memories: Limits[] = [];
  const imports: Contents['imports'][number][] = [];
  const exports = new Map<string, Readonly<{ kind: string; index: number }>>();
  const readers: Readonly<Record<number, () => void>> = {
    [typeSection]: () => types.push(reader.signature()),
    [importSection]: () => {
      const entry = { module: reader.name(), name: reader.name(), kind: reader.kind() };
      imports.push(entry);
      // The type of anything else is of no interest: no module that imports it is served.
      if (entry.kind === 'function') functions.push(reader.number());
      else throw new Stop();
    },
    [functionSection]: () => functions.push(reader.number()),
    [memorySection]: () => memories.push(reader.limits()),
    [exportSection]: () => {
      const name = reader.name();
      exports.set(name, { kind: reader.kind(), index: reader.number() });
    },
  };
  while (!reader.done()) {
    const id = reader.byte();
    const size = reader.number();
    const end = reader.at() + size;
    const read = readers[id];
    try {
      if (read !== undefined) for (let count = reader.number(); count > 0; count -= 1) read();
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
    }
    reader.moveTo(end);
  }
  return { imports, exports, memories, signatureOf: (index) => types[functions[index] ?? -1] };
}

/** The rest of a section is left unread. */
class Stop extends Error {}

function checkHead(bytes: Uint8Array, refuse: (why: string) => never): void {
  const head = Buffer.from(bytes.subarray(0, 8)).toString('latin1');
  if (head === '\0asm\x01\0\0\0') return;
  if (head.startsWith('\0asm') && head.charCodeAt(6) === 1) {
    refuse('is a component, and this host takes core modules: `wasmtime serve` takes components');
  }
  if (/^\s*\(/.test(head)) refuse('is a text: make a module of it, as with wat2wasm');
  refuse('is no WebAssembly module');
}

function openReader(bytes: Uint8Array, refuse: (why: string) => never) {
  let at = 0;
  const byte = (): number => bytes[at++] ?? refuse('ends early');
  const number = (): number => {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const next = byte();
      value += (next & 0x7f) * 2 ** shift;
      if (next < 0x80) return value;
    }
    return refuse('holds a number that is none');
  };
  const list = (): readonly number[] => Array.from({ length: Math.min(number(), 1000) }, byte);
  return {
    at: () => at,
    done: () => at >= bytes.length,
    byte,
    number,
    moveTo: (to: number): void => {
      if (to > bytes.length) refuse('ends early');
      at = to;
    },
    skip: (count: number): void => void (at += count),
    name: (): string => {
      const end = number() + at;
      if (end > bytes.length) refuse('ends early');
      const text = Buffer.from(bytes.subarray(at, end)).toString('utf8');
      at = end;
      return text;
    },
    kind: (): string => kinds[byte()] ?? 'unknown',
    /** Types that are no plain functions end the reading of types: no export of ours has one behind them. */
    signature: (): Signature => {
      if (byte() !== 0x60) throw new Stop();
      return { parameters: list(), results: list() };
    },
    limits: (): Limits => {
      const flags = byte();
      const pages = number();
      return { flags, pages, maxPages: (flags & 1) === 1 ? number() : null };
    },
  };
}
