import t from 'tap';
import { buildResult, buildStandard, record } from '../fixtures/report/results.ts';
import type { Settings } from '../axes/table.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import { renderHtml } from './format/html.ts';
import { mergeRuns } from './merge-runs.ts';
import { type RunResults, buildRunView } from './run-view.ts';

const older: RunRecord = { ...record, id: '20261120T230311Z-000001', startedAt: '2026-11-20T23:03:11.000Z' };

const grid = (page: string) => /<table class="grid [^"]*" id="grid">.*?<\/table>/s.exec(page)?.[0] ?? '';
const cellsOf = (page: string) =>
  (
    JSON.parse(/id="data">(.*?)<\/script>/s.exec(page)?.[1] ?? 'null') as Readonly<{
      cells: readonly (readonly number[])[];
    }>
  ).cells;

t.test('of each cell the newest result counts, and its age is shown', (t) => {
  const at = (startedAt: string, changes: Partial<Result> = {}, over: Partial<Settings> = {}) =>
    buildResult({ startedAt, ...changes }, over);
  const old: RunResults = {
    record: older,
    results: [at('2026-11-20T23:04:00Z'), at('2026-11-20T23:05:00Z', {}, { overcommit: 0 })],
  };
  const fresh: RunResults = {
    record,
    results: [at('2026-11-23T23:04:00Z', { outcome: 'crashed', tier: null })],
  };
  for (const runs of [
    [old, fresh],
    [fresh, old],
  ]) {
    const merged = mergeRuns(runs);
    t.same(
      merged.cells.map(({ id, run }) => [/overcommit=\d/.exec(id)?.[0], run.record.id]),
      [
        ['overcommit=2', record.id],
        ['overcommit=0', older.id],
      ],
    );
    t.equal(merged.superseded, 1);
    t.same(
      merged.runs.map((run) => run.record.id),
      [record.id, older.id],
    );
  }
  const page = renderHtml([old, fresh].map((run) => buildRunView(run)));
  t.equal(page, renderHtml([fresh, old].map((run) => buildRunView(run))));
  t.match(page, '3 days older than the newest run');
  t.match(page, '1 come from older runs (†); 1 older results of the same cells are left out');
  t.match(page, '<h2 id="runs" tabindex="-1">Runs on this page</h2>');
  t.match(grid(page), '<td class="s2 o" data-c="overcommit 0">');
  t.same(
    cellsOf(page).map((cell) => cell.at(-1)),
    [3 * 24 * 60, 0],
  );
  t.end();
});

t.test('a line of the verdict is marked as old where any of its cells is', (t) => {
  const lineOf = (before: RunRecord) => {
    const page = renderHtml([
      buildRunView({ record: before, results: [buildStandard({ id: 'memory=1G' }, { memory: 2 ** 30 })] }),
      buildRunView({ record, results: [buildStandard({ id: 'memory=512M' }, { memory: 2 ** 29 })] }),
    ]);
    return /<td class="([^"]*)" data-c="our wasm host">\s*<a href="#([^"]*)"/.exec(page)?.slice(1);
  };
  t.same(lineOf(older), ['s1 o', 'cell-memory=512M'], 'also where the first is not');
  t.same(lineOf({ ...older, startedAt: record.startedAt }), ['s1', 'cell-memory=512M']);
  t.end();
});

t.test('repetitions stay together, parts of one run are one run', (t) => {
  const again = (repetition: number, startedAt: string) => buildResult({ repetition, startedAt });
  const first = { record: older, results: [again(1, 'a'), again(2, 'b'), again(3, 'c')] };
  const second = { record, results: [again(1, 'd')] };
  const merged = mergeRuns([first, second]);
  t.same(
    merged.cells.map(({ results: kept }) => kept.length),
    [1],
    'never two of one run and one of another',
  );
  t.equal(merged.superseded, 3);
  const shards = mergeRuns([
    { record, results: [again(2, 'b')] },
    { record, results: [again(1, 'a'), again(2, 'b')] },
  ]);
  t.same(
    shards.cells.map(({ results: kept }) => kept.map(({ repetition }) => repetition)),
    [[1, 2]],
  );
  t.equal(shards.superseded, 0, 'a copy is not another result');
  t.equal(
    mergeRuns([
      { record, results: [again(1, 'a')] },
      { record, results: [again(1, 'b')] },
    ]).superseded,
    1,
  );
  t.end();
});
