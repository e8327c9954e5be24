import t from 'tap';
import { axisNames, defaultSettings, type Settings } from '../axes/table.ts';
import { formatCellId } from '../matrix/cell-id.ts';
import { bootKey } from '../plan/order.ts';
import { buildCases } from './cell-matrix.ts';
import { drawRound } from './draw-round.ts';
import { isClose, predictSettings } from './model.ts';
import { PairCoverage } from './pair-coverage.ts';

const draw = (
  seed: number,
  round: number,
  names: readonly string[] = axisNames,
  known: readonly string[] = [],
): readonly Settings[] => {
  const set = new Set<string>(names);
  return drawRound({
    seed,
    round,
    names: set,
    cells: 12,
    machines: 3,
    coverage: new PairCoverage(set),
    known: new Set(known),
  });
};
const ids = (cells: readonly Settings[]): readonly string[] => cells.map((one) => formatCellId(one));

t.test('a seed gives the same round again, another seed or round gives another one', (t) => {
  t.strictSame(ids(draw(1, 0)), ids(draw(1, 0)));
  t.not(ids(draw(1, 0)).join(), ids(draw(2, 0)).join());
  t.not(ids(draw(1, 0)).join(), ids(draw(1, 1)).join());
  t.end();
});

t.test(
  'a round is a valid matrix of distinct cells on few machines, of each of which the model is sure',
  (t) => {
    for (const seed of [1, 2, 3]) {
      const cells = draw(seed, 0);
      t.ok(
        cells.every(({ memory, hugepages }) => memory - hugepages * 2 ** 21 >= 2 ** 28),
        'huge pages leave a machine some memory',
      );
      t.equal(cells.length, 12);
      t.equal(
        buildCases(
          'a round',
          cells.map((settings) => ({ settings, expect: null })),
        ).size,
        12,
      );
      t.ok(new Set(cells.map((one) => bootKey(one))).size <= 3);
      t.strictSame(cells.filter(isClose), []);
      const waiting = cells.filter((one) => (predictSettings(one)?.startup ?? null) !== null);
      t.ok(waiting.length <= 1, 'a Node that waits for ever costs as much as all the others');
    }
    t.end();
  },
);

t.test('axes that are not named keep their default, and cells that were drawn before are left out', (t) => {
  const names = ['overcommit', 'addressSpace'];
  const cells = draw(1, 0, names);
  for (const cell of cells) {
    const { overcommit, addressSpace } = cell;
    t.strictSame(cell, { ...defaultSettings(), overcommit, addressSpace });
  }
  const later = ids(draw(1, 0, names, ids(cells)));
  t.notOk(later.some((id) => ids(cells).includes(id)));
  t.end();
});

t.test('few combinations give a short round, not an endless one', (t) => {
  t.ok(draw(1, 0, ['overcommit']).length <= 3);
  t.end();
});

t.test('pairs are counted once, and a value between those drawn counts as the nearest', (t) => {
  const coverage = new PairCoverage(new Set(['overcommit', 'thp']));
  t.strictSame(coverage.covered, { pairs: 0, of: 9 });
  coverage.add(defaultSettings());
  coverage.add(defaultSettings());
  t.equal(coverage.covered.pairs, 1);
  t.equal(coverage.countNew(defaultSettings()), 0);
  t.equal(coverage.countNew({ ...defaultSettings(), thp: 'never' }), 1);
  const near = new PairCoverage(new Set(['overcommit', 'overcommitRatio']));
  near.add({ ...defaultSettings(), overcommitRatio: 80 });
  t.equal(near.countNew({ ...defaultSettings(), overcommitRatio: 81 }), 0);
  t.end();
});
