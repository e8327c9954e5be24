/** Runs workloads in Node's own engine, with guard regions or with explicit checks. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
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

/** Gives JavaScript V8's own functions that write a module's code and read it again. Changes no code. */
export const nativesFlag = '--allow-natives-syntax';

/**
 * Compiles for one subject. Where the whole process has its guards, explicit checks are compiled in by V8's own flag,
 * set around the compilation (guard regions stay mapped, which no code then relies on).
 *
 * @param index number of the subject: V8 shares the code of modules with equal bytes, so each gets its own
 * @param file has the code if it was compiled before, otherwise it is written; null: no file. Its name must contain
 * V8's version and the checks: V8 itself refuses other versions and flags, but not other checks
 */
export function loadV8(wasm: Uint8Array, checks: Checks, index: number, file: string | null = null): Loaded {
  const bytes = appendSection(wasm, index);
  const module = (file !== null && readCompiled(file, bytes)) || compile(bytes, checks, file);
  return { instantiate: ({ memory = 'memory' } = {}) => instantiate(module, memory) };
}

function compile(bytes: Uint8Array, checks: Checks, file: string | null): object {
  const enforce = checks === 'explicit' && !process.execArgv.includes(trapHandlerFlag);
  if (enforce) setFlagsFromString('--wasm-enforce-bounds-checks');
  const module = new webAssembly.Module(bytes);
  if (enforce) setFlagsFromString('--no-wasm-enforce-bounds-checks');
  if (file !== null) {
    const code = nativeFunction('SerializeWasmModule', 1)(module) as ArrayBuffer;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, new Uint8Array(code));
  }
  return module;
}

/** Null when the file is not there, or V8 does not take it. */
function readCompiled(file: string, bytes: Uint8Array): object | null {
  if (!existsSync(file)) return null;
  const code = new Uint8Array(readFileSync(file)).buffer;
  const module = nativeFunction('DeserializeWasmModule', 2)(code, bytes);
  return module instanceof webAssembly.Module ? module : null;
}

/** One of V8's own functions; only under {@link nativesFlag} is the text JavaScript at all. */
function nativeFunction(name: string, parameters: 1 | 2): (...values: readonly unknown[]) => unknown {
  const names = ['first', 'second'].slice(0, parameters);
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the only way to a native function
  return new Function(...names, `return %${name}(${names.join(', ')})`) as (
    ...values: readonly unknown[]
  ) => unknown;
}

/** The module with an empty custom section more, named after the subject. */
export function appendSection(wasm: Uint8Array, index: number): Uint8Array {
  const name = Buffer.from(`subject ${index}`);
  const bytes = Buffer.concat([wasm, Buffer.from([0, name.length + 1, name.length]), name]);
  // Of its own: V8 reads the module's bytes as the whole of a buffer.
  return new Uint8Array(bytes);
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
