/** Requests in Node's own engine: an instance for each request, in the thread that this runs in. */
import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  maxStderrBytes,
  Output,
  toCgiOutcome,
  unpackAnswer,
  withStderr,
  type Handler,
  type HandlerLimits,
  type Outcome,
  type SharedEngine,
} from './serve-instance.ts';
import { ServeError } from './serve-error.ts';
import type { Job } from './serve-message.ts';
import { webAssembly } from './webassembly.ts';

type Shared = Extract<SharedEngine, { kind: 'v8' }>;

/** @throws ServeError BAD_MODULE */
export function prepareV8(file: string, wasm: Uint8Array, room: number): Shared {
  try {
    return { kind: 'v8', module: new webAssembly.Module(wasm), room };
  } catch (error) {
    throw new ServeError('BAD_MODULE', `${file}: ${describe(error)}`, { cause: error });
  }
}

/** Collects garbage of the calling thread, memories included that nothing refers to. */
export function openCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

type Imports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Makes an instance: its exports, or why there is no room for one. */
type Make = (imports: Imports) => Readonly<Record<string, unknown>> | string;

/**
 * V8 gives a memory's address space back when it collects garbage, and collects when it fills its heap, which
 * instances hardly do. So each thread collects after as many instances as it may have memories, and once more where an
 * instance finds no room.
 */
function openMaker({ module, room }: Shared): Make {
  const collect = openCollector();
  let made = 0;
  const startOver = (): void => {
    collect();
    made = 0;
  };
  const make: Make = (imports) => {
    made += 1;
    try {
      return new webAssembly.Instance(module, imports).exports;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return describe(error);
    }
  };
  return (imports) => {
    if (made >= room) startOver();
    const exports = make(imports);
    if (typeof exports !== 'string') return exports;
    startOver();
    return make(imports);
  };
}

export function openV8Handler(shared: Shared, limits: HandlerLimits): Handler {
  const make = openMaker(shared);
  return (job) => {
    try {
      return job.kind === 'cgi' ? runCgi(make, job, limits) : runMessage(make, job.bytes, limits);
    } catch (error) {
      if (error instanceof webAssembly.RuntimeError || error instanceof RangeError)
        return { kind: 'failed', reason: describe(error) };
      throw error;
    }
  };
}

type MessageExports = Readonly<{
  memory: Readonly<{ buffer: ArrayBuffer }>;
  allocate: (length: number) => number;
  handle: (at: number, length: number) => bigint;
}>;

function runMessage(make: Make, request: Uint8Array, { answer }: HandlerLimits): Outcome {
  const exports = make({});
  if (typeof exports === 'string') return { kind: 'no-room', reason: exports };
  const { memory, allocate, handle } = exports as MessageExports;
  const place = allocate(request.length) >>> 0;
  if (place + request.length > memory.buffer.byteLength)
    return { kind: 'failed', reason: `\`allocate\` returned ${place}, outside of its memory` };
  new Uint8Array(memory.buffer, place, request.length).set(request);
  const found = unpackAnswer(handle(place, request.length), memory.buffer.byteLength, answer);
  if (typeof found === 'string') return { kind: 'failed', reason: found };
  return { kind: 'answer', bytes: new Uint8Array(memory.buffer, found.at, found.length).slice() };
}

type CgiJob = Extract<Job, { kind: 'cgi' }>;

/** Of WASI: no error; too large to write. */
const success = 0;
const tooLarge = 22;
const badDescriptor = 8;

function runCgi(make: Make, { variables, body }: CgiJob, { answer }: HandlerLimits): Outcome {
  const stdout = new Output(answer);
  const stderr = new Output(maxStderrBytes);
  const wasi = new (loadWasi())({
    version: 'preview1',
    args: ['app'],
    env: Object.fromEntries(variables),
    returnOnExit: true,
  });
  const streams = makeStreams(wasi.wasiImport, body, stdout, stderr);
  const exports = make({ wasi_snapshot_preview1: { ...wasi.wasiImport, ...streams.imports } });
  if (typeof exports === 'string') return { kind: 'no-room', reason: exports };
  streams.use(exports['memory'] as { buffer: ArrayBuffer });
  try {
    return toCgiOutcome(wasi.start({ exports }), stdout, stderr, answer);
  } catch (error) {
    if (!(error instanceof webAssembly.RuntimeError || error instanceof RangeError)) throw error;
    return { kind: 'failed', reason: withStderr(describe(error), stderr) };
  }
}

type Wasi = Readonly<{
  wasiImport: Readonly<Record<string, (...values: number[]) => number>>;
  start: (instance: object) => number;
}>;

/** On demand: it is experimental, and only CGI programs need it. */
function loadWasi(): new (options: object) => Wasi {
  return (createRequire(import.meta.url)('node:wasi') as Readonly<{ WASI: new (options: object) => Wasi }>)
    .WASI;
}

/** Standard input, output and error in memory; all else is node:wasi's. */
function makeStreams(wasi: Wasi['wasiImport'], body: Uint8Array, stdout: Output, stderr: Output) {
  let memory: Readonly<{ buffer: ArrayBuffer }> = { buffer: new ArrayBuffer(0) };
  let read = 0;
  /** The pieces of memory that a list of addresses and lengths names. */
  const pieces = (list: number, count: number): Uint8Array[] => {
    const view = new DataView(memory.buffer);
    return Array.from({ length: count }, (_, index) => {
      const entry = (list >>> 0) + 8 * index;
      return new Uint8Array(memory.buffer, view.getUint32(entry, true), view.getUint32(entry + 4, true));
    });
  };
  const say = (to: number, value: number): void => {
    new DataView(memory.buffer).setUint32(to >>> 0, value, true);
  };
  const write = (fd: number, list: number, count: number, to: number): number => {
    if (fd !== 1 && fd !== 2) return wasi['fd_write']?.(fd, list, count, to) ?? badDescriptor;
    const chunk = Buffer.concat(pieces(list, count));
    // More than is kept of standard error is no error of the program.
    if (!(fd === 1 ? stdout : stderr).add(chunk) && fd === 1) return tooLarge;
    say(to, chunk.length);
    return success;
  };
  const readBody = (fd: number, list: number, count: number, to: number): number => {
    if (fd !== 0) return wasi['fd_read']?.(fd, list, count, to) ?? badDescriptor;
    let total = 0;
    for (const piece of pieces(list, count)) {
      const part = body.subarray(read, read + piece.length);
      piece.set(part);
      read += part.length;
      total += part.length;
    }
    say(to, total);
    return success;
  };
  return {
    imports: { fd_write: write, fd_read: readBody },
    use: (own: Readonly<{ buffer: ArrayBuffer }>): void => void (memory = own),
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
