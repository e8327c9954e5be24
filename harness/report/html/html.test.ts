import t from 'tap';
import { buildResult, buildStandard, record, viewOf } from '../../fixtures/report/results.ts';
import { formats } from '../formats.ts';
import { renderHtml } from '../format/html.ts';
import { buildRunView } from '../run-view.ts';
import { cutText, evidenceKey, shareBudget } from '../evidence.ts';
import { embedJson, html } from './html.ts';
import { buildOverhead, figureAt } from '../../fixtures/overhead/figures.ts';
import { baselineOverhead } from '../../outcome/overhead.ts';
import { formatCost } from './interval-chart.ts';
import { quoteShell } from './commands.ts';
import { wrapCommand } from './panel-evidence.ts';

const grid = (page: string) => /<table class="grid [^"]*" id="grid">.*?<\/table>/s.exec(page)?.[0] ?? '';

t.test('values are escaped wherever they stand', (t) => {
  t.equal(
    html`<a title="${`"'<&>`}">${['a', 1, null, html`<b></b>`]}</a>`.text,
    '<a title="&quot;&#39;&lt;&amp;&gt;">a1<b></b></a>',
  );
  t.equal(html`<p>a${'x\u0007\u202ey'}</p>`.text, '<p>a\u0007xy</p>');
  t.equal(embedJson({ a: '</script><!--\u2028' }).text, '{"a":"\\u003c/script>\\u003c!--\\u2028"}');
  t.equal(quoteShell('memory=1G,env.A=%3D1'), 'memory=1G,env.A=%3D1');
  t.equal(quoteShell("a'; rm -rf"), "'a'\\''; rm -rf'");
  t.equal(wrapCommand("qemu -m 1G -append 'a -b' -x"), "qemu \\\n  -m 1G \\\n  -append 'a -b' \\\n  -x");
  t.equal(wrapCommand('qemu "a -b"'), 'qemu "a -b"', 'left alone where words cannot be told');
  t.end();
});

t.test('overhead is shown with its interval and n where it was measured', (t) => {
  const pair = figureAt(33.3, 0.2, { workload: 'random load and store', pairs: 16, processes: 8 });
  const programs = figureAt(33.3, 0.2, {
    workload: 'geometric mean, real programs',
    pairs: 16,
    processes: 8,
  });
  t.same([1, 1.0004, 0.98, 1.055, 2.2].map(formatCost), ['0 %', '0 %', '−2 %', '+5.5 %', '+120 %']);
  const cells = [
    {
      ...buildResult(),
      ...buildOverhead(),
      overhead: [pair, programs, { ...pair, workload: '<control>', stable: false }],
    },
    buildStandard(baselineOverhead, { overcommit: 0 }),
  ];
  const page = formats.html.render(viewOf(cells, record));
  t.match(grid(page), /<small>▇ \+33 % programs<\/small>/, 'the mean, no range of workloads');
  t.match(page, /<svg class="chart"[^>]*aria-label="Overhead in overcommit 2, in instructions"/);
  t.match(page, '<td data-c="interval">+33.1 % to +33.5 %</td>', 'the interval in words');
  t.match(page, '<td data-c="pairs (processes)">16 (8)</td>');
  t.match(page, /<s>\+33.3 %<\/s> unstable/);
  t.match(page, 'overhead: 20 % and more');
  t.match(page, 'Measured in memory=1G,overcommit=2,thp=always,engine=wasmtime,node=22#1');
  t.match(page, 'bulk-memory: not measurable under emulation.');
  t.match(page, /<th scope="row">conservative\/explicit<\/th>\s*<td[^>]*>\s*176 M instructions/);
  t.match(page, '<p>None: it is the baseline.</p>');
  t.notMatch(grid(formats.html.render(viewOf([buildStandard()], record))), 'overhead');
  t.match(page, '+33.3 % [+33.1 %, +33.5 %]', 'figures stand beside their dots');
  t.match(page, /<circle class="hollow"/, 'what is unstable is drawn hollow');
  const means = formats.html.render(viewOf([{ ...buildResult(), ...buildOverhead() }], record));
  t.match(means, />What a lower tier costs<\/h2>/);
  t.match(means, />conservative\/explicit, wasmtime, Node 22, kernels</);
  t.notMatch(formats.html.render(viewOf([buildStandard()], record)), 'id="costs"');
  const both = formats.html.render(
    viewOf(
      [{ ...buildResult(), overhead: [pair, { ...pair, clock: 'time', cpuModel: 'AMD EPYC' }] }],
      record,
    ),
  );
  t.equal(both.split('<svg class="chart"').length - 1, 2, 'time and instructions are never on one scale');
  t.end();
});

t.test('evidence is cut, and given to those first who need it', (t) => {
  t.equal(cutText('abcdef', { keep: 'end', limit: 2 }), '[4 characters left out]\nef');
  t.equal(cutText('abcdef', { keep: 'start', limit: 2 }), 'ab\n[4 characters left out]');
  const evidence = new Map(['a', 'b', 'c'].map((key) => [key, { stdout: key.repeat(10), console: ' \n' }]));
  t.same(
    [...shareBudget(['c', 'x', 'a', 'b'], evidence, 25)],
    [
      ['c', { stdout: 'cccccccccc' }],
      ['a', { stdout: 'aaaaaaaaaa' }],
    ],
  );
  const cells = [buildStandard(), buildResult({ verdict: 'unexpected' }, { overcommit: 0 })];
  const texts = new Map(cells.map((cell) => [evidenceKey(cell), { stdout: `said by ${cell.tier ?? ''}` }]));
  t.match(
    renderHtml([buildRunView({ record, results: cells, evidence: texts })]),
    /said by conservative[^]*said by standard/,
  );
  t.end();
});
