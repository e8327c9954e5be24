import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { listen, standardOutput } from './fixtures/fake-commands.ts';
import { plainFacts, type Script } from './fixtures/fake-machine.ts';
import { loadMatrix } from './matrix/load.ts';
import { main } from './program.ts';

// The facts of a guest of 2 GiB, as every cell of these searches has it.
const meminfo = plainFacts['/proc/meminfo']?.replace(/MemTotal: +\d+/, 'MemTotal: 2020000') ?? '';
const dies: Script = {
  exitCode: 134,
  stderr: 'Fatal process out of memory',
  facts: { '/proc/meminfo': meminfo },
};

async function explore(t: Test, words: readonly string[], script: Script, signal?: AbortSignal) {
  process.env['POOLPROOF_CACHE'] = path.join(t.testdirName, 'cache');
  const { context, out, err } = listen([script]);
  const results = path.join(t.testdirName, 'results');
  const code = await main(['explore', '--results', results, '--jobs', '1', ...words], {
    ...context,
    ...(signal !== undefined && { signal }),
  });
  return { code, out: out(), err: err(), dir: path.join(results, 'explore-1') };
}

/** One axis of two values: a search that ends by itself. */
const few = ['--axes', 'profile', '--cells', '2', '--budget', '5m', '--cold'];

t.test('a cell whose guest contradicts the model is saved as a matrix, and the exit code is 1', async (t) => {
  t.testdir();
  const { code, out, err, dir } = await explore(t, few, dies);
  t.equal(code, 1, err);
  t.match(out, /the model said \w+, crashed was observed/);
  t.match(out, /\n1 contradiction in 2 cells\n$/, 'the same one in every cell is one');
  const file = path.join(dir, 'contradiction-1.yaml');
  const matrix = await loadMatrix(file);
  t.equal([...matrix.cells()].length, 1);
  t.match(
    await readFile(file, 'utf8'),
    /^# the model said \w+, crashed was observed \(smallest\)\n# guest: crashed: /,
  );

  const runs = (await readdir(dir)).filter((name) => /^\d{8}T/.test(name)).length;
  const again = await explore(t, few, dies);
  t.equal(again.code, 1);
  t.match(again.out, /2 cells in 1 round/, 'what was run is read');
  t.equal(
    (await readdir(dir)).filter((name) => /^\d{8}T/.test(name)).length,
    runs,
    'and nothing is run again',
  );
  t.match(await explore(t, ['--axes', 'overcommit', '--budget', '5m'], dies), {
    code: 2,
    err: /^USAGE: .*seed 1 was explored with other axes/,
  });
});

t.test('words that are no axis, time or number are refused', async (t) => {
  t.testdir();
  for (const words of [['--axes', 'memroy'], ['--budget', '30'], ['--seed', 'x'], ['surplus']])
    t.match(await explore(t, words, { stdout: standardOutput }), {
      code: 2,
      err: /USAGE|too many arguments/,
    });
});

t.test('a search that was stopped keeps what it had and says that it goes on', async (t) => {
  t.testdir();
  const stopped = await explore(t, few, dies, AbortSignal.abort());
  t.match(stopped, { code: 130, out: /\n0 contradictions in 0 cells\ninterrupted; / });
});

t.test('a budget in which no guest answered proves nothing', async (t) => {
  t.testdir();
  const words = ['--axes', 'profile', '--cells', '2', '--budget', '1s', '--cold'];
  const nothing = await explore(t, words, { neverEnds: true });
  t.match(nothing, { code: 2, out: /^0 cells [^]*\n0 contradictions in 0 cells\n$/ });
});
