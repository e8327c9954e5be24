import { createHash } from 'node:crypto';
import t from 'tap';
import { buildDefaultResults, buildResult, buildStandard, record } from '../fixtures/report/results.ts';
import type { Settings } from '../matrix/cell.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import { type HtmlRun, renderHtml, renderHtmlReport } from './format-html.ts';
import { tellAge } from './html/cell-list.ts';
import { tellDistribution, wilson } from './html/entries.ts';
import { evidenceKey } from './html/evidence.ts';
import { mergeRuns } from './merge-runs.ts';

const results = buildDefaultResults();
const older: RunRecord = { ...record, id: '20261120T230311Z-000001', startedAt: '2026-11-20T23:03:11.000Z' };

const count = (text: string, part: string | RegExp) => text.split(part).length - 1;
const grid = (page: string) => /<table class="grid".*?<\/table>/s.exec(page)?.[0] ?? '';
const list = (page: string) => /<div id="cells">.*?<\/section>/s.exec(page)?.[0] ?? '';
const data = (page: string) =>
  JSON.parse(/id="data">(.*?)<\/script>/s.exec(page)?.[1] ?? 'null') as Readonly<{
    axes: readonly string[];
    cells: readonly (readonly number[])[];
    pieces?: readonly string[];
    bodies?: readonly (readonly (number | string)[])[];
  }>;

t.test('equal results give equal bytes, in whatever order they were written', (t) => {
  const page = renderHtml(record, results);
  t.equal(renderHtml(record, results), page);
  const turned = renderHtml(record, [...results].reverse());
  t.equal(grid(turned), grid(page));
  t.equal(list(turned), list(page));
  t.equal(renderHtmlReport([{ record, results, base: '' }]), page);
  t.throws(() => renderHtmlReport([]), RangeError);
  t.end();
});

t.test('the page asks for nothing, and its policy lets only its own script and style in', (t) => {
  const page = renderHtml(record, results);
  const hashOf = (text = '') => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1];
  t.equal(
    policy,
    `default-src 'none'; script-src ${hashOf(/<script>(.*?)<\/script>/s.exec(page)?.[1])}; style-src ${hashOf(/<style>(.*?)<\/style>/s.exec(page)?.[1])}; base-uri 'none'; form-action 'none'`,
  );
  t.notMatch(page, /\ssrc=|<link|@import|url\(|\sstyle=|\son\w+=/);
  t.end();
});

t.test('the first screen says what was tested, when, on what, and what came out', (t) => {
  const page = renderHtml(record, results);
  t.match(page, '<h1>Spin&#39;s defaults on small machines: supported environments</h1>');
  t.match(page, '36 environments: 512M, 1G, 2G, 4G × overcommit 0, 1, 2 × thp always, madvise, never');
  t.match(page, '<time datetime="2026-11-23T23:03:11.000Z">2026-11-23 23:03 UTC</time>');
  t.match(
    page,
    'QEMU 7.2.22, emulation (TCG): /dev/kvm is not there; AMD EPYC, 2 cores, Debian GNU/Linux 12',
  );
  t.match(page, '<strong>standard in 24, conservative in 12</strong>');
  t.match(page, '36 did what was expected');
  t.match(page, 'all were decided in emulated guests (ᵉ)');
  t.match(page, 'what a tier costs in speed was not measured here');
  t.equal(count(grid(page), 'not measured'), 4, 'the overhead of each row');
  t.equal(count(grid(page), '<a href="#cell-'), 36);
  t.equal(count(list(page), '<details id="cell-'), 36);
  t.match(
    page,
    /<b>512M–2G overcommit 2<\/b>: table pool needs 1531 MiB, CommitLimit leaves 56–811 MiB \(9 cells\)/,
  );
  const days = renderHtmlReport([{ record, results }], { now: '2026-11-26T12:00:00Z' });
  t.match(days, '23:03 UTC</time>, 2 days ago');
  const running = renderHtml(
    { ...record, finishedAt: null, matrix: { ...record.matrix, size: 40 } },
    results,
  );
  t.match(running, 'UTC</time>, not finished');
  t.match(running, '4 cells of the matrix are not in this run');
  t.end();
});

t.test('the legend has only what occurs, in one order', (t) => {
  const states = (...cells: readonly Result[]) =>
    [
      ...(/<ul class="legend".*?<\/ul>/s.exec(renderHtml(record, cells))?.[0] ?? '').matchAll(
        /<li><(?:span|b)[^>]*>(.*?)</gs,
      ),
    ].map(([, word]) => word);
  t.same(states(...results), ['standard', 'conservative', 'ᵉ']);
  const real = { ...buildStandard().facts!, emulated: false };
  const cell = (changes: Partial<Result>, memory: number) =>
    buildStandard({ facts: real, id: `m${memory}`, ...changes }, { memory });
  t.same(
    states(
      cell({ outcome: 'broken', tier: null, verdict: null }, 2 ** 30),
      cell({ outcome: 'crashed', tier: null, verdict: 'unexpected' }, 2 ** 31),
      cell({ outcome: 'skipped', tier: null, verdict: null }, 2 ** 32),
      cell({ finding: 'the model said x' }, 2 ** 33),
    ),
    ['standard', 'crashed', 'broken', 'skipped', '✗', '?', '*'],
  );
  const gap = results.filter((_, index) => index !== 5);
  t.same(states(...gap), ['standard', 'conservative', '–', 'ᵉ'], 'what was not tested is grey, and said');
  t.match(grid(renderHtml(record, gap)), '<td class="sn">–</td>');
  t.end();
});

