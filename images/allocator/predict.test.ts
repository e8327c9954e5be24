import t from 'tap';
import { describeShortfall } from './explain.ts';
import { parseFacts } from './parse-facts.ts';
import { predictHost, predictTier, type PredictionInput } from './predict.ts';
import { resolveProcessCost } from './processes.ts';
import type { Facts } from './facts.ts';
import { takeStep } from './limits.ts';
import { formatBytes, formatPair, GiB, KiB, MiB, TiB } from './sizes.ts';
import { cageBytes, hasTrapHandlerFlag, startsGuarded, v8VersionOf } from './v8-rules.ts';

const roomy: Facts = {
  ...parseFacts({}),
  memTotal: 2_026_400 * KiB,
  swapTotal: 0,
  commitLimit: 1_013_200 * KiB,
  committedAs: 20 * MiB,
  overcommitMemory: 0,
  userReserve: 62 * MiB,
  adminReserve: 8 * MiB,
  maxMapCount: 65_530,
  stackLimit: 8 * MiB,
  addressBits: 47,
  sysAdmin: true,
};

function ask(facts: Partial<Facts>, change: Partial<PredictionInput> = {}): PredictionInput {
  return {
    facts: { ...roomy, ...facts },
    engine: { kind: 'wasmtime', version: '50.0.1' },
    node: '22.23.3',
    profile: 'spin',
    choice: 'auto',
    env: {},
    ...change,
  };
}

/** A guest of some memory under strict overcommit, ratio 50. */
function strict(memTotalKib: number): Partial<Facts> {
  const memTotal = memTotalKib * KiB;
  return {
    overcommitMemory: 2,
    memTotal,
    commitLimit: memTotal / 2,
    userReserve: Math.min(memTotal / 32, 128 * MiB),
  };
}

const v8 = { engine: { kind: 'v8', version: '' } } as const;

/** Tier or outcome, with the limit that stopped the first tier or the process. */
function word(input: PredictionInput): string {
  const { outcome, tier, checks, tiers, startup } = predictHost(input);
  const stop = startup ?? tiers.flatMap((one) => (one.fits ? [] : [one.shortfall]))[0];
  const reached = tier === null ? outcome : `${tier} ${checks ?? ''}`;
  return stop === undefined ? reached : `${reached}, ${stop.pool} ${stop.limit}`;
}

t.test('a start needs room for threads, of the group and, without privileges, of the user', (t) => {
  const needed = resolveProcessCost('22.23.3', { stackLimit: 8 * MiB }).start.threads ?? 0;
  t.equal(word(ask({ pidsMax: needed - 1 })), 'crashed, process pids.max');
  t.equal(word(ask({ pidsMax: needed })), word(ask({})));
  const user = { sysAdmin: false, processLimit: needed - 1 };
  t.equal(word(ask(user)), 'crashed, process RLIMIT_NPROC');
  t.equal(word(ask({ ...user, sysAdmin: true })), word(ask({})), 'it does not bind root');
  const { startup } = predictHost(ask({ pidsMax: 4 }));
  t.equal(
    startup && describeShortfall(startup),
    `the process itself needs ${needed} threads, pids.max leaves 4`,
  );
  const step = { pool: 'process', virtual: 0, writable: 0, heuristic: 0, maps: 0, threads: 3 } as const;
  const held = { virtual: 0, writable: 0, maps: 0, threads: 6 };
  t.match(takeStep(step, held, { ...roomy, ...user, processLimit: 8 }).shortfall, { available: 2 });
  t.match(takeStep(step, held, { ...roomy, pidsMax: 8 }).shortfall, { limit: 'pids.max', available: 2 });
  t.equal(takeStep(step, held, { ...roomy, pidsMax: 9 }).held.threads, 9);
  t.end();
});

