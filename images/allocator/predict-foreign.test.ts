import t from 'tap';
import type { Facts } from './facts.ts';
import { firstSpinWith, type HostName, hosts, isSpinSince, type Request } from './hosts.ts';
import { parseFacts } from './parse-facts.ts';
import { predictForeign, resolveLaunch } from './predict-foreign.ts';
import { describeShortfall } from './explain.ts';
import { GiB, KiB, MiB } from './sizes.ts';
import type { Environment } from './spin-variables.ts';

/** A guest of 512 MiB: what its kernel says with the default overcommit ratio. */
const plain: Facts = {
  ...parseFacts({}),
  memTotal: 476 * MiB,
  swapTotal: 0,
  commitLimit: 238 * MiB,
  committedAs: 5 * MiB,
  overcommitMemory: 0,
  maxMapCount: 65_530,
  addressBits: 47,
  cpus: 1,
  sysAdmin: true,
};

const cells = {
  plain: {},
  strict: { overcommitMemory: 2 },
  'strict, 5G': { overcommitMemory: 2, memTotal: 4928 * MiB, commitLimit: 2464 * MiB },
  '512G': { addressSpaceLimit: 512 * GiB },
  '8G': { addressSpaceLimit: 8 * GiB },
  '2G': { addressSpaceLimit: 2 * GiB },
  '39 bits': { addressSpaceLimit: 2 ** 39 },
  'few maps': { maxMapCount: 1000 },
  '48M': { addressSpaceLimit: 40 * MiB },
  'write-execute': { mdwe: 'prctl' },
  'data 1G': { dataLimit: GiB },
} as const satisfies Readonly<Record<string, Partial<Facts>>>;

const predict = (
  host: HostName,
  cell: Partial<Facts>,
  words: readonly string[] = [],
  env: Environment = {},
  version: string = hosts[host].newest,
) => predictForeign({ facts: { ...plain, ...cell }, host, version, words, env });

const endOf = ({ outcome, tier, tiers, startup }: ReturnType<typeof predict>): string => {
  const last = tiers.at(-1);
  const pool = startup?.pool ?? (last?.fits === false ? last.shortfall.pool : null);
  return tier ?? `${outcome} ${pool ?? ''}`;
};

/** Seen in guests, cell by cell, with wasmtime 49.0.3 and wash 2.10.3. */
const seen: readonly (readonly [
  HostName,
  readonly string[],
  Readonly<Partial<Record<keyof typeof cells, string>>>,
])[] = [
  [
    'wasmtime-run',
    ['-O', 'pooling-allocator=y'],
    {
      plain: 'standard',
      strict: 'exhausted stack',
      'strict, 5G': 'standard',
      '512G': 'exhausted memory',
      '8G': 'exhausted memory',
      '39 bits': 'exhausted memory',
      'few maps': 'exhausted stack-guards',
      '48M': 'crashed process',
      'write-execute': 'exhausted code',
      'data 1G': 'exhausted stack',
    },
  ],
  [
    'wasmtime-run',
    [],
    { plain: 'on-demand', strict: 'on-demand', '8G': 'on-demand', '2G': 'exhausted linear-memory' },
  ],
  [
    'wasmtime-serve',
    [],
    {
      plain: 'standard',
      strict: 'exhausted stack',
      'strict, 5G': 'standard',
      '512G': 'on-demand',
      '8G': 'on-demand',
      '2G': 'exhausted linear-memory',
      '39 bits': 'on-demand',
      'data 1G': 'exhausted stack',
    },
  ],
  [
    'spin',
    [],
    { plain: 'standard', strict: 'exhausted table', '8G': 'on-demand', '2G': 'exhausted linear-memory' },
  ],
  [
    'wash',
    [],
    { plain: 'standard', strict: 'exhausted stack', '8G': 'on-demand', '2G': 'exhausted linear-memory' },
  ],
];

t.test('each host ends as it was seen to end in guests', (t) => {
  for (const [host, words, ends] of seen)
    for (const [cell, end] of Object.entries(ends))
      t.equal(
        endOf(predict(host, cells[cell as keyof typeof cells], words)),
        end,
        `${host} ${words.join(' ')} ${cell}`,
      );
  t.end();
});

