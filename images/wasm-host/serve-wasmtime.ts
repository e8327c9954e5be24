/** Requests in libwasmtime: a module prepared once, and an instance of it for each request, in any thread. */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { threadId } from 'node:worker_threads';
import { compileModule, openLibrary, type Library, type Pointer } from './libwasmtime.ts';
import { ProofError } from './proof-error.ts';
import { ServeError } from './serve-error.ts';
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
import type { Job } from './serve-message.ts';
import type { Abi } from './serve-module.ts';

type Shared = Extract<SharedEngine, { kind: 'wasmtime' }>;

/** Machine code, and imports looked up once, for the use of all threads. @throws ServeError BAD_MODULE */
export function prepareWasmtime(
  library: Library,
  engine: Pointer,
  file: string,
  wasm: Uint8Array,
  abi: Abi,
): Shared {
  try {
    const module = compileModule(library, engine, wasm);
    const linker = library.pointer('wasmtime_linker_new', engine);
    if (abi === 'cgi') library.raise(library.pointer('wasmtime_linker_define_wasi', linker));
    const out = Buffer.alloc(8);
    library.raise(library.pointer('wasmtime_linker_instantiate_pre', linker, module, out));
    return {
      kind: 'wasmtime',
      library: library.path,
      engine: engine ?? 0n,
      instancePre: out.readBigUInt64LE(0),
    };
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    throw new ServeError('BAD_MODULE', `${file}: ${oneLine(error.message)}`, {
      cause: error,
    });
  }
}

const oneLine = (text: string): string => text.trim().replace(/\s*\n\s*/g, ' ');

/** An end that is no answer, on the way out of an instance. */
class Ended extends Error {
  readonly outcome: Exclude<Outcome, { kind: 'answer' }>;
  /** Null where the module did not exit by itself. */
  readonly exitCode: number | null;

  constructor(outcome: Exclude<Outcome, { kind: 'answer' }>, exitCode: number | null = null) {
    super();
    this.outcome = outcome;
    this.exitCode = exitCode;
  }
}

/** `WASMTIME_TRAP_CODE_INTERRUPT`. */
const interrupted = 10;

/** Words of an error that says that an instance has no room now. */
const noRoom = /maximum concurrent|mmap failed|Cannot allocate memory|exceeds? .*limit/i;

/** Everything of one thread that is used again for each request. */
type Cells = Readonly<{ trap: Buffer; instance: Buffer; found: Buffer; values: Buffer; code: Buffer }>;

const names = {
  memory: Buffer.from('memory'),
  allocate: Buffer.from('allocate'),
  handle: Buffer.from('handle'),
  _start: Buffer.from('_start'),
} as const;

type Calls = Readonly<{
  find: (context: Pointer, name: keyof typeof names) => Buffer;
  call: (context: Pointer, name: keyof typeof names) => void;
  instantiate: (context: Pointer) => void;
  cells: Cells;
}>;

/**
 * @param folder for files of this thread
 * @throws ProofError if the library cannot be opened in this thread
 */
export function openWasmtimeHandler(
  { library: file, engine, instancePre }: Shared,
  limits: HandlerLimits,
  folder: string,
): Handler {
  const library = openLibrary(file);
  const calls = openCalls(library, instancePre);
  const runCgi = openCgi(library, calls, limits, folder);
  return (job) => {
    const store = library.pointer('wasmtime_store_new', engine, null, null);
    const context = library.pointer('wasmtime_store_context', store);
    try {
      library.call('wasmtime_context_set_epoch_deadline', context, limits.ticks);
      return job.kind === 'cgi'
        ? runCgi(context, job)
        : runMessage(library, calls, context, job.bytes, limits);
    } catch (error) {
      if (error instanceof Ended) return error.outcome;
      throw error;
    } finally {
      library.call('wasmtime_store_delete', store);
    }
  };
}

function openCalls(library: Library, instancePre: bigint): Calls {
  const cells: Cells = {
    trap: Buffer.alloc(8),
    instance: Buffer.alloc(64),
    found: Buffer.alloc(64),
    // Two parameters or one result, 16 bytes each.
    values: Buffer.alloc(32),
    code: Buffer.alloc(8),
  };
  const { trap, instance, found, values } = cells;
  const settle = (error: Pointer): void => {
    if (error !== null) throw endByError(library, error, cells);
    if (trap.readBigUInt64LE(0) !== 0n) throw endByTrap(library, cells);
  };
  const find: Calls['find'] = (context, name) => {
    const key = names[name];
    library.call('wasmtime_instance_export_get', context, instance, key, key.length, found);
    return found.subarray(8); // wasmtime_extern_t: the handle is at 8
  };
  return {
    cells,
    find,
    call: (context, name) => {
      trap.fill(0);
      settle(library.pointer('wasmtime_func_call_unchecked', context, find(context, name), values, 2, trap));
    },
    instantiate: (context) => {
      trap.fill(0);
      settle(library.pointer('wasmtime_instance_pre_instantiate', instancePre, context, instance, trap));
    },
  };
}

