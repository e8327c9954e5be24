import { createHash } from 'node:crypto';
import t from 'tap';
import {
  buildDefaultResults,
  buildResult,
  buildStandard,
  record,
  recordOf,
} from '../../fixtures/report/results.ts';
import type { Settings } from '../../axes/table.ts';
import type { Result } from '../../store/result.ts';
import type { RunRecord } from '../../store/run-record.ts';
import { type RunResults, buildRunView } from '../run-view.ts';
import { type HtmlOptions, renderHtml } from './html.ts';

const renderHtmlReport = (runs: readonly RunResults[], options?: HtmlOptions): string =>
  renderHtml(
    runs.map((run) => buildRunView(run)),
    options,
  );

/** The page in the folder of its run. */
const renderPage = (results: readonly Result[], of: RunRecord = recordOf(results)): string =>
  renderHtmlReport([{ record: of, results, base: '' }]);

import { evidenceKey } from '../evidence.ts';

const results = buildDefaultResults();
const older: RunRecord = { ...record, id: '20261120T230311Z-000001', startedAt: '2026-11-20T23:03:11.000Z' };

const count = (text: string, part: string | RegExp) => text.split(part).length - 1;
const grid = (page: string) => /<table class="grid [^"]*" id="grid">.*?<\/table>/s.exec(page)?.[0] ?? '';
const list = (page: string) => /<div id="cells">.*(?=<section aria-labelledby="how">)/s.exec(page)?.[0] ?? '';
const data = (page: string) =>
  JSON.parse(/id="data">(.*?)<\/script>/s.exec(page)?.[1] ?? 'null') as Readonly<{
    axes: readonly string[];
    cells: readonly (readonly number[])[];
    pieces?: readonly string[];
    bodies?: readonly (readonly (number | string)[])[];
  }>;

t.test('equal results give equal bytes, in whatever order they were written', (t) => {
  const page = renderPage(results);
  t.equal(renderPage(results), page);
  const turned = renderPage([...results].reverse());
  t.equal(grid(turned), grid(page));
  t.equal(list(turned), list(page));
  t.equal(renderHtmlReport([{ record, results, base: '' }]), page);
  t.throws(() => renderHtmlReport([]), RangeError);
  t.end();
});

t.test('the page asks for nothing, and its policy lets only its own script and style in', (t) => {
  const page = renderPage(results);
  const hashOf = (text = '') => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1];
  t.equal(
    policy,
    `default-src 'none'; img-src data:; script-src ${hashOf(/<script>(.*?)<\/script>/s.exec(page)?.[1])}; style-src ${hashOf(/<style>(.*?)<\/style>/s.exec(page)?.[1])}; base-uri 'none'; form-action 'none'`,
  );
  t.notMatch(page, /\ssrc=|@import|url\(|\sstyle=|\son\w+=/);
  t.end();
});

t.test('the first screen says what was tested, when, on what, and what came out', (t) => {
  const page = renderPage(results);
  t.match(page, '<h1>Spin&#39;s defaults on small machines: supported environments</h1>');
  t.match(page, '36 environments: 512M, 1G, 2G, 4G × overcommit 0, 1, 2 × thp always, madvise, never');
  t.match(page, /<h1>.*<time datetime="2026-11-23T23:03:11.000Z">2026-11-23 23:03 UTC<\/time>.*<main>/s);
  t.match(page, '<p class="lead">The host runs fully in 24 of 36 environments, runs smaller in 12.</p>');
  t.match(page, '<meta property="og:description" content="The host runs fully in 24 of 36');
  t.match(
    page,
    'QEMU 7.2.22, emulation (TCG): /dev/kvm is not there; AMD EPYC, 2 cores, Debian GNU/Linux 12',
  );
  t.match(page, '36 did what was expected');
  t.match(page, 'all were decided in emulated guests');
  t.notMatch(grid(page), 'overhead', 'a column that would say nothing is left out');
  t.equal(count(grid(page), '<a href="#cell-'), 36);
  t.equal(count(list(page), '<details id="cell-'), 36);
  t.match(
    page,
    /<span>512M–2G overcommit 2<\/span>\s*<small>9 environments<\/small>.*?runs smaller<\/a\s*><small>table pool needs 1531 MiB, CommitLimit leaves 56–811 MiB<\/small\s*><small class="basis">proven/s,
  );
  const days = renderHtmlReport([{ record, results }], { now: '2026-11-26T12:00:00Z' });
  t.match(days, '23:03 UTC</time>, 2 days ago');
  const running = renderPage(results, {
    ...record,
    finishedAt: null,
    matrix: { ...record.matrix, size: 40 },
  });
  t.match(running, 'UTC</time>, not finished');
  t.match(running, '4 of 40 cells are missing (not finished)');
  t.end();
});

