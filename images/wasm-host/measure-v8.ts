/** Runs workloads in Node's own engine, with guard regions or with explicit checks. */
import { setFlagsFromString } from 'node:v8';
import type { Checks } from '../allocator/tier.ts';
import type { Instance, Loaded } from './workloads/instance.ts';
import { webAssembly } from './webassembly.ts';

/** Node's flag that turns guard regions off for the whole process. */
export const trapHandlerFlag = '--disable-wasm-trap-handler';

/**
 * Flags of every measured process: all code by the optimising compiler, at once. Otherwise the first
 * samples would time Liftoff, and compilation would go on beside them.
 */
export const compilerFlags: readonly string[] = ['--no-liftoff', '--no-wasm-lazy-compilation'];

/**
 * Compiles for one subject. Where the whole process has its guards, explicit checks are compiled in by
 * V8's own flag, set around the compilation (guard regions stay mapped, which no code then relies on).
 *
 * @param index number of the subject: V8 shares the code of modules with equal bytes, so each gets its own
 */
export function loadV8(wasm: Uint8Array, checks: Checks, index: number): Loaded {
  const enforce = checks === 'explicit' && !process.execArgv.includes(trapHandlerFlag);
  if (enforce) setFlagsFromString('--wasm-enforce-bounds-checks');
  const module = new webAssembly.Module(appendSection(wasm, index));
  if (enforce) setFlagsFromString('--no-wasm-enforce-bounds-checks');
  return { instantiate: ({ memory = 'memory' } = {}) => instantiate(module, memory) };
}

/** The module with an empty custom section more, named after the subject. */
export function appendSection(wasm: Uint8Array, index: number): Uint8Array {
  const name = Buffer.from(`subject ${index}`);
  return Buffer.concat([wasm, Buffer.from([0, name.length + 1, name.length]), name]);
}

type Memory = Readonly<{ buffer: ArrayBuffer; grow: (pages: number) => number }>;

function instantiate(module: object, memoryName: string): Instance {
  const { exports } = createInstance(module);
  const memory = exports[memoryName] as Memory;
  let view = new Uint8Array(0);
  return {
    call: (name, ...values) =>
      (exports[name] as (...values: readonly number[]) => number | undefined)(...values) ?? 0,
    memory: () => {
      if (view.buffer !== memory.buffer) view = new Uint8Array(memory.buffer);
      return view;
    },
    grow: (pages) => void memory.grow(pages),
    drop: () => undefined, // the collector's business
  };
}

type ImportRow = Readonly<{ module: string; name: string }>;

/** Every import exists and returns zero. */
function createInstance(module: object): InstanceType<typeof webAssembly.Instance> {
  const api = webAssembly as unknown as Readonly<{
    Module: Readonly<{ imports: (module: object) => readonly ImportRow[] }>;
    Instance: new (module: object, imports: object) => InstanceType<typeof webAssembly.Instance>;
  }>;
  const imports: Record<string, Record<string, () => number>> = {};
  for (const row of api.Module.imports(module)) {
    (imports[row.module] ??= {})[row.name] = () => 0;
  }
  return new api.Instance(module, imports);
}