function endByError(library: Library, error: Pointer, { code }: Cells): Ended {
  const text = oneLine(library.message('wasmtime_error_message', error));
  const isExit = library.call('wasmtime_error_exit_status', error, code) === true;
  library.call('wasmtime_error_delete', error);
  if (isExit) {
    const exitCode = code.readInt32LE(0);
    return new Ended({ kind: 'failed', reason: `exit ${exitCode}` }, exitCode);
  }
  return new Ended({ kind: noRoom.test(text) ? 'no-room' : 'failed', reason: text });
}

function endByTrap(library: Library, { trap, code }: Cells): Ended {
  const at = trap.readBigUInt64LE(0);
  const isKnown = library.call('wasmtime_trap_code', at, code) === true;
  const text = oneLine(library.message('wasm_trap_message', at));
  library.call('wasm_trap_delete', at);
  return new Ended({ kind: isKnown && code.readUInt8(0) === interrupted ? 'late' : 'failed', reason: text });
}

function runMessage(
  library: Library,
  calls: Calls,
  context: Pointer,
  request: Uint8Array,
  { answer }: HandlerLimits,
): Outcome {
  const { values } = calls.cells;
  calls.instantiate(context);
  values.writeInt32LE(request.length, 0);
  calls.call(context, 'allocate');
  const place = values.readUInt32LE(0);
  const memory = Buffer.from(calls.find(context, 'memory'));
  const sizeOf = () => Number(library.call('wasmtime_memory_data_size', context, memory));
  const baseOf = () => library.pointer('wasmtime_memory_data', context, memory) ?? 0n;
  if (place + request.length > sizeOf())
    return { kind: 'failed', reason: `\`allocate\` returned ${place}, outside of its memory` };
  library.call('memcpy', baseOf() + BigInt(place), request, request.length);
  values.writeUInt32LE(place, 0);
  values.writeInt32LE(request.length, 16);
  calls.call(context, 'handle');
  const found = unpackAnswer(values.readBigUInt64LE(0), sizeOf(), answer);
  if (typeof found === 'string') return { kind: 'failed', reason: found };
  const bytes = new Uint8Array(found.length);
  if (found.length > 0) library.call('memcpy', bytes, baseOf() + BigInt(found.at), found.length);
  return { kind: 'answer', bytes };
}

type CgiJob = Extract<Job, { kind: 'cgi' }>;

/**
 * Standard output and error go to two files of this thread: the library writes them in threads of its own, from which
 * nothing can be called in this one. A file may grow beyond the limit of an answer for as long as its instance runs.
 */
function openCgi(
  library: Library,
  calls: Calls,
  { answer }: HandlerLimits,
  folder: string,
): (context: Pointer, job: CgiJob) => Outcome {
  const [stdoutFile, stderrFile] = ['out', 'err'].map((end) =>
    path.join(folder, `thread-${threadId}.${end}`),
  ) as [string, string];
  return (context, { variables, body }) => {
    const config = library.pointer('wasi_config_new');
    const keys = variables.map(([key]) => key);
    const texts = variables.map(([, value]) => value);
    library.call('wasi_config_set_argv', config, 1, ['app']);
    library.call('wasi_config_set_env', config, keys.length, keys, texts);
    const vector = Buffer.alloc(16); // wasm_byte_vec_t
    library.call('wasm_byte_vec_new', vector, body.length, body);
    library.call('wasi_config_set_stdin_bytes', config, vector);
    const made =
      library.call('wasi_config_set_stdout_file', config, stdoutFile) === true &&
      library.call('wasi_config_set_stderr_file', config, stderrFile) === true;
    library.raise(library.pointer('wasmtime_context_set_wasi', context, config));
    if (!made) return { kind: 'no-room', reason: `no file for its output can be made in ${folder}` };
    const stderr = new Output(maxStderrBytes);
    let exitCode = 0;
    try {
      calls.instantiate(context);
      calls.call(context, '_start');
    } catch (error) {
      if (!(error instanceof Ended)) throw error;
      readInto(stderr, stderrFile, maxStderrBytes);
      const { kind, reason } = error.outcome;
      if (error.exitCode === null) return { kind, reason: withStderr(reason, stderr) };
      exitCode = error.exitCode;
    }
    const stdout = new Output(answer);
    readInto(stdout, stdoutFile, answer + 1);
    return toCgiOutcome(exitCode, stdout, stderr, answer);
  };
}

/** The beginning of a file, which is then emptied. */
function readInto(output: Output, file: string, maxBytes: number): void {
  const descriptor = openSync(file, 'r+');
  try {
    const chunk = Buffer.allocUnsafe(Math.min(fstatSync(descriptor).size, maxBytes));
    readSync(descriptor, chunk);
    output.add(chunk);
    ftruncateSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
