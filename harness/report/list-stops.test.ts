import t from 'tap';
import { buildResult, buildStandard } from '../fixtures/report/results.ts';
import type { Result } from '../store/result.ts';
import { findShortfall, listStops } from './list-stops.ts';

const commit = (pool: 'table' | 'stack' | 'process', needed: number) =>
  ({ pool, limit: 'CommitLimit', needed, available: 1000, unit: 'bytes' }) as const;

/** A host that says nothing of its attempts, where the model stops two tiers. */
const foreign = (changes: Partial<Result>): Result =>
  buildResult({
    tiers: [],
    predicted: {
      outcome: 'exhausted',
      tier: null,
      checks: null,
      tiers: [
        { tier: 'standard', fits: false, shortfall: commit('table', 3000) },
        { tier: 'conservative', fits: false, shortfall: commit('stack', 2000) },
      ],
      startup: null,
    },
    ...changes,
  });

t.test('a model that is wrong about a cell explains nothing in it', (t) => {
  t.match(findShortfall(buildResult()), { pool: 'table', limit: 'CommitLimit' });
  t.equal(findShortfall(buildResult({ finding: 'the model said x' })), null);
  t.equal(findShortfall(buildStandard()), null);
  t.equal(findShortfall(buildResult({ outcome: 'timeout', tier: null })), null);
  t.equal(findShortfall(buildResult({ predicted: null })), null);
  t.end();
});

t.test('a host without a tier is stopped by the last it tries, one that has crashed by its start', (t) => {
  const exhausted = foreign({ outcome: 'exhausted', tier: null });
  t.same(
    listStops(exhausted).map(({ tier }) => tier),
    ['standard', 'conservative'],
  );
  t.equal(findShortfall(exhausted)?.pool, 'stack');
  const { predicted } = exhausted;
  if (predicted === null) throw new Error('it has a prediction');
  const crashed = { ...predicted, outcome: 'crashed', startup: commit('process', 5000) } as const;
  t.same(listStops(foreign({ outcome: 'crashed', tier: null, predicted: crashed })), [
    { tier: null, shortfall: commit('process', 5000) },
  ]);
  const silent = { ...crashed, startup: null };
  t.same(listStops(foreign({ outcome: 'crashed', tier: null, predicted: silent })), []);
  t.end();
});

t.test('a host that came up with a smaller pool is stopped by the tiers before it', (t) => {
  const { predicted } = foreign({});
  if (predicted === null) throw new Error('it has a prediction');
  const reached = { ...predicted, outcome: 'reached', tier: 'conservative' } as const;
  t.same(
    listStops(foreign({ outcome: 'reached', tier: 'conservative', predicted: reached })).map(
      ({ tier }) => tier,
    ),
    ['standard'],
  );
  t.end();
});
