import t from 'tap';
import { parseFacts } from '../../images/allocator/parse-facts.ts';
import { PoolproofError } from '../errors.ts';
import { defaultSettings } from '../axes/table.ts';
import type { Settings } from '../axes/table.ts';
import { evaluateQuartets, evaluateTime } from './evaluate-time.ts';
import { configurations, selectConfigurations, type TierConfiguration } from './configurations.ts';
import { countedWorkloads, evaluateInstructions, planInstructions } from './instructions.ts';
import { findLimitProblem, wantLimits, type Limits } from './limits.ts';
import { findLongest, parseMeasurement, type Measurement } from './measurement.ts';
import { planQuartets, planTogether, selectWorkloads } from './plan-native.ts';
import { checkChecksums } from './run-native.ts';
import { means, type OverheadSummary } from './figures.ts';

const standard: TierConfiguration = { tier: 'standard', checks: 'elided' };
const few: TierConfiguration = { tier: 'conservative', checks: 'elided' };
const small: TierConfiguration = { tier: 'conservative', checks: 'explicit' };

const strict: Limits = {
  overcommitMemory: 2,
  overcommitRatio: 50,
  overcommitKbytes: 0,
  maxMapCount: 65_530,
  addressSpaceLimit: null,
  dataLimit: null,
  stackLimit: 8 * 2 ** 20,
  cgroupMemoryMax: null,
};
const settings: Settings = { ...defaultSettings(), overcommit: 2 };
const wanted = wantLimits(settings, strict);
const { lifted } = wanted;

type Given = Readonly<{
  subjects: readonly TierConfiguration[];
  /** Times by workload and subject; null where it was not timed. */
  times: Readonly<Record<string, readonly (readonly number[] | null)[]>>;
  code?: readonly (string | null)[];
  engine?: 'wasmtime' | 'v8';
  planted?: readonly number[];
  /** Also at a fifth of the length, with this fixed cost. */
  slope?: number;
  limits?: Partial<Limits>;
  clock?: 'time' | 'instructions';
  checksum?: number;
}>;

function measurement(given: Given): Measurement {
  const { subjects, times, engine = 'wasmtime', clock = 'time', slope, checksum = 1 } = given;
  const counted = clock === 'instructions';
  return parseMeasurement(
    `noise\n${JSON.stringify({
      poolproof: 'measure',
      schema: 1,
      engine: { kind: engine, version: '1' },
      node: '20.20.2',
      clock,
      subjects,
      planted: given.planted ?? subjects.map(() => 1),
      workloads: Object.entries(times).map(([workload, rows]) => ({
        workload,
        code: given.code ?? subjects.map(({ checks }) => (engine === 'v8' ? null : checks)),
        checksums: rows.flatMap((row) => (row === null ? [] : [checksum])),
        series: rows.flatMap((row, subject) => {
          if (row === null) return [];
          const long = { subject, length: 100, cpu: row.map((value) => value + (slope ?? 0)), wall: row };
          const short = { subject, length: 20, cpu: row.map((value) => value / 5 + (slope ?? 0)), wall: row };
          return slope === undefined ? [long] : [short, long];
        }),
      })),
      perStep: counted ? 7 : null,
      facts: { cpuModel: 'A CPU', emulated: counted, ...strict, ...given.limits },
      start: { wallMs: 100, cpuNs: 1e8, usage: { virtualBytes: 0, residentBytes: 0, chargedBytes: 0 } },
      usage: { virtualBytes: 1, residentBytes: 1, chargedBytes: 1 },
    })}\n`,
  );
}

const near = (value: number | undefined, wanted: number, within = 1e-9) =>
  t.ok(value !== undefined && Math.abs(value - wanted) < within, `${value} is ${wanted}`);

const at = (summaries: readonly OverheadSummary[], workload: string): OverheadSummary => {
  const found = summaries.find((summary) => summary.workload === workload);
  if (found === undefined) throw new Error(`no ${workload}`);
  return found;
};

