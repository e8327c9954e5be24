import t from 'tap';
import type { Attempt, HostReport, Proof } from '../allocator/host-report.ts';
import type { LimitName, Pool } from '../allocator/prediction.ts';
import type { Tier } from '../allocator/tier.ts';
import { describeStart, explainTier, listWarnings } from './operator-text.ts';

function failed(
  tier: Tier,
  pool: Pool | null,
  limit: LimitName,
  failure: Partial<NonNullable<Attempt['failure']>> = {},
): Attempt {
  return {
    tier,
    ok: false,
    failure: {
      class: 'pool-mapping',
      message: `${tier}: own words`,
      pool: null,
      bytes: null,
      errno: null,
      exitCode: null,
      signal: null,
      stderr: '',
      ...failure,
    },
    predicted:
      pool === null
        ? null
        : {
            tier,
            fits: false,
            shortfall: { pool, limit, needed: 2 ** 30, available: 2 ** 20, unit: 'bytes' },
          },
    durationMs: 1,
  };
}

const proof: Proof = {
  tier: 'on-demand',
  checks: 'explicit',
  slots: null,
  reservedBytes: 1,
  chargedBytes: 0,
  instances: 2,
  virtualBytes: 1,
  residentBytes: 1,
  maps: 1,
};

const report: HostReport = {
  poolproof: 'wasm-host',
  parameters: {},
  schema: 1,
  outcome: 'reached',
  tier: 'on-demand',
  choice: 'auto',
  why: 'because',
  engine: { kind: 'wasmtime', version: '50.0.1' },
  node: '22.23.3',
  attempts: [],
  proof,
  facts: null,
  timings: {},
  warnings: [],
};

t.test('vm.overcommit_memory is offered only where it is a cure', (t) => {
  const rows = [
    ['CommitLimit', /vm\.overcommit_memory=1/],
    ['overcommit heuristic', /vm\.overcommit_memory=1/],
    ['RLIMIT_AS', /ulimit -v/],
    ['RLIMIT_DATA', /ulimit -d/],
    ['max_map_count', /vm\.max_map_count/],
    ['memory', /memory\.max/],
    ['address width', /no setting of this machine/],
  ] as const;
  for (const [limit, cure] of rows) {
    const attempts = [failed('standard', 'table', limit), failed('conservative', 'table', limit)];
    const line = describeStart({ ...report, attempts });
    t.match(line, /pooling allocator disabled automatically; this is normal and changes no function; cost: /);
    t.match(line, cure);
    const [first = ''] = listWarnings('on-demand', 'elided', 'wasmtime', attempts);
    t.match(first, cure);
    t.equal(/overcommit_memory/.test(line), /overcommit|Commit/.test(limit), limit);
  }
  t.match(describeStart(report), /cure: no setting of this machine/);
  t.end();
});

t.test('some failures have a cure of their own', (t) => {
  const cure = (failureClass: NonNullable<Attempt['failure']>['class']) =>
    listWarnings('conservative', 'elided', 'v8', [
      failed('standard', 'table', 'feature', { class: failureClass }),
    ])[0];
  t.equal(cure('unsupported'), 'standard: own words; a newer Node or wasmtime offers it');
  t.match(cure('guards-disabled'), /16 GiB or more/);
  t.match(cure('killed'), /memory\.max/);
  t.match(cure('timeout'), /--deadline/);
  t.match(cure('crashed'), /no setting/);
  t.end();
});

t.test('warnings say what is lost, and nothing where nothing is', (t) => {
  const attempts = [failed('standard', 'table', 'CommitLimit')];
  t.match(listWarnings('conservative', 'elided', 'wasmtime', attempts)[1], /fewer instances/);
  t.equal(listWarnings('conservative', 'explicit', 'wasmtime', attempts).length, 3);
  t.match(listWarnings('on-demand', 'explicit', 'v8', attempts)[1], /compare instructions/);
  t.same(listWarnings('standard', 'elided', 'wasmtime', []), []);
  t.same(listWarnings('on-demand', 'elided', 'wasmtime', []), [], 'asked for, so not lost');
  t.equal(listWarnings(null, null, 'wasmtime', attempts).length, 1);
  t.end();
});

t.test("the reason is the model's numbers where they agree with the engine, else the engine's words", (t) => {
  const agreed = failed('standard', 'table', 'CommitLimit', { pool: 'table' });
  t.equal(
    explainTier('conservative', [agreed], false),
    'standard: table pool needs 1024 MiB, CommitLimit leaves 1024 KiB',
  );
  const guards = failed('standard', 'stack-guards', 'max_map_count', { pool: 'stack' });
  t.match(explainTier('conservative', [guards], false), /guard pages of the stack pool/);
  const other = failed('standard', 'memory', 'CommitLimit', { pool: 'table' });
  t.equal(explainTier('conservative', [other], false), 'standard: own words');
  t.equal(explainTier('conservative', [failed('standard', null, 'memory')], false), 'standard: own words');
  t.equal(explainTier('on-demand', [{ ...agreed, failure: null, predicted: null }], false), 'standard');
  t.equal(explainTier('standard', [], false), 'standard works');
  t.equal(explainTier('standard', [], true), 'standard was requested and works');
  t.equal(explainTier(null, [agreed, other], true).split(';').length, 2);
  t.end();
});

t.test('the line for people names tier, engine, slots and checks', (t) => {
  const standard = { ...proof, tier: 'standard', slots: 1000, checks: 'elided' } as const;
  t.equal(
    describeStart({ ...report, proof: standard }),
    'wasm host: standard (wasmtime 50.0.1, Node 22.23.3, 1000 slots, elided bounds checks; because)',
  );
  t.equal(
    describeStart({ ...report, choice: 'on-demand' }),
    'wasm host: on-demand (wasmtime 50.0.1, Node 22.23.3, explicit bounds checks; because)',
  );
  t.equal(
    describeStart({ ...report, proof: null }),
    'wasm host: no allocator tier works with wasmtime 50.0.1, Node 22.23.3 (because)',
  );
  t.end();
});
