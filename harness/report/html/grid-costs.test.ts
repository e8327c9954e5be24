import t from 'tap';
import { buildOverhead, figureAt, sameCode } from '../../fixtures/overhead/figures.ts';
import { buildResult, record, viewOf } from '../../fixtures/report/results.ts';
import { means, type OverheadSummary } from '../../measure/figures.ts';
import { formats } from '../formats.ts';

const program = figureAt(33, 0.2, { workload: means.program });
const pageOf = (...overhead: readonly OverheadSummary[]): string =>
  formats.html.render(viewOf([{ ...buildResult(), ...buildOverhead(), overhead }], record));
const badges = (page: string): readonly string[] =>
  [...page.matchAll(/<small>([▁▃▅▇][^<]*)</g)].map(([, badge = '']) => badge);

t.test('badge, legend and section have one figure per tier, from one place', (t) => {
  const page = pageOf(program, figureAt(900, 1, { workload: 'sqlite' }));
  t.same(badges(page), ['▇ +33 % programs']);
  t.match(page, '<li><b>▇</b> overhead: 20 % and more</li>');
  t.match(page, '<span class="of">+33 %</span>');
  const proven = pageOf({ ...program, ...sameCode });
  t.same(badges(proven), ['▁ 0 %, same code']);
  t.match(proven, '<b>▁</b> overhead: no cost (below 0.5 %)');
  t.end();
});

t.test(
  'times of two CPUs are two badges; single workloads and unstable figures stand in panels alone',
  (t) => {
    const time = { ...program, clock: 'time', cpuModel: 'A' } as const;
    t.same(badges(pageOf(time, { ...time, cpuModel: 'B', ratio: 1.1 })), [
      '▇ +33 % programs',
      '▅ +10 % programs',
    ]);
    const page = pageOf(figureAt(900, 1, { workload: 'sqlite' }), { ...program, stable: false });
    t.same(badges(page), []);
    t.match(page, '+900 %');
    t.end();
  },
);
