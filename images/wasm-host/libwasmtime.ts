/**
 * The C interface of libwasmtime through koffi: only what the tiers need. Pointers are koffi's
 * bigints (null for NULL); structs are Buffers, larger than any version's struct.
 * Signatures from `crates/c-api/include/`; one table, because they are the same from 32.0.0, the first with pools, to
 * 50.0.1 (checked by running all tiers of 32.0.0, 34.0.0, 38.0.0, 44.0.0, 46.0.1 and 50.0.1: `matrices/versions.yaml`).
 */
import { loadKoffi } from './koffi-native.ts';
import { ProofError } from './proof-error.ts';

const koffi = loadKoffi();

type Pointer = bigint | null;
type Argument = Buffer | Pointer | number | boolean | string;

/** Result and parameter types of every function used. */
const signatures = {
  wasm_config_new: ['void*', []],
  wasmtime_config_memory_reservation_set: ['void', ['void*', 'uint64_t']],
  wasmtime_config_memory_reservation_for_growth_set: ['void', ['void*', 'uint64_t']],
  wasmtime_config_memory_guard_size_set: ['void', ['void*', 'uint64_t']],
  wasmtime_config_parallel_compilation_set: ['void', ['void*', 'bool']],
  wasmtime_config_cranelift_opt_level_set: ['void', ['void*', 'uint8_t']],
  wasmtime_pooling_allocation_config_new: ['void*', []],
  wasmtime_pooling_allocation_config_delete: ['void', ['void*']],
  wasmtime_pooling_allocation_strategy_set: ['void', ['void*', 'void*']],
  wasm_engine_new_with_config: ['void*', ['void*']],
  wasmtime_module_new: ['void*', ['void*', 'void*', 'size_t', 'void*']],
  wasmtime_store_new: ['void*', ['void*', 'void*', 'void*']],
  wasmtime_store_context: ['void*', ['void*']],
  wasmtime_instance_new: ['void*', ['void*', 'void*', 'void*', 'size_t', 'void*', 'void*']],
  wasmtime_instance_export_get: ['bool', ['void*', 'void*', 'void*', 'size_t', 'void*']],
  wasmtime_func_call_unchecked: ['void*', ['void*', 'void*', 'void*', 'size_t', 'void*']],
  wasmtime_error_message: ['void', ['void*', 'void*']],
  wasm_trap_message: ['void', ['void*', 'void*']],
  wasmtime_trap_code: ['bool', ['void*', 'void*']],
  wasm_trap_delete: ['void', ['void*']],
} as const satisfies Readonly<Record<string, readonly [string, readonly string[]]>>;

/** Setters of the pool: `wasmtime_pooling_allocation_config_<name>_set`. */
type PoolSetter = Readonly<{ name: string; type: 'uint32_t' | 'size_t' }>;

export type Library = Readonly<{
  /** Calls a function of the table; declares it at its first use. */
  call: (name: keyof typeof signatures, ...values: readonly Argument[]) => unknown;
  /** Same, for a result that is a pointer. */
  pointer: (name: keyof typeof signatures, ...values: readonly Argument[]) => Pointer;
  setPool: (pool: Pointer, setter: PoolSetter, value: number) => void;
  /** Text of a wasmtime_error_t or wasm_trap_t, with its causes. */
  message: (name: 'wasmtime_error_message' | 'wasm_trap_message', object: Pointer) => string;
}>;

/** Loads libwasmtime. Throws ProofError `library` when it, or a function of it, cannot be loaded. */
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
    const [result, parameters] = signatures[name];
    return declare(name, result, parameters)(...values);
  };
  const pointer: Library['pointer'] = (name, ...values) => toPointer(call(name, ...values));

  return {
    call,
    pointer,
    setPool: (pool, { name, type }, value) => {
      const full = `wasmtime_pooling_allocation_config_${name}_set`;
      declare(full, 'void', ['void*', type])(pool, value);
    },
    message: (name, object) => {
      const vector = Buffer.alloc(16); // wasm_byte_vec_t: size, data
      call(name, object, vector);
      const size = Number(vector.readBigUInt64LE(0));
      const data = vector.readBigUInt64LE(8);
      // wasm_trap_message counts the terminating zero, wasmtime_error_message does not. The vector is not
      // freed: it is read at most once before the process ends.
      return Buffer.from(koffi.view(data, size)).toString('utf8').replace(/\0$/, '');
    },
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