t.test(
  'in one process: the least sample counts, equal code is a proof, the interval is over processes',
  (t) => {
    const processes = [1.2, 1.25, 1.3].map((ratio, index) =>
      measurement({
        subjects: [standard, standard, few, small],
        times: {
          'random-access': [[10, 12, 50], [index === 1 ? 9.9 : 10.1, 11], null, [10 * ratio, 90]],
          'sequential-load': [[20], [index === 0 ? 20.1 : 19.9], null, [40]],
          'bulk-memory': [[5], [5.5 + index / 10], null, [5]],
        },
      }),
    );
    const found = evaluateTime(processes);
    const random = found.filter(({ workload }) => workload === 'random-access');
    t.same(
      random.map(({ tier, form, sameCode, pairs }) => [tier, form, sameCode, pairs]),
      [
        ['conservative', 'elided', true, 0],
        ['conservative', 'explicit', false, 6],
      ],
    );
    t.match(random[0], { ratio: 1, low: 1, high: 1, stable: true });
    const explicit = random[1]!;
    near(explicit.ratio, Math.cbrt(1.2 * 1.25 * 1.3));
    t.ok(explicit.low < 1.2 && explicit.high > 1.3, 'wide with three processes');
    t.match(explicit, {
      engine: 'wasmtime',
      clock: 'time',
      cpuModel: 'A CPU',
      baseline: 'standard/elided',
      processes: 3,
      stable: true,
    });
    t.match(
      found.find(({ workload, form }) => workload === 'bulk-memory' && form === 'explicit'),
      { stable: false },
      'the baseline differed from itself',
    );
    const mean = found.filter(({ workload }) => workload === means.memory);
    t.same(
      mean.map(({ form, sameCode }) => [form, sameCode]),
      [
        ['elided', true],
        ['explicit', false],
      ],
      'over the two memory kernels, bulk-memory left out',
    );
    near(mean[1]?.ratio, Math.sqrt(explicit.ratio * 2));
    t.equal(found.filter(({ workload }) => workload === means.program).length, 0, 'no mean of nothing');
    t.same(evaluateTime([]), []);
    t.end();
  },
);

t.test('V8 shows no code: equal checks count as equal code; a planted slow-down is always timed', (t) => {
  const onDemand: TierConfiguration = { tier: 'on-demand', checks: 'explicit' };
  const v8 = [1.1, 1.1].map((ratio) =>
    measurement({
      engine: 'v8',
      subjects: [standard, standard, few, onDemand],
      times: { sqlite: [[10], [10], null, [10 * ratio]] },
    }),
  );
  t.same(
    evaluateTime(v8).map(({ tier, sameCode }) => [tier, sameCode]),
    [
      ['conservative', true],
      ['on-demand', false],
    ],
  );
  const planted = [1, 2].map(() =>
    measurement({
      subjects: [standard, standard, standard, standard],
      planted: [1, 1, 1.05, 1.5],
      times: { sqlite: [[10], [10], [10.5], [15]] },
    }),
  );
  const found = evaluateTime(planted);
  t.same(
    found.map(({ sameCode, stable }) => [sameCode, stable]),
    [
      [false, true],
      [false, true],
    ],
  );
  near(found[0]?.ratio, 1.05);
  near(found[1]?.ratio, 1.5);
  t.end();
});

t.test('quartets of fresh processes: drift cancels, A to A is the noise', (t) => {
  const one = (subject: TierConfiguration, ms: number, other = ms): Measurement =>
    measurement({ subjects: [subject], times: { sha256: [[ms]], lexer: [[other]] } });
  // A machine that gets 1 % slower with each process: B to A still reads 1.3.
  const drift = [0, 1, 2, 3].map((step) => 1.01 ** step);
  const quartet = (scale: number) => [
    one(standard, 10 * scale * drift[0]!),
    one(small, 13 * scale * drift[1]!),
    one(small, 13 * scale * drift[2]!),
    one(standard, 10 * scale * drift[3]!),
  ];
  const found = evaluateQuartets([...quartet(1), ...quartet(1.1)]);
  near(at(found, 'sha256').ratio, 1.3);
  t.match(at(found, 'sha256'), { tier: 'conservative', form: 'explicit', processes: 8, pairs: 4 });
  t.equal(at(found, 'sha256').stable, false, 'each A was 3 % slower than the one before');
  near(at(found, means.program).ratio, 1.3);
  t.same(evaluateQuartets([one(standard, 1)]), []);
  t.equal(planQuartets('v8', small, 3).processes.length, 12);
  t.end();
});

