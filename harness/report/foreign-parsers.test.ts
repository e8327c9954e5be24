/** What poolproof writes, read by parsers and validators that others wrote. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { execa } from 'execa';
import t from 'tap';
import { Parser } from 'tap-parser';
import { memoryPages, validateXML } from 'xmllint-wasm';
import { parse as parseYaml } from 'yaml';
import {
  buildDefaultResults,
  buildResult,
  buildStandard,
  record,
  recordOf,
  viewOf,
} from '../fixtures/report/results.ts';
import { collectResults, readRun } from '../store/read-run.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import { formats } from './formats.ts';
import { renderReportSchema } from './report-schema.ts';

const root = join(import.meta.dirname, '../..');
const fixtures = join(root, 'harness/fixtures');

/** What a hostile guest would write: markup of every format, escape sequences, controls, text that reorders. */
const hostile = [
  "=cmd|'/c calc'!A1",
  '+1 -1 @SUM(A1) \t=1',
  '</testcase></testsuite><script>alert(1)</script> ]]> <!-- & "quotes" \'single\' &#0; &lt;',
  '| a | b |\n| --- | --- |',
  '[click](https://evil.example) ![x](x) @someone #1 `code`',
  '\u0000\u0001\u0008\u000b\u001b[2J\u001b]0;x\u0007\u007f\u0085\u009b31m\u2028\u2029',
  '\u202eevil\u202c \u2066rtl\u2069 \u200f \ufeff \ufffe\uffff \ud800 \udc00\ud83d',
  'ok 99 - forged\nnot ok 100\n  ---\n  a: b\n  ...\n# SKIP # TODO\nBail out!\n1..3\npragma +strict',
  '::error file=x::forged\n::stop-commands::x\n::add-mask::a',
  '"a""b",c;d\r\n=1+1,"=2"\r\r\n',
].join('\n');
const huge = hostile.repeat(Math.ceil((10 * 2 ** 20) / hostile.length));

const none = { tier: null, form: null, tiers: [] } as const;
const unlike = (text: string): readonly Result[] => [
  buildStandard({ reason: text }),
  buildResult({ id: text.slice(0, 3000), reason: text, verdict: 'unexpected', finding: text }),
  buildResult({ ...none, id: 'b', outcome: 'broken', verdict: null, reason: text }, { memory: 2 ** 29 }),
  buildResult({ ...none, id: 's', outcome: 'skipped', verdict: null, reason: text, evidence: null }),
  buildResult({
    id: 't',
    verdict: 'unexpected',
    tiers: [{ tier: 'standard', ok: false, class: text, message: text, pool: text, bytes: 1 }],
    expected: { source: 'matrix', text, expectation: null },
    evidence: text,
  }),
  ...[1, 2, 3].map((repetition) =>
    (repetition === 2 ? buildResult : buildStandard)({
      id: 'f',
      repetition,
      verdict: repetition === 2 ? 'unexpected' : 'expected',
      reason: text,
    }),
  ),
];
const hostileRun = (text: string): RunRecord => ({
  ...record,
  tool: { name: text, version: text },
  matrix: { ...record.matrix, title: text, file: text },
  accelerator: { ...record.accelerator, reason: text },
});

/** Runs a test over everything a format has to cope with. */
const inputs: readonly Readonly<{ name: string; run: RunRecord; results: readonly Result[] }>[] = [
  { name: 'the default matrix', run: record, results: buildDefaultResults() },
  { name: 'no cell', run: record, results: [] },
  { name: 'hostile text', run: hostileRun(hostile), results: unlike(hostile) },
  { name: '10 MB of hostile text', run: hostileRun(huge), results: unlike(huge) },
];
const realRun = async () => {
  const run = await readRun(join(fixtures, 'runs/whole'));
  return { name: 'a real run', run: run.record, results: await collectResults(run.results()) };
};

