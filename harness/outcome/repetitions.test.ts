import t from 'tap';
import { buildResult, buildStandard } from '../fixtures/report/results.ts';
import {
  alwaysAtLeast,
  buildDistributions,
  observedOf,
  rankOf,
  type Repetition,
  wilsonInterval,
} from './repetitions.ts';

type Changes = Parameters<typeof buildStandard>[0];

const standard = (repetition: number, changes: Changes = {}): Repetition =>
  buildStandard({ repetition, verdict: 'expected', ...changes });
const fallen = (repetition: number, changes: Changes = {}): Repetition =>
  buildResult({ repetition, verdict: 'unexpected', ...changes });
const nothing: Changes = { tier: null, form: null, tiers: [] };
const broken = (repetition: number): Repetition =>
  standard(repetition, { ...nothing, outcome: 'broken', verdict: null });
const skipped = (repetition: number): Repetition =>
  standard(repetition, { ...nothing, outcome: 'skipped', verdict: null });
const times = <T>(count: number, build: (number: number) => T, from = 1): T[] =>
  Array.from({ length: count }, (_, index) => build(from + index));

t.test('the Wilson interval equals published and independently computed figures', (t) => {
  // Newcombe, Statistics in Medicine 17 (1998) 857–872, table I, method 3, four digits as printed.
  const published = [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ] as const;
  for (const [successes, trials, low, high] of published) {
    const found = wilsonInterval(successes, trials);
    t.equal(found.low.toFixed(4), low.toFixed(4), `${successes} of ${trials}, low`);
    t.equal(found.high.toFixed(4), high.toFixed(4), `${successes} of ${trials}, high`);
  }
  // scipy 1.17.1: binomtest(k, n).proportion_ci(0.95, 'wilson').
  const computed = [
    [0, 1, 0, 0.7934506856227626],
    [1, 1, 0.20654931437723745, 1],
    [5, 10, 0.236593090512564, 0.7634069094874361],
    [1, 20, 0.008881448800795402, 0.23613119344674205],
    [19, 20, 0.763868806553258, 0.9911185511992047],
    [20, 20, 0.8388748419471808, 1],
    [81, 263, 0.2552885198782742, 0.36620957698280004],
    [499, 500, 0.9887592932948532, 0.9996468636054407],
  ] as const;
  for (const [successes, trials, low, high] of computed) {
    const found = wilsonInterval(successes, trials);
    t.ok(Math.abs(found.low - low) < 1e-12, `${successes} of ${trials}: ${found.low} is ${low}`);
    t.ok(Math.abs(found.high - high) < 1e-12, `${successes} of ${trials}: ${found.high} is ${high}`);
  }
  t.equal(wilsonInterval(0, 7).low, 0);
  t.equal(wilsonInterval(7, 7).high, 1);
  for (const [successes, trials] of [
    [0, 0],
    [2, 1],
    [-1, 3],
    [0.5, 2],
    [1, NaN],
  ] as const) {
    t.throws(() => wilsonInterval(successes, trials), RangeError);
  }
  t.end();
});

t.test('repetitions of a cell become one distribution, best end first', (t) => {
  const crash = fallen(20, { ...nothing, outcome: 'crashed' });
  const other = standard(1, { id: 'other' });
  const [mixed, single] = buildDistributions([crash, ...times(18, standard), fallen(19), broken(21), other]);
  t.match(mixed, {
    judged: 20,
    silent: 1,
    verdict: 'flaky',
    shares: [
      { observed: 'standard', count: 18 },
      { observed: 'conservative', count: 1 },
      { observed: 'crashed', count: 1 },
    ],
  });
  t.same(
    mixed!.results.map(({ repetition }) => repetition),
    times(21, (number) => number),
  );
  t.match(single, { id: 'other', judged: 1, verdict: 'expected' });
  t.same(buildDistributions([]), []);
  t.end();
});

t.test('a cell is flaky when its ends or verdicts differ, but not when it never did as expected', (t) => {
  const verdict = (...results: Repetition[]) => buildDistributions(results)[0]?.verdict;
  t.equal(verdict(standard(1), standard(2)), 'expected');
  t.equal(verdict(standard(1), fallen(2)), 'flaky');
  t.equal(
    verdict(standard(1), fallen(2, { verdict: 'expected' })),
    'flaky',
    'at least conservative was asked',
  );
  t.equal(verdict(standard(1), standard(2, { verdict: 'unexpected' })), 'flaky');
  t.equal(verdict(fallen(1), fallen(2, { ...nothing, outcome: 'crashed' })), 'unexpected');
  t.equal(verdict(standard(1), broken(2)), 'expected', 'what says nothing about the subject is no end');
  t.equal(verdict(standard(1, { verdict: null, expected: null })), null);
  t.equal(verdict(broken(1), skipped(2)), null);
  t.equal(verdict(standard(1), standard(2, { verdict: 'undecided' })), 'undecided');
  t.end();
});

t.test('ends are ranked by tier; without one all are last', (t) => {
  t.same(
    (['standard', 'conservative', 'on-demand', 'exhausted', 'crashed'] as const).map(rankOf),
    [0, 1, 2, 3, 3],
  );
  t.equal(observedOf({ tier: null, outcome: 'timeout' }), 'timeout');
  t.equal(observedOf({ tier: null, outcome: 'reached' }), 'broken', 'a stored end without its tier');
  const subject = { name: 'x', ready: true, failure: null, line: null, exitCode: 0, signal: null };
  t.equal(observedOf({ tier: null, outcome: 'reached', subject }), 'reached', 'a subject may name no tier');
  const [mixed] = buildDistributions([standard(1), fallen(2)]);
  t.ok(alwaysAtLeast(mixed!, 'conservative'));
  t.notOk(alwaysAtLeast(mixed!, 'standard'));
  t.notOk(
    alwaysAtLeast(buildDistributions([standard(1, { ...nothing, outcome: 'crashed' })])[0]!, 'on-demand'),
  );
  t.end();
});