t.test('in a guest: A B B A under limits that each process must have read itself', (t) => {
  const steps = planInstructions('wasmtime', small);
  t.same(
    steps.map(({ limits, subject }) => [limits, subject.tier]),
    [
      ['lifted', 'standard'],
      ['cell', 'conservative'],
      ['cell', 'conservative'],
      ['lifted', 'standard'],
    ],
  );
  const run = (counts: readonly number[], change: Partial<Given> & { at?: number } = {}) => {
    const measured = steps.map(({ subject, limits }, index) =>
      measurement({
        subjects: [subject],
        times: { 'random-access': [[counts[index]!]], 'sequential-load': [[1000]] },
        slope: 18_000,
        clock: 'instructions',
        limits: limits === 'lifted' ? lifted : {},
        ...(change.at === index ? change : {}),
      }),
    );
    return evaluateInstructions(steps, [measured], wanted);
  };
  const good = run([12e6, 16e6, 16.001e6, 12.001e6]);
  if (good.kind !== 'measured') throw new Error(good.reason);
  const random = at(good.summaries, 'random-access');
  near(random.ratio, 4 / 3, 1e-4);
  t.ok(random.low <= random.ratio && random.ratio <= random.high && random.high - random.low < 1e-3);
  t.match(random, {
    clock: 'instructions',
    cpuModel: null,
    pairs: 2,
    processes: 4,
    stable: true,
    sameCode: false,
  });
  near(at(good.summaries, means.memory).ratio, Math.sqrt(4 / 3), 1e-4);
  const drifted = run([12e6, 16e6, 16e6, 12.03e6]);
  t.equal(drifted.kind === 'measured' && at(drifted.summaries, 'random-access').stable, false);

  const refuse = (change: Partial<Given> & { at: number }, reason: RegExp) =>
    t.match(run([12e6, 16e6, 16e6, 12e6], change), { kind: 'invalid', reason });
  refuse(
    { at: 0, limits: {} },
    /process 1 of 4: the limits were not lifted: overcommitMemory was 2 instead of 1/,
  );
  refuse(
    { at: 3, limits: { ...lifted, addressSpaceLimit: 8 } },
    /not lifted: addressSpaceLimit was 8 instead of unlimited/,
  );
  refuse(
    { at: 1, limits: lifted },
    /the cell's limits were not in force: overcommitMemory was 1 instead of 2/,
  );
  refuse({ at: 2, limits: { dataLimit: 5 } }, /not in force: dataLimit was 5/);
  refuse({ at: 1, subjects: [few] }, /it ran conservative\/elided instead of conservative\/explicit/);
  refuse({ at: 1, clock: 'time' }, /does not count instructions/);
  refuse({ at: 2, checksum: 2 }, /computed different things/);
  t.match(evaluateInstructions(steps, [[]], wanted), {
    kind: 'invalid',
    reason: '0 of 4 processes gave a count',
  });
  const alike = evaluateInstructions(
    planInstructions('wasmtime', few),
    [
      planInstructions('wasmtime', few).map(({ subject, limits }) =>
        measurement({
          subjects: [subject],
          times: { 'random-access': [[5]] },
          slope: 1,
          clock: 'instructions',
          limits: limits === 'lifted' ? lifted : {},
        }),
      ),
    ],
    wanted,
  );
  t.match(alike, { kind: 'measured', summaries: [{ sameCode: true, ratio: 1, pairs: 0 }] });
  t.equal(
    planInstructions('v8', configurations.v8[2]!, few)[0]?.subject,
    few,
    'another baseline where standard cannot be',
  );
  t.equal(countedWorkloads.includes('bulk-memory'), false);
  t.equal(findLimitProblem('cell', strict, wanted), null);
  t.equal(
    findLimitProblem('cell', strict, wantLimits(settings, { ...parseFacts({}), ...strict })),
    null,
    'other facts are no limits',
  );
  t.end();
});

t.test('what is no measurement is refused', (t) => {
  const code = (text: string) => {
    try {
      parseMeasurement(text);
    } catch (error) {
      return error instanceof PoolproofError ? error.code : null;
    }
    return null;
  };
  t.equal(code(''), 'PROTOCOL');
  t.equal(code('{"poolproof":"measure"'), 'PROTOCOL');
  t.equal(code('{"poolproof":"measure","schema":2}'), 'PROTOCOL');
  const good = measurement({ subjects: [standard], times: { sqlite: [[1, 2]] }, slope: 1 });
  t.equal(findLongest(good.workloads[0]!, 0)?.length, 100);
  t.equal(findLongest(good.workloads[0]!, 1), undefined);
  const other = measurement({ subjects: [standard], times: { sqlite: [[1]] }, checksum: 2 });
  t.throws(() => checkChecksums([good, other]), { code: 'MEASURE_FAILED' });
  t.doesNotThrow(() => checkChecksums([good, good]));
  t.end();
});

t.test('forms and workloads are chosen by word; a wrong word says what there is', (t) => {
  t.equal(selectConfigurations('wasmtime', []).length, 4);
  t.same(selectConfigurations('wasmtime', ['conservative']), [few, small]);
  t.same(selectConfigurations('wasmtime', ['conservative/explicit']), [small]);
  t.throws(() => selectConfigurations('v8', ['on-demand/elided']), { code: 'USAGE' });
  t.throws(() => selectConfigurations('v8', ['standard']), { code: 'USAGE' }, 'the baseline is no choice');
  t.ok(selectWorkloads([]).length > 10);
  t.same(
    selectWorkloads(['sqlite', 'control']).map(({ name }) => name),
    ['register-loop', 'sqlite'],
  );
  t.throws(() => selectWorkloads(['none']), { code: 'USAGE' });
  t.same(planTogether('v8', [small], 2), {
    kind: 'together',
    processes: [
      [standard, standard, small],
      [standard, standard, small],
    ],
  });
  t.end();
});