t.test('the trial asks for 4 TiB and its guards, whatever the pool takes', (t) => {
  const few = ['-O', 'pooling-total-memories=100'];
  const { tiers, tier } = predict('wasmtime-serve', cells['512G'], few);
  t.equal(tier, 'on-demand');
  t.match(tiers[0], { tier: 'conservative', fits: false });
  t.equal(
    tiers[0]?.fits === false && describeShortfall(tiers[0].shortfall),
    'the trial before the pool needs 4.00 TiB, RLIMIT_AS leaves 512 GiB',
  );
  const forced = [...few, '-O', 'pooling-allocator=y'];
  t.equal(predict('wasmtime-serve', cells['512G'], forced).tier, 'conservative');
  const kib = (limit: number) => predict('wasmtime-serve', { addressSpaceLimit: limit * KiB }).tier;
  t.equal(kib(4_294_967_296), 'on-demand', '4 TiB are too few');
  t.equal(kib(4_295_122_944), 'on-demand', 'the engine that is tried takes some as well');
  t.equal(kib(4_295_200_000), 'standard');
  t.end();
});

t.test('a switch goes before the trial, where a host reads one', (t) => {
  const small = { SPIN_MAX_INSTANCE_COUNT: '100' };
  t.equal(predict('spin', cells['512G'], [], small).tier, 'on-demand');
  t.equal(predict('spin', cells['512G'], [], { ...small, SPIN_WASMTIME_POOLING: '1' }).tier, 'conservative');
  t.equal(predict('spin', cells.plain, [], { SPIN_WASMTIME_POOLING: '0' }).tier, 'on-demand');
  t.throws(() => predict('spin', cells.plain, [], { SPIN_WASMTIME_POOLING: 'yes' }), {
    code: 'BAD_VARIABLE',
  });
  t.equal(predict('wash', cells.plain, [], { WASMTIME_POOLING: '0' }).tier, 'standard', 'wash ignores it');
  t.equal(predict('wasmtime-serve', cells.plain, ['-O', 'pooling-allocator=n']).tier, 'on-demand');
  t.end();
});

t.test('a release reads the variables it has, and ignores later ones', (t) => {
  const tables = { SPIN_WASMTIME_TOTAL_TABLES: '200', SPIN_WASMTIME_TOTAL_STACKS: '20' };
  const of = (version: string, env: Environment) =>
    resolveLaunch('spin', { version, words: [], env }).configuration;
  t.match(of('3.4.0', { SPIN_MAX_INSTANCE_COUNT: '7' }).pool, {
    memories: 7,
    tables: 14,
    stacks: 7,
    coreInstances: 28,
  });
  t.match(of('3.3.1', { SPIN_MAX_INSTANCE_COUNT: '7' }).pool, { memories: 1000, tables: 2000, stacks: 1000 });
  t.match(of('3.3.1', tables).pool, { tables: 200, stacks: 1000, tableElements: 100_000 });
  t.match(of('2.6.0', {}), { noReserve: false, pool: { tableElements: 30_000 } });
  const keep = { SPIN_WASMTIME_TABLE_KEEP_RESIDENT: '0' };
  t.equal(of('3.3.0', keep).pool.tableKeepResidentBytes, 0);
  t.equal(of('3.2.0', keep).pool.tableKeepResidentBytes, 512 * KiB);
  t.throws(() => of('2.5.0', {}), { code: 'BAD_VERSION' }, 'it had no trial and another default');
  t.end();
});

t.test('wash probes since 2.0.5, and wasmtime serve since 22', (t) => {
  t.equal(predict('wash', cells['8G'], [], {}, '2.0.5').tier, 'on-demand');
  t.equal(endOf(predict('wash', cells['8G'], [], {}, '2.0.4')), 'exhausted memory');
  t.equal(predict('wasmtime-serve', cells.plain, [], {}, '21.0.1').tier, 'on-demand');
  const loose = { overcommitMemory: 1 } as const;
  t.equal(predict('wasmtime-serve', loose, [], {}, '22.0.0').tier, 'standard');
  t.equal(
    endOf(predict('wasmtime-serve', {}, [], {}, '22.0.0')),
    'exhausted stack',
    'charged in mode 0 up to 26',
  );
  t.end();
});

t.test('wash takes numbers from its variables and ignores what is none', (t) => {
  const env = { WASMTIME_POOLING_TOTAL_STACKS: '50', WASMTIME_POOLING_TOTAL_TABLES: 'many' };
  t.match(resolveLaunch('wash', { version: '2.10.3', words: [], env }).configuration.pool, {
    stacks: 50,
    tables: 1000,
  });
  t.equal(predict('wash', cells.strict, [], { WASMTIME_POOLING_TOTAL_STACKS: '20' }).tier, 'standard');
  t.end();
});

