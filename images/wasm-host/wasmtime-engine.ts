/** Builds a libwasmtime engine with a tier's settings and proves it with the canary. */
import type { PoolSettings, WasmtimeConfiguration } from '../allocator/configuration.ts';
import { canaryInstances } from '../allocator/configuration.ts';
import { classifyEngineText } from '../allocator/failure.ts';
import { checkApart, checkCanary, checkGrowth, type CanaryInstance } from './canary.ts';
import type { Library } from './libwasmtime.ts';
import { ProofError } from './proof-error.ts';
import type { Stopwatch } from './stopwatch.ts';

type Pointer = bigint | null;

/** Code of an out-of-bounds memory access: `TrapCode::MemoryOutOfBounds`. */
const outOfBounds = 1;

/** WASMTIME_OPT_LEVEL_NONE. */
const optimizeNothing = 0;

/** Pool setting → setter of the C interface. */
const setters: Readonly<
  Record<keyof Omit<PoolSettings, 'stackBytes'>, readonly [string, 'uint32_t' | 'size_t']>
> = {
  memories: ['total_memories', 'uint32_t'],
  tables: ['total_tables', 'uint32_t'],
  stacks: ['total_stacks', 'uint32_t'],
  coreInstances: ['total_core_instances', 'uint32_t'],
  componentInstances: ['total_component_instances', 'uint32_t'],
  maxMemoryBytes: ['max_memory_size', 'size_t'],
  tableElements: ['table_elements', 'size_t'],
  componentInstanceBytes: ['max_component_instance_size', 'size_t'],
  coreInstanceBytes: ['max_core_instance_size', 'size_t'],
  coreInstancesPerComponent: ['max_core_instances_per_component', 'uint32_t'],
  tablesPerComponent: ['max_tables_per_component', 'uint32_t'],
  memoriesPerComponent: ['max_memories_per_component', 'uint32_t'],
  tablesPerModule: ['max_tables_per_module', 'uint32_t'],
  memoriesPerModule: ['max_memories_per_module', 'uint32_t'],
  memoryKeepResidentBytes: ['linear_memory_keep_resident', 'size_t'],
  tableKeepResidentBytes: ['table_keep_resident', 'size_t'],
};

/**
 * Builds the engine and proves it; what it made stays alive with the process. Returns how many
 * instances were proven side by side. A pool that cannot be mapped ends the process (SIGABRT):
 * the C interface has no error to return. Throws ProofError for everything else.
 */
export function proveWasmtime(
  library: Library,
  configuration: WasmtimeConfiguration,
  wasm: Uint8Array,
  stopwatch: Stopwatch,
): number {
  if (configuration.pool !== null && !configuration.poolingInC) {
    throw new ProofError(
      'unsupported',
      'the C interface of this wasmtime cannot configure pools (it can since 32)',
    );
  }
  const engine = buildEngine(library, configuration);
  stopwatch.lap('engine');
  const module = compile(library, engine, wasm);
  stopwatch.lap('compile');

  const first = instantiate(library, engine, module);
  checkCanary(first);
  stopwatch.lap('canary');
  const room = Math.min(configuration.pool?.memories ?? Infinity, configuration.pool?.tables ?? Infinity);
  const wanted = Math.min(canaryInstances, room);
  if (wanted > 1) {
    const second = instantiate(library, engine, module);
    checkCanary(second);
    checkApart(first, second);
    stopwatch.lap('second');
  }
  checkGrowth(first);
  stopwatch.lap('grow');
  return wanted;
}

