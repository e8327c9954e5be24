import t from 'tap';
import { compareInTurn, ownFlags, spreadOf } from './measure.ts';

t.test('a benchmark starts Node with the options of scripts/poolproof', (t) => {
  t.match(ownFlags(), [
    '--no-memory-reducer',
    /^--initial-old-space-size=\d+$/,
    /^--min-semi-space-size=\d+$/,
  ]);
  t.equal(ownFlags().length, 3);
  t.end();
});

t.test('a spread has the median, the percentiles and the largest of its samples', (t) => {
  t.same(spreadOf([3, 1, 2]), { n: 3, median: 2, p10: 1, p90: 3, p99: 3, max: 3 });
  t.end();
});

t.test('what was taken in turn is compared pair by pair', (t) => {
  const { a, b, ratio } = compareInTurn({ a: [1, 2, 4], b: [3, 4, 4] });
  t.equal(a.median, 2);
  t.equal(b.median, 4);
  t.match(ratio, { n: 3, median: 2, max: 3 });
  t.end();
});