t.test('the stacks of five threads are as large as the limit of stacks says', (t) => {
  // VmData of Node 22.23.3 by `ulimit -s`: 47.7 MiB at 8 MiB, 327.7 at 64 MiB, 17.7 at unlimited.
  const charged = (limit: number | null) =>
    resolveProcessCost('22.23.3', { stackLimit: limit }).start.charged / MiB;
  t.equal(charged(64 * MiB) - charged(8 * MiB), 280);
  t.equal(charged(8 * MiB) - charged(null), 30);
  t.equal(word(ask({ ...strict(995_744), stackLimit: 128 * MiB })), 'crashed, process CommitLimit');
  t.equal(word(ask({ ...strict(995_744), stackLimit: null })), 'conservative elided, table CommitLimit');
  t.end();
});

t.test("V8's thousand memories fit from the same RLIMIT_DATA on, whatever a young generation held", (t) => {
  for (const node of ['18.20.8', '20.20.2', '22.23.3']) {
    t.match(word(ask({ dataLimit: 128 * MiB }, { ...v8, node })), /^standard elided/, node);
    t.match(word(ask({ dataLimit: 108 * MiB }, { ...v8, node })), /^conservative elided/, node);
  }
  t.end();
});

t.test('where memory cannot be both writable and executable no Node starts', (t) => {
  for (const mdwe of ['prctl', 'seccomp'] as const) {
    t.equal(word(ask({ mdwe }, v8)), 'crashed, process write-execute');
    t.equal(word(ask({ mdwe }, { node: '18.20.8' })), 'crashed, process write-execute');
  }
  t.equal(word(ask({ mdwe: 'off' })), 'standard elided');
  t.end();
});

t.test('memory and overcommit: as seen in guests of 512 MB to 8 GB', (t) => {
  const rows = [
    [480_420, '22.23.3', 'conservative elided, table CommitLimit'],
    [995_744, '20.20.2', 'conservative elided, table CommitLimit'],
    [2_026_400, '22.23.3', 'conservative elided, table CommitLimit'],
    [4_021_408, '22.23.3', 'conservative elided, stack CommitLimit'],
    [8_144_028, '22.23.3', 'standard elided'],
    [480_420, '24.21.0', 'crashed, process CommitLimit'],
    [995_744, '26.10.0', 'crashed, process CommitLimit'],
    [2_026_400, '24.21.0', 'conservative elided, table CommitLimit'],
    [4_021_408, '24.21.0', 'conservative elided, table CommitLimit'],
    [8_144_028, '24.21.0', 'conservative elided, stack CommitLimit'],
  ] as const;
  for (const [memory, node, expected] of rows) {
    t.equal(word(ask(strict(memory), { node })), expected, `${memory} kB, Node ${node}`);
  }
  for (const overcommitMemory of [0, 1] as const) {
    for (const node of ['18.20.8', '20.20.2', '22', '24.21.0', '26.10.0', '27.0.0']) {
      t.equal(word(ask({ overcommitMemory, memTotal: 480_420 * KiB }, { node })), 'standard elided', node);
    }
  }
  t.end();
});

t.test('the two numbers that decide are the pool and what CommitLimit leaves', (t) => {
  const [standard] = predictHost(ask(strict(2_026_400))).tiers;
  t.match(standard, { fits: false, shortfall: { pool: 'table', needed: 1_605_632_000, unit: 'bytes' } });
  if (standard?.fits !== false) throw new Error('fits');
  // 989 MiB - 62 reserve - 20 committed - 57 for Node and the engine.
  t.match(describeShortfall(standard.shortfall), /^table pool needs 1531 MiB, CommitLimit leaves 8\d\d MiB$/);
  t.end();
});

t.test('an ordinary user has the administrators’ reserve less', (t) => {
  const available = (sysAdmin: boolean | null, adminReserve: number | null = 8 * MiB) => {
    const [tier] = predictHost(ask({ ...strict(2_026_400), sysAdmin, adminReserve })).tiers;
    return tier?.fits === false ? tier.shortfall.available : NaN;
  };
  t.equal(available(true) - available(false), 8 * MiB);
  t.equal(available(true) - available(null), 8 * MiB, 'unknown counts as ordinary');
  t.equal(available(false, null), available(true));
  t.end();
});

