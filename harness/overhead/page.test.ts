import t from 'tap';
import { buildOverhead, figureAt, sameCode } from '../fixtures/overhead/figures.ts';
import { buildResult, buildStandard, record } from '../fixtures/report/results.ts';
import { baselineOverhead, notMeasured } from './cell-overhead.ts';
import { countClaims, judgeClaim } from './claim.ts';
import { parseNativeRecord, type NativeRecord } from './native-record.ts';
import { renderOverheadPage } from './page.ts';
import { means } from './summary.ts';

const checked = { form: { checks: 'explicit', slots: 16, reservedBytes: 1, chargedBytes: 1 } } as const;
const explicit = buildResult({ ...checked, ...buildOverhead(figureAt(47.7), figureAt(15)) });
const proven = buildResult(buildOverhead(figureAt(0, 0, sameCode), figureAt(0, 0, sameCode)));

const timed = (percent: number, workload: string) =>
  figureAt(percent, 1, { workload, clock: 'time', cpuModel: 'AMD | EPYC', pairs: 80, processes: 10 });
const native: NativeRecord = {
  engine: { kind: 'wasmtime', version: '50.0.1' },
  node: '20.20.2',
  summaries: [timed(30, means.memory), timed(19.5, means.program), timed(2, 'sha256'), timed(15, 'sqlite')],
};

t.test('the claim holds where the whole interval lies within it', (t) => {
  t.equal(judgeClaim(figureAt(15, 5)), 'holds');
  t.equal(judgeClaim(figureAt(15, 5.1)), 'across');
  t.equal(judgeClaim(figureAt(8, 1)), 'below');
  t.equal(judgeClaim(figureAt(22, 1)), 'above');
  t.equal(judgeClaim(figureAt(15, 1, { stable: false })), 'unstable');
  const figures = [1, 15, 30, 31, 20].map((percent) => figureAt(percent, 1));
  t.equal(countClaims(figures), '1 within 10–20 %, 1 below, 2 above, 1 not shown either way');
  t.end();
});

t.test('the page judges by time where there is a record, and shows both quantities apart', (t) => {
  const page = renderOverheadPage(record, [explicit, proven, buildStandard(baselineOverhead)], [native]);
  t.match(page, 'Time: AMD \\| EPYC; wasmtime 50.0.1 in Node 20.20.2.');
  t.match(
    page,
    '| wasmtime 50.0.1 | conservative/explicit | 22 | +47.7 % \\[+47.6, +47.8\\] | +30.0 % \\[+29.0, +31.0\\] | +15.0 % \\[+14.9, +15.1\\] | +19.5 % \\[+18.5, +20.5\\] | more | not shown |',
  );
  t.match(
    page,
    '(by time): of the workloads 1 within 10–20 %, 1 below, 0 above; of the means 0 within 10–20 %, 0 below, 1 above, 1 not shown either way.',
  );
  t.match(page, '**1 of 2** combinations');
  t.match(page, /## The same code\n\n.*proof.*\n\n- wasmtime 50.0.1, conservative\/elided, Node 22\n/);
  t.match(page, /\| sha256 \| .* \| – \| \+2.0 % \\\[\+1.0, \+3.0\\\] \| less \|/);
  t.match(page, /\| wasmtime 50.0.1 \| conservative\/explicit \| 22 \| 176 M instructions \| 58 MiB/);
  t.match(page, '- bulk-memory: not measurable under emulation');
  t.equal(renderOverheadPage(record, [explicit, proven], [native]).endsWith('\n'), true);
  t.end();
});

t.test('without a record instructions decide, and V8 takes only those of its own Node', (t) => {
  const page = renderOverheadPage(record, [explicit], []);
  t.match(page, 'Time: no record of a real machine was given.');
  t.match(page, '| – | +15.0 % \\[+14.9, +15.1\\] | – | more | holds |');
  t.match(page, '(by instructions)');
  const v8 = { ...native, engine: { kind: 'v8', version: '12.4' } } as const;
  const host = { ...explicit.host!, engine: { kind: 'v8', version: '12.4' } } as const;
  t.match(renderOverheadPage(record, [{ ...explicit, host }], [v8]), '| – | +15.0 %');
  const own = renderOverheadPage(record, [{ ...explicit, host }], [{ ...v8, node: '22.1.0' }]);
  t.match(own, '| +30.0 % \\[+29.0, +31.0\\] | +15.0 %');
  t.end();
});

t.test('what failed and what is unstable is told', (t) => {
  const failed = buildResult({ ...notMeasured('the <b>machine</b> died'), tier: 'on-demand' });
  const unstable = buildResult({
    ...checked,
    ...buildOverhead(figureAt(12, 1, { stable: false }), figureAt(3)),
  });
  const page = renderOverheadPage(record, [failed, unstable], []);
  t.match(page, 'on-demand/elided, Node 22: the &lt;b&gt;machine&lt;/b&gt; died');
  t.match(page, /\| ~~\+12.0 % \\\[\+11.0, \+13.0\\\]~~ unstable \|/);
  t.match(renderOverheadPage(record, [], []), 'No form ran the same machine code');
  t.end();
});

t.test('a native record is read, and a wrong file named', (t) => {
  const text = JSON.stringify({
    summaries: native.summaries,
    measurements: [{ engine: native.engine, node: 'v20.20.2', more: 1 }],
  });
  t.same(parseNativeRecord(text, 'n.json'), native);
  for (const wrong of ['{', '{}', JSON.stringify({ summaries: [], measurements: [] })]) {
    t.throws(() => parseNativeRecord(wrong, 'n.json'), {
      code: 'STORE_CORRUPT',
      details: { file: 'n.json' },
    });
  }
  t.end();
});
