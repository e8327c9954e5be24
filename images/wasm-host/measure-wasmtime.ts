/** Runs workloads in libwasmtime, in an engine with the settings of one form of a tier. */
import type { PoolSettings, WasmtimeConfiguration } from '../allocator/configuration.ts';
import { hashCode } from './measure-code.ts';
import { startLives } from './measure-life.ts';
import type { MeasureLibrary, Pointer } from './measure-library.ts';
import { ProofError } from './proof-error.ts';
import type { Instance, InstanceOptions, Loaded } from './workloads/instance.ts';

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

/** Cells of a call: more than any export used here has parameters. With too few the library's `ud2` ends the process. */
const cellCount = 16;

export type CompiledWasmtime = Readonly<{
  loaded: Loaded;
  /** sha256 of the machine code. */
  code: string;
  /** For `wasmtime_module_deserialize` in an engine with the same code settings. */
  serialized: Buffer;
}>;

export type WasmtimeMeasureEngine = Readonly<{
  compile: (wasm: Uint8Array) => CompiledWasmtime;
  deserialize: (serialized: Uint8Array) => CompiledWasmtime;
}>;

/** A pool that cannot be mapped ends the process (SIGABRT). @throws ProofError */
export function openWasmtimeEngine(
  library: MeasureLibrary,
  configuration: WasmtimeConfiguration,
): WasmtimeMeasureEngine {
  const engine = buildEngine(library, configuration);
  const wrap = (out: Buffer, serialized: Buffer): CompiledWasmtime => {
    const module = out.readBigUInt64LE(0);
    return {
      loaded: {
        instantiate: (options) => instantiate(library, engine, module, options),
        cycle: (cycle) => startLives(library, { library: library.path, engine: engine ?? 0n, module }, cycle),
      },
      code: hashCode(serialized),
      serialized,
    };
  };
  return {
    compile: (wasm) => {
      const out = Buffer.alloc(8);
      library.raise(library.pointer('wasmtime_module_new', engine, wasm, wasm.length, out));
      return wrap(out, serialize(library, out.readBigUInt64LE(0)));
    },
    deserialize: (bytes) => {
      const out = Buffer.alloc(8);
      library.raise(library.pointer('wasmtime_module_deserialize', engine, bytes, bytes.length, out));
      return wrap(out, Buffer.from(bytes));
    },
  };
}

function buildEngine(library: MeasureLibrary, configuration: WasmtimeConfiguration): Pointer {
  const { pool, reservationBytes, guardBytes, growthBytes } = configuration;
  const config = library.pointer('wasm_config_new');
  library.call('wasmtime_config_memory_reservation_set', config, reservationBytes);
  library.call('wasmtime_config_memory_reservation_for_growth_set', config, growthBytes);
  library.call('wasmtime_config_memory_guard_size_set', config, guardBytes);
  library.call('wasmtime_config_parallel_compilation_set', config, false);
  if (pool !== null) {
    const settings = library.pointer('wasmtime_pooling_allocation_config_new');
    for (const [field, [name, type]] of Object.entries(setters)) {
      const value = pool[field as keyof typeof setters];
      if (value !== null) library.setPool(settings, name, type, value);
    }
    library.call('wasmtime_pooling_allocation_strategy_set', config, settings);
    library.call('wasmtime_pooling_allocation_config_delete', settings);
  }
  const engine = library.pointer('wasm_engine_new_with_config', config);
  if (engine === null) throw new ProofError('engine', 'wasm_engine_new_with_config returned no engine');
  return engine;
}

function serialize(library: MeasureLibrary, module: Pointer): Buffer {
  const vector = Buffer.alloc(16); // wasm_byte_vec_t: size, data
  library.raise(library.pointer('wasmtime_module_serialize', module, vector));
  const bytes = library.view(vector.readBigUInt64LE(8), Number(vector.readBigUInt64LE(0)));
  const copy = Buffer.from(new Uint8Array(bytes)); // its own memory: the vector's is given back
  library.call('wasm_byte_vec_delete', vector);
  return copy;
}

function instantiate(
  library: MeasureLibrary,
  engine: Pointer,
  module: Pointer,
  { memory: memoryName = 'memory' }: InstanceOptions = {},
): Instance {
  const store = library.pointer('wasmtime_store_new', engine, null, null);
  const context = library.pointer('wasmtime_store_context', store);
  const trap = Buffer.alloc(8);
  const instance = Buffer.alloc(64);
  const linker = library.pointer('wasmtime_linker_new', engine);
  library.raise(
    library.pointer('wasmtime_linker_define_unknown_imports_as_default_values', linker, context, module),
  );
  library.raise(library.pointer('wasmtime_linker_instantiate', linker, context, module, instance, trap));
  library.raiseTrap(trap);
  library.call('wasmtime_linker_delete', linker);

  const find = (name: string): Buffer => {
    const found = Buffer.alloc(64); // wasmtime_extern_t: kind, then the handle at 8
    const key = Buffer.from(name);
    if (library.call('wasmtime_instance_export_get', context, instance, key, key.length, found) !== true) {
      throw new ProofError('engine', `the module has no export ${name}`);
    }
    return Buffer.from(found.subarray(8));
  };
  const exports = new Map<string, Buffer>();
  const known = (name: string): Buffer => {
    const present = exports.get(name);
    if (present !== undefined) return present;
    const found = find(name);
    exports.set(name, found);
    return found;
  };
  const cells = Buffer.alloc(16 * cellCount);
  // Kept as long as memory stays where it is: a view for each call makes V8 collect garbage in samples.
  let view = new Uint8Array(0);
  let viewAt: Pointer = null;
  return {
    call: (name, ...values) => {
      cells.writeBigInt64LE(0n, 0); // a function without result leaves the cell
      for (let index = 0; index < values.length; index += 1) {
        cells.writeInt32LE((values[index] ?? 0) | 0, 16 * index);
      }
      trap.writeBigUInt64LE(0n, 0);
      library.raise(
        library.pointer('wasmtime_func_call_unchecked', context, known(name), cells, cellCount, trap),
      );
      library.raiseTrap(trap);
      return cells.readInt32LE(0);
    },
    memory: () => {
      const handle = known(memoryName);
      const bytes = Number(library.call('wasmtime_memory_data_size', context, handle));
      const at = library.pointer('wasmtime_memory_data', context, handle);
      if (at !== viewAt || bytes !== view.length) {
        view = new Uint8Array(library.view(at, bytes));
        viewAt = at;
      }
      return view;
    },
    grow: (pages) => {
      const before = Buffer.alloc(8);
      library.raise(library.pointer('wasmtime_memory_grow', context, known(memoryName), pages, before));
    },
    drop: () => void library.call('wasmtime_store_delete', store),
  };
}