t.test(
  'a panel has the prediction beside the observation, the settings as found, and how to reproduce',
  (t) => {
    const page = renderHtml(record, [buildResult()]);
    t.match(page, 'does not fit: table pool needs 1531 MiB, CommitLimit leaves 172 MiB');
    t.match(
      page,
      /<th scope="row">standard<\/th><td>does not fit[^<]*<\/td><td>fails \(pool-mapping, 1531 MiB refused\)/,
    );
    t.match(page, '<h3>Settings read back in the guest</h3>');
    t.match(
      page,
      'poolproof run matrices/default.yaml --only memory=1024M,overcommit=2,thp=always,engine=wasmtime,node=22',
    );
    t.match(page, '\npoolproof shell memory=1024M,overcommit=2,thp=always,engine=wasmtime,node=22</pre>');
    t.match(page, 'href="evidence/memory_1G-abc/"');
    t.notMatch(
      renderHtmlReport([{ record, results: [buildResult()] }]),
      'href="evidence',
      'a page elsewhere links to no folder',
    );
    t.match(
      renderHtml(record, [
        buildResult({
          evidence: null,
          readBack: [],
          attempts: [],
          tiers: [],
          predicted: null,
          facts: null,
          form: null,
          host: null,
          expected: null,
        }),
      ]),
      /guest did not get that far.*None were read.*No machine was started/s,
    );
    const linked = (link: string) =>
      renderHtml(record, [
        buildResult({
          expected: {
            source: 'matrix',
            text: 'conservative',
            expectation: { tier: 'conservative', because: 'so', link },
          },
        }),
      ]);
    t.match(
      linked('https://example.org/a?b&c'),
      '<a href="https://example.org/a?b&amp;c" rel="noopener noreferrer">',
    );
    t.notMatch(linked('javascript:alert(1)'), /href="javascript/);
    t.end();
  },
);

t.test('text of a guest stays text, and stays short', (t) => {
  const hostile =
    '</pre></script><script>alert(1)</script><img src=x onerror=alert(1)>\u001b[31m\u202egnp.exe\u0000"\'&';
  const cell = buildResult(
    {
      id: `x"><script>${hostile}`,
      reason: hostile,
      finding: hostile,
      verdict: 'unexpected',
      tiers: [{ tier: 'standard', ok: false, class: hostile, message: hostile, pool: null, bytes: null }],
      attempts: [
        {
          start: 'boot',
          outcome: 'reached',
          detail: hostile,
          machineEnd: { kind: 'panic', detail: hostile },
        },
      ],
      readBack: [{ axis: hostile, asked: hostile, found: hostile, ok: false }],
      evidence: `evidence/${hostile}`,
    },
    { node: hostile },
  );
  const loud = hostile.repeat(120_000);
  t.ok(loud.length > 10_000_000);
  const evidence = new Map([
    [evidenceKey(cell), { console: loud, stdout: loud, stderr: loud, qemuCommand: hostile }],
  ]);
  for (const staticLimit of [Infinity, 0]) {
    const page = renderHtmlReport([{ record, results: [cell, ...results], evidence }], { staticLimit });
    t.equal(count(page, '<script'), 2, 'the data and the script');
    t.equal(count(page, /<img|onerror=alert\(1\)>/), 0);
    for (const character of ['\u0000', '\u001b', '\u202e']) t.notOk(page.includes(character));
    t.ok(page.length < 600_000, `${page.length} characters`);
  }
  t.end();
});

t.test('of each cell the newest result counts, and its age is shown', (t) => {
  const at = (startedAt: string, changes: Partial<Result> = {}, over: Partial<Settings> = {}) =>
    buildResult({ startedAt, ...changes }, over);
  const old: HtmlRun = {
    record: older,
    results: [at('2026-11-20T23:04:00Z'), at('2026-11-20T23:05:00Z', {}, { overcommit: 0 })],
  };
  const fresh: HtmlRun = {
    record,
    results: [at('2026-11-23T23:04:00Z', { outcome: 'crashed', tier: null })],
  };
  for (const runs of [
    [old, fresh],
    [fresh, old],
  ]) {
    const merged = mergeRuns(runs);
    t.same(
      merged.cells.map(({ id, run }) => [/overcommit=\d/.exec(id)?.[0], run.record.id]),
      [
        ['overcommit=2', record.id],
        ['overcommit=0', older.id],
      ],
    );
    t.equal(merged.superseded, 1);
    t.same(
      merged.runs.map((run) => run.record.id),
      [record.id, older.id],
    );
  }
  const page = renderHtmlReport([old, fresh]);
  t.equal(page, renderHtmlReport([fresh, old]));
  t.match(page, '3 days older than the newest run');
  t.match(page, '1 come from older runs (†); 1 older results of the same cells are left out');
  t.match(page, '<h2 id="runs">Runs on this page</h2>');
  t.match(grid(page), '<td class="s2 e o">');
  t.same(
    data(page).cells.map((cell) => cell.at(-1)),
    [3 * 24 * 60, 0],
  );
  t.equal(tellAge(2 * 3_600_000), '2 hours older than the newest run');
  t.equal(tellAge(1000), '1 minute older than the newest run');
  t.end();
});

t.test('repetitions stay together, parts of one run are one run', (t) => {
  const again = (repetition: number, startedAt: string) => buildResult({ repetition, startedAt });
  const first = { record: older, results: [again(1, 'a'), again(2, 'b'), again(3, 'c')] };
  const second = { record, results: [again(1, 'd')] };
  const merged = mergeRuns([first, second]);
  t.same(
    merged.cells.map(({ results: kept }) => kept.length),
    [1],
    'never two of one run and one of another',
  );
  t.equal(merged.superseded, 3);
  const shards = mergeRuns([
    { record, results: [again(2, 'b')] },
    { record, results: [again(1, 'a'), again(2, 'b')] },
  ]);
  t.same(
    shards.cells.map(({ results: kept }) => kept.map(({ repetition }) => repetition)),
    [[1, 2]],
  );
  t.equal(shards.superseded, 0, 'a copy is not another result');
  t.equal(
    mergeRuns([
      { record, results: [again(1, 'a')] },
      { record, results: [again(1, 'b')] },
    ]).superseded,
    1,
  );
  t.end();
});

t.test('a cell whose repetitions differ is flaky, with an interval', (t) => {
  const page = renderHtml(record, [
    buildStandard({ repetition: 1 }),
    buildStandard({ repetition: 2 }),
    buildResult({ repetition: 3, verdict: 'unexpected' }),
  ]);
  t.match(grid(page), /<td class="s4 e"> ?<a [^>]*>standard 2\/3, conservative 1\/3 ✗<\/a>/);
  t.match(page, 'standard 2 of 3 (21–94 %), conservative 1 of 3 (6–79 %)');
  t.match(page, '<h3>Repetition 3</h3>');
  // Newcombe 1998, table I: 81 of 263 and 15 of 148, method 3 (score without continuity correction).
  for (const [successes, trials, low, high] of [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
  ] as const)
    t.same(
      wilson(successes, trials).map((share) => Math.round(share * 1e4) / 1e4),
      [low, high],
    );
  t.equal(tellDistribution([{ word: 'standard', count: 20 }]), 'standard 20 of 20 (84–100 %)');
  t.end();
});

t.test('ten thousand cells make a page below 8 MB, and nothing of a panel is lost in it', (t) => {
  const few = renderHtmlReport([{ record, results, base: '' }], { staticLimit: 0 });
  const { bodies = [], pieces = [] } = data(few);
  const lastOfLength = new Map<number, readonly (number | string)[]>();
  const ids = [...list(few).matchAll(/<details id="cell-([^"]*)"/g)].map(([, id]) => id ?? '');
  const unpacked = bodies.map(([length, ...parts], index) => {
    const last = lastOfLength.get(Number(length)) ?? [];
    const body: (number | string)[] = [];
    for (const part of parts) {
      if (typeof part === 'number' && part < 0) body.push(...last.slice(body.length, body.length - part));
      else body.push(part);
    }
    lastOfLength.set(Number(length), body);
    const id = ids[index] ?? '';
    const path = id.replace(/[=@]/g, '_').replaceAll(',', '-').slice(0, 80);
    return body
      .map((part) => (typeof part === 'number' ? pieces[part] : part))
      .join('')
      .replaceAll('\u0001', id)
      .replaceAll('\u0002', path);
  });
  const whole = [
    ...list(renderHtml(record, results)).matchAll(/<\/summary><div>(.*?)<\/div><\/details>/gs),
  ].map(([, body]) => body);
  t.equal(whole.length, 36);
  t.same(unpacked, whole);
  t.match(few, /<noscript\s*>/);

  const many = Array.from({ length: 280 }, (_, index) =>
    results.map((cell): Result => {
      const settings = { ...cell.settings, cpus: (index % 16) + 1, node: String(18 + (index >> 4)) };
      return {
        ...cell,
        settings,
        id: `${cell.id},cpus=${settings.cpus},n=${settings.node}`,
        reason: cell.reason.replace(/\d+ MiB$/, `${index * 7} MiB`),
        startedAt: new Date(1.7e12 + index * 7777).toISOString(),
      };
    }),
  ).flat();
  const start = process.cpuUsage();
  const page = renderHtml(record, many);
  const used = process.cpuUsage(start);
  t.equal(many.length, 10_080);
  t.equal(count(list(page), '<details id="cell-'), 10_080);
  t.ok(Buffer.byteLength(page) < 8e6, `${Buffer.byteLength(page)} bytes`);
  // The goal is 3 s; this only notices when something grows with the square of the cells.
  t.ok(used.user + used.system < 15e6, `${(used.user + used.system) / 1000} ms`);
  t.end();
});
