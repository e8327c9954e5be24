import t from 'tap';
import { countTests } from './count-tests.ts';

t.test('assertions are counted once, whatever subtests repeat', (t) => {
  const text = [
    'TAP version 14',
    '# Subtest: outer',
    '    ok 1 - one',
    '    not ok 2 - two',
    '    # Subtest: inner',
    '        ok 1 - three',
    '        ok 2 - four # SKIP not here',
    '        1..2',
    '    ok 3 - inner',
    '    1..3',
    'not ok 1 - outer',
    '1..1',
    '',
  ].join('\n');
  const counts = countTests(text);
  t.match(counts, { passed: 2, failed: 1, skipped: 1 });
  t.equal(counts.failures.length, 1);
  t.match(counts.failures[0], /two/);
  t.same(countTests('TAP version 14\n1..0\n').passed, 0);
  t.end();
});
