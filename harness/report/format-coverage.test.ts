import t from 'tap';
import { formatCoverage } from './format-coverage.ts';

t.test('coverage is counted in pairs, triples or wider combinations, and what is left out is named', (t) => {
  const whole = {
    ...{ ways: 2, of: 1_679_616, cells: 31, covered: 1056, tuples: 1056, notCovered: 0, leftOut: [] },
  };
  t.same(formatCoverage(whole), [
    'cover: 31 of 1,679,616 combinations; 1,056 of 1,056 pairs of values occur',
  ]);
  t.match(formatCoverage({ ...whole, ways: 3 })[0], /1,056 of 1,056 triples of values occur/);
  t.match(formatCoverage({ ...whole, ways: 4 })[0], /1,056 combinations of 4 values occur/);
  const leftOut = [{ values: 'memory=512M, overcommit=2', why: 'excluded in line 2' }];
  t.same(formatCoverage({ ...whole, covered: 1053, notCovered: 3, leftOut }).slice(1), [
    '  left out: memory=512M, overcommit=2: excluded in line 2',
    '  and 2 more',
  ]);
  t.end();
});
