/**
 * The C interface of libwasmtime through koffi: the one binding, for proof and measurement alike. Pointers are koffi's
 * bigints (null for NULL); structs are Buffers, larger than any version's struct. Signatures from
 * `crates/c-api/include/`; one table, because they are the same from 32.0.0, the first with pools, to 50.0.1 (checked
 * by running all tiers of 32.0.0, 34.0.0, 38.0.0, 44.0.0, 46.0.1 and 50.0.1: `matrices/versions.yaml`).
 */
import { classifyEngineText } from '../allocator/failure.ts';
import { loadKoffi } from './koffi-native.ts';
import { ProofError } from './proof-error.ts';

const koffi = loadKoffi();

export type Pointer = bigint | null;
type Argument = Buffer | Uint8Array | Pointer | number | boolean | string | readonly string[];

const p = 'void*';

/** Result and parameter types of every function used; each is declared at its first use. */
const signatures = {
  wasm_config_new: [p, []],
  wasmtime_config_memory_reservation_set: ['void', [p, 'uint64_t']],
  wasmtime_config_memory_reservation_for_growth_set: ['void', [p, 'uint64_t']],
  wasmtime_config_memory_guard_size_set: ['void', [p, 'uint64_t']],
  wasmtime_config_parallel_compilation_set: ['void', [p, 'bool']],
  wasmtime_config_cranelift_opt_level_set: ['void', [p, 'uint8_t']],
  wasmtime_config_epoch_interruption_set: ['void', [p, 'bool']],
  wasmtime_pooling_allocation_config_new: [p, []],
  wasmtime_pooling_allocation_config_delete: ['void', [p]],
  wasmtime_pooling_allocation_strategy_set: ['void', [p, p]],
  wasm_engine_new_with_config: [p, [p]],
  wasmtime_engine_increment_epoch: ['void', [p]],
  wasmtime_module_new: [p, [p, p, 'size_t', p]],
  wasmtime_module_serialize: [p, [p, p]],
  wasmtime_module_deserialize: [p, [p, p, 'size_t', p]],
  wasm_byte_vec_new: ['void', [p, 'size_t', p]],
  wasm_byte_vec_delete: ['void', [p]],
  wasmtime_store_new: [p, [p, p, p]],
  wasmtime_store_context: [p, [p]],
  wasmtime_store_delete: ['void', [p]],
  wasmtime_context_set_epoch_deadline: ['void', [p, 'uint64_t']],
  wasmtime_context_set_wasi: [p, [p, p]],
  wasmtime_linker_new: [p, [p]],
  wasmtime_linker_delete: ['void', [p]],
  wasmtime_linker_define_unknown_imports_as_default_values: [p, [p, p, p]],
  wasmtime_linker_instantiate: [p, [p, p, p, p, p]],
  wasmtime_linker_define_wasi: [p, [p]],
  wasmtime_linker_instantiate_pre: [p, [p, p, p]],
  wasmtime_instance_pre_instantiate: [p, [p, p, p, p]],
  wasmtime_instance_new: [p, [p, p, p, 'size_t', p, p]],
  wasmtime_instance_export_get: ['bool', [p, p, p, 'size_t', p]],
  wasmtime_func_call_unchecked: [p, [p, p, p, 'size_t', p]],
  wasmtime_memory_data: [p, [p, p]],
  wasmtime_memory_data_size: ['size_t', [p, p]],
  wasmtime_memory_grow: [p, [p, p, 'uint64_t', p]],
  wasmtime_error_message: ['void', [p, p]],
  wasmtime_error_exit_status: ['bool', [p, p]],
  wasmtime_error_delete: ['void', [p]],
  wasm_trap_message: ['void', [p, p]],
  wasmtime_trap_code: ['bool', [p, p]],
  wasm_trap_delete: ['void', [p]],
  wasi_config_new: [p, []],
  wasi_config_set_argv: ['bool', [p, 'size_t', 'const char **']],
  wasi_config_set_env: ['bool', [p, 'size_t', 'const char **', 'const char **']],
  wasi_config_set_stdin_bytes: ['void', [p, p]],
  wasi_config_set_stdout_file: ['bool', [p, 'str']],
  wasi_config_set_stderr_file: ['bool', [p, 'str']],
  /** Of the C library, which every libwasmtime has with it: copies without a view for the collector. */
  memcpy: [p, [p, p, 'size_t']],
  /** Also of the C library: ends the process although a thread is in a call that does not end. */
  _exit: ['void', ['int']],
} as const satisfies Readonly<Record<string, readonly [string, readonly string[]]>>;

