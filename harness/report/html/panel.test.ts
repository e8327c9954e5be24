import t from 'tap';
import { buildOverhead, figureAt } from '../../fixtures/overhead/figures.ts';
import { buildResult, recordOf, viewOf, silentAttempt } from '../../fixtures/report/results.ts';
import { facts } from '../../fixtures/outcome/observations.ts';
import { notMeasured } from '../../outcome/overhead.ts';
import { servingNotMeasured } from '../../outcome/serving.ts';
import type { Result } from '../../store/result.ts';
import type { RunRecord } from '../../store/run-record.ts';
import { evidenceKey } from '../evidence.ts';
import { drawIntervals } from './interval-chart.ts';
import { renderCosts } from './overhead.ts';
import { buildPageView } from './page-view.ts';
import { buildPanel } from './panel.ts';

/** The panel of a cell with this result. */
function panelOf(changes: Partial<Result>, run: Partial<RunRecord> = {}, stderr = ''): string {
  const result = buildResult(changes);
  const { cells } = buildPageView([viewOf([result], { ...recordOf([result]), ...run })]);
  const evidence = new Map(stderr === '' ? [] : [[evidenceKey(result), { stderr }]]);
  return cells.flatMap((cell) => buildPanel(cell, evidence).map(({ text }) => text)).join('');
}

const dropped = { memTotal: null, addressBits: null, maxMapCount: null, cpuModel: null };

t.test('what a guest did not say of itself has no line', (t) => {
  const names = ['MemTotal', 'address width', 'vm.max_map_count', 'CPU'];
  const known = panelOf({});
  const unknown = panelOf({ facts: { ...facts, ...dropped } });
  for (const name of names) {
    t.match(known, `<dt>${name}</dt>`);
    t.notMatch(unknown, `<dt>${name}</dt>`);
  }
  t.match(unknown, '<dt>CommitLimit</dt>');
  const hostless = panelOf({ host: null });
  t.match(hostless, '<dt>bounds checks</dt><dd>elided</dd>', 'the tier of a host that reported nothing else');
  for (const name of ['resident after the proof', 'mappings after the proof', 'engine']) {
    t.match(known, `<dt>${name}</dt><dd>`);
    t.notMatch(hostless.slice(hostless.indexOf('What the tier looks like')), `>${name}</dt><dd>wasmtime 50`);
  }
  t.match(
    panelOf({}, { accelerator: { kind: 'kvm', reason: 'found' } }),
    'hardware virtualisation (KVM), QEMU',
  );
  t.end();
});

t.test('an attempt that says little, and one without a prediction, are told as they are', (t) => {
  const rowOf = (changes: Partial<Result>): readonly string[] =>
    /<th scope="row">standard<\/th><td data-c="predicted">(.*?)<\/td><td data-c="observed">(.*?)<\/td>/
      .exec(panelOf(changes))
      ?.slice(1) ?? [];
  t.same(rowOf({ predicted: null, tiers: [silentAttempt] }), ['–', 'fails (no class): no message']);
  t.same(
    rowOf({
      predicted: null,
      tiers: [{ ...silentAttempt, class: 'oom', message: 'no memory', bytes: 2 ** 30 }],
    }),
    ['–', 'fails (oom, 1024 MiB refused): no memory'],
  );
  t.end();
});

t.test('what was not measured says why', (t) => {
  const failed = panelOf(notMeasured('it died'));
  t.match(failed, '<p>Not measured.</p><p>nothing was measured: it died.</p>');
  const { overheadSource } = buildOverhead();
  const noted = { ...overheadSource, baselineNote: 'of another cell' } as NonNullable<
    Result['overheadSource']
  >;
  t.match(panelOf({ overheadSource: noted }), '<p>Baseline: of another cell.</p>');
  const unpriced = panelOf({ serving: servingNotMeasured('status 500') });
  t.match(unpriced, '<h3>A request</h3><p>Requests not measured: status 500.</p>', 'no empty table');
  t.end();
});

t.test('standard error of what failed is open, that of what came up is not', (t) => {
  const title = '<summary>Standard error of the wasm host</summary>';
  t.match(panelOf({}, {}, 'a warning'), `<details class="fold">${title}`);
  t.match(
    panelOf({ outcome: 'crashed', tier: null, form: null }, {}, 'a panic'),
    `<details class="fold" open>${title}`,
  );
  t.end();
});

t.test('a chart has names that fit, and a tick whatever its scale', (t) => {
  const interval = { low: 70, high: 90, ratio: 80, stable: true };
  const { text } = drawIntervals([{ ...interval, name: 'x'.repeat(70) }], 'title');
  t.match(text, `>${'x'.repeat(57)}…</text`);
  t.match(text, /class="zero"[^>]*\/><text [^>]*>0 %<\/text>/);
  t.end();
});

t.test('a chart of many measurements says how many it leaves out', (t) => {
  const results = Array.from({ length: 21 }, (_, index) =>
    buildResult({ id: `cell-${index}`, ...buildOverhead(figureAt(index + 1), figureAt(index + 30)) }),
  );
  t.match(renderCosts(buildPageView([viewOf(results)]).cells)?.text, '<p>2 more: see the cells.</p>');
  t.end();
});
