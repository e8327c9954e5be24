import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { listen } from './fixtures/fake-commands.ts';
import type { Script } from './fixtures/fake-machine.ts';
import { main } from './program.ts';

async function run(t: Test, script: Script, ...words: readonly string[]) {
  const dir = t.testdirName;
  const { context, out, err } = listen([script]);
  const results = path.join(dir, 'results');
  const places = ['--results', results, '--cache', path.join(dir, 'cache')];
  const all = ['selftest', '--quick', '--arch', 'x86-64', ...places, ...words];
  const code = await main(all, context);
  return { code, out: out(), err: err(), folder: path.join(results, 'selftest') };
}

t.test('the page is printed and kept, and the exit code is 0 where all checks hold', async (t) => {
  t.testdir();
  const { code, out, err, folder } = await run(t, {}, '--only', 'boots');
  t.equal(code, 0, err);
  t.match(err, /^selftest: looking for QEMU[^]*\[1\/1\] boots \.\.\.\n {2}boots holds: 4 of 4 answered/);
  t.match(out, /^# Selftest: all 1 checks passed\n/);
  const [json = '', page = ''] = (await readdir(folder)).sort();
  t.match([json, page], [/^\d{8}T\d{6}Z\.json$/, /^\d{8}T\d{6}Z\.md$/]);
  t.equal(await readFile(path.join(folder, page), 'utf8'), out);
  t.match(JSON.parse(await readFile(path.join(folder, json), 'utf8')), { checks: [{ name: 'boots' }] });
});

t.test('the exit code is 1 where a check fails, and 2 for a check that is none', async (t) => {
  t.testdir();
  const failed = await run(t, { exitAtStart: true }, '--only', 'boots,accelerator', '--json');
  t.equal(failed.code, 1);
  t.match(JSON.parse(failed.out), { schema: 1, checks: [{ status: 'fails' }, { status: 'fails' }] });
  t.match(await run(t, {}, '--arch', 'sparc'), { code: 2, err: /Allowed choices are x86-64, / });
  t.match(await run(t, {}, '--only', 'boot'), {
    code: 2,
    out: '',
    err: /^USAGE: .*\n {2}did you mean boots\?/,
  });
});
