/** Runs workloads in libwasmtime, in an engine with the settings of one form of a tier. */
import type { WasmtimeConfiguration } from '../allocator/configuration.ts';
import { buildEngine } from './build-engine.ts';
import { compileModule, type Library, openExports, type Pointer } from './libwasmtime.ts';
import { hashCode } from './measure-code.ts';
import { startLives } from './measure-life.ts';
import { ProofError } from './proof-error.ts';
import { serializeModule } from './serialized-module.ts';
import type { Instance, InstanceOptions, Loaded } from './workloads/instance.ts';

/**
 * Cells of a call: more than any export used here has parameters. With too few the library's `ud2` ends the process.
 */
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
  library: Library,
  configuration: WasmtimeConfiguration,
): WasmtimeMeasureEngine {
  const engine = buildEngine(library, configuration, { optimize: true });
  const wrap = (module: bigint, serialized: Buffer): CompiledWasmtime => ({
    loaded: {
      instantiate: (options) => instantiate(library, engine, module, options),
      cycle: (cycle) => startLives(library, { library: library.path, engine: engine ?? 0n, module }, cycle),
    },
    code: hashCode(serialized),
    serialized,
  });
  return {
    compile: (wasm) => {
      const module = compileModule(library, engine, wasm);
      return wrap(module, serializeModule(library, module));
    },
    deserialize: (bytes) => {
      const out = Buffer.alloc(8);
      library.raise(library.pointer('wasmtime_module_deserialize', engine, bytes, bytes.length, out));
      return wrap(out.readBigUInt64LE(0), Buffer.from(bytes));
    },
  };
}

function instantiate(
  library: Library,
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

  const find = openExports(
    library,
    context,
    instance,
    (name) => new ProofError('engine', `the module has no export ${name}`),
  );
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
        library.pointer('wasmtime_func_call_unchecked', context, find(name), cells, cellCount, trap),
      );
      library.raiseTrap(trap);
      return cells.readInt32LE(0);
    },
    memory: () => {
      const handle = find(memoryName);
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
      library.raise(library.pointer('wasmtime_memory_grow', context, find(memoryName), pages, before));
    },
    drop: () => void library.call('wasmtime_store_delete', store),
  };
}
