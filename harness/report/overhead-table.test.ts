import t from 'tap';
import { formatOverhead } from '../outcome/format-figure.ts';
import { buildOverhead, resources } from '../fixtures/overhead/figures.ts';
import { buildResult, buildStandard } from '../fixtures/report/results.ts';
import { baselineOverhead, notMeasured } from '../outcome/overhead.ts';
import { formatForm } from './format-overhead.ts';
import { renderDetails, renderOverhead, renderResources } from './overhead-table.ts';
import type { OverheadSummary } from '../measure/figures.ts';

t.test('the table names clock, CPU and baseline, and strikes through what is not stable', (t) => {
  const base: OverheadSummary = {
    workload: 'sqlite',
    engine: 'wasmtime',
    tier: 'conservative',
    form: 'explicit',
    clock: 'time',
    cpuModel: 'A CPU',
    baseline: 'standard/elided',
    ratio: 1.25,
    low: 1.2,
    high: 1.3,
    pairs: 64,
    processes: 8,
    sameCode: false,
    stable: true,
  };
  const summaries: readonly OverheadSummary[] = [
    base,
    { ...base, workload: 'lexer', ratio: 0.94, low: 0.9, high: 0.98, stable: false },
    { ...base, form: 'elided', ratio: 1, low: 1, high: 1, sameCode: true, pairs: 0 },
    { ...base, clock: 'instructions', cpuModel: null, ratio: 1.4, low: 1.4, high: 1.4 },
  ];
  const text = renderOverhead(summaries, { color: false });
  t.match(text, 'wasmtime conservative/explicit, ratio to standard/elided, time on A CPU\n');
  t.match(text, 'ratio to standard/elided, instructions executed\n');
  t.match(text, /sqlite +\+25\.0 % +\+20\.0 % to \+30\.0 % +64 +8 .*-o-/);
  t.match(text, /lexer +\(-6\.0 %\) +-10\.0 % to -2\.0 %, unstable/);
  t.match(text, /sqlite +0 % +same code/);
  t.match(text, /95 % interval/);
  t.match(text, /both pairs/, 'counts have no confidence interval');
  t.notMatch(text, /│|─/);
  t.match(renderOverhead(summaries, { color: true }), '\u001b[9m-6.0 %\u001b[29m');
  const life = { ...base, workload: 'instantiate-64k-touch-4', ratio: 20, low: 19, high: 21 };
  const withLife = renderOverhead([...summaries, life], { color: false });
  t.match(withLife, 'ratio to standard/elided, lives of instances, time on the wall on A CPU\n');
  t.match(withLife, text.split('\n')[2], 'the scale of the others stays');
  t.equal(renderOverhead([], { color: false }), 'nothing was measured\n');
  t.equal(formatOverhead({ ...base, ratio: 0.99999 }), '0.0 %');
  t.end();
});

t.test('details list every workload once per measurement, with the cells it is of', (t) => {
  const own = { id: 'memory=1G,overcommit=2,thp=always,engine=wasmtime,node=22' };
  const cells = [buildResult({ ...own, ...buildOverhead() }), buildResult({ id: 'b', ...buildOverhead() })];
  const text = renderDetails([...cells, buildStandard(baselineOverhead), buildResult()], { color: false });
  t.equal(text.split('random-access').length, 2);
  t.match(
    text,
    /^conservative\/elided, wasmtime [\d.]+, Node 22: memory=1G,.*#1, 31.0 s\n {2}holds for 1 more: b#1\n/,
  );
  t.match(text, /geometric mean, real programs +\+37.6 %/);
  t.match(text, /\n {2}bulk-memory: not measurable under emulation\n/);
  t.match(text, /\n {2}conservative\/explicit: start to first call 176 M instructions; resident 58/);
  t.match(
    renderDetails([buildResult(notMeasured('it died'))], { color: false }),
    /\n {2}not measured: it died\n/,
  );
  t.equal(renderDetails([buildStandard(baselineOverhead)], { color: false }), '');
  const shared = ['b', 'c', 'd'].map((id) => buildResult({ id, ...buildOverhead() }));
  t.match(
    renderDetails([cells[0]!, ...shared], { color: false }),
    '\n  holds for 3 more: b#1 and 2 others\n',
  );
  const { overheadSource } = buildOverhead();
  const noted = buildResult({ overheadSource: { ...overheadSource, baselineNote: 'of another cell' } });
  t.match(renderDetails([noted], { color: false }), '\n  baseline: of another cell\n');
  const unknown = buildResult({ outcome: 'broken', tier: null, form: null, host: null });
  t.equal(formatForm(unknown), 'no tier, wasmtime, Node 22');
  t.end();
});

const counted = resources.slice(0, 1);

t.test('start and memory of each configuration are in one table', (t) => {
  const timed = counted.map((one) => ({ ...one, startToFirstCall: { clock: 'time', ms: 310.4 } as const }));
  const text = renderResources(timed);
  t.match(text, /standard\/elided +310 ms +61 MiB +3604 MiB +4\.23 TiB/);
  t.match(text, /start to first call +resident +committed +reserved/);
  t.end();
});

t.test('the start of an emulated process is in instructions, never in time', (t) => {
  const text = renderResources(counted);
  t.match(text, /standard\/elided +233 M instructions/);
  t.notMatch(text, / ms/);
  t.end();
});
