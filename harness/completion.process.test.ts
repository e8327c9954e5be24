/** Completion in real shells, which call the compiled command. */
import { existsSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import t, { type Test } from 'tap';
import { renderScript } from './commands/completion-scripts.ts';

const cli = [process.execPath, fileURLToPath(new URL('../dist/harness/cli.js', import.meta.url))];

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
