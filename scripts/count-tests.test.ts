import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { countTests } from './count-tests.ts';

/** A file with a test of two assertions, a test with a test inside, and a skipped one. */
const text = (two: 'ok' | 'not ok', three: 'ok' | 'not ok') => {
  const outer = two === 'ok' && three === 'ok' ? 'ok' : 'not ok';
  return [
    'TAP version 14',
    '# Subtest: a.test.ts',
    '    # Subtest: first',
    '        ok 1 - one',
    `        ${two} 2 - two`,
    '        1..2',
    `    ${two} 1 - first`,
    '    # Subtest: second',
    '        # Subtest: inner',
    `            ${three} 1 - three`,
    '            1..1',
    `        ${three} 1 - inner`,
    '        1..1',
    `    ${three} 2 - second`,
    '    ok 3 - third # SKIP not here',
    '    1..3',
    `${outer} 1 - a.test.ts`,
    '1..1',
    '',
  ].join('\n');
};

t.test('tests are counted and not their assertions; what only holds tests is none', (t) => {
  const all = { passed: 2, failed: 0, skipped: 1, assertions: 3, failures: [] };
  t.same(countTests(text('ok', 'ok')), all);
  t.match(countTests(text('not ok', 'ok')), { passed: 1, failed: 1, failures: [/two/] });
  t.match(countTests(text('ok', 'not ok')), { passed: 1, failed: 1, failures: [/three/] });
  t.match(countTests(text('not ok', 'not ok')), { passed: 0, failed: 2 });
  t.same(countTests('TAP version 14\n1..0\n').passed, 0);
  t.end();
});

t.test('a file is a test where it asserts by itself, and where it never begins or ends', (t) => {
  const file = '# Subtest: a.test.ts\n    ok 1 - x\n    ok 2 - y\n    1..2\nok 1 - a.test.ts\n1..1\n';
  t.match(countTests(`TAP version 14\n${file}`), { passed: 1, failed: 0, assertions: 2 });
  t.match(countTests('TAP version 14\nnot ok 1 - a.test.ts\n1..1\n'), { passed: 0, failed: 1 });
  const cut = '# Subtest: a.test.ts\n    ok 1 - x\n    1..2\nnot ok 1 - a.test.ts\n1..1\n';
  t.match(countTests(`TAP version 14\n${cut}`), { passed: 0, failed: 1 });
  t.end();
});

t.test('the last line and the exit code say the same; a failed check or tap is a failure', (t) => {
  const program = fileURLToPath(new URL('../dist/scripts/count-tests.js', import.meta.url));
  const file = path.join(t.testdir(), 'x.tap');
  for (const [two, checks, tap, last, status] of [
    ['ok', '0', '0', '3 passed, 0 failed, 1 skipped', 0],
    ['ok', '1', '0', '2 passed, 1 failed, 1 skipped', 1],
    ['ok', '0', '1', '3 passed, 1 failed, 1 skipped', 1],
    ['not ok', '1', '1', '1 passed, 2 failed, 1 skipped', 1],
  ] as const) {
    writeFileSync(file, text(two, 'ok'));
    const end = spawnSync(process.execPath, [program, file, checks, tap], { encoding: 'utf8' });
    t.equal(end.stdout.trimEnd().split('\n').at(-1), last);
    t.match(end.stdout, '3 assertions\n');
    t.equal(end.status, status, last);
  }
  t.end();
});
