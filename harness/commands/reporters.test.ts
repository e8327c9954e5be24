import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import {
  buildDefaultResults,
  buildResult,
  buildStandard,
  record,
  viewOf,
} from '../fixtures/report/results.ts';
import { createFormatReporter, type Sink } from '../report/format.ts';
import { formats } from '../report/formats.ts';
import { multiplex } from '../report/reporter.ts';
import type { Result } from '../store/result.ts';
import { buildReporters, parseReporters } from './reporters.ts';

const cells: readonly (readonly Result[])[] = [
  [buildStandard({ id: 'a' })],
  [buildStandard({ id: 'b' }), buildResult({ id: 'b', repetition: 2, verdict: 'unexpected' })],
  [buildResult({ id: 'c' })],
];
const results = cells.flat();
const start = (dir: string, doneBefore = 0) => ({ record, dir, cells: 4, doneBefore });

t.test('a format that can be streamed is written as cells end, and comes to the same text', async (t) => {
  const seen: string[] = [];
  const note = (text: string): Promise<void> => {
    seen.push(text);
    return Promise.resolve();
  };
  const sink: Sink = { append: note, write: note };
  const reporter = multiplex([createFormatReporter(formats.tap, sink)]);
  await reporter.onRunStart(start('d'));
  t.match(seen, [/^TAP version 14\n/]);
  for (const cell of cells) reporter.onCellDone(cell);
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(seen.length, 4, 'before the run has ended');
  t.match(seen[2], /^not ok 2 - b: standard 1\/2 .* # TODO flaky\n/);
  await reporter.onRunEnd({ record, dir: 'd', results, interrupted: false });
  t.equal(seen.join(''), formats.tap.render(viewOf(results, record)));
});

t.test('an interrupted stream says so, and a resumed run is told as a whole', async (t) => {
  let text = '';
  const sink: Sink = {
    append: (more) => Promise.resolve(void (text += more)),
    write: (all) => Promise.resolve(void (text = all)),
  };
  const first = multiplex([createFormatReporter(formats.tap, sink)]);
  await first.onRunStart(start('d'));
  first.onCellDone(cells[0]!);
  await first.onRunEnd({ record, dir: 'd', results: cells[0]!, interrupted: true });
  t.match(text, /^ok 1 - a: standard\nnot ok 2 - \d+ of 36 cells are missing .*\nBail out! interrupted\n$/m);
  const second = multiplex([createFormatReporter(formats.tap, sink)]);
  await second.onRunStart(start('d', 1));
  second.onCellDone(cells[2]!);
  await second.onRunEnd({ record, dir: 'd', results, interrupted: false });
  t.equal(text, formats.tap.render(viewOf(results, record)));
});

t.test('a stream that cannot be written fails the run at its end', async (t) => {
  const sink: Sink = {
    append: async () => Promise.reject(new Error('ENOSPC')),
    write: async () => Promise.resolve(),
  };
  const reporter = createFormatReporter(formats.tap, sink);
  await reporter.onRunStart?.(start('d'));
  reporter.onCellDone?.(cells[0]!);
  await t.rejects(Promise.resolve(reporter.onRunEnd?.({ record, dir: 'd', results, interrupted: false })), {
    message: 'ENOSPC',
  });
});

t.test('several formats at once, into the run, into files and onto standard output', async (t) => {
  const dir = t.testdir({ run: {} });
  const [run, xml] = [join(dir, 'run'), join(dir, 'junit.xml')];
  let out = '';
  const wanted = parseReporters([
    'tap=-',
    'tap',
    `junit=${xml}`,
    'json',
    'csv',
    'md',
    'html',
    `html=${join(dir, 'page.html')}`,
  ]);
  const reporter = multiplex(buildReporters(wanted, (text) => (out += text)));
  const all = buildDefaultResults();
  await reporter.onRunStart(start(run));
  t.match(await readFile(join(run, 'report.tap'), 'utf8'), /^TAP version 14\n/, 'there from the start');
  for (const result of all) reporter.onCellDone([result]);
  await reporter.onRunEnd({ record, dir: run, results: all, interrupted: false });
  t.equal(out, formats.tap.render(viewOf(all, record)));
  const files = {
    'report.tap': 'tap',
    'report.json': 'json',
    'report.csv': 'csv',
    'report.md': 'md',
  } as const;
  for (const [file, name] of Object.entries(files))
    t.equal(await readFile(join(run, file), 'utf8'), formats[name].render(viewOf(all, record)), file);
  t.equal(await readFile(xml, 'utf8'), formats.junit.render(viewOf(all, record)));
  await t.rejects(stat(join(run, 'report.xml')), 'not in both places');
  t.match(await readFile(join(run, 'report.html'), 'utf8'), 'href="evidence/memory_1G-abc/"');
  t.match(await readFile(join(dir, 'page.html'), 'utf8'), 'href="run/evidence/memory_1G-abc/"');
});

t.test("GitHub's summary is added to", async (t) => {
  const dir = t.testdir({ summary: 'before\n' });
  await mkdir(join(dir, 'run'));
  const file = join(dir, 'summary');
  process.env['GITHUB_STEP_SUMMARY'] = file;
  t.teardown(() => delete process.env['GITHUB_STEP_SUMMARY']);
  const reporter = multiplex(buildReporters(parseReporters([`github=${file}`]), () => undefined));
  await reporter.onRunStart(start(join(dir, 'run')));
  await reporter.onRunEnd({ record, dir: join(dir, 'run'), results, interrupted: false });
  t.equal(await readFile(file, 'utf8'), `before\n${formats.github.render(viewOf(results, record))}`);
});

t.test('what cannot be written where it is wanted is refused before a guest boots', (t) => {
  t.throws(() => parseReporters(['xml']), { code: 'REPORT_UNKNOWN', details: { hint: /junit/ } });
  t.throws(() => parseReporters(['constructor']), { code: 'REPORT_UNKNOWN' });
  t.throws(() => parseReporters(['tap=']), { code: 'USAGE' });
  t.throws(() => parseReporters(['tap=-', 'json=-']), { code: 'USAGE' });
  t.throws(() => parseReporters(['tap', 'tap']), { code: 'USAGE' });
  t.same(parseReporters(undefined), []);
  t.match(parseReporters(['csv', 'tap=a=b']), [
    { name: 'csv', file: null },
    { name: 'tap', file: 'a=b' },
  ]);
  t.end();
});
