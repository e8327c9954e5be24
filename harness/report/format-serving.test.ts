import t from 'tap';
import { buildResult, buildStandard, record, viewOf } from '../fixtures/report/results.ts';
import { baselineOverhead } from '../outcome/overhead.ts';
import { servingNotMeasured, type CellServing } from '../outcome/serving.ts';
import { listCosts } from './cost-columns.ts';
import { formatServing, formatServingNotes, formatServingOf } from './format-serving.ts';
import { formats } from './formats.ts';
import { renderGuestServing } from './guest-serving-page.ts';
import { buildRunView } from './run-view.ts';

const priceAt = (work: string, ratio: number, stable = true) => ({
  work,
  instructions: ratio * 143_000,
  baseline: 143_000,
  ratio: { ratio, low: ratio * 0.999, high: ratio * 1.001 },
  requests: 384,
  stable,
});

const serving: CellServing = {
  kind: 'measured',
  measuredIn: 'a#1',
  prices: [priceAt('hello', 1.824), priceAt('touch-256', 5.91), priceAt('sleep', 1.01, false)],
  notMeasured: [{ workload: 'loop', reason: 'the budget of 60 s was used up' }],
  wallMs: 9000,
};
const baseline: CellServing = {
  ...serving,
  kind: 'baseline',
  prices: [priceAt('hello', 1)],
  notMeasured: [],
};

t.test('a request has its price as a factor, and the baseline its instructions', (t) => {
  t.same(formatServing({ serving }), [
    { text: 'hello × 1.82', stable: true },
    { text: 'touch-256 × 5.91', stable: true },
    { text: 'sleep × 1.01', stable: false },
  ]);
  t.equal(
    formatServingOf({ serving }),
    'hello × 1.82, touch-256 × 5.91, sleep × 1.01 unstable, loop not measured: the budget of 60 s was used up',
  );
  t.same(formatServing({ serving: baseline }), [{ text: 'baseline', stable: true }]);
  t.equal(formatServingOf({ serving: baseline }), 'hello 143 k instructions');
  t.equal(formatServingOf({ serving: servingNotMeasured('status 500') }), 'not measured: status 500');
  t.same(formatServing({}), [{ text: 'not measured', stable: true }]);
  t.same(formatServingNotes([{ serving: servingNotMeasured('status 500') }]), [
    'not priced: a request: status 500',
  ]);
  t.equal(formatServingOf({}), 'not measured');
  t.same(formatServingNotes([{ serving }, { serving }, {}]), [
    'not priced: loop: the budget of 60 s was used up (2 cells)',
  ]);
  t.end();
});

t.test('a table has a column for a request beside that of accesses, where it was priced', (t) => {
  const heads = (results: Parameters<typeof listCosts>[0]) => listCosts(results).map(({ head }) => head);
  t.same(heads([buildResult()]), ['overhead']);
  t.same(heads([buildResult({ serving })]), ['a request (instructions)'], 'accesses were not asked for');
  t.same(heads([buildStandard({ serving, ...baselineOverhead })]), ['overhead', 'a request (instructions)']);
  t.end();
});

t.test('every format of a run shows the price', (t) => {
  const view = buildRunView({
    record,
    results: [buildResult({ serving }), buildStandard({ serving: baseline })],
  });
  t.match(formats.table.render(view), /touch-256 × 5\.91/);
  t.match(formats.table.render(view), /not priced: loop/);
  t.match(formats.md.render(view), /~~sleep × 1\.01~~ unstable/);
  const page = formats.html.render(viewOf([buildResult({ serving })], record));
  t.match(page, /touch-256<\/th><td [^>]*>\d+ k<\/td><td [^>]*>× 5\.91 \[/);
  t.match(page, /<s>× 1\.01 [^<]*<\/s> unstable/);
  t.match(page, /loop not measured: the budget of 60 s was used up\./);
  t.match(
    formats.csv.render(view),
    /,request,requestHelloInstructions,requestHelloRatio,requestTouch1Instructions,/,
  );
  t.match(formats.csv.render(view), /,measured,2608\d\d[.\d]*,1\.824,/);
  t.match(formats.json.render(view), /"touch-256"/);
  t.end();
});

t.test('the page has a row per host and tier, best first, and says what has no figure and why', (t) => {
  const { settings } = buildResult();
  const spin = { ...settings, subject: 'spin-sizes' };
  const without = servingNotMeasured('status 500');
  const text = renderGuestServing(
    viewOf([
      buildResult({ id: 'a', outcome: 'exhausted', tier: null, form: null, serving: without }),
      buildResult({ id: 'b', serving }),
      buildStandard({ id: 'c', serving: baseline }),
      buildStandard({ id: 'd', settings: spin, serving: { ...baseline, prices: [priceAt('sleep', 1)] } }),
      buildStandard({ id: 'e' }),
    ]),
  );
  t.same(
    text.split('\n').filter((line) => line.startsWith('|')),
    [
      '| host | tier | hello | touch-256 | sleep |',
      '| --- | --- | --- | --- | --- |',
      '| wasm-host, wasmtime | standard | 143 k instructions | not measured | not measured |',
      String.raw`| wasm-host, wasmtime | conservative | × 1.82 \[1.82, 1.83\] | × 5.91 \[5.90, 5.92\] | ~~× 1.01 \[1.01, 1.01\]~~ unstable |`,
      '| wasm-host, wasmtime | exhausted | not measured | not measured | not measured |',
      '| spin-sizes | standard | not measured | not measured | 143 k instructions |',
    ],
  );
  t.match(text, /^- not priced: loop: the budget of 60 s was used up$/m);
  t.match(text, /^- not priced: a request: status 500$/m);
  t.notMatch(renderGuestServing(viewOf([buildStandard({ serving: baseline })])), 'not priced');
  t.end();
});