t.test('JUnit is valid by what Ant writes and by what Jenkins reads', async (t) => {
  const schemas = await Promise.all(
    ['junit-ant.xsd', 'junit-jenkins.xsd'].map((name) => readFile(join(fixtures, 'report', name), 'utf8')),
  );
  // All documents in one call: each starts a worker of its own.
  const validate = async (texts: readonly string[]): Promise<readonly (readonly string[])[]> => {
    const xml = texts.map((contents, index) => ({ fileName: `${index}.xml`, contents }));
    const ends = await Promise.all(
      schemas.map((schema) => validateXML({ xml, schema, maxMemoryPages: memoryPages.GiB })),
    );
    return xml.map(({ fileName }) =>
      ends.flatMap(({ errors }) =>
        errors.filter(({ loc }) => loc?.fileName === fileName).map(({ message }) => message),
      ),
    );
  };
  const good = [...inputs, await realRun()];
  const texts = good.map(({ run, results }) => formats.junit.render(viewOf(results, recordOf(results, run))));
  for (const [index, problems] of (await validate(texts)).entries())
    t.same(problems, [], good[index]?.name ?? '');
  const [plain = ''] = texts;
  const damaged = [
    plain.replace('hostname="localhost"', ''),
    plain.replace('<system-err/>', ''),
    plain.replace(/tests="\d+"/, 'tests="many"'),
    plain.replace('</testsuite>', ''),
    plain.replace('<properties>', '<properties>\u0000'),
    plain.replace('<testcase ', '<testcase colour="blue" '),
  ];
  for (const [index, problems] of (await validate(damaged)).entries()) {
    t.not(damaged[index], plain);
    t.not(problems.length, 0, `the schemas refuse what is wrong: ${problems[0] ?? ''}`);
  }
});

t.test('TAP is read by tap-parser, in strict mode and with its diagnostics', async (t) => {
  type Point = Readonly<{ ok: boolean; name: string; diag: unknown; todo: unknown; skip: unknown }>;
  const read = async (text: string) => {
    const points: Point[] = [];
    const extra: string[] = [];
    const end = await new Promise<{ ok: boolean; count: number; fail: number; todo: number; skip: number }>(
      (resolve) => {
        const parser = new Parser({ strict: true }, (results) => resolve(results));
        parser.on('assert', (point: Point) => points.push(point));
        parser.on('extra', (line: string) => extra.push(line));
        parser.on('bailout', (reason: string) => extra.push(`bail out ${reason}`));
        parser.end(text);
      },
    );
    return { ...end, points, extra };
  };
  for (const { name, run, results } of inputs) {
    const cells = new Set(results.map(({ id }) => id)).size;
    t.match(
      await read(formats.tap.render(viewOf(results, recordOf(results, run)))),
      { count: cells, extra: [] },
      name,
    );
  }
  const { points, ...end } = await read(
    formats.tap.render(viewOf(unlike(hostile), recordOf(unlike(hostile), hostileRun(hostile)))),
  );
  t.match(end, { ok: false, count: 6, fail: 4, skip: 1, todo: 1 });
  t.match(points[1]?.diag, { outcome: 'reached', tier: 'conservative', verdict: 'unexpected' });
  t.match(points[5], { ok: false, todo: 'flaky', name: /^f: standard 2\/3 \(20–94 %\), conservative 1\/3/ });
  t.match(points[5]?.diag, {
    verdict: 'flaky',
    distribution: [
      { observed: 'standard', count: 2, of: 3, low: 0.2077, high: 0.9385 },
      { observed: 'conservative', count: 1, of: 3 },
    ],
    notJudged: 0,
  });
  t.equal(points[3]?.skip !== false, true);
  t.match(await read(formats.tap.render(viewOf(buildDefaultResults()))), {
    ok: true,
    count: 36,
    fail: 0,
  });
  const real = await realRun();
  t.match(await read(formats.tap.render(viewOf(real.results, real.run))), { ok: true, count: 8, extra: [] });
  const cut = formats.tap.render(viewOf(buildDefaultResults())).split('\n').slice(0, 12).join('\n');
  t.match(await read(cut), { ok: false }, 'what was cut off is no whole run');
});