t.test('the legend has only what occurs, in one order', (t) => {
  const states = (...cells: readonly Result[]) =>
    [
      ...[...renderPage(cells).matchAll(/<ul class="legend.*?<\/ul>/gs)]
        .join('')
        .matchAll(/<li>\s*<(?:span|b)[^>]*>(.*?)</gs),
    ].map(([, word]) => word);
  t.same(states(...results), ['standard', 'conservative'], 'emulation of all cells is said once');
  const real = { ...buildStandard().facts!, emulated: false };
  const machine = {
    name: 'a',
    qemu: '7.2.22',
    accelerator: 'kvm',
    cpuModel: 'AMD EPYC',
    kernel: '6.1.0',
  } as const;
  const cell = (changes: Partial<Result>, memory: number) =>
    buildStandard({ facts: real, machine, id: `m${memory}`, ...changes }, { memory });
  t.same(
    states(
      cell({ outcome: 'broken', tier: null, verdict: null }, 2 ** 30),
      cell({ outcome: 'crashed', tier: null, verdict: 'unexpected' }, 2 ** 31),
      cell({ outcome: 'skipped', tier: null, verdict: null }, 2 ** 32),
      cell({ finding: 'the model said x' }, 2 ** 33),
    ),
    ['standard', 'crashed', 'broken', 'skipped', '✗', '?', '*'],
  );
  t.same(states(cell({}, 2 ** 30), buildStandard({}, { memory: 2 ** 31 })), ['standard', 'ᵉ']);
  t.same(
    states(cell({}, 2 ** 30), buildStandard({ facts: real }, { memory: 2 ** 31 })),
    ['standard', 'ᵉ'],
    'also where the model of the CPU hides it from the guest',
  );
  const gap = results.filter((_, index) => index !== 5);
  t.same(states(...gap), ['standard', 'conservative', '–'], 'what was not tested is grey, and said');
  t.match(grid(renderPage(gap)), '<td class="sn" data-c="overcommit 1 · thp never">–</td>');
  t.end();
});

t.test(
  'a panel has the prediction beside the observation, the settings as found, and how to reproduce',
  (t) => {
    const page = renderPage([buildResult()]);
    t.match(page, 'does not fit: table pool needs 1531 MiB, CommitLimit leaves 172 MiB');
    t.match(
      page,
      /<th scope="row">standard<\/th><td data-c="predicted">does not fit[^<]*<\/td><td data-c="observed">fails \(pool-mapping, 1531 MiB refused\)/,
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
      renderPage([
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
      renderPage([
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

t.test('each matrix has its own grid and reasons, and a cell of two matrices is in both', (t) => {
  const limits: RunRecord = {
    ...older,
    matrix: { ...record.matrix, file: 'matrices/limits.yaml', title: 'Limits' },
  };
  const limit = buildResult(
    { id: 'memory=1G,addressSpace=8G', reason: 'memory pool needs 3.94 TiB' },
    { addressSpace: 8 * 2 ** 30 },
  );
  const runs = [
    { record, results },
    { record: limits, results: [limit, ...results.slice(0, 1)] },
  ];
  const page = renderHtmlReport(runs);
  t.equal(page, renderHtmlReport([...runs].reverse()));
  t.match(page, '<h1>Supported environments, 2 matrices</h1>');
  t.match(page, /37 environments that differ in|37 environments: /);
  const [first = '', second = ''] = [
    ...page.matchAll(/<section aria-labelledby="matrix-\w+">.*?<\/section>/gs),
  ].map(([text]) => text);
  t.match(page, /Spin&#39;s defaults on small machines <small>36 environments<\/small>/);
  t.match(first, 'Spin&#39;s defaults on small machines');
  t.equal(count(first, '<a href="#cell-'), 36);
  t.match(page, /Limits <small>2 environments<\/small>/);
  t.equal(count(second, '<a href="#cell-'), 2);
  t.equal(count(page, 'id="grid"'), 1);
  t.equal(count(page, 'id="grid-2"'), 1);
  t.equal(count(page, 'id="verdict-limits"'), 1);
  t.equal(count(list(page), '<details id="cell-'), 37, 'the list has each cell once');
  t.end();
});

t.test(
  'of many settings a line names those that are not usual, and the panel those that are no default',
  (t) => {
    const vary: readonly (Partial<Settings> & { id: string })[] = [
      { id: 'a' },
      { id: 'b', node: '24' },
      { id: 'c', engine: 'v8', addressSpace: 2 ** 31 },
      { id: 'd', overcommit: 0, cpus: 2 },
      { id: 'e', memory: 2 ** 31, swap: 2 ** 30 },
    ];
    const page = renderPage(
      vary.map(({ id, ...over }) => buildResult({ id }, over)),
      record,
    );
    const names = [...list(page).matchAll(/<summary>\s*<b [^>]*>[^<]*<\/b>\s*([^<]*?)\s*<i>/g)].map(
      ([, name]) => name,
    );
    t.same(names.sort(), [
      '1G · addressSpace 2G · overcommit 2 · engine v8',
      '1G · cpus 2',
      '1G · overcommit 2',
      '1G · overcommit 2 · node 24',
      '2G · overcommit 2 · swap 1G',
    ]);
    t.match(
      page,
      /As usual: addressSpace unlimited, overcommit 0, engine wasmtime, node 22, cpus 1, swap none\./,
    );
    t.match(page, /<summary>1G · overcommit 2 · node 24|1G · overcommit 2 · node 24 /);
    const panel = /<details id="cell-e">.*?<\/details><p>/s.exec(list(page))?.[0] ?? '';
    t.match(
      panel,
      /<h3>Settings<\/h3><dl><dt>memory<\/dt><dd>2G<\/dd>.*<dt>swap<\/dt><dd>1G<\/dd>.*more, at their defaults/s,
    );
    t.notMatch(/<h3>Settings<\/h3>.*?<\/dl>/s.exec(panel)?.[0], /maxMapCount|stackLimit/);
    t.end();
  },
);

t.test('a cell whose repetitions differ is flaky, with an interval', (t) => {
  const page = renderPage([
    buildStandard({ repetition: 1 }),
    buildStandard({ repetition: 2 }),
    buildResult({ repetition: 3, verdict: 'unexpected' }),
  ]);
  t.match(grid(page), /<td class="s4" ?> ?<a [^>]*>standard 2\/3, conservative 1\/3 ✗<\/a ?>/);
  t.match(page, 'standard 2/3 (20–94 %), conservative 1/3 (6–80 %)');
  t.match(page, '<h3>Repetition 3</h3>');
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
  const whole = [...list(renderPage(results)).matchAll(/<\/summary><div>(.*?)<\/div><\/details>/gs)].map(
    ([, body]) => body,
  );
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
  const page = renderPage(many);
  const used = process.cpuUsage(start);
  t.equal(many.length, 10_080);
  t.equal(count(list(page), '<details id="cell-'), 10_080);
  t.ok(Buffer.byteLength(page) < 8e6, `${Buffer.byteLength(page)} bytes`);
  // The goal is 3 s; this only notices when something grows with the square of the cells.
  t.ok(used.user + used.system < 15e6, `${(used.user + used.system) / 1000} ms`);
  t.end();
});
