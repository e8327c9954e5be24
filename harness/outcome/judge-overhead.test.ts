import t from 'tap';
import { buildFigure, buildOverhead, figureAt, sameCode } from '../fixtures/overhead/figures.ts';
import { conservativePrediction } from '../fixtures/outcome/observations.ts';
import { buildResult, buildStandard } from '../fixtures/report/results.ts';
import type { Expectation } from '../matrix/cell.ts';
import {
  baselineOverhead,
  judgeBound,
  judgeOverhead,
  notMeasured,
  pickJudged,
  subjectOf,
  type CellOverhead,
} from './overhead.ts';
import { formatBound, formatFigure, formatOverhead, formatStart } from './format-figure.ts';
import { means } from '../measure/figures.ts';
import { compare, type Observed } from './expect.ts';
import { joinOverhead, tellUndecided } from './judge-overhead.ts';

type Result = ReturnType<typeof buildResult>;

const because = { because: null, link: null };
const twenty: Expectation = { tier: 'conservative', overhead: 0.2, ...because };
const conservative: Observed = { outcome: 'reached', tier: 'conservative', checks: 'explicit' };

t.test(
  'a bounded overhead leaves a tier undecided until it is measured, but for the baseline itself',
  (t) => {
    const table: readonly [Expectation, Observed, string, string][] = [
      [twenty, conservative, 'undecided', 'conservative, overhead <= 20 %'],
      [{ ...twenty, tier: 'standard' }, conservative, 'unexpected', 'standard, overhead <= 20 %'],
      [
        { atLeast: 'conservative', overhead: 0, ...because },
        { ...conservative, tier: 'standard', checks: 'elided' },
        'expected',
        'at least conservative, overhead <= 0 %',
      ],
      [
        { ...twenty, tier: 'standard' },
        { ...conservative, tier: 'standard' },
        'undecided',
        'standard, overhead <= 20 %',
      ],
      // Alone, it leaves the tier to the model.
      [{ overhead: 0.125, ...because }, conservative, 'undecided', 'conservative, overhead <= 12.5 %'],
      [
        { overhead: 0.125, ...because },
        { ...conservative, tier: 'on-demand' },
        'unexpected',
        'conservative, overhead <= 12.5 %',
      ],
    ];
    for (const [expectation, observed, verdict, text] of table) {
      t.match(compare(observed, expectation, conservativePrediction), { verdict, expected: { text } });
    }
    const alone = { overhead: 0.1, ...because };
    t.match(compare(conservative, alone, null), {
      verdict: 'undecided',
      expected: { text: 'overhead <= 10 %' },
    });
    const crashed: Observed = { outcome: 'crashed', tier: null, checks: null };
    t.equal(compare(crashed, alone, null).verdict, 'unexpected');
    t.equal(compare({ ...crashed, outcome: 'broken' }, alone, null).verdict, null);
    t.end();
  },
);

t.test('a bound is met below the upper end, exceeded above the lower end, else undecided', (t) => {
  const judge = (memory: number, program: number, half = 1) =>
    judgeBound(buildOverhead(figureAt(memory, half), figureAt(program, half)), 0.2).verdict;
  t.equal(judge(10, 18.9), 'met');
  t.equal(judge(10, 19), 'met', 'the upper end is the bound');
  t.equal(judge(10, 19.1), 'undecided');
  t.equal(judge(10, 21), 'undecided', 'the lower end is the bound');
  t.equal(judge(10, 21.1), 'exceeded');
  t.equal(judge(19.5, 40), 'exceeded', 'one mean above it is enough');
  t.equal(judgeBound(buildOverhead(figureAt(1, 0.1, { stable: false })), 0.5).verdict, 'undecided');
  t.equal(judgeBound(baselineOverhead, 0).verdict, 'met');
  t.equal(judgeBound(notMeasured('the machine died'), 5).verdict, 'undecided');
  const proven = figureAt(0, 0, sameCode);
  t.match(judgeBound(buildOverhead(proven, proven), 0), { verdict: 'met', figure: { sameCode: true } });
  t.end();
});

t.test('means are judged, single workloads only without them, and time before instructions', (t) => {
  const { overhead } = buildOverhead();
  t.same(
    pickJudged(overhead).map(({ workload }) => workload),
    [means.memory, means.program],
  );
  const [single] = overhead;
  t.same(pickJudged([single!]), [single]);
  const timed = figureAt(3, 1, { clock: 'time', cpuModel: 'A' });
  t.same(pickJudged([...overhead, timed]), [timed]);
  t.end();
});