t.test('the diagnostics of TAP say what the result says, to a YAML parser as well', (t) => {
  const text = formats.tap.render(
    viewOf(
      [buildResult({ reason: 'a: b # c\n- d\n...\n"e" \\ \'f\'' })],
      recordOf([buildResult({ reason: 'a: b # c\n- d\n...\n"e" \\ \'f\'' })]),
    ),
  );
  const [, yaml = ''] = /^ {2}---\n([^]*?)^ {2}\.\.\.$/m.exec(text) ?? [];
  t.match(parseYaml(yaml), { tier: 'conservative', reason: 'a: b # c\n- d\n...\n"e" \\ \'f\'' });
  t.end();
});

const csvToJson =
  'import sys, csv, json; csv.field_size_limit(10**8); r = csv.reader(sys.stdin, strict=True); print(json.dumps(list(r)))';

t.test("CSV is read by Python's parser: rectangular, and no field is a formula", async (t) => {
  for (const { name, run, results } of [...inputs, await realRun()]) {
    const { stdout } = await execa('python3', ['-c', csvToJson], {
      input: formats.csv.render(viewOf(results, recordOf(results, run))),
      env: { PYTHONIOENCODING: 'utf-8' },
    });
    const [head = [], ...rows] = JSON.parse(stdout) as string[][];
    t.equal(rows.length, results.length, name);
    t.ok(
      rows.every((row) => row.length === head.length),
      'every row has every column',
    );
    const formulas = rows
      .flat()
      .filter((value) => /^[\s"']*[=+@\t\r]|^-(?!\d)/.test(value) && !/^'/.test(value));
    t.same(formulas, [], 'a spreadsheet computes nothing');
    t.ok(stdout.length < 1_000_000);
  }
});

t.test('JSON is valid by its published schema, in the eyes of ajv', async (t) => {
  const published = await readFile(join(root, 'results/report.schema.json'), 'utf8');
  t.equal(renderReportSchema(), published);
  const schema = JSON.parse(published) as object;
  const validate = new Ajv({ allErrors: true, strict: false }).compile(schema);
  for (const { name, run, results } of [...inputs.slice(0, 3), await realRun()]) {
    const text = formats.json.render(viewOf(results, recordOf(results, run)));
    const report: unknown = JSON.parse(text);
    t.ok(validate(report), `${name}: ${JSON.stringify(validate.errors?.slice(0, 3))}`);
    t.match(report, { poolproof: 'report', schema: 1, cells: { length: results.length } });
  }
  const good = JSON.parse(formats.json.render(viewOf(unlike('x')))) as Record<string, unknown>;
  t.match(good, {
    summary: { flaky: 1, exitCode: 1 },
    distributions: [
      { id: 'f', judged: 3, verdict: 'flaky', shares: [{ observed: 'standard', count: 2 }, {}] },
    ],
  });
  t.ok(validate({ ...good, later: { field: 1 } }), 'a field of a later version is no error');
  for (const damage of [
    { ...good, schema: 2 },
    { ...good, cells: [{}] },
    { ...good, run: null },
    { ...good, distributions: [{ id: 'f' }] },
    { ...good, poolproof: undefined },
  ]) {
    t.notOk(validate(JSON.parse(JSON.stringify(damage))), 'the schema refuses what is wrong');
  }
});

t.test('annotations of GitHub: one command a line, and none of a guest', (t) => {
  for (const { name, run, results } of inputs) {
    const lines = formats.annotations
      .render(viewOf(results, recordOf(results, run)))
      .split('\n')
      .slice(0, -1);
    t.ok(
      lines.every((line) => /^::(?:error|warning|notice) file=[^\n:,]*,title=[^\n:,]*::/.test(line)),
      name,
    );
  }
  t.end();
});

t.test('no format grows with what a guest wrote', (t) => {
  const view = viewOf(unlike(huge), hostileRun(huge));
  for (const name of (Object.keys(formats) as (keyof typeof formats)[]).filter((name) => name !== 'json')) {
    const text = formats[name].render(view);
    t.ok(text.length < (name === 'html' ? 3_000_000 : 500_000), `${name}: ${text.length} characters`);
  }
  t.end();
});
