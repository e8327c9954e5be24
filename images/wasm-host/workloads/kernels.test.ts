import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import wabt from 'wabt';
import { resolveTierConfiguration } from '../../allocator/configuration.ts';
import { GiB } from '../../allocator/sizes.ts';
import type { Checks, Tier } from '../../allocator/tier.ts';
import { findEngineLibrary } from '../../package-files.ts';
import { openLibrary } from '../libwasmtime.ts';
import { appendSection, loadV8 } from '../measure-v8.ts';
import { openWasmtimeEngine } from '../measure-wasmtime.ts';
import { ProofError } from '../proof-error.ts';
import { clocks, findWorkload, workloads } from './catalogue.ts';
import type { Loaded } from './instance.ts';
import { kernels, roundRobinInstances, roundRobinSteps } from './kernels.ts';
import { lifeCycles } from './life-cycle.ts';

const version = '50.0.1';
const compiler = await wabt();
const compile = (name: string): Uint8Array => {
  const module = compiler.parseWat(
    name,
    readFileSync(path.join(import.meta.dirname, `${name}.wat`), 'utf8'),
    {
      bulk_memory: true,
    },
  );
  const bytes = module.toBinary({}).buffer;
  module.destroy();
  return bytes;
};

const library = openLibrary(await findEngineLibrary(version));
function openTier(tier: Tier, checks: Checks) {
  const configuration = resolveTierConfiguration(tier, {
    engine: { kind: 'wasmtime', version },
    profile: 'spin',
    env: {},
    facts: { addressSpaceLimit: checks === 'elided' ? null : 8 * GiB, addressBits: null },
  });
  if (configuration.kind !== 'wasmtime') throw new Error('not wasmtime');
  t.equal(configuration.checks, checks);
  return openWasmtimeEngine(library, configuration);
}
const standard = openTier('standard', 'elided');
const conservative = openTier('conservative', 'elided');
const small = openTier('conservative', 'explicit');
const onDemand = openTier('on-demand', 'elided');

/** Every way a kernel is run. */
const engines: Readonly<Record<string, (wasm: Uint8Array) => Loaded>> = {
  'wasmtime standard/elided': (wasm) => standard.compile(wasm).loaded,
  'wasmtime conservative/explicit': (wasm) => small.compile(wasm).loaded,
  'v8 standard/elided': (wasm) => loadV8(wasm, 'elided', 0),
  'v8 on-demand/explicit': (wasm) => loadV8(wasm, 'explicit', 1),
};

const advance = (x: number): number => (Math.imul(x, 1_664_525) + 1_013_904_223) | 0;

const filled = (words: number, value: (address: number) => number): Int32Array =>
  Int32Array.from({ length: words }, (_, at) => value(4 * at));
const scrambled = (seed: number) => (address: number) => Math.imul(seed + address, 2_654_435_761);

function modelRandom(memory: Int32Array, shift: number, mask: number, steps: number): number {
  let [x, sum] = [12345, 0];
  for (let step = 0; step < steps; step += 1) {
    x = advance(x);
    const at = ((x >>> shift) & mask) >> 2;
    const value = ((memory[at] ?? 0) + x) | 0;
    memory[at] = value;
    sum = (sum + value) | 0;
  }
  return sum;
}

function modelChase(bytes: number, links: number): number {
  const next = Array.from({ length: bytes / 64 }, (_, node) => node);
  let x = 12345;
  for (let node = next.length - 1; node >= 1; node -= 1) {
    x = advance(x);
    const other = (x >>> 8) % node;
    [next[node], next[other]] = [next[other] ?? 0, next[node] ?? 0];
  }
  // One cycle over all nodes, or a run would see only a part.
  const seen = new Set<number>();
  for (let node = 0; !seen.has(node); node = next[node] ?? 0) seen.add(node);
  t.equal(seen.size, next.length);
  let node = 0;
  for (let link = 0; link < links; link += 1) node = next[node] ?? 0;
  return 64 * node;
}

/** The same in JavaScript, from the state after setup. */
const models: Readonly<Record<string, (length: number) => number>> = {
  'register-loop': (length) => {
    let x = 12345;
    for (let step = 0; step < length; step += 1) {
      x = advance(x);
      x ^= x >>> 13;
    }
    return x;
  },
  'random-access': (length) =>
    modelRandom(
      filled(1 << 20, (address) => 7 + address),
      10,
      0x3ffffc,
      length,
    ),
  'sequential-load': (length) => {
    const memory = filled(0x10000, scrambled(7));
    let sum = 0;
    for (let pass = 0; pass < length; pass += 1) {
      memory.forEach((word, at) => (sum = at % 4 === 2 ? sum ^ word : (sum + word) | 0));
    }
    return sum;
  },
  'sequential-store': (length) => {
    const memory = new Int32Array(0x10000);
    let value = 0;
    for (let left = length; left > 0; left -= 1) {
      for (let at = 0; at < memory.length; at += 4) {
        value = (value + 0x9e3779b9) | 0;
        memory.set([value, 4 * at, value, left], at);
      }
    }
    return Math.imul(value, 31) ^ (memory[(value & 0x3fffc) >> 2] ?? 0);
  },
  'pointer-chase-in-cache': (length) => modelChase(16 * 1024, length),
  'pointer-chase-out-of-cache': (length) => modelChase(32 * 1024 * 1024, length),
  'bulk-memory': (length) => {
    const memory = new Uint8Array(filled(0x10000, scrambled(7)).buffer);
    let sum = 0;
    for (let left = length; left > 0; left -= 1) {
      memory.copyWithin(0x10000, 0, 0x10000);
      const byte = ((memory[0x1ffff] ?? 0) + (memory[0x10000] ?? 0) + left) & 255;
      memory.fill(byte, 0, 0x10000);
      sum += byte;
    }
    return sum;
  },
  'round-robin': (length) => {
    const memories = Array.from({ length: roundRobinInstances }, (_, seed) =>
      filled(0x1000, (address) => seed + address),
    );
    let sum = 0;
    for (let round = 0; round < length; round += 1) {
      for (const memory of memories) sum = (sum + modelRandom(memory, 18, 0x3ffc, roundRobinSteps)) | 0;
    }
    return sum;
  },
};