function buildEngine(library: Library, configuration: WasmtimeConfiguration): Pointer {
  const { pool, reservationBytes, guardBytes, growthBytes } = configuration;
  const config = library.pointer('wasm_config_new');
  library.call('wasmtime_config_memory_reservation_set', config, reservationBytes);
  library.call('wasmtime_config_memory_reservation_for_growth_set', config, growthBytes);
  library.call('wasmtime_config_memory_guard_size_set', config, guardBytes);
  // One small module: a thread per processor would only add to what is charged.
  library.call('wasmtime_config_parallel_compilation_set', config, false);
  // The canary proves memory, not speed: whether an access is checked does not depend on optimisation.
  library.call('wasmtime_config_cranelift_opt_level_set', config, optimizeNothing);
  if (pool !== null) {
    const settings = library.pointer('wasmtime_pooling_allocation_config_new');
    for (const [field, [name, type]] of Object.entries(setters)) {
      const value = pool[field as keyof typeof setters];
      if (value !== null) library.setPool(settings, { name, type }, value);
    }
    library.call('wasmtime_pooling_allocation_strategy_set', config, settings);
    library.call('wasmtime_pooling_allocation_config_delete', settings);
  }
  const engine = library.pointer('wasm_engine_new_with_config', config);
  if (engine === null) throw new ProofError('engine', 'wasm_engine_new_with_config returned no engine');
  return engine;
}

function compile(library: Library, engine: Pointer, wasm: Uint8Array): Pointer {
  const out = Buffer.alloc(8);
  const bytes = Buffer.from(wasm);
  raise(library, library.pointer('wasmtime_module_new', engine, bytes, bytes.length, out));
  return out.readBigUInt64LE(0);
}

function instantiate(library: Library, engine: Pointer, module: Pointer): CanaryInstance {
  const store = library.pointer('wasmtime_store_new', engine, null, null);
  const context = library.pointer('wasmtime_store_context', store);
  const instance = Buffer.alloc(64);
  const trapOut = Buffer.alloc(8);
  raise(library, library.pointer('wasmtime_instance_new', context, module, null, 0, instance, trapOut));
  if (trapOut.readBigUInt64LE(0) !== 0n) throw new ProofError('engine', 'instantiation trapped');

  const functions = new Map<string, Buffer>();
  const find = (name: string): Buffer => {
    const known = functions.get(name);
    if (known !== undefined) return known;
    const found = Buffer.alloc(64); // wasmtime_extern_t: kind, then the function at 8
    const key = Buffer.from(name);
    if (library.call('wasmtime_instance_export_get', context, instance, key, key.length, found) !== true) {
      throw new ProofError('verification', `the canary has no export ${name}`);
    }
    const inner = Buffer.from(found.subarray(8));
    functions.set(name, inner);
    return inner;
  };
  /** Result, or the trap's code. */
  const invoke = (
    name: string,
    values: readonly number[],
  ): { result: number } | { trap: number; text: string } => {
    // Raw cells are 16 bytes in every version; wasmtime_val_t is not the same size in all.
    const cells = Buffer.alloc(16 * Math.max(values.length, 1));
    values.forEach((value, index) => cells.writeInt32LE(value, 16 * index));
    trapOut.fill(0);
    const count = Math.max(values.length, 1);
    raise(
      library,
      library.pointer('wasmtime_func_call_unchecked', context, find(name), cells, count, trapOut),
    );
    const trap = trapOut.readBigUInt64LE(0);
    if (trap === 0n) return { result: cells.readInt32LE(0) };
    const code = Buffer.alloc(8);
    const known = library.call('wasmtime_trap_code', trap, code) === true;
    const text = library.message('wasm_trap_message', trap);
    library.call('wasm_trap_delete', trap);
    return { trap: known ? code.readUInt8(0) : -1, text };
  };
  return {
    call: (name, ...values) => {
      const end = invoke(name, values);
      if ('trap' in end) throw new ProofError('verification', `${name} trapped: ${end.text}`);
      return end.result;
    },
    trapsAt: (address) => {
      const end = invoke('load', [address]);
      if ('result' in end) return false;
      if (end.trap === outOfBounds) return true;
      throw new ProofError('verification', `an out-of-bounds load trapped as something else: ${end.text}`);
    },
  };
}

function raise(library: Library, error: Pointer): void {
  if (error === null) return;
  const text = library.message('wasmtime_error_message', error);
  throw new ProofError(classifyEngineText(text).class, text);
}