t.test('limits of the process: as measured with ulimit', (t) => {
  const v = (mib: number) => ({ addressSpaceLimit: mib * MiB });
  const d = (mib: number) => ({ dataLimit: mib * MiB });
  const rows: readonly (readonly [facts: Partial<Facts>, node: string, expected: string, v8?: boolean])[] = [
    [v(512), '20.20.2', 'crashed, process RLIMIT_AS'],
    [v(1024), '20.20.2', 'on-demand explicit, memory RLIMIT_AS'],
    [v(2048), '22.23.3', 'on-demand explicit, memory RLIMIT_AS'],
    [v(8192), '24.21.0', 'conservative explicit, memory RLIMIT_AS'],
    [v(524_288), '26.10.0', 'conservative elided, memory RLIMIT_AS'],
    [v(4_300_000), '26.10.0', 'standard elided'],
    [d(64), '20.20.2', 'crashed, process RLIMIT_DATA'],
    [d(128), '20.20.2', 'conservative elided, table RLIMIT_DATA'],
    [d(512), '24.21.0', 'crashed, process RLIMIT_DATA'],
    [d(3072), '22.23.3', 'conservative elided, stack RLIMIT_DATA'],
    [d(3700), '22.23.3', 'standard elided'],
    [{ maxMapCount: 1000 }, '22.23.3', 'conservative elided, stack-guards max_map_count'],
    [{ maxMapCount: 2300 }, '22.23.3', 'standard elided'],
    [{ addressBits: 39 }, '22.23.3', 'conservative elided, memory address width'],
    [v(2048), '20.20.2', 'on-demand explicit, linear-memory RLIMIT_AS', true],
    [v(2048), '18.20.8', 'exhausted, linear-memory RLIMIT_AS', true],
    [v(16_383), '24.21.0', 'on-demand explicit, linear-memory RLIMIT_AS', true],
    [v(16_384), '24.21.0', 'on-demand explicit, linear-memory RLIMIT_AS', true],
    [v(170_000), '20.20.2', 'conservative elided, linear-memory RLIMIT_AS', true],
    [d(128), '20.20.2', 'standard elided', true],
    [{ addressBits: 39 }, '26.10.0', 'conservative elided, linear-memory address width', true],
    [{ maxMapCount: 1000 }, '22.23.3', 'conservative elided, linear-memory max_map_count', true],
    [{}, '26.10.0', 'standard elided', true],
  ];
  for (const [facts, node, expected, isV8] of rows) {
    t.equal(
      word(ask(facts, { node, ...(isV8 === true ? v8 : {}) })),
      expected,
      `${JSON.stringify(facts)} ${node}`,
    );
  }
  t.end();
});

t.test('mode 0 refuses only a charged mapping larger than RAM and swap', (t) => {
  const old = { engine: { kind: 'wasmtime', version: '25.0.0' } } as const;
  t.match(
    predictTier('standard', ask({}, old)),
    { fits: false, shortfall: { limit: 'feature' } },
    'no pools in C',
  );
  t.match(predictTier('on-demand', ask({}, old)), { fits: true, checks: 'elided' });
  // The stack pool of an engine before 27, which did not map MAP_NORESERVE.
  const stacks = { pool: 'stack', virtual: 2 * GiB, writable: 2 * GiB, heuristic: 2 * GiB, maps: 1 } as const;
  const held = { virtual: 0, writable: 0, maps: 0 };
  const take = (facts: Partial<Facts>) => takeStep(stacks, held, { ...roomy, ...facts }).shortfall;
  t.match(take({}), { limit: 'overcommit heuristic', available: 2_026_400 * KiB });
  t.equal(take({ swapTotal: GiB }), null);
  t.match(take({ swapTotal: null }), { limit: 'overcommit heuristic' });
  t.equal(take({ overcommitMemory: 1 }), null);
  t.equal(take({ memTotal: null }), null);
  t.equal(take({ overcommitMemory: 2, commitLimit: null }), null);
  t.equal(take({ overcommitMemory: 2, committedAs: null }), null);
  t.equal(take({ overcommitMemory: 2, userReserve: null, commitLimit: 2 * GiB + 20 * MiB }), null);
  t.end();
});

