import { existsSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import t, { type Test } from 'tap';
import { listen } from './fixtures/fake-commands.ts';
import { record } from './fixtures/report/results.ts';
import { main } from './program.ts';
import { writeRecord } from './store/run-record.ts';
import { renderScript } from './commands/completion-scripts.ts';

const cli = [process.execPath, fileURLToPath(new URL('../dist/harness/cli.js', import.meta.url))];

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

const start: Readonly<Record<'bash' | 'zsh', readonly string[]>> = {
  bash: ['bash --norc --noprofile -i', '. ./completion'],
  zsh: ['zsh -f -i', 'autoload -Uz compinit; compinit -u -D; . ./completion'],
};

/** What a shell runs for lines that are typed, in a terminal: `poolproof` is a program that prints its arguments. */
async function type(t: Test, shell: 'bash' | 'zsh', lines: readonly string[]): Promise<readonly string[]> {
  const dir = t.testdir({
    poolproof: '#!/bin/sh\nfor word; do printf "<%s>" "$word"; done; echo .\n',
    'mine.yaml': '',
    'two words.yaml': '',
  });
  await chmod(path.join(dir, 'poolproof'), 0o755);
  await writeFile(path.join(dir, 'completion'), renderScript(shell, cli));
  const [command = '', load = ''] = start[shell];
  const { stdout } = await execa('script', ['-qec', command, '/dev/null'], {
    cwd: dir,
    input: `${load}\n${lines.join('\n')}\nexit\n`,
    env: { PATH: `${dir}:${process.env['PATH']}`, HOME: dir, TERM: 'dumb', PS1: '$ ' },
    timeout: 60_000,
  });
  t.notOk(existsSync(path.join(dir, 'evaluated')), 'nothing of the line was run by the completion');
  return [...stdout.matchAll(/((?:<[^<>]*>)+)\.\r?$/gm)].map(([, words]) => words!);
}

for (const shell of ['bash', 'zsh'] as const) {
  t.test(
    `${shell} completes what is typed, also behind = and in quotes, and runs nothing of it`,
    async (t) => {
      const typed = await type(t, shell, [
        'poolproof pla\tmi\t',
        'poolproof run --only memory=512M,overcommitB\t600M',
        "poolproof run --only 'thp=never|mad\t",
        'poolproof run two\t',
        'poolproof explain memory=512M,thp=nev\t',
        "poolproof exec memory=1G -- sh '$(touch evaluated)' pla\t",
      ]);
      t.same(typed, [
        '<plan><mine.yaml>',
        '<run><--only><memory=512M,overcommitBytes=600M>',
        '<run><--only><thp=never|madvise>',
        '<run><two words.yaml>',
        '<explain><memory=512M,thp=never>',
        '<exec><memory=1G><--><sh><$(touch evaluated)><pla>',
      ]);
    },
  );
}

t.test('fish completes what is typed, with descriptions, and runs nothing of it', async (t) => {
  const dir = t.testdir({ completion: renderScript('fish', cli), 'two words.yaml': '' });
  const lines = [
    'poolproof hist',
    'poolproof run --only memory=512M,overcommitR',
    "poolproof run --only 'thp=never|mad",
    'poolproof run two',
    "poolproof exec memory=1G -- sh '(touch evaluated)' ",
  ];
  const asked = lines.map((line) => `complete -C "${line}"`).join('; ');
  const { stdout } = await execa('fish', ['--no-config', '-c', `. ./completion; ${asked}`], {
    cwd: dir,
    env: { HOME: dir },
  });
  t.same(
    stdout.split('\n').map((line) => line.split('\t')[0]),
    ['history', 'memory=512M,overcommitRatio=', 'thp=never|madvise', 'two words.yaml'],
  );
  t.match(stdout, /^history\tshow a cell through all runs/);
  t.notOk(existsSync(path.join(dir, 'evaluated')));
});
