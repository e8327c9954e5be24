import { cp, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { Format } from '../report/format.ts';
import { formats } from '../report/formats.ts';
import { compare } from './compare.ts';
import type { Context } from './context.ts';
import { report } from './report.ts';

const fixtures = join(import.meta.dirname, '../fixtures/runs');

function listen(): { context: Context; out: string[]; err: string[] } {
  const [out, err]: [string[], string[]] = [[], []];
  const context: Context = {
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
    version: '0',
    stdout: process.stdout,
    stderr: process.stderr,
    signal: new AbortController().signal,
    finishOnSignal: () => undefined,
    close: () => undefined,
  };
  return { context, out, err };
}

t.test('each format once, each in its file; several need a folder', async (t) => {
  const dir = t.testdir({ page: {} });
  await cp(join(fixtures, 'whole'), join(dir, 'whole'), { recursive: true });
  const { context, out, err } = listen();
  const run = [join(dir, 'whole')];
  const page = join(dir, 'page');
  t.equal(await report(context, run, { format: ['tap', 'junit', 'tap', 'html'], output: page }), 0);
  t.same((await readdir(page)).sort(), ['report.html', 'report.tap', 'report.xml']);
  t.equal(err.length, 3, 'a format given twice is written once');
  t.same(out, []);
  await t.rejects(report(context, run, { format: ['tap', 'json'] }), { code: 'USAGE' });
  t.equal(await report(context, run, { format: ['json', 'json'] }), 0);
  t.match(JSON.parse(out.join('')), { poolproof: 'report', cells: { length: 8 } });
  await t.rejects(report(context, run, { format: ['xls'] }), { code: 'REPORT_UNKNOWN' });
  out.length = 0;
  t.equal(await report(context, [], { format: ['json', ...run] }), 0, '--format json <run>');
  t.match(JSON.parse(out.join('')), { cells: { length: 8 } });
  await t.rejects(report(context, [], { format: ['json', 'none'] }), { code: 'STORE_NOT_FOUND' });
  t.match(await readFile(join(page, 'report.html'), 'utf8'), /nodes and modes: supported environments/);
});

t.test('a table that names the exit code of its run says that report ends with another', async (t) => {
  const dir = join(t.testdir(), 'whole');
  await cp(join(fixtures, 'whole'), dir, { recursive: true });
  const file = join(dir, 'cells.jsonl');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('"verdict":"expected"', '"verdict":"unexpected"'));
  const { context, out, err } = listen();
  t.equal(await report(context, [dir], {}), 0);
  t.match(out.join(''), /\nexit 1: /);
  t.match(err.join(''), /^notice: .*report itself ends with 0\n$/);
});

t.test('a damaged line is told with its place, what is whole is shown, and the exit code is 2', async (t) => {
  const dir = join(t.testdir(), 'whole');
  await cp(join(fixtures, 'whole'), dir, { recursive: true });
  const file = join(dir, 'cells.jsonl');
  const lines = (await readFile(file, 'utf8')).split('\n');
  for (const format of [['table'], ['json'], ['junit']]) {
    const { context, out, err } = listen();
    // Twice the same line would be no missing cell: the damage alone decides.
    await writeFile(file, ['{"schema":1,"id"', ...lines].join('\n'));
    t.equal(await report(context, [dir], { format }), 2);
    t.match(err.join(''), `STORE_CORRUPT: ${file}:1:1: this line is not JSON`);
    t.match(out.join(''), /memory/);
  }
  const { context, err } = listen();
  t.equal(await compare(context, [dir, dir], {}), 2);
  t.match(err.join(''), `STORE_CORRUPT: ${file}:1:1: `);
  await writeFile(file, lines.join('\n'));
  t.equal(await report(context, [dir], {}), 0);
});

t.test(
  'a format is one file: with its row in the table it is rendered, written and named like every other',
  async (t) => {
    // The whole of `format/nix.ts`.
    const nix = {
      file: 'report.nix',
      description: 'the tier of each cell as a Nix attribute set',
      render: ({ cells }) => `{ ${cells.map(({ id, word }) => `"${id}" = "${word}";`).join(' ')} }\n`,
    } satisfies Format;
    const table = { ...formats, nix };
    const { context, out, err } = listen();
    const run = [join(fixtures, 'whole')];
    t.equal(await report(context, run, { format: ['nix'] }, table), 0);
    t.match(out.join(''), /^\{ "memory=512M,[^"]*" = "standard"; .* \}\n$/);
    const output = t.testdir();
    t.equal(
      await report(context, [...run, join(fixtures, 'part-3')], { format: ['nix', 'md'], output }, table),
      0,
    );
    t.equal((await readdir(output)).filter((name) => name.endsWith('-report.nix')).length, 2);
    t.match(err.join(''), /-report\.nix\n/);
    const unknown: unknown = await report(context, run, { format: ['xls'] }, table).catch(
      (error: unknown) => error,
    );
    t.match(unknown, {
      code: 'REPORT_UNKNOWN',
      details: { hint: /^there are table, json, .*, overhead, nix$/ },
    });
  },
);
