import t from 'tap';
import { buildOverhead, figureAt, sameCode } from '../../fixtures/overhead/figures.ts';
import { buildResult, buildStandard, record, viewOf } from '../../fixtures/report/results.ts';
import { baselineOverhead, notMeasured } from '../../outcome/overhead.ts';
import { judgeClaim, formatClaims } from '../published-estimate.ts';
import { joinNative } from '../native-figures.ts';
import { parseNativeRecord, type NativeRecord } from '../../store/native-record.ts';
import { overhead } from './overhead.ts';
import type { Result } from '../../store/result.ts';
import type { RunRecord } from '../../store/run-record.ts';

import { means } from '../../measure/figures.ts';

const checked = { form: { checks: 'explicit', slots: 16, reservedBytes: 1, chargedBytes: 1 } } as const;
const explicit = buildResult({ ...checked, ...buildOverhead(figureAt(47.7), figureAt(15)) });
const proven = buildResult(buildOverhead(figureAt(0, 0, sameCode), figureAt(0, 0, sameCode)));

const timed = (percent: number, workload: string) =>
  figureAt(percent, 1, { workload, clock: 'time', cpuModel: 'AMD | EPYC', pairs: 80, processes: 10 });
const native: NativeRecord = {
  schema: 1,
  measuredAt: '2026-11-25T02:30:00.000Z',
  machine: { cpuModel: 'AMD | EPYC', cores: 2, kernel: '6.1.0', os: 'Debian 12' },
  resources: [
    {
      tier: 'standard',
      form: 'elided',
      startToFirstCall: { clock: 'time', ms: 310.4 },
      residentBytes: 60 * 2 ** 20,
      committedBytes: 3604 * 2 ** 20,
      reservedBytes: 4 * 2 ** 40,
    },
  ],
  engine: { kind: 'wasmtime', version: '50.0.1' },
  node: '20.20.2',
  summaries: [timed(30, means.memory), timed(19.5, means.program), timed(2, 'sha256'), timed(15, 'sqlite')],
};

const renderPage = (of: RunRecord, results: readonly Result[], native: readonly NativeRecord[]): string =>
  overhead.render(viewOf(results, of, { native }));

t.test('the claim holds where the whole interval lies within it', (t) => {
  t.equal(judgeClaim(figureAt(15, 5)), 'holds');
  t.equal(judgeClaim(figureAt(15, 5.1)), 'across');
  t.equal(judgeClaim(figureAt(8, 1)), 'below');
  t.equal(judgeClaim(figureAt(22, 1)), 'above');
  t.equal(judgeClaim(figureAt(15, 1, { stable: false })), 'unstable');
  const claimed = (percent: number, workload: string, where: string) => ({
    ...figureAt(percent, 1, { workload }),
    where,
  });
  const figures = [
    claimed(15, 'argon2id', 'Node 20'),
    claimed(15, 'argon2id', 'Node 22'),
    claimed(30, 'sqlite', 'Node 20'),
    claimed(20, 'sqlite', 'Node 22'),
    claimed(1, 'sha256', 'Node 20'),
  ];
  t.same(formatClaims(figures), [
    'within 10–20 %: argon2id',
    'less: sha256',
    'more: sqlite (Node 20)',
    'not shown either way: sqlite (Node 22)',
  ]);
  t.end();
});