const result = (verdict: Result['verdict'], expectation: Expectation | null = twenty): Result =>
  buildResult({
    verdict,
    expected: { source: 'matrix', text: 'conservative, overhead <= 20 %', expectation },
  });

t.test('figures join the result, and with them the verdict is of tier and overhead', (t) => {
  const cheap = buildOverhead(figureAt(10), figureAt(12));
  const { reason } = result('undecided');
  t.match(joinOverhead(result('undecided'), cheap), { verdict: 'expected', reason, ...cheap });
  t.match(joinOverhead(result('undecided'), buildOverhead()), {
    verdict: 'unexpected',
    reason: `overhead +47.7 % [+47.6, +47.8] (geometric mean, memory kernels, instructions executed) is not <= 20 %; ${reason}`,
  });
  t.match(joinOverhead(result('undecided'), buildOverhead(figureAt(20, 3), figureAt(1))), {
    verdict: 'undecided',
    reason: `overhead <= 20 % is undecided: +20.0 % [+17.0, +23.0] (geometric mean, memory kernels, instructions executed), its interval reaches across; ${reason}`,
  });
  t.match(
    joinOverhead(result('undecided'), buildOverhead(figureAt(1, 0.1, { stable: false }), figureAt(1))).reason,
    /\+1.0 % .*, the baseline differed from itself; /,
  );
  t.end();
});

t.test('a measurement that failed harms no verdict on the tier', (t) => {
  const failed = notMeasured('the machine died');
  const table: readonly [Result, Result['verdict'], RegExp][] = [
    [result('undecided'), 'undecided', /^overhead <= 20 % is undecided: the machine died; table pool/],
    [result('unexpected'), 'unexpected', /^table pool/],
    [result('expected', null), 'expected', /^table pool/],
    [result(null), null, /^table pool/],
    [buildStandard(), 'expected', /^every pool/],
  ];
  for (const [before, verdict, reason] of table) {
    const { verdict: after, reason: text, overheadSource, tier } = joinOverhead(before, failed);
    t.equal(after, verdict);
    t.match(text, reason);
    t.equal(tier, before.tier);
    t.match(overheadSource, { kind: 'not-measured', notMeasured: [{ workload: null }] });
  }
  const none: CellOverhead = { ...buildOverhead(), overhead: [] };
  t.match(joinOverhead(result('undecided'), none).reason, /no workload gave a figure/);
  t.match(tellUndecided(result('undecided')), /^its overhead is not measured yet; table pool/);
  t.match(tellUndecided(joinOverhead(result('undecided'), failed)), /^overhead <= 20 % is undecided/);
  t.end();
});

t.test('a figure is told with its interval', (t) => {
  t.equal(formatFigure(figureAt(28.2, 0.1)), '+28.2 % [+28.1, +28.3]');
  t.equal(formatFigure(figureAt(-6, 1)), '-6.0 % [-7.0, -5.0]');
  t.equal(formatFigure(figureAt(0.01, 0.02)), '0.0 % [0.0, 0.0]');
  t.equal(formatFigure(figureAt(0, 0, sameCode)), '0 % (same code)');
  t.equal(formatOverhead(figureAt(0, 0, sameCode)), '0 %');
  t.equal(formatOverhead(figureAt(28.2, 0.1)), '+28.2 %');
  t.equal(formatStart({ clock: 'time', ms: 310.4 }), '310 ms');
  t.equal(formatStart({ clock: 'instructions', count: 257_400_000 }), '257 M instructions');
  t.same([0, 0.2, 0.125, 1.5].map(formatBound), ['<= 0 %', '<= 20 %', '<= 12.5 %', '<= 150 %']);
  t.end();
});

t.test('a bound is met, exceeded or undecided by the interval, and by nothing that is not stable', (t) => {
  const judge = (low: number, high: number, stable = true) =>
    judgeOverhead(buildFigure({ ratio: 1.2, low, high, stable }), 0.2);
  t.equal(judge(1.1, 1.19), 'met');
  t.equal(judge(1.21, 1.3), 'exceeded');
  t.equal(judge(1.1, 1.3), 'undecided');
  t.equal(judge(1.1, 1.19, false), 'undecided');
  t.end();
});

t.test('only a tier that was proven can be measured', (t) => {
  const proven = { outcome: 'reached', tier: 'conservative', form: { checks: 'explicit' } } as const;
  t.same(subjectOf(proven), { tier: 'conservative', checks: 'explicit' });
  for (const change of [{ outcome: 'broken' }, { tier: null }, { form: null }] as const)
    t.equal(subjectOf({ ...proven, ...change }), null);
  t.end();
});
