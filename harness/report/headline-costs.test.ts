import t from 'tap';
import { figureAt } from '../fixtures/overhead/figures.ts';
import { readReference } from '../fixtures/report/reference.ts';
import { buildResult } from '../fixtures/report/results.ts';
import { means } from '../measure/figures.ts';
import type { RequestPrice } from '../measure/request-price.ts';
import { findHeadlineCosts } from './headline-costs.ts';
import { renderCosts } from './html/overhead.ts';
import { buildPageView } from './html/page-view.ts';

const program = figureAt(20, 1, { workload: means.program });
const costsOf = (...figures: readonly (typeof program)[]) => findHeadlineCosts([{ results: [], figures }]);

t.test(
  'one figure per tier: the mean over programs, of several measurements with the outermost ends',
  (t) => {
    const other = { ...program, ratio: 1.3, low: 1.29, high: 1.31 };
    const [cost, ...more] = costsOf(program, program, other, { ...program, workload: 'sqlite', ratio: 9 });
    t.equal(more.length, 0);
    t.match(cost, { of: 'real programs', measurements: 2, low: program.low, high: 1.31, sameCode: false });
    t.ok(Math.abs((cost?.ratio ?? 0) - Math.sqrt(program.ratio * 1.3)) < 1e-9);
    t.same(costsOf({ ...program, stable: false }), [], 'an unstable session says nothing');
    t.end();
  },
);

t.test('time stands before instructions, and times of two CPUs are two figures', (t) => {
  const time = { ...program, clock: 'time', ratio: 1.5 } as const;
  t.match(costsOf(program, { ...time, cpuModel: 'A' }, { ...time, cpuModel: 'B' }), [
    { clock: 'time', cpuModel: 'A', measurements: 1 },
    { clock: 'time', cpuModel: 'B', measurements: 1 },
  ]);
  t.end();
});

t.test('a request is the mean over the kinds that were priced, and none where one is unstable', (t) => {
  const price = (work: string, ratio: number, stable = true): RequestPrice => ({
    work,
    instructions: 1000 * ratio,
    baseline: 1000,
    ratio: { ratio, low: ratio, high: ratio },
    requests: 48,
    stable,
  });
  const cellOf = (prices: readonly RequestPrice[]) => ({
    results: [
      buildResult({ serving: { kind: 'measured', measuredIn: null, prices, notMeasured: [], wallMs: 1 } }),
    ],
    figures: [],
  });
  const [cost] = findHeadlineCosts([cellOf([price('hello', 1), price('touch-256', 4)])]);
  t.match(cost, { of: 'a request', tier: 'conservative', clock: 'instructions' });
  t.ok(Math.abs((cost?.ratio ?? 0) - 2) < 1e-9);
  t.same(findHeadlineCosts([cellOf([price('hello', 1), price('touch-256', 4, false)])]), []);
  t.end();
});

t.test('the page draws the figures beside the published claim, and folds the measurements', async (t) => {
  const { cells } = buildPageView([await readReference('overhead')]);
  const text = renderCosts(cells)?.text ?? '';
  const [open, folded] = text.split('<details');
  t.equal(open?.match(/<rect class="band" x="23\.4" width="21\.4"/g)?.length, 3);
  t.same(
    [...(open ?? '').matchAll(/<b>([^<]*)<\/b>: real programs<\/span>\s*<span class="of">([^<]*)</g)].map(
      ([, ...row]) => row,
    ),
    [
      ['on-demand/explicit, wasmtime', '+44.7 %'],
      ['on-demand/explicit, v8', '+30.2 %'],
      ['conservative/explicit, wasmtime', '+44.6 %'],
    ],
  );
  t.match(open, /machine code of their baseline: .*conservative\/elided, wasmtime/);
  t.match(folded, 'kernels');
  t.notMatch(open, 'kernels');
});
