import t from 'tap';
import { buildStandard, settings } from '../fixtures/report/results.ts';
import type { Settings } from '../axes/table.ts';
import { formatCellId } from '../matrix/cell-id.ts';
import type { Result } from '../store/result.ts';
import { describeEffect, findEffects } from './axis-effects.ts';
import { readReference } from '../fixtures/report/reference.ts';
import { findVaried } from './axis-labels.ts';
import { buildCells } from './cell-view.ts';

/** A cell with these settings and its exact id. */
const cell = (over: Partial<Settings>, end: Partial<Result> = {}): Result => ({
  ...buildStandard(end, over),
  id: formatCellId({ ...settings, ...over }),
});
const fallen = { tier: 'conservative' } as const;
const effectsOf = (results: readonly Result[]) => findEffects(buildCells(results), findVaried(results));
const effectOf = (results: readonly Result[], axis: string) =>
  effectsOf(results).find((effect) => effect.axis === axis);

t.test('the default run: huge pages change nothing, strict overcommit every pair', async (t) => {
  const view = await readReference('default');
  const [first, ...rest] = findEffects(view.cells, view.axes);
  t.match(first, { axis: 'overcommit', pairs: 36, changed: 24, open: 0 });
  t.same(first?.steps, [
    { from: '0', to: '1', pairs: 12, changed: 0, worse: 0, better: 0 },
    { from: '0', to: '2', pairs: 12, changed: 12, worse: 12, better: 0 },
  ]);
  t.same(
    rest.map(({ axis, pairs, changed }) => [axis, pairs, changed]),
    [
      ['memory', 54, 0],
      ['thp', 36, 0],
    ],
  );
  t.equal(
    first === undefined ? '' : describeEffect(first),
    'Changed the tier or outcome in 24 of 36 pairs. From 0: to 2 in 12 of 12, worse; to 1 in 0 of 12.',
  );
  const [, thp] = rest;
  t.equal(
    thp === undefined ? '' : describeEffect(thp),
    'Changed neither tier nor outcome in the 36 pairs of this run.',
  );
});

t.test('cells that differ in a second axis are no pair', (t) => {
  const sparse = [cell({ overcommit: 0, thp: 'always' }), cell({ overcommit: 2, thp: 'never' }, fallen)];
  const effect = effectOf(sparse, 'overcommit');
  t.match(effect, { pairs: 0, changed: 0, open: 0, steps: [] });
  t.equal(effect === undefined ? '' : describeEffect(effect), 'No two cells of this run differ in it alone.');
  t.end();
});

t.test('cells of two scopes are no pair: their runs may differ in more', (t) => {
  const results = [cell({ overcommit: 0 }), cell({ overcommit: 2 }, fallen)];
  const byStart = findEffects(buildCells(results), findVaried(results), ({ id }) => id);
  t.match(byStart, [{ axis: 'overcommit', pairs: 0 }]);
  t.end();
});

t.test('a host is an axis like the others', (t) => {
  const other = { tier: 'on-demand', subject: { name: 'spin' } } as unknown as Partial<Result>;
  const results = [cell({}), cell({ subject: 'spin' }, other)];
  t.match(effectOf(results, 'subject'), { pairs: 1, changed: 1, steps: [{ to: 'spin', worse: 1 }] });
  t.end();
});

t.test('nothing is claimed of a flaky cell, one without a verdict, or one whose tier nobody saw', (t) => {
  const flaky = [cell({ overcommit: 1 }), { ...cell({ overcommit: 1 }, fallen), repetition: 2 }];
  const broken = cell({ overcommit: 2 }, { tier: null, outcome: 'broken', verdict: null });
  const effect = effectOf([cell({ overcommit: 0 }), ...flaky, broken], 'overcommit');
  t.match(effect, { pairs: 0, changed: 0, open: 3, steps: [] });
  t.equal(
    effect === undefined ? '' : describeEffect(effect),
    'Nothing to compare. 3 pairs could not be compared.',
  );
  const silent = { tier: null, subject: { name: 'spin' } } as unknown as Partial<Result>;
  const hosts = [
    cell({}),
    cell({ subject: 'spin' }, silent),
    cell({ subject: 'spin', overcommit: 0 }, silent),
  ];
  t.match(effectOf(hosts, 'subject'), { pairs: 0, open: 1 });
  t.match(effectOf(hosts, 'overcommit'), { pairs: 1, changed: 0, open: 0 });
  t.end();
});

t.test('failures that differ are a change in no direction', (t) => {
  const ends = (['exhausted', 'crashed'] as const).map((outcome, overcommit) =>
    cell({ overcommit: overcommit === 0 ? 0 : 2 }, { tier: null, outcome }),
  );
  t.match(effectOf(ends, 'overcommit'), {
    pairs: 1,
    changed: 1,
    steps: [{ changed: 1, worse: 0, better: 0 }],
  });
  t.end();
});

t.test('variables that differ are one axis, whatever stands in their values', (t) => {
  const results = [
    cell({ env: { A: '1,overcommit=2' } }),
    cell({ env: { A: '1', B: '2' } }, fallen),
    cell({}),
  ];
  t.match(effectOf(results, 'env'), { pairs: 3, changed: 2 });
  t.end();
});

t.test('the pairs of thousands of values are counted, not listed', (t) => {
  const results = Array.from({ length: 3000 }, (_, index) =>
    cell({ memory: (512 + index) * 2 ** 20 }, index < 1000 ? fallen : {}),
  );
  t.match(effectOf(results, 'memory'), { pairs: (3000 * 2999) / 2, changed: 1000 * 2000 });
  t.end();
});
