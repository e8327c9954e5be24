import t from 'tap';
import { mergeEstimates, noEstimates, orderCells, orderGroups } from './run-estimates.ts';
import { groupByBoot } from './order.ts';
import { parseMatrix } from '../matrix/load.ts';

const cells = [...parseMatrix('axes: {memory: [512M, 1G], overcommit: [0, 1, 2]}\n', 'm.yaml').cells()];
const idOf = (memory: string, overcommit: number): string =>
  cells.find(({ id }) => id.includes(`memory=${memory},overcommit=${overcommit}`))?.id ?? '';

t.test('cells go longest first; equal and unknown ones keep their order', (t) => {
  const durations = new Map([
    [idOf('512M', 1), 3000],
    [idOf('1G', 2), 9000],
    [idOf('512M', 2), 1000],
  ]);
  t.same(
    orderCells(cells, durations).map(({ id }) => id),
    [
      idOf('1G', 2),
      // What nobody has run is taken for the median, 3000 ms.
      ...[idOf('512M', 0), idOf('512M', 1), idOf('1G', 0), idOf('1G', 1)],
      idOf('512M', 2),
    ],
  );
  t.same(orderCells(cells, new Map()), cells);
  t.end();
});

t.test('the boot that most work waits for goes first', (t) => {
  const groups = groupByBoot(cells);
  t.equal(groups.length, 2);
  const [first] = orderGroups(
    groups,
    new Map([
      [idOf('1G', 0), 60_000],
      [idOf('512M', 0), 1000],
      [idOf('512M', 1), 1000],
    ]),
  );
  t.equal(first?.settings.memory, 1024 ** 3);
  t.same(orderGroups(groups, new Map()), groups);
  t.end();
});

t.test('the newest figure counts, and what was not seen for longest is forgotten first', (t) => {
  const first = mergeEstimates(noEstimates, {
    durations: new Map([
      ['a', 1],
      ['b', 2],
    ]),
    peaksMib: new Map([['k', 400]]),
  });
  const second = mergeEstimates(first, { durations: new Map([['a', 5]]), peaksMib: new Map() });
  t.same(
    [...second.durations],
    [
      ['b', 2],
      ['a', 5],
    ],
  );
  t.same([...second.peaksMib], [['k', 400]]);
  const many = new Map(Array.from({ length: 20_000 }, (_, index) => [`n${index}`, index]));
  const full = mergeEstimates(second, { durations: many, peaksMib: new Map() });
  t.equal(full.durations.size, 20_000);
  t.notOk(full.durations.has('b'));
  t.end();
});
