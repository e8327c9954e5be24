import t from 'tap';
import { AllocatorError } from './allocator-error.ts';
import {
  resolveTierConfiguration,
  type ConfigurationInput,
  type WasmtimeConfiguration,
} from './configuration.ts';
import { parseMajor, parseVersion, resolveDefaults } from './engines.ts';
import { describeForm, listMappings } from './mappings.ts';
import { GiB, KiB, MiB } from './sizes.ts';
import { parseChoice, resolveChoice, resolveSpinPool } from './spin-variables.ts';
import { atLeast, type Tier } from './tier.ts';

const input: ConfigurationInput = {
  engine: { kind: 'wasmtime', version: '50.0.1' },
  profile: 'spin',
  env: {},
  facts: { addressSpaceLimit: null, addressBits: 47 },
};

function wasmtime(tier: Tier, change: Partial<ConfigurationInput> = {}): WasmtimeConfiguration {
  const configuration = resolveTierConfiguration(tier, { ...input, ...change });
  if (configuration.kind !== 'wasmtime') throw new Error('not wasmtime');
  return configuration;
}

function sizeOf(configuration: WasmtimeConfiguration, pool: string): number | undefined {
  return listMappings(configuration).find((mapping) => mapping.pool === pool)?.bytes;
}

t.test('the guard page before each stack is as large as a page of the kernel', (t) => {
  const of = (pageSize: number) => wasmtime('standard', { facts: { ...input.facts, pageSize } });
  const grown = (pool: string, pageSize: number): number =>
    (sizeOf(of(pageSize), pool) ?? 0) - (sizeOf(of(4 * KiB), pool) ?? 0);
  t.equal(grown('stack', 16 * KiB), (of(16 * KiB).pool?.stacks ?? 0) * 12 * KiB);
  t.equal(grown('table', 16 * KiB), 0, 'whole pages of either size');
  t.equal(grown('memory', 16 * KiB), 0);
  t.end();
});

t.test('versions are read, and what is none is refused', (t) => {
  t.same(parseVersion('v20.15.1'), [20, 15]);
  t.same(parseVersion('22'), [22, Infinity], 'a bare line stands for its newest release');
  t.equal(parseMajor('12.4.254.21-node.33'), 12);
  for (const bad of ['', 'new', '1.x', '20.1;rm']) t.throws(() => parseVersion(bad), { code: 'BAD_VERSION' });
  t.throws(() => resolveDefaults('17.0.0'), { code: 'BAD_VERSION' });
  t.end();
});

t.test('each wasmtime version has its own defaults', (t) => {
  const rows = [
    ['18.0.0', 2 * GiB, 10 * MiB, 10_000, false, false],
    ['22.0.0', 2 * GiB, 10 * MiB, 20_000, false, false],
    ['26.0.1', 2 * GiB, 4 * GiB, 20_000, false, false],
    ['27.0.0', 2 * GiB, 4 * GiB, 20_000, true, false],
    ['31.0.0', 32 * MiB, 4 * GiB, 20_000, true, false],
    ['32.0.0', 32 * MiB, 4 * GiB, 20_000, true, true],
    ['50.0.1', 32 * MiB, 4 * GiB, 20_000, true, true],
  ] as const;
  for (const [version, guard, maximum, elements, noReserve, inC] of rows) {
    t.match(resolveDefaults(version), {
      guardBytes: guard,
      maxMemoryBytes: maximum,
      tableElements: elements,
      noReserve,
      poolingInC: inC,
    });
  }
  t.end();
});

t.test("the pools have the sizes that libwasmtime's own messages name", (t) => {
  const spin = wasmtime('standard');
  t.equal(sizeOf(spin, 'memory'), 0x3ef_d200_0000);
  t.equal(sizeOf(spin, 'table'), 0x5fb4_0000);
  t.equal(sizeOf(spin, 'stack'), 0x7d3e_8000);
  t.equal(listMappings(spin).find(({ pool }) => pool === 'stack-guards')?.maps, 1999);
  const own = wasmtime('standard', { profile: 'wasmtime' });
  t.equal(sizeOf(own, 'table'), 163_840_000);
  t.equal(own.pool?.componentInstances, null);
  const old = wasmtime('standard', { engine: { kind: 'wasmtime', version: '25.0.0' } });
  t.equal(sizeOf(old, 'memory'), 0x5dc_8000_0000);
  t.equal(listMappings(old).find(({ pool }) => pool === 'table')?.noReserve, false);
  t.end();
});

t.test('conservative keeps 4 GiB slots where the address space allows and small ones where not', (t) => {
  const big = wasmtime('conservative');
  t.match(big, { checks: 'elided', pool: { maxMemoryBytes: 4 * GiB } });
  t.equal(sizeOf(big, 'memory'), 64 * 4_328_521_728 + 32 * MiB);
  const small = wasmtime('conservative', { facts: { addressSpaceLimit: 8 * GiB, addressBits: 47 } });
  t.match(small, { checks: 'explicit', pool: { maxMemoryBytes: 128 * MiB } });
  t.equal(sizeOf(small, 'memory'), 2_148_597_760);
  const narrow = { addressSpaceLimit: null, addressBits: 36 };
  t.equal(wasmtime('conservative', { facts: narrow }).checks, 'explicit');
  const unknown = { addressSpaceLimit: null, addressBits: null };
  t.equal(wasmtime('conservative', { facts: unknown }).checks, 'elided');
  t.end();
});

