import { execa } from 'execa';
import t from 'tap';
import {
  buildDefaultResults,
  buildResult,
  buildStandard,
  record,
  recordOf,
  viewOf,
} from '../fixtures/report/results.ts';
import type { Result } from '../store/result.ts';
import type { Format } from './format.ts';
import { formats } from './formats.ts';
import { escapeMarkdown } from './markdown.ts';

type FormatName = keyof typeof formats;

/** What a hostile guest would write. */
const hostile = [
  "=cmd|'/c calc'!A1",
  '</testcase><script>alert(1)</script> ]]> & "quotes" \'single\'',
  '| a | b |\n| --- | --- |',
  '[click](https://evil.example) @someone #1 `code` www.evil.example',
  '\u0000\u0008\u001b[2J\u001b]0;x\u0007\u007f\u0085\u2028\u202e\ufffe\uffff\ud800',
  'ok 99 - forged\nnot ok 100\n  ---\n  ...\n# SKIP\nBail out!',
  'x'.repeat(100_000),
].join('\n');

const crashed: Partial<Result> = { outcome: 'crashed', tier: null, form: null, tiers: [] };

/** One result of each kind, each with hostile text. */
const mixed: readonly Result[] = [
  buildStandard(),
  buildResult({ repetition: 2 }),
  buildResult(
    { ...crashed, id: hostile.slice(0, 300), verdict: 'unexpected', reason: hostile },
    { memory: 2 ** 29 },
  ),
  buildResult({
    id: 'broken-cell',
    outcome: 'broken',
    tier: null,
    form: null,
    verdict: null,
    reason: `broken ${hostile}`,
    finding: hostile,
  }),
  buildResult({
    id: 'skipped-cell',
    outcome: 'skipped',
    tier: null,
    form: null,
    verdict: null,
    reason: hostile,
    evidence: null,
    tiers: [],
  }),
  buildResult({ id: 'other', verdict: 'unexpected', expected: null, evidence: 'javascript:alert(1)' }),
];
const hostileRun = { ...record, matrix: { ...record.matrix, title: hostile } };
const render = (name: FormatName, results: readonly Result[] = mixed) =>
  formats[name].render(viewOf(results, recordOf(results, hostileRun)));

// eslint-disable-next-line no-control-regex -- looking for them is the point
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\ud800-\udfff\ufffe\uffff]/;

t.test('every format is pure, ends with a newline and holds nothing a terminal obeys', (t) => {
  for (const name of Object.keys(formats) as FormatName[]) {
    const text = render(name);
    t.equal(render(name), text, name);
    if (name !== 'annotations') t.match(text, /\n$/, name);
    if (name !== 'json') t.notMatch(text, controls, name);
    t.match(render(name, []), name === 'annotations' ? /^$/ : /\n$/, `${name} without a cell`);
  }
  t.end();
});

/** Python's expat: a strict, foreign parser that is there wherever the images are built. */
const xmlToJson = `
import sys, json, xml.etree.ElementTree as E
def walk(e): return {'tag': e.tag, 'at': e.attrib, 'text': e.text or '', 'in': [walk(c) for c in e]}
print(json.dumps(walk(E.fromstring(sys.stdin.buffer.read()))))
`;
type Element = { tag: string; at: Record<string, string>; text: string; in: Element[] };
const readXml = async (text: string) => {
  const { stdout } = await execa('python3', ['-c', xmlToJson], { input: text });
  return JSON.parse(stdout) as Element;
};

t.test('JUnit counts cells, not repetitions, and keeps the four kinds apart', async (t) => {
  const root = await readXml(render('junit'));
  t.match(root, { tag: 'testsuites', at: {} });
  t.match(
    root.in.map(({ at }) => at),
    [
      { name: 'memory 512M', id: '0', tests: '1', failures: '1', errors: '0', skipped: '0' },
      { name: 'memory 1G', id: '1', tests: '4', failures: '1', errors: '1', skipped: '2' },
    ],
  );
  const cases = root.in.flatMap((suite) => suite.in.filter(({ tag }) => tag === 'testcase'));
  const kinds = cases.map((element) => element.in.map(({ tag }) => tag).join());
  t.same(kinds, ['failure', 'skipped', 'error', 'skipped', 'failure']);
  t.match(cases[0]?.in.at(-1), {
    at: { message: /<script>alert\(1\)<\/script> \]\]> & "quotes"/, type: 'crashed' },
  });
  t.match(cases[1]?.in[0], { at: { message: /^flaky: standard 1\/2 \(9–91 %\), conservative 1\/2/ } });
  t.match(cases[3]?.in[0], { tag: 'skipped', at: { message: /^=cmd/ }, text: '' });
  const failing = { ...hostileRun, options: { failOnFlaky: true } };
  const strict = await readXml(formats.junit.render(viewOf(mixed, failing)));
  t.match(strict.in[1]?.at, { failures: '2', skipped: '1' });
  const passed = await readXml(formats.junit.render(viewOf([buildStandard()])));
  t.same(passed.in[0]?.in.find(({ tag }) => tag === 'testcase')?.in, []);
  t.match(passed.in[0]?.in.find(({ tag }) => tag === 'system-out')?.text, 'every pool could be mapped');
  t.match(await readXml(render('junit', [])), { in: [] });
});

