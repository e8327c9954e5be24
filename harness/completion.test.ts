import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { listen } from './fixtures/fake-commands.ts';
import { record } from './fixtures/report/results.ts';
import { main } from './program.ts';
import { writeRecord } from './store/run-record.ts';

/** The first words of the answers of fish, which shows most. */
async function ask(...words: readonly string[]): Promise<readonly string[]> {
  const { context, out, err } = listen();
  t.equal(await main(['complete', 'fish', '--', ...words], context), 0, err());
  return out()
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\t')[0]!);
}

t.test('commands, options and their values are answered by the definitions of the commands', async (t) => {
  t.same(await ask('hist'), ['history']);
  t.same(await ask('images', 'ver'), ['verify']);
  t.same(await ask('run', '--shar'), ['--shard']);
  t.same(await ask('run', '--format'), [], 'an option of another command');
  t.same(await ask('report', '--format', 'ju'), ['junit']);
  t.same(await ask('report', '--format', 'md', 'ju'), ['junit'], 'one of several');
  t.same(await ask('report', '--format=ju'), ['--format=junit']);
  t.same(await ask('plan', '--format', 'g'), ['github-matrix', 'gitlab']);
  t.same(await ask('bisect', '--axis', 'overcommitR'), ['overcommitRatio']);
  t.same(await ask('run', 'lim'), ['limits']);
  t.same(await ask('run', '--cold', 'lim'), ['limits'], 'behind an option without a value');
  t.same(await ask('run', '--jobs', '2', 'lim'), ['limits'], 'and behind one with a value');
  t.same(await ask('completion', 'z'), ['zsh']);
  t.same(await ask('complet'), ['completion'], 'what only shells call is not offered');
  t.same(await ask('exec', 'memory=512M', '--', 'pl'), [], 'words of another program');
  t.same(await ask('no-such-command', ''), (await ask('')).slice(), 'like none');
});

t.test('cells are completed axis by axis and value by value', async (t) => {
  t.same(await ask('run', '--only', 'memory=512M,overcommitB'), ['memory=512M,overcommitBytes=']);
  t.same(
    await ask('exec', 'memory=512M,mem'),
    ['memory=512M,memories='],
    'an axis that is there is not offered',
  );
  t.same(await ask('explain', 'thp=n'), ['thp=never']);
  t.same(await ask('explain', 'thp!=n'), ['thp!=never']);
  t.same(await ask('run', '--only', 'thp=never|m'), ['thp=never|madvise']);
  t.same(await ask('explain', 'nosuch=1'), []);
  const engines = await ask('explain', 'engine=wasmtime@');
  t.ok(engines.length > 0 && engines.every((one) => one.startsWith('engine=wasmtime@')), engines.join(' '));
});

t.test('runs are completed by their ids and tags, and files by their folders', async (t) => {
  const dir = t.testdir({ 'm.yaml': '', 'm.txt': '', '.m.yaml': '', sub: { 'deep.yaml': '' } });
  const id = '20261123T230311Z-a1b2c3';
  await mkdir(path.join(dir, 'runs', id), { recursive: true });
  await writeRecord(path.join(dir, 'runs', id), { ...record, id, options: { tag: 'nightly' } });
  const runs = ['--results', path.join(dir, 'runs')];
  t.same(await ask('report', ...runs, ''), ['latest', 'latest~1', 'nightly', id]);
  t.same(await ask('report', `--results=${path.join(dir, 'runs')}`, '2026'), [id]);
  t.same(await ask('report', '--results', path.join(dir, 'none'), 'l'), ['latest', 'latest~1']);
  t.same(await ask('explain', ...runs, 'memory=1G@n'), ['memory=1G@nightly']);
  t.same(await ask('run', ...runs, '--tag', ''), ['nightly']);
  t.same(await ask('run', `${dir}/m`), [`${dir}/m.yaml`], 'of files only matrices');
  t.same(await ask('advise', `${dir}/m`), [`${dir}/m.txt`, `${dir}/m.yaml`]);
  t.same(await ask('run', `${dir}/s`), [`${dir}/sub/`]);
  t.same(await ask('run', `${dir}/.m`), [`${dir}/.m.yaml`]);
  t.same(await ask('merge', `${dir}/none/`), []);
});

t.test('a shell without completion is refused with those that have it', async (t) => {
  for (const words of [
    ['completion', 'tcsh'],
    ['complete', 'tcsh', '--', ''],
  ]) {
    const { context, err } = listen();
    t.equal(await main(words, context), 2);
    t.match(err(), /^USAGE: there is no completion for tcsh\n {2}there is one for bash, zsh, fish/);
  }
});
