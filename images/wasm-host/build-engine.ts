/** A libwasmtime engine with the settings of a tier: one table of setters, for proof and measurement alike. */
import type { PoolSettings, WasmtimeConfiguration } from '../allocator/configuration.ts';
import type { Library, Pointer, PoolSetter } from './libwasmtime.ts';
import { ProofError } from './proof-error.ts';

/** Pool setting → setter of the C interface. */
const setters: Readonly<Record<keyof Omit<PoolSettings, 'stackBytes'>, PoolSetter>> = {
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

/** WASMTIME_OPT_LEVEL_NONE. */
const optimizeNothing = 0;

export type EngineOptions = Readonly<{
  /** Compile well, as for a measurement; a canary needs no speed. Whether an access is checked is the same. */
  optimize: boolean;
  /** Instances look at the engine's epoch, and end when it passes their deadline. @default false */
  interruptible?: boolean;
}>;

/**
 * The engine stays alive with the process. A pool that cannot be mapped ends the process (SIGABRT): the C
 * interface has no error to return. @throws ProofError `engine`
 */
export function buildEngine(
  library: Library,
  configuration: WasmtimeConfiguration,
  { optimize, interruptible = false }: EngineOptions,
): Pointer {
  const { pool, reservationBytes, guardBytes, growthBytes } = configuration;
  const config = library.pointer('wasm_config_new');
  library.call('wasmtime_config_memory_reservation_set', config, reservationBytes);
  library.call('wasmtime_config_memory_reservation_for_growth_set', config, growthBytes);
  library.call('wasmtime_config_memory_guard_size_set', config, guardBytes);
  // One small module: a thread per processor would only add to the charge.
  library.call('wasmtime_config_parallel_compilation_set', config, false);
  if (!optimize) library.call('wasmtime_config_cranelift_opt_level_set', config, optimizeNothing);
  if (interruptible) library.call('wasmtime_config_epoch_interruption_set', config, true);
  if (pool !== null) {
    const settings = library.pointer('wasmtime_pooling_allocation_config_new');
    for (const [field, setter] of Object.entries(setters)) {
      const value = pool[field as keyof typeof setters];
      if (value !== null) library.setPool(settings, setter, value);
    }
    library.call('wasmtime_pooling_allocation_strategy_set', config, settings);
    library.call('wasmtime_pooling_allocation_config_delete', settings);
  }
  const engine = library.pointer('wasm_engine_new_with_config', config);
  if (engine === null) throw new ProofError('engine', 'wasm_engine_new_with_config returned no engine');
  return engine;
}