const lengths: Readonly<Record<string, number>> = {
  'sequential-load': 3,
  'sequential-store': 3,
  'round-robin': 3,
};

t.test('every kernel gives what its model in JavaScript gives, in both engines, checked or not', (t) => {
  t.same(Object.keys(models).sort(), Object.keys(kernels).sort());
  for (const [name, model] of Object.entries(models)) {
    const length = lengths[name] ?? 1000;
    const expected = model(length);
    for (const [engine, load] of Object.entries(engines)) {
      const loaded = load(compile(findWorkload(name)?.module ?? ''));
      const running = kernels[name]!({ load: () => loaded, read: () => new Uint8Array() });
      t.equal(running.run(length), expected, `${name} in ${engine}`);
      running.drop();
    }
  }
  t.end();
});

t.test('a pointer chase goes on where it stopped', (t) => {
  const load = () => loadV8(compile('pointer-chase'), 'elided', 2);
  const start = kernels['pointer-chase-in-cache']!;
  const once = start({ load, read: () => new Uint8Array() });
  const twice = start({ load, read: () => new Uint8Array() });
  twice.run(40);
  t.equal(twice.run(60), once.run(100));
  t.end();
});

t.test('tiers with guard regions have byte for byte the same machine code, those with checks do not', (t) => {
  for (const name of readdirSync(import.meta.dirname).filter((file) => file.endsWith('.wat'))) {
    const wasm = compile(name.slice(0, -4));
    const compiled = standard.compile(wasm);
    t.match(compiled.code, /^[0-9a-f]{64}$/);
    t.equal(conservative.compile(wasm).code, compiled.code, name);
    t.equal(onDemand.compile(wasm).code, compiled.code, name);
    // Without memory there is nothing to check.
    t.equal(small.compile(wasm).code === compiled.code, name === 'register-loop.wat', name);
    t.equal(conservative.deserialize(compiled.serialized).code, compiled.code);
    if (name !== 'register-loop.wat') {
      // The engine itself refuses code that was made for other settings.
      t.throws(() => small.deserialize(compiled.serialized), ProofError);
    }
  }
  t.end();
});

t.test('an instance grows, is seen through a view that follows, and says what it lacks', (t) => {
  for (const load of Object.values(engines)) {
    const instance = load(compile('round-robin')).instantiate();
    t.equal(instance.memory().length, 65_536);
    t.equal(instance.memory(), instance.memory(), 'no new view for each look');
    instance.grow(2);
    t.equal(instance.memory().length, 3 * 65_536);
    instance.call('setup', -5);
    t.equal(new DataView(instance.memory().slice().buffer).getInt32(0, true), -5);
    t.throws(() => instance.call('absent'));
    instance.drop();
  }
  t.end();
});

t.test('more instances than a pool has slots fit one after the other', (t) => {
  const { loaded } = small.compile(compile('round-robin'));
  for (let count = 0; count < 40; count += 1) loaded.instantiate().drop();
  const live = Array.from({ length: 16 }, () => loaded.instantiate());
  t.throws(() => loaded.instantiate(), /limit of 16/);
  for (const { drop } of live) drop();
  t.end();
});

t.test('the catalogue names each workload once, with a kernel or a program and a clock', (t) => {
  t.equal(new Set(workloads.map(({ name }) => name)).size, workloads.length);
  for (const row of workloads) {
    t.ok(row.clocks.length > 0 && row.clocks.every((clock) => clocks.includes(clock)), row.name);
    t.ok(row.length > 0 && row.standsFor !== '' && row.workingSet !== '');
    const isKernel = row.kind !== 'program' && row.kind !== 'life-cycle';
    t.equal(isKernel, kernels[row.name] !== undefined);
    t.equal(row.kind === 'life-cycle', lifeCycles[row.name] !== undefined);
  }
  t.equal(findWorkload('bulk-memory')?.clocks.includes('instructions'), false);
  t.equal(findWorkload('none'), undefined);
  t.end();
});

t.test('an instance lives as its row says, in every form: pages written, pages added', (t) => {
  for (const { module, touched, grown } of Object.values(lifeCycles).filter(({ threads }) => threads === 1)) {
    for (const engine of [standard, small]) {
      const cycle = engine.compile(compile(module)).loaded.cycle;
      const running = cycle?.({ module, touched, grown, threads: 1 });
      t.equal(running?.run(20), 20 * (touched + grown), `${module} ${touched} ${grown}`);
      running?.drop();
    }
  }
  t.end();
});

t.test('a section more makes other bytes and the same module', (t) => {
  const wasm = compile('register-loop');
  const one = appendSection(wasm, 1);
  t.notSame(one, appendSection(wasm, 2));
  t.equal(loadV8(wasm, 'elided', 3).instantiate().call('run', 10), models['register-loop']!(10));
  t.end();
});
