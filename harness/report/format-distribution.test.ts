import t from 'tap';
import { buildResult, buildStandard } from '../fixtures/report/results.ts';
import { buildDistributions } from '../outcome/repetitions.ts';
import type { Result } from '../store/result.ts';
import { formatDistribution } from './format-distribution.ts';

const standard = (repetition: number, changes: Partial<Result> = {}): Result =>
  buildStandard({ repetition, verdict: 'expected', ...changes });
const fallen = (repetition: number, changes: Partial<Result> = {}): Result =>
  buildResult({ repetition, verdict: 'unexpected', ...changes });
const nothing: Partial<Result> = { tier: null, form: null, tiers: [] };
const broken = (repetition: number): Result =>
  standard(repetition, { ...nothing, outcome: 'broken', verdict: null });
const times = <T>(count: number, build: (number: number) => T, from = 1): T[] =>
  Array.from({ length: count }, (_, index) => build(from + index));

t.test('a distribution names each end with its interval, and what was not judged', (t) => {
  const crash = fallen(20, { ...nothing, outcome: 'crashed' });
  const other = standard(1, { id: 'other' });
  const [mixed, single] = buildDistributions([crash, ...times(18, standard), fallen(19), broken(21), other]);
  t.equal(
    formatDistribution(mixed!),
    'standard 18/20 (69–98 %), conservative 1/20 (0–24 %), crashed 1/20 (0–24 %); 1 not judged',
  );
  t.equal(formatDistribution(single!), 'standard');
  t.equal(formatDistribution(buildDistributions([broken(1)])[0]!), 'not judged');
  t.equal(formatDistribution(buildDistributions(times(20, standard))[0]!), 'standard 20/20 (83–100 %)');
  t.end();
});
