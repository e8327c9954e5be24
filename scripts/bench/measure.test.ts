import t from 'tap';
import { ownFlags, spreadOf } from './measure.ts';

t.test('a benchmark starts Node with the options of scripts/poolproof', (t) => {
  t.match(ownFlags(), ['--no-memory-reducer', /^--min-semi-space-size=\d+$/]);
  t.equal(ownFlags().length, 2);
  t.end();
});

t.test('a spread has the median, the percentiles and the largest of its samples', (t) => {
  t.same(spreadOf([3, 1, 2]), { n: 3, median: 2, p10: 1, p90: 3, p99: 3, max: 3 });
  t.end();
});