t.test('a pool without stacks has no room for a single call', (t) => {
  const { outcome, tiers } = predict('wasmtime-serve', {}, ['-O', 'pooling-total-stacks=0']);
  t.equal(outcome, 'exhausted');
  t.match(tiers, [{ fits: false, shortfall: { pool: 'stack', limit: 'feature' } }]);
  const none = ['-O', 'pooling-allocator=y,pooling-total-memories=0'];
  t.match(predict('wasmtime-run', {}, none), {
    outcome: 'exhausted',
    tiers: [{ shortfall: { pool: 'memory' } }],
  });
  const empty = ['-O', 'pooling-allocator=y,pooling-total-core-instances=0'];
  t.match(predict('wasmtime-run', {}, empty).tiers, [{ shortfall: { pool: 'memory', limit: 'feature' } }]);
  const large = ['-O', 'pooling-allocator=y,memory-reservation=65536'];
  t.match(predict('wasmtime-run', {}, large).tiers, [{ shortfall: { pool: 'memory', available: 64 * KiB } }]);
  t.end();
});

t.test('memories on demand keep 2 GiB for growth unless they are told not to', (t) => {
  const shrunk = ['-O', 'memory-reservation=0,memory-guard-size=0'];
  t.equal(endOf(predict('wasmtime-run', cells['2G'], shrunk)), 'exhausted linear-memory');
  const whole = ['-O', 'memory-reservation=0,memory-reservation-for-growth=0,memory-guard-size=0'];
  t.match(predict('wasmtime-run', cells['2G'], whole), { tier: 'on-demand', checks: 'explicit' });
  t.end();
});

t.test('the program is loaded before its pool is tried, and each processor takes more', (t) => {
  const tight = { addressSpaceLimit: 100 * MiB } as const;
  t.match(
    predict('wasmtime-run', { ...tight, cpus: null }),
    { outcome: 'exhausted' },
    'unknown: one processor',
  );
  t.match(predict('wasmtime-run', { ...tight, cpus: 4 }).tiers, [
    { tier: 'on-demand', fits: false, shortfall: { pool: 'code', limit: 'RLIMIT_AS', needed: 3 * 58 * MiB } },
  ]);
  t.match(predict('wasmtime-run', { ...tight, cpus: null }).tiers, [
    { shortfall: { pool: 'code', needed: 128 * MiB } },
  ]);
  t.end();
});

t.test('a variable of Spin is read from a release on, or by all of them', (t) => {
  t.equal(firstSpinWith('SPIN_MAX_INSTANCE_COUNT'), '3.4');
  t.equal(firstSpinWith('SPIN_WASMTIME_TABLE_KEEP_RESIDENT'), '3.3');
  t.equal(firstSpinWith('SPIN_WASMTIME_TOTAL_MEMORIES'), null);
  t.same(
    ['3.3.1', '3.4.0', '3.10.0', '4.0.2', '2.7.0'].map((release) => isSpinSince(release, '3.4')),
    [false, true, true, true, false],
  );
  t.throws(() => isSpinSince('newest', '3.4'), { code: 'BAD_VERSION' });
  t.end();
});

t.test("a cell's pool becomes options of wasmtime, and Spin's variables as well", (t) => {
  const request = { choice: 'auto', parameters: {}, env: {}, facts: plain } as const;
  const optionsOf = (host: HostName, change: Partial<Request>): readonly string[] =>
    hosts[host].options({ ...request, ...change }, '49.0.3');
  t.same(optionsOf('wasmtime-serve', {}), []);
  t.same(optionsOf('spin', {}), [], 'it has no such options');
  const parameters = { memories: 100, maxMemory: GiB, reservation: GiB, guard: 64 * KiB };
  t.same(optionsOf('wasmtime-serve', { choice: 'standard', parameters }), [
    '-O',
    `pooling-allocator=y,memory-reservation=${GiB},memory-guard-size=65536,pooling-total-memories=100,pooling-max-memory-size=${GiB}`,
  ]);
  for (const host of ['wasmtime-run', 'spin-sizes'] as const)
    t.match(
      optionsOf(host, { choice: 'conservative' })[1],
      /^pooling-allocator=y,.*pooling-total-memories=(?:64|32|16),/,
    );
  const few = optionsOf('spin-sizes', { env: { SPIN_MAX_INSTANCE_COUNT: '50' } })[1];
  t.match(few, /pooling-total-memories=50,pooling-total-tables=100,/);
  t.match(optionsOf('spin-sizes', { env: { SPIN_WASMTIME_POOLING: '0' } })[1], /^pooling-allocator=n,/);
  t.end();
});