t.test('settings that leave the canary no room are predicted to fail', (t) => {
  const few = (env: Readonly<Record<string, string>>) => predictTier('standard', ask({}, { env }));
  t.match(few({ SPIN_WASMTIME_TOTAL_MEMORIES: '0' }), {
    fits: false,
    shortfall: { pool: 'memory', needed: 1 },
  });
  t.match(few({ SPIN_WASMTIME_INSTANCE_TABLE_ELEMENTS: '9' }), {
    fits: false,
    shortfall: { pool: 'table', limit: 'feature', needed: 10, available: 9 },
  });
  t.match(few({ SPIN_WASMTIME_TOTAL_MEMORIES: '1' }), { fits: true, slots: 1 });
  t.end();
});

t.test('a forced tier is the only one tried', (t) => {
  const forced = predictHost(ask(strict(480_420), { choice: 'standard' }));
  t.match(forced, { outcome: 'exhausted', tier: null, checks: null, startup: null });
  t.equal(forced.tiers.length, 1);
  const switched = predictHost(ask({}, { env: { SPIN_WASMTIME_POOLING: '0' } }));
  t.match(switched, { outcome: 'reached', tier: 'on-demand', checks: 'elided' });
  t.throws(() => predictHost(ask({}, { env: { SPIN_WASMTIME_POOLING: 'x' } })), { code: 'BAD_VARIABLE' });
  t.end();
});

t.test('a tier that fits tells its scarcest limit; without any known limit there is none', (t) => {
  t.match(predictTier('standard', ask({ maxMapCount: 2300 })), {
    fits: true,
    slots: 1000,
    tightest: { limit: 'max_map_count' },
  });
  t.match(predictTier('on-demand', ask({})), { fits: true, slots: null });
  t.same(predictTier('on-demand', { ...ask({}), facts: parseFacts({}) }), {
    tier: 'on-demand',
    fits: true,
    checks: 'elided',
    slots: null,
    tightest: null,
  });
  t.end();
});

t.test("V8's rules follow Node's releases", (t) => {
  const flag = [
    ['18.20.8', false],
    ['20.14.0', false],
    ['20.15.0', true],
    ['21.7.3', false],
    ['22.1.0', false],
    ['22.2.0', true],
    ['26.10.0', true],
  ] as const;
  for (const [node, has] of flag) t.equal(hasTrapHandlerFlag(node), has, node);
  for (const [node, guarded] of [
    ['22.23.3', true],
    ['24.18.0', true],
    ['24.19.0', false],
    ['25.9.0', true],
    ['26.0.0', false],
  ] as const) {
    t.equal(startsGuarded(node, 16 * GiB - KiB), guarded, node);
  }
  t.ok(startsGuarded('26.0.0', 16 * GiB));
  t.ok(startsGuarded('26.0.0', null));
  t.equal(cageBytes('13.6.1'), 8 * GiB);
  t.equal(v8VersionOf('20.20.2'), '11.3');
  t.equal(cageBytes('12.4.254'), 10 * GiB);
  t.equal(cageBytes(v8VersionOf('23.11.1')), 8 * GiB, 'seen in a guest');
  t.equal(cageBytes(v8VersionOf('21.7.3')), 10 * GiB);
  t.equal(v8VersionOf('30.0.0'), '14.6', 'a later line counts as the newest');
  t.equal(v8VersionOf('10.24.1'), '7.8', 'an earlier one as the oldest');
  for (const node of ['12.18.3', '14.21.3', '15.14.0', '16.20.2', '17.9.1'])
    t.equal(cageBytes(v8VersionOf(node)), 10 * GiB, node);
  t.end();
});

