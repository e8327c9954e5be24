import t from 'tap';
import { buildDistributions } from '../outcome/repetitions.ts';
import { buildResult, buildStandard, viewOf } from '../fixtures/report/results.ts';
import type { Result } from '../store/result.ts';
import { exitCodeOf } from './exit-code.ts';
import { formatExit } from './format-run.ts';

const standard = (repetition: number, changes: Partial<Result> = {}): Result =>
  buildStandard({ repetition, verdict: 'expected', ...changes });
const fallen = (repetition: number, changes: Partial<Result> = {}): Result =>
  buildResult({ repetition, verdict: 'unexpected', ...changes });
const nothing: Partial<Result> = { tier: null, form: null, tiers: [] };
const broken = (repetition: number): Result =>
  standard(repetition, { ...nothing, outcome: 'broken', verdict: null });
const skipped = (repetition: number): Result =>
  standard(repetition, { ...nothing, outcome: 'skipped', verdict: null });
const times = <T>(count: number, build: (number: number) => T, from = 1): T[] =>
  Array.from({ length: count }, (_, index) => build(from + index));

t.test('a flaky cell fails the run only when asked to', (t) => {
  const flaky = [standard(1), fallen(2)];
  t.equal(exitCodeOf(buildDistributions(flaky)), 0);
  t.equal(exitCodeOf(buildDistributions(flaky), { failOnFlaky: true }), 1);
  t.equal(exitCodeOf(buildDistributions([fallen(1), fallen(2)])), 1);
  t.equal(exitCodeOf(buildDistributions([...flaky, fallen(1, { id: 'other' })])), 1);
  t.equal(
    exitCodeOf(buildDistributions([...flaky, broken(3)])),
    2,
    'a repetition that could not be asked is not hidden',
  );
  t.equal(
    formatExit(viewOf(flaky.map((result) => ({ ...result, id: 'a' })))),
    'exit 0: every other cell did what was expected; warning: 1 flaky cell (--fail-on-flaky: exit 1)',
  );
  t.equal(exitCodeOf(buildDistributions([...flaky, broken(3)]), { failOnFlaky: true }), 1);
  t.equal(exitCodeOf(buildDistributions([...flaky, skipped(3)])), 0);
  t.equal(exitCodeOf(buildDistributions([...flaky, standard(1, { id: 'other' })])), 0);
  t.equal(exitCodeOf(buildDistributions(times(3, standard)), { failOnFlaky: true }), 0);
  t.equal(exitCodeOf(buildDistributions([skipped(1)])), 2);
  t.equal(exitCodeOf(buildDistributions([])), 2);
  t.equal(exitCodeOf(buildDistributions(flaky), { interrupted: true }), 130);
  t.end();
});

t.test('a result that is stored as unexpected is never a success, whatever its outcome', (t) => {
  const odd = buildResult({ outcome: 'broken', tier: null, verdict: 'unexpected' });
  t.equal(exitCodeOf(buildDistributions([odd])), 1);
  t.equal(exitCodeOf(buildDistributions([odd, standard(2)])), 1);
  t.end();
});
