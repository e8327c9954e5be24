import t from 'tap';
import { buildOverhead } from '../fixtures/overhead/figures.ts';
import { buildResult, buildStandard } from '../fixtures/report/results.ts';
import { baselineOverhead, notMeasured } from '../outcome/overhead.ts';
import { renderDetails } from './overhead-details.ts';

t.test('details tell every workload once a measurement, and whose it is', (t) => {
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
  t.end();
});
