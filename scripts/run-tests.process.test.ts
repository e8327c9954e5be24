import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';

const program = fileURLToPath(new URL('run-tests.ts', import.meta.url));

/** Runs test files, by name their text, in the order of their names; their folder is left out of what is printed. */
function runTests(t: Test, files: Readonly<Record<string, string>>, jobs = 1) {
  const texts = Object.entries(files).map(([name, text]) => [name, `import t from 'tap';\n${text}\n`]);
  const folder = t.testdir(Object.fromEntries(texts) as Record<string, string>);
  const names = Object.keys(files).map((name) => path.join(folder, name));
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [program, '--jobs', String(jobs), ...names],
    { encoding: 'utf8' },
  );
  const out = stdout.replaceAll(`${folder}/`, '');
  return { status, out, last: out.trimEnd().split('\n').at(-1), stderr };
}

const passes = `t.test('passes', (t) => { t.pass(); t.end(); });`;

t.test('the last line counts the tests of all files, and the exit code is 0 where all passed', (t) => {
  const ended = runTests(t, { 'a.test.ts': `${passes} t.pass();`, 'b.test.ts': passes }, 2);
  t.match(ended, { status: 0, last: '3 passed, 0 failed', stderr: '' });
  t.match(runTests(t, { 'a.test.ts': `t.test('later', { skip: 'why' }); ${passes}` }), {
    status: 0,
    last: '1 passed, 0 failed, 1 skipped',
  });
  t.end();
});

t.test('what fails is named with its file and what it saw, and the files behind it run', (t) => {
  const files = {
    'a.test.ts': `t.test('adds', (t) => { t.equal(1 + 1, 3, 'the sum'); t.end(); });`,
    'b.test.ts': `t.test('throws', () => { throw new Error('oh no'); });`,
    'c.test.ts': `t.teardown(() => { throw new Error('torn'); }); ${passes}`,
    'd.test.ts': `t.test('late', async () => { Promise.reject(new Error('unheard')); await new Promise(setImmediate); });`,
    'e.test.ts': passes,
  };
  const { status, out, last } = runTests(t, files);
  t.equal(status, 1);
  t.equal(last, '2 passed, 4 failed');
  t.match(out, /^not ok: a\.test\.ts > adds > the sum\n[^]*?\+2[^]*?^not ok: b\.test\.ts > throws > oh no$/m);
  for (const name of ['a.test.ts > adds > the sum', 'b.test.ts > throws > oh no'])
    t.match(out, `\nfailed: ${name}\n`);
  t.match(out, /^not ok: torn\n[^]*?^test: c\.test\.ts\n[^]*?^failed: c\.test\.ts$/m);
  t.match(out, /^failed: d\.test\.ts > late > unheard$/m);
  t.end();
});

t.test('a file that cannot be imported, has no test, or ends its process fails by name', (t) => {
  const files = {
    'a.test.ts': `import './none.ts';`,
    'b.test.ts': `throw new Error('at import');`,
    'c.test.ts': 'const = 1;',
    'd.test.ts': '',
    'e.test.ts': `t.test('exits', () => process.exit(0));`,
    'f.test.ts': `t.test('dies', () => { process.kill(process.pid, 'SIGKILL'); return new Promise(() => {}); });`,
    'g.test.ts': passes,
  };
  const { status, out, last } = runTests(t, files);
  t.equal(status, 1);
  t.match(last, /^1 passed, \d+ failed, 1 skipped$/, 'the test that exits had no assertion');
  t.match(out, /^failed: a\.test\.ts > Cannot find module '.*none\.ts'/m);
  t.match(out, /^failed: b\.test\.ts > at import$/m);
  t.match(out, /^failed: c\.test\.ts > /m);
  t.match(out, /^failed: d\.test\.ts: it has no test$/m);
  t.match(out, /^failed: e\.test\.ts: its process ended, exit code \d$/m);
  t.match(out, /^failed: f\.test\.ts: its process ended, SIGKILL$/m);
  t.end();
});

t.test('no file at all is a failure', (t) => {
  t.match(runTests(t, {}), {
    status: 1,
    last: '0 passed, 1 failed',
    out: /^failed: no test file is named$/m,
  });
  t.end();
});

t.test('environment, working folder and exit code are put right between two files', (t) => {
  const leaves = `
    process.env.PLANTED = 'x'; delete process.env.PATH; process.env.HOME = '/nowhere';
    process.chdir('/'); process.exitCode = 7;`;
  const looks = `
    t.equal(process.env.PLANTED, undefined); t.ok(process.env.PATH); t.not(process.env.HOME, '/nowhere');
    t.not(process.cwd(), '/'); t.equal(process.exitCode, undefined);`;
  const ended = runTests(t, {
    'a.test.ts': `${passes} ${leaves}`,
    'b.test.ts': `t.test('leaves', async (t) => { t.pass(); ${leaves} });`,
    'c.test.ts': looks,
  });
  t.match(ended, { status: 0, last: '3 passed, 0 failed' }, ended.out);
  t.end();
});

t.test('what a file sets up for its tests is for these alone, and torn down before the next file', (t) => {
  const first = `
    globalThis.seen = [];
    t.beforeEach(() => globalThis.seen.push('before'));
    t.teardown(() => globalThis.seen.push('torn down'));
    t.test('one', async (t) => { t.match(t.testdir(), 'a.test.ts-one'); });`;
  const second = `
    t.test('one', async (t) => {
      t.match(t.testdir(), 'b.test.ts-one');
      t.same(globalThis.seen, ['before', 'torn down']);
    });`;
  const ended = runTests(t, { 'a.test.ts': first, 'b.test.ts': second });
  t.match(ended, { status: 0, last: '2 passed, 0 failed' }, ended.out);
  t.end();
});

t.test('a process that has grown is replaced, and one that does not end is said to hang', (t) => {
  const files = {
    'a.test.ts': `globalThis.kept = Buffer.alloc(500 * 2 ** 20, 1); globalThis.seen = true; ${passes}`,
    'b.test.ts': `t.equal(globalThis.seen, undefined);`,
  };
  t.match(runTests(t, files), { status: 0, last: '2 passed, 0 failed' });
  const hangs = runTests(t, { 'a.test.ts': `setInterval(() => {}, 1000); ${passes}` });
  t.match(hangs, { status: 1, stderr: /^still open after the last test: .*Timeout/ });
  t.match(hangs, { last: '1 passed, 1 failed', out: /^failed: a process of tests: exit code 1$/m });
  t.end();
});