export type FunctionName = keyof typeof signatures;

/** A setter of the pool: `wasmtime_pooling_allocation_config_<name>_set`. */
export type PoolSetter = readonly [name: string, type: 'uint32_t' | 'size_t'];

export type Library = Readonly<{
  path: string;
  call: (name: FunctionName, ...values: readonly Argument[]) => unknown;
  /** Same, for a result that is a pointer. */
  pointer: (name: FunctionName, ...values: readonly Argument[]) => Pointer;
  setPool: (pool: Pointer, setter: PoolSetter, value: number) => void;
  /** Text of a wasmtime_error_t or wasm_trap_t, with its causes. */
  message: (name: 'wasmtime_error_message' | 'wasm_trap_message', object: Pointer) => string;
  /** Throws ProofError, classified by its text, for a wasmtime_error_t that is not null. */
  raise: (error: Pointer) => void;
  /** Throws ProofError `engine` when the cell holds a trap. */
  raiseTrap: (cell: Buffer) => void;
  /** Memory as an ArrayBuffer, without copying. */
  view: (address: Pointer, bytes: number) => ArrayBuffer;
}>;

/** Loads libwasmtime. @throws ProofError `library` when it, or a function of it, cannot be loaded. */
export function openLibrary(path: string): Library {
  const handle = attempt(() => koffi.load(path));
  const declared = new Map<string, (...values: readonly Argument[]) => unknown>();
  const declare = (name: string, result: string, parameters: readonly string[]) => {
    const known = declared.get(name);
    if (known !== undefined) return known;
    const made = attempt(() => handle.func(name, result, [...parameters])) as (
      ...values: readonly Argument[]
    ) => unknown;
    declared.set(name, made);
    return made;
  };
  const call: Library['call'] = (name, ...values) => {
    // Functions already declared first: measured loops come through here.
    const known = declared.get(name);
    if (known !== undefined) return known(...values);
    const [result, parameters] = signatures[name];
    return declare(name, result, parameters)(...values);
  };
  const view: Library['view'] = (address, bytes) => koffi.view(address, bytes);
  const message: Library['message'] = (name, object) => {
    const vector = Buffer.alloc(16); // wasm_byte_vec_t: size, data
    call(name, object, vector);
    const bytes = view(vector.readBigUInt64LE(8), Number(vector.readBigUInt64LE(0)));
    // wasm_trap_message counts the terminating zero, wasmtime_error_message does not.
    const text = Buffer.from(bytes).toString('utf8').replace(/\0$/, '');
    call('wasm_byte_vec_delete', vector);
    return text;
  };
  return {
    path,
    call,
    pointer: (name, ...values) => toPointer(call(name, ...values)),
    setPool: (pool, [name, type], value) => {
      declare(`wasmtime_pooling_allocation_config_${name}_set`, 'void', [p, type])(pool, value);
    },
    message,
    raise: (error) => {
      if (error === null) return;
      const text = message('wasmtime_error_message', error);
      throw new ProofError(classifyEngineText(text).class, text);
    },
    raiseTrap: (cell) => {
      const trap = cell.readBigUInt64LE(0);
      if (trap !== 0n) throw new ProofError('engine', message('wasm_trap_message', trap));
    },
    view,
  };
}

/** Machine code of a module in an engine. @throws ProofError */
export function compileModule(library: Library, engine: Pointer, wasm: Uint8Array): bigint {
  const out = Buffer.alloc(8);
  library.raise(library.pointer('wasmtime_module_new', engine, wasm, wasm.length, out));
  return out.readBigUInt64LE(0);
}

/** Handles of an instance's exports, each looked up once. `missing` is thrown where there is none of a name. */
export function openExports(
  library: Library,
  context: Pointer,
  instance: Buffer,
  missing: (name: string) => ProofError,
): (name: string) => Buffer {
  const exports = new Map<string, Buffer>();
  return (name) => {
    const known = exports.get(name);
    if (known !== undefined) return known;
    const found = Buffer.alloc(64); // wasmtime_extern_t: kind, then the function or memory at 8
    const key = Buffer.from(name);
    if (library.call('wasmtime_instance_export_get', context, instance, key, key.length, found) !== true)
      throw missing(name);
    const handle = Buffer.from(found.subarray(8));
    exports.set(name, handle);
    return handle;
  };
}

function toPointer(value: unknown): Pointer {
  return typeof value === 'bigint' && value !== 0n ? value : null;
}

function attempt<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new ProofError('library', error instanceof Error ? error.message : String(error), { cause: error });
  }
}
