import t from 'tap';
import { formatOverhead } from '../outcome/format-figure.ts';
import { renderOverhead } from './overhead-table.ts';
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
  t.equal(renderOverhead([], { color: false }), 'nothing was measured\n');
  t.equal(formatOverhead({ ...base, ratio: 0.99999 }), '0.0 %');
  t.end();
});