t.test('the page judges by time where there is a record, and shows both quantities apart', (t) => {
  const page = renderPage(record, [explicit, proven, buildStandard(baselineOverhead)], [native]);
  t.match(
    page,
    'Time: AMD \\| EPYC (2 cores, Debian 12, Linux 6.1.0), 2026-11-25: wasmtime 50.0.1 in Node 20.20.2.',
  );
  const title = '| wasmtime 50.0.1 | conservative/explicit |';
  t.match(
    page,
    `${title} instructions | 22 | +47.7 % \\[+47.6, +47.8\\] | +15.0 % \\[+14.9, +15.1\\] | more / holds |`,
  );
  t.match(
    page,
    `${title} time | 20 | +30.0 % \\[+29.0, +31.0\\] | +19.5 % \\[+18.5, +20.5\\] | more / not shown |`,
  );
  t.match(
    page,
    [
      '- **wasmtime 50.0.1, conservative/explicit** (by time)',
      '  - within 10–20 %: sqlite',
      '  - less: sha256',
      `  - more: ${means.memory}`,
      `  - not shown either way: ${means.program}`,
    ].join('\n'),
  );
  t.match(page, '**1 of 2** combinations');
  t.match(page, /## The same code\n\n.*proof.*\n\n- wasmtime 50.0.1, conservative\/elided, Node 22\n/);
  t.match(page, /\| sha256 \| .* \| – \| \+2.0 % \\\[\+1.0, \+3.0\\\] \| less \|/);
  t.match(page, `${title} 22 | guest | 176 M instructions | 58 MiB`);
  t.match(page, '| wasmtime 50.0.1 | standard/elided | 20 | this CPU | 310 ms | 60 MiB');
  t.match(page, '- bulk-memory: not measurable under emulation');
  t.equal(renderPage(record, [explicit, proven], [native]).endsWith('\n'), true);
  t.notMatch(page, 'Lives of instances');
  t.end();
});

t.test('a record that stands beside several Nodes is one column, and one voice', (t) => {
  const other = { ...explicit, settings: { ...explicit.settings, node: '24' } };
  const page = renderPage(record, [other, explicit], [native]);
  t.match(page, '| workload | stands for | Node 22, instructions | Node 24, instructions | Node 20, time |');
  t.match(page, '  - within 10–20 %: sqlite\n');
  t.end();
});

t.test('lives of instances are told for forms of the same code too, and are no memory work', (t) => {
  const life = {
    ...timed(230, 'instantiate-64k-touch-4'),
    tier: 'conservative',
    form: 'elided',
  } as const;
  const page = renderPage(record, [proven], [{ ...native, summaries: [life] }]);
  t.match(page, '**1 of 1** combinations');
  t.match(page, /### wasmtime 50.0.1: conservative\/elided\n\n.*Node 20, time \|\n.*\n.*\+230.0 %/);
  t.end();
});

t.test('figures of a record stand beside those of the cells that it fits, and of no other', (t) => {
  const standard = buildStandard(baselineOverhead);
  const [joined, same, untouched] = joinNative([explicit, proven, standard], [native]);
  t.same(
    joined?.overhead?.map(({ clock }) => clock),
    ['instructions', 'instructions', 'instructions', 'time', 'time', 'time', 'time'],
  );
  t.equal(same, proven, 'the record has no figure of this form');
  t.equal(untouched, standard);
  t.equal(joined?.verdict, explicit.verdict);
  t.same(joinNative([explicit], [{ ...native, engine: { kind: 'wasmtime', version: '1.0.0' } }]), [explicit]);
  t.end();
});

t.test('without a record instructions decide, and V8 takes only those of its own Node', (t) => {
  const page = renderPage(record, [explicit], []);
  t.match(page, 'Time: no record of a real machine was given.');
  t.match(
    page,
    '| instructions | 22 | +47.7 % \\[+47.6, +47.8\\] | +15.0 % \\[+14.9, +15.1\\] | more / holds |',
  );
  t.match(page, '(by instructions)');
  const v8 = { ...native, engine: { kind: 'v8', version: '12.4' } } as const;
  const host = { ...explicit.host!, engine: { kind: 'v8', version: '12.4' } } as const;
  t.notMatch(renderPage(record, [{ ...explicit, host }], [v8]), '(by time)');
  const own = renderPage(record, [{ ...explicit, host }], [{ ...v8, node: '22.1.0' }]);
  t.match(own, '| v8 | conservative/explicit | time | 22 | +30.0 % \\[+29.0, +31.0\\]');
  for (const results of [
    [{ ...explicit, host }, explicit],
    [explicit, { ...explicit, host }],
  ])
    t.match(renderPage(record, results, []), /\n\| wasmtime 50\.0\.1 \|[^]*\n\| v8 \|/, 'V8 is told last');
  const inGuest = { ...explicit, overhead: [timed(30, means.memory), timed(19.5, means.program)] };
  t.match(
    renderPage(record, [inGuest], []),
    '| wasmtime 50.0.1 | conservative/explicit | time | 22 | +30.0 %',
    'times of the guest itself',
  );
  t.end();
});

t.test('what failed and what is unstable is told', (t) => {
  const failed = buildResult({ ...notMeasured('the <b>machine</b> died'), tier: 'on-demand' });
  const unstable = buildResult({
    ...checked,
    ...buildOverhead(figureAt(12, 1, { stable: false }), figureAt(3)),
  });
  const page = renderPage(record, [failed, unstable], []);
  t.match(page, 'on-demand/elided, Node 22: the &lt;b&gt;machine&lt;/b&gt; died');
  t.match(page, /\| ~~\+12.0 % \\\[\+11.0, \+13.0\\\]~~ unstable \|/);
  t.match(renderPage(record, [], []), 'No form ran the same machine code');
  t.end();
});

t.test('a native record is read, and a wrong file named', (t) => {
  const text = JSON.stringify({ ...native, measurements: [{ more: 1 }] });
  t.same(parseNativeRecord(text, 'n.json'), native, 'without the raw samples');
  for (const wrong of ['{', '{}', JSON.stringify({ ...native, node: 'v22' })]) {
    t.throws(() => parseNativeRecord(wrong, 'n.json'), {
      code: 'STORE_CORRUPT',
      details: { file: 'n.json' },
    });
  }
  t.end();
});