t.test('CSV names its columns and keeps numbers', (t) => {
  const [head = '', ...rows] = render('csv').split('\n');
  t.match(head, /^run,id,repetition,memory,/);
  t.match(rows[0], /,1G,.*,2,.*,standard,expected,/);
  t.end();
});

t.test('JSON holds the run, the summary and every cell', (t) => {
  const report = JSON.parse(render('json')) as Record<string, unknown>;
  t.match(report, {
    poolproof: 'report',
    schema: 1,
    run: { id: record.id },
    summary: { total: 6, exitCode: 1 },
  });
  t.same(report['cells'], JSON.parse(JSON.stringify(mixed)));
  t.end();
});

t.test('Markdown shows grid, reasons and links, and takes no markup from a guest', (t) => {
  const clean = formats.md.render(viewOf(buildDefaultResults()));
  t.match(clean, /^# Spin's defaults on small machines\n\nRun 2026/);
  t.match(clean, /^\| memory \| overcommit 0, thp always \|.*\| overhead \|\n\| --- \|/m);
  t.match(
    clean,
    /^- \*\*overcommit 2\*\* runs smaller \(conservative\) \(12 cells\): standard: table pool needs 1531 MiB, .* Proven here: With/m,
  );
  t.notMatch(clean, /Cells to look at/);
  const text = render('md');
  t.match(text, /^## Cells to look at$/m);
  t.match(text, /\]\(evidence\/memory_1G-abc\)/);
  t.notMatch(text, /\]\(javascript/);
  t.notMatch(text, /<script|https:\/\/evil|[^\\]\]\(https|(?<!&#64;|[\w&#;])@/);
  const tables = text.split('\n').filter((line) => line.startsWith('|'));
  const widths = new Set(tables.map((line) => line.replaceAll('\\|', '').split('|').length));
  t.equal(widths.size, 1, 'all rows of the table have the same cells');
  t.end();
});

t.test('any text is literal in Markdown', (t) => {
  t.equal(
    escapeMarkdown('a|b\\c`d`*e*_f_[g](h)<i>&~~'),
    'a\\|b\\\\c\\`d\\`\\*e\\*\\_f\\_\\[g\\](h)&lt;i&gt;&amp;\\~\\~',
  );
  t.equal(
    escapeMarkdown('see https://x.example or www.x.example, @ann'),
    'see https:&#47;&#47;x.example or www&#46;x.example, &#64;ann',
  );
  t.equal(escapeMarkdown('1. one'), '1\\. one');
  t.equal(escapeMarkdown('- one\n- two'), '\\- one - two');
  t.end();
});

t.test('ten thousand cells are rendered in every format within seconds', (t) => {
  const many = Array.from({ length: 10_000 }, (_, index) =>
    buildResult(
      { id: `cell-${index}` },
      { memory: (1 + (index % 100)) * 2 ** 28, addressSpace: (1 + Math.floor(index / 100)) * 2 ** 30 },
    ),
  );
  // Time of the processor and not of the clock: tests run beside each other.
  const measure = <T>(work: () => T): readonly [result: T, ms: number] => {
    const before = process.cpuUsage();
    const result = work();
    const { user, system } = process.cpuUsage(before);
    return [result, Math.round((user + system) / 1000)];
  };
  // The same for every format, and part of the time of each.
  const [view, viewMs] = measure(() => viewOf(many));
  for (const [name, format] of Object.entries<Format>(formats)) {
    if (format.storedOnly === true) continue;
    const [{ length }, ms] = measure(() => format.render(view));
    t.ok(viewMs + ms < 8000, `${name} in time`);
    t.comment(`${name}: ${length} characters in ${viewMs} + ${ms} ms of CPU`);
  }
  t.end();
});
