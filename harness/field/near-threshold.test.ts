import t from 'tap';
import { axes, axisNames, defaultSettings, rowsOf } from '../axes/table.ts';
import { formatCellId } from '../matrix/cell-id.ts';
import { rangeOf } from './axis-range.ts';
import { randomFrom } from './draw-settings.ts';
import { isClose, predictSettings, summarize } from './model.ts';
import { findFlips, listMovable, moveToThreshold } from './near-threshold.ts';

t.test('every flip that looks can see is found at its exact index', (t) => {
  t.strictSame(
    findFlips(1000, (index) => (index < 333 ? 'a' : index < 700 ? 'b' : 'c')),
    [333, 700],
  );
  t.strictSame(
    findFlips(3, (index) => (index < 2 ? 'a' : 'b')),
    [2],
    'a range shorter than the looks is looked at whole',
  );
  t.strictSame(
    findFlips(50, () => 'a'),
    [],
  );
  t.end();
});

t.test('only axes with an order, and none that costs a boot, are moved', (t) => {
  const movable = listMovable();
  t.ok(movable.includes('addressSpace'));
  t.notOk(movable.includes('memory'), 'another size of memory is another machine');
  t.notOk(movable.includes('mdwe'), 'it has no order');
  t.end();
});

t.test(
  'settings are moved to the nearest value of which the model is sure, on either side of a flip',
  (t) => {
    const row = axes.addressSpace;
    const range = rangeOf(row.name);
    const index = (value: number | null): number =>
      Array.from({ length: range.length }, (_, at) => at).find(
        (at) => range.text(at) === row.format(value),
      ) ?? -1;
    const words = new Set<string>();
    for (let seed = 0; seed < 12; seed += 1) {
      const moved = moveToThreshold(randomFrom(seed), defaultSettings(), [row.name]);
      t.not(moved, null);
      if (moved === null) continue;
      t.notOk(isClose(moved), formatCellId(moved));
      words.add(summarize(predictSettings(moved)));
      const at = index(moved.addressSpace);
      const neighbours = [at - 1, at + 1].filter((one) => one >= 0 && one < range.length);
      t.ok(
        neighbours.some((one) => isClose(range.at(moved, one))),
        `${formatCellId(moved)}: the next value towards the flip is close`,
      );
    }
    t.ok(words.size > 1, 'both sides are met');
    t.end();
  },
);

t.test('of the older Nodes chance decides wherever their young generation does', (t) => {
  // Found by a search: the model says on-demand, and a guest had room for a small pool.
  const tight = { ...defaultSettings(), memory: 4 * 2 ** 30, overcommit: 2 as const, overcommitRatio: 3 };
  const cell = { ...tight, addressSpace: 3 * 2 ** 30, stackLimit: 'unlimited' as const };
  t.ok(isClose({ ...cell, node: '20' }));
  t.notOk(isClose({ ...cell, node: '20', overcommitRatio: 50 }));
  t.end();
});

t.test('an axis that flips nothing moves nothing', (t) => {
  t.equal(moveToThreshold(randomFrom(1), defaultSettings(), []), null);
  const flat = axisNames.find((name) => name === 'hugepages') ?? 'hugepages';
  t.ok(rowsOf(axes).some(({ name }) => name === flat));
  t.equal(moveToThreshold(randomFrom(1), defaultSettings(), [flat]), null);
  t.end();
});