t.test('Node from 24 on charges half as much code range on arm64 and riscv64 as on x86-64', (t) => {
  const charged = (node: string, architecture: 'x86-64' | 'arm64' | 'riscv64') =>
    resolveProcessCost(node, { stackLimit: 8 * MiB, architecture }).start.charged / MiB;
  t.equal(charged('24.21.0', 'x86-64') - charged('24.21.0', 'arm64'), 255);
  t.equal(charged('24.21.0', 'x86-64') - charged('24.21.0', 'riscv64'), 253);
  t.equal(charged('22.23.3', 'x86-64') - charged('22.23.3', 'arm64'), 0);
  t.equal(charged('16.0.0', 'arm64'), charged('18.20.8', 'arm64'));
  t.end();
});

t.test('a line of Node that was not measured counts as the nearest before it', (t) => {
  const facts = { stackLimit: 8 * MiB };
  t.same(resolveProcessCost('25.9.0', facts), resolveProcessCost('24.21.0', facts));
  t.same(resolveProcessCost('16.0.0', facts), resolveProcessCost('18.20.8', facts));
  t.end();
});

t.test('shortfalls read as sentences', (t) => {
  const shortfall = { pool: 'table', limit: 'CommitLimit', needed: 0, available: 0, unit: 'bytes' } as const;
  t.equal(
    describeShortfall({ ...shortfall, needed: 1_605_632_000, available: 172.4 * MiB }),
    'table pool needs 1531 MiB, CommitLimit leaves 172 MiB',
  );
  t.equal(
    describeShortfall({
      pool: 'stack-guards',
      limit: 'max_map_count',
      needed: 1999,
      available: 870,
      unit: 'maps',
    }),
    'guard pages of the stack pool need 1999 mappings, vm.max_map_count leaves 870',
  );
  t.equal(
    describeShortfall({ pool: 'process', limit: 'feature', needed: 1, available: 0, unit: 'maps' }),
    'the process itself: not offered by this version or setting',
  );
  t.equal(
    describeShortfall({ pool: 'table', limit: 'feature', needed: 10, available: 9, unit: 'maps' }),
    'table pool needs 10, this version or setting gives 9',
  );
  t.equal(
    describeShortfall({ pool: 'process', limit: 'write-execute', needed: 1, available: 0, unit: 'maps' }),
    'the process itself needs memory both writable and executable, which MemoryDenyWriteExecute forbids',
  );
  t.same(
    [512 * KiB, 50 * MiB + 1, 200 * GiB, 3.937 * TiB].map((bytes) => formatBytes(bytes)),
    ['512 KiB', '50 MiB', '200 GiB', '3.94 TiB'],
  );
  t.same(
    formatPair(1531 * MiB, 1530.8 * MiB),
    ['1531.0 MiB', '1530.8 MiB'],
    'a need is never shown equal to what is left',
  );
  t.same(formatPair(2 * MiB + 1, 2 * MiB), ['2048.001 KiB', '2048.000 KiB']);
  t.same(formatPair(3 * TiB + 1, 3 * TiB), ['3298534883329 bytes', '3298534883328 bytes']);
  t.end();
});

t.test('what was predicted before for other settings changes no prediction', (t) => {
  const inputs = [
    ask({}),
    ask({ addressSpaceLimit: 8 * GiB }),
    ask({ addressBits: 39 }),
    ask({}, { profile: 'wasmtime' }),
    ask({}, { env: { SPIN_WASMTIME_TOTAL_STACKS: '0' } }),
    ask({}, { parameters: { memories: 3 } }),
    ask({}, { parameters: { memories: 3 }, choice: 'conservative' }),
    ask({}, { engine: { kind: 'wasmtime', version: '38.0.0' } }),
    ask({}, { engine: { kind: 'v8', version: '' } }),
    ask({}, { engine: { kind: 'v8', version: '' }, node: '26.10.0' }),
  ];
  const first = inputs.map(predictHost);
  t.equal(new Set(first.map((prediction) => JSON.stringify(prediction))).size > 6, true, 'they differ');
  t.same([...inputs].reverse().map(predictHost).reverse(), first);
  // More settings than are remembered.
  for (let count = 1; count <= 1100; count += 1) predictHost(ask({ addressSpaceLimit: count * GiB }));
  t.same(inputs.map(predictHost), first);
  t.end();
});
