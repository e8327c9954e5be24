/** Builds a libwasmtime engine with a tier's settings and proves it with the canary. */
import type { WasmtimeConfiguration } from '../allocator/configuration.ts';
import { canaryInstances } from '../allocator/mappings.ts';
import type { Checks } from '../allocator/tier.ts';
import { buildEngine } from './build-engine.ts';
import { checkApart, checkCanary, checkGrowth, type CanaryInstance, type Stop } from './canary.ts';
import { compileModule, type Library, openExports, type Pointer } from './libwasmtime.ts';
import { describeSteps, type Measured } from './measured.ts';
import { measureLayout, type PlacedMemory } from './memory-layout.ts';
import { readMoment } from './proc.ts';
import { ProofError } from './proof-error.ts';
import { readEngineVersion, serializeModule } from './serialized-module.ts';
import type { Stopwatch } from './stopwatch.ts';

/** Code of an out-of-bounds memory access: `TrapCode::MemoryOutOfBounds`. */
const outOfBounds = 1;

/** Wasmtime's message for a trap by a signal, with the touched address. */
const guardWords = /memory fault at wasm address/;

/**
 * Builds the engine and proves it; its objects stay alive with the process. A pool that cannot be mapped ends the
 * process (SIGABRT): the C interface has no error to return. Throws ProofError for everything else.
 *
 * @param serves the engine serves when it is proven: it compiles well, and its instances can be interrupted
 */
export function proveWasmtime(
  library: Library,
  configuration: WasmtimeConfiguration,
  wasm: Uint8Array,
  stopwatch: Stopwatch,
  serves: boolean,
): Measured {
  if (configuration.pool !== null && !configuration.poolingInC) {
    throw new ProofError(
      'unsupported',
      'the C interface of this wasmtime cannot configure pools (it can since 32)',
    );
  }
  const before = readMoment();
  const engine = buildEngine(library, configuration, { optimize: serves, interruptible: serves });
  const built = readMoment();
  stopwatch.lap('engine');
  const module = compileModule(library, engine, wasm);
  const version = readEngineVersion(serializeModule(library, module));
  stopwatch.lap('compile');

  const first = instantiate(library, engine, module, serves);
  const checks = toChecks(checkCanary(first), configuration.checks);
  // A pool's slab was there with the engine; a memory of its own is seen before another lies beside it.
  const alone = configuration.pool === null ? readMoment() : built;
  const aloneAt = first.place();
  stopwatch.lap('canary');
  const room = Math.min(configuration.pool?.memories ?? Infinity, configuration.pool?.tables ?? Infinity);
  const instances = [first];
  if (Math.min(canaryInstances, room) > 1) {
    const second = instantiate(library, engine, module, serves);
    checkCanary(second);
    checkApart(first, second);
    instances.push(second);
    stopwatch.lap('second');
  }
  checkGrowth(first, configuration.pool?.maxMemoryBytes);
  stopwatch.lap('grow');
  const last = readMoment();
  const memory = measureLayout(
    configuration,
    { before, engine: built, first: alone, last },
    { alone: aloneAt, last: instances.map(({ place }) => place()) },
  );
  stopwatch.lap('layout');
  const pooled = configuration.pool !== null;
  return {
    checks,
    slots: memory.slots,
    reservedBytes: memory.mappingBytes + (pooled ? memory.writableBytes : 0),
    chargedBytes: pooled ? memory.writableBytes : 0,
    instances: instances.length,
    proven: { engine, release: () => instances.forEach(({ drop }) => drop()) },
    version,
    memory,
    steps: describeSteps({ before, engine: built, canary: last }),
    maps: last.maps,
  };
}

/** The version that a library reports, from an engine without pools and an empty module. @throws ProofError */
export function readLibraryVersion(library: Library): string {
  const config = library.pointer('wasm_config_new');
  library.call('wasmtime_config_parallel_compilation_set', config, false);
  const engine = library.pointer('wasm_engine_new_with_config', config);
  const emptyModule = Buffer.from([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  return readEngineVersion(serializeModule(library, compileModule(library, engine, emptyModule)));
}

/** The bounds checks, from the mechanism that stopped the load that only a whole guard can stop. */
function toChecks(stop: Stop, configured: Checks): Checks {
  const checks = stop === 'guard' ? 'elided' : 'explicit';
  if (checks !== configured) {
    throw new ProofError(
      'verification',
      `${configured} bounds checks were configured, but the last load was stopped by a ${stop === 'guard' ? 'guard region' : 'compare instruction'}`,
    );
  }
  return checks;
}

type PlacedInstance = CanaryInstance & Readonly<{ place: () => PlacedMemory; drop: () => void }>;

function instantiate(library: Library, engine: Pointer, module: Pointer, serves: boolean): PlacedInstance {
  const store = library.pointer('wasmtime_store_new', engine, null, null);
  const context = library.pointer('wasmtime_store_context', store);
  // Nothing moves the epoch yet.
  if (serves) library.call('wasmtime_context_set_epoch_deadline', context, 1);
  const instance = Buffer.alloc(64);
  const trapOut = Buffer.alloc(8);
  library.raise(library.pointer('wasmtime_instance_new', context, module, null, 0, instance, trapOut));
  if (trapOut.readBigUInt64LE(0) !== 0n) throw new ProofError('engine', 'instantiation trapped');

  const find = openExports(
    library,
    context,
    instance,
    (name) => new ProofError('verification', `the canary has no export ${name}`),
  );
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
    library.raise(
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
    loadBeyond: (address) => {
      const end = invoke('load', [address]);
      if ('result' in end) return null;
      if (end.trap === outOfBounds) return guardWords.test(end.text) ? 'guard' : 'compare';
      throw new ProofError('verification', `an out-of-bounds load trapped as something else: ${end.text}`);
    },
    place: () => {
      const memory = find('memory');
      return {
        base: Number(library.pointer('wasmtime_memory_data', context, memory)),
        bytes: Number(library.call('wasmtime_memory_data_size', context, memory)),
      };
    },
    drop: () => void library.call('wasmtime_store_delete', store),
  };
}