t.test('on-demand reserves 4 GiB where two of them fit, else only what is used', (t) => {
  t.match(wasmtime('on-demand'), { checks: 'elided', pool: null, reservationBytes: 4 * GiB });
  t.equal(sizeOf(wasmtime('on-demand'), 'linear-memory'), 0x1_0400_0000);
  const tight = wasmtime('on-demand', { facts: { addressSpaceLimit: 2 * GiB, addressBits: 47 } });
  t.match(tight, { checks: 'explicit', reservationBytes: 0, growthBytes: 16 * MiB });
  t.equal(sizeOf(tight, 'linear-memory'), 0x112_0000, 'as in `mmap failed to reserve 0x1120000 bytes`');
  t.end();
});

t.test('a form has the slots and bytes of its configuration, and charges nothing for memories', (t) => {
  const pooled = describeForm(wasmtime('standard'));
  t.same(pooled, {
    checks: 'elided',
    slots: 1000,
    reservedBytes: 0x3ef_d200_0000 + 0x5fb4_0000 + 0x7d3e_8000,
    chargedBytes: 0x5fb4_0000 + 0x7d3e_8000,
  });
  t.same(describeForm(wasmtime('on-demand')), {
    checks: 'elided',
    slots: null,
    reservedBytes: 0x1_0400_0000,
    chargedBytes: 0,
  });
  const v8 = { ...input, engine: { kind: 'v8', version: '13.6.233' } } as const;
  t.match(describeForm(resolveTierConfiguration('standard', v8)), { checks: 'elided', slots: 1000 });
  t.match(describeForm(resolveTierConfiguration('on-demand', v8)), { checks: 'explicit', slots: null });
  t.end();
});

t.test('V8 needs room for 1,000 guarded memories, for 16, or none', (t) => {
  const v8 = { ...input, engine: { kind: 'v8', version: '13.6.233' } } as const;
  t.same(resolveTierConfiguration('standard', v8), {
    kind: 'v8',
    tier: 'standard',
    checks: 'elided',
    memories: 1000,
    cageBytes: 8 * GiB,
  });
  t.match(resolveTierConfiguration('conservative', { ...v8, engine: { kind: 'v8', version: '12.4.1' } }), {
    memories: 16,
    cageBytes: 10 * GiB,
  });
  const explicit = resolveTierConfiguration('on-demand', v8);
  t.equal(explicit.checks, 'explicit');
  t.equal(listMappings(explicit)[0]?.bytes, 4 * MiB, 'the declared maximum');
  t.equal(listMappings(resolveTierConfiguration('standard', v8))[0]?.bytes, 8 * GiB);
  t.end();
});

t.test("Spin's variables shape the pool as they shape Spin's", (t) => {
  t.match(resolveSpinPool({}), {
    memories: 1000,
    tables: 2000,
    stacks: 1000,
    coreInstances: 4000,
    tableElements: 100_000,
    memoryKeepResidentBytes: 2 * MiB,
    tableKeepResidentBytes: 512 * KiB,
    tablesPerModule: 2,
  });
  t.match(resolveSpinPool({ SPIN_MAX_INSTANCE_COUNT: '10', SPIN_WASMTIME_TOTAL_STACKS: '+0' }), {
    componentInstances: 10,
    memories: 10,
    tables: 20,
    coreInstances: 40,
    stacks: 0,
  });
  const without = wasmtime('standard', {
    env: { SPIN_WASMTIME_TOTAL_STACKS: '0', SPIN_WASMTIME_TOTAL_TABLES: '0' },
  });
  t.same(
    listMappings(without).map(({ pool }) => pool),
    ['memory', 'linear-memory'],
    'no table and no stack pool',
  );
  t.end();
});

t.test('a variable Spin could not read is an error', (t) => {
  for (const [name, value] of [
    ['SPIN_MAX_INSTANCE_COUNT', ''],
    ['SPIN_MAX_INSTANCE_COUNT', '4294967295'],
    ['SPIN_WASMTIME_TOTAL_STACKS', '4294967296'],
    ['SPIN_WASMTIME_TOTAL_STACKS', '-1'],
    ['SPIN_WASMTIME_TOTAL_STACKS', ' 1'],
    ['SPIN_WASMTIME_TOTAL_STACKS', '1e3'],
    ['SPIN_WASMTIME_INSTANCE_SIZE', '99999999999999999999'],
  ] as const) {
    t.throws(() => resolveSpinPool({ [name]: value }), {
      code: 'BAD_VARIABLE',
      message: new RegExp(`^${name}=`),
    });
  }
  t.throws(() => resolveChoice('auto', { SPIN_WASMTIME_POOLING: 'yes' }), AllocatorError);
  t.end();
});

t.test('SPIN_ALLOCATOR wins over SPIN_WASMTIME_POOLING', (t) => {
  t.equal(parseChoice(undefined), 'auto');
  t.equal(parseChoice('pooling'), 'standard');
  t.equal(parseChoice('on-demand'), 'on-demand');
  t.throws(() => parseChoice('fast'), { message: /auto, standard, conservative, on-demand, pooling/ });
  t.equal(resolveChoice('auto', {}), 'auto');
  t.equal(resolveChoice('auto', { SPIN_WASMTIME_POOLING: '1' }), 'standard');
  t.equal(resolveChoice('auto', { SPIN_WASMTIME_POOLING: '0' }), 'on-demand');
  t.equal(resolveChoice('conservative', { SPIN_WASMTIME_POOLING: '1' }), 'conservative');
  t.end();
});

t.test('tiers are ordered best first', (t) => {
  t.ok(atLeast('standard', 'conservative'));
  t.ok(atLeast('conservative', 'conservative'));
  t.notOk(atLeast('on-demand', 'conservative'));
  t.end();
});
