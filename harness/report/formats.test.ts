import { execa } from 'execa';
import t from 'tap';
import { Parser } from 'tap-parser';
import { parse as parseYaml } from 'yaml';
import { buildDefaultResults, buildResult, buildStandard, record } from '../fixtures/report/results.ts';
import type { Result } from '../store/result.ts';
import { escapeMarkdown } from './format-markdown.ts';
import { type FormatName, formats } from './formats.ts';

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
    outcome: 'broken',
    tier: null,
    form: null,
    verdict: null,
    reason: `broken ${hostile}`,
    finding: hostile,
  }),
  buildResult({
    outcome: 'skipped',
    tier: null,
    form: null,
    verdict: null,
    reason: hostile,
    evidence: null,
    tiers: [],
  }),
  buildResult({ verdict: 'unexpected', expected: null, evidence: 'javascript:alert(1)' }),
];
const hostileRun = { ...record, matrix: { ...record.matrix, title: hostile } };
const render = (name: FormatName, results: readonly Result[] = mixed) =>
  formats[name].render(hostileRun, results);

// eslint-disable-next-line no-control-regex -- looking for them is the point
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\ud800-\udfff\ufffe\uffff]/;

t.test('every format is pure, ends with a newline and holds nothing a terminal obeys', (t) => {
  for (const name of Object.keys(formats) as FormatName[]) {
    const text = render(name);
    t.equal(render(name), text, name);
    t.match(text, /\n$/, name);
    if (name !== 'json') t.notMatch(text, controls, name);
    t.match(render(name, []), /\n$/, `${name} without a cell`);
  }
  t.end();
});

t.test('TAP is read by a real parser with the right counts and diagnostics', (t) => {
  type Point = { ok: boolean; name: string; diag: unknown; skip: unknown };
  const found: Point[] = [];
  const read = (text: string) =>
    new Promise<{ ok: boolean; count: number; fail: number; skip: number; failures: unknown[] }>(
      (resolve) => {
        const parser = new Parser({ strict: true }, (results) => resolve(results));
        parser.on('assert', (point: Point) => found.push(point));
        parser.end(text);
      },
    );
  return (async () => {
    const results = await read(render('tap'));
    t.match(results, { ok: false, count: 6, fail: 3, skip: 1 });
    t.same(
      found.map(({ ok }) => ok),
      [true, true, false, false, true, false],
    );
    t.match(found[2]?.diag, { outcome: 'crashed', verdict: 'unexpected', reason: /^=cmd\|/ });
    t.match(found[3]?.name, /: broken$/);
    t.match(found[4]?.skip, /^=cmd/);
    const clean = await read(formats.tap.render(record, buildDefaultResults()));
    t.match(clean, { ok: true, count: 36, fail: 0 });
    t.match(await read(render('tap', [])), { ok: true, count: 0 });
    t.match(render('tap'), /^TAP version 14\n/);
  })();
});

t.test('the diagnostics of TAP are YAML that says what the result says', (t) => {
  const text = formats.tap.render(record, [buildResult({ reason: 'a: b # c\n- d\n...\n"e" \\ \'f\'' })]);
  const [, yaml = ''] = /^ {2}---\n([^]*?)^ {2}\.\.\.$/m.exec(text) ?? [];
  t.match(parseYaml(yaml), {
    outcome: 'reached',
    tier: 'conservative',
    reason: 'a: b # c\n- d\n...\n"e" \\ \'f\'',
  });
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

t.test('JUnit is well-formed, counts right and keeps the four kinds apart', async (t) => {
  const root = await readXml(render('junit'));
  t.match(root, { tag: 'testsuites', at: { tests: '6', failures: '2', errors: '1', skipped: '1' } });
  t.same(
    root.in.map(({ at }) => at['name']),
    ['memory 512M', 'memory 1G'],
  );
  const cases = root.in.flatMap((suite) => suite.in.filter(({ tag }) => tag === 'testcase'));
  const kinds = cases.map(
    (element) => element.in.map(({ tag }) => tag).filter((tag) => tag !== 'properties')[0],
  );
  t.same(kinds, ['failure', 'system-out', 'system-out', 'error', 'skipped', 'failure']);
  t.match(cases[0]?.in.at(-1), {
    at: { message: /<script>alert\(1\)<\/script> \]\]> & "quotes"/, type: 'crashed' },
  });
  t.match(cases[4]?.in.at(-1), { tag: 'skipped', at: { message: /^=cmd/ }, text: '' });
  for (const suite of root.in) {
    const members = suite.in.filter(({ tag }) => tag === 'testcase');
    t.equal(Number(suite.at['tests']), members.length);
    const failed = members.filter((member) => member.in.some(({ tag }) => tag === 'failure'));
    t.equal(Number(suite.at['failures']), failed.length);
    t.match(suite.at['timestamp'], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
  }
  t.match(await readXml(render('junit', [])), { at: { tests: '0' }, in: [] });
});

const csvToJson =
  'import sys, csv, json; csv.field_size_limit(10**8); print(json.dumps(list(csv.DictReader(sys.stdin))))';

t.test('CSV is read by a foreign parser, and no field is a formula', async (t) => {
  const { stdout } = await execa('python3', ['-c', csvToJson], { input: render('csv') });
  const rows = JSON.parse(stdout) as Record<string, string>[];
  t.equal(rows.length, 6);
  t.match(rows[0], { memory: '1G', overcommit: '2', tier: 'standard', verdict: 'expected', slots: '1000' });
  t.match(rows[2], { outcome: 'crashed', tier: '', id: /^'=cmd/, reason: /^'=cmd/ });
  for (const row of rows) {
    for (const [name, value] of Object.entries(row))
      t.notMatch(value, /^[=+@\t\r-]/, `${name} of a spreadsheet`);
  }
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
  const clean = formats.md.render(record, buildDefaultResults());
  t.match(clean, /^# Spin's defaults on small machines\n\nRun 2026/);
  t.match(clean, /^\| memory \| overcommit 0, thp always \|.*\| overhead \|\n\| --- \|/m);
  t.match(clean, /^- \*\*512M–2G overcommit 2\*\*: table pool needs 153\d MiB/m);
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
  for (const [name, format] of Object.entries(formats)) {
    const before = performance.now();
    const { length } = format.render(record, many);
    const ms = Math.round(performance.now() - before);
    t.ok(ms < 5000, `${name} in time`);
    t.comment(`${name}: ${length} characters in ${ms} ms`);
  }
  t.end();
});
