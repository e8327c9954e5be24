import t from 'tap';
import { buildOverhead, figureAt } from '../fixtures/overhead/figures.ts';
import { buildDefaultResults, buildStandard, recordOf, viewOf } from '../fixtures/report/results.ts';
import { formatCellId } from '../matrix/cell-id.ts';
import type { Result } from '../store/result.ts';
import { renderChanges } from './html/changes.ts';
import { buildPageView } from './html/page-view.ts';
import type { RunView } from './run-view.ts';
import { describeChanges, findChanges } from './since-last.ts';

const results = buildDefaultResults().map((result) => ({ ...result, id: formatCellId(result.settings) }));

/** The default run of a day, with some of its results changed. */
function runOf(day: number, change: (result: Result) => Result = (result) => result): RunView {
  const date = `2026-11-${day}`;
  const own = results.map((result) => change({ ...result, startedAt: `${date}T10:00:00.000Z` }));
  const id = `202611${day}T100000Z-aaaaaa`;
  return viewOf(own, { ...recordOf(own), id, startedAt: `${date}T10:00:00.000Z` });
}

const fall = (result: Result): Result =>
  result.settings.memory === 2 ** 29 && result.settings.overcommit === 1
    ? { ...result, tier: 'conservative', verdict: 'unexpected', reason: 'it fell' }
    : result;
const rise = (result: Result): Result =>
  result.settings.memory === 2 ** 32 && result.settings.overcommit === 2
    ? { ...buildStandard({}, result.settings), id: result.id, startedAt: result.startedAt }
    : result;

t.test('two cases of one file are two matrices, and neither is an older run of the other', (t) => {
  const caseOf = (day: number, title: string): RunView => {
    const run = runOf(day);
    return { ...run, record: { ...run.record, matrix: { ...run.record.matrix, title } } };
  };
  t.same(findChanges([caseOf(21, 'Case a#1'), caseOf(22, 'Case b#2')]), []);
  t.equal(findChanges([caseOf(21, 'Case a#1'), caseOf(22, 'Case a#1')]).length, 1);
  t.end();
});

t.test('a run beside those before it: what got worse, what better, and since when', (t) => {
  const runs = [runOf(21), runOf(22, fall), runOf(23, (result) => rise(fall(result)))];
  const [found, ...more] = findChanges(runs);
  t.equal(more.length, 0);
  t.match(found, {
    newest: { id: '20261123T100000Z-aaaaaa' },
    before: { id: '20261122T100000Z-aaaaaa' },
    older: 2,
  });
  t.equal(
    found === undefined ? '' : describeChanges(found),
    '36 cells compared with the newest results of 2 older runs: 33 the same, 3 better.',
  );
  const [first] = findChanges(runs.slice(0, 2));
  t.equal(
    first === undefined ? '' : describeChanges(first),
    '36 cells compared with the run before: 33 the same, 3 worse.',
  );
  t.match(first?.groups, [{ direction: 'worse', regression: true, where: '512M overcommit 1' }]);
  t.match(
    first?.histories,
    [1, 2, 3].map(() => ({ firstBad: '20261122T100000Z-aaaaaa', lastGood: '20261121T100000Z-aaaaaa' })),
  );
  t.end();
});

t.test('one run has no last time, and runs of two matrices are not compared', (t) => {
  t.same(findChanges([runOf(21)]), []);
  const [one, other] = [runOf(21), runOf(22)];
  const matrix = { ...other.record.matrix, file: 'matrices/other.yaml' };
  t.same(findChanges([one, { ...other, record: { ...other.record, matrix } }]), []);
  t.equal(renderChanges(buildPageView([one])), null);
  t.end();
});

t.test('parts of one run are one run', (t) => {
  const whole = runOf(22, fall);
  const [half, rest] = [whole.results.slice(0, 18), whole.results.slice(18)].map((part) =>
    viewOf(part, whole.record),
  );
  t.ok(half !== undefined && rest !== undefined);
  const parts = [half, rest].flatMap((part) => part ?? []);
  t.same(findChanges(parts), []);
  t.match(findChanges([runOf(21), ...parts]), [
    { older: 1, comparison: { compared: 36, changes: { length: 3 } } },
  ]);
  t.end();
});

t.test('the page names each change, links its cells and draws their history', (t) => {
  const page = buildPageView([
    runOf(21),
    runOf(22, fall),
    runOf(23, fall),
    runOf(24, (one) => rise(fall(one))),
  ]);
  const text = renderChanges(page)?.text ?? '';
  t.match(text, /<b>✓ better<\/b>: 4G overcommit 2: conservative → standard/);
  t.match(text, /aria-label="conservative in 3 runs, then standard in 1 run"/);
  t.equal(text.match(/href="#cell-/g)?.length, 3);
  const fallen = renderChanges(buildPageView([runOf(21), runOf(22), runOf(23, fall)]))?.text ?? '';
  t.match(fallen, /<b>✗ worse<\/b>, a regression: 512M overcommit 1: standard → conservative/);
  t.match(fallen, 'First bad run: 20261123T100000Z-aaaaaa; last good one: 20261122T100000Z-aaaaaa.');
  t.equal(fallen.match(/class="good"/g)?.length, 2);
  t.equal(fallen.match(/class="bad"/g)?.length, 1);
  t.equal(fallen.match(/class="cross"/g)?.length, 1, 'no colour alone');
  t.end();
});

t.test('a change says what else is different, how figures moved, and since when it has been bad', (t) => {
  const changesOf = (...runs: readonly RunView[]): string => renderChanges(buildPageView(runs))?.text ?? '';
  const under = (run: RunView, version: string): RunView => ({
    ...run,
    record: { ...run.record, qemu: { ...run.record.qemu, version } },
  });
  t.match(
    changesOf(runOf(21), under(runOf(22, fall), '9.0.0')),
    /<p>Also different between these runs: QEMU 7\.2\.22 → 9\.0\.0\.<\/p>/,
  );
  t.notMatch(changesOf(runOf(21), under(runOf(22), '9.0.0')), 'Also different', 'nothing is to be explained');
  const costing = (percent: number) => (result: Result) => ({
    ...result,
    ...buildOverhead(figureAt(percent)),
  });
  t.match(
    changesOf(runOf(21, costing(10)), runOf(22, costing(30))),
    /<p>random-access \(instructions\): 1\.100 [^;]*→ 1\.300 [^;]*; geometric mean, memory kernels [^;]*<\/p>/,
  );
  const bad = (tier: Result['tier']) => (result: Result) => ({
    ...result,
    tier,
    verdict: 'unexpected' as const,
  });
  const always = changesOf(runOf(21, bad('standard')), runOf(22, bad('conservative')));
  t.match(always, 'First bad run: 20261121T100000Z-aaaaaa; last good one: none of these.');
  t.match(always, ' and 28 more', '36 cells of which eight are linked');
  t.equal(always.match(/href="#cell-/g)?.length, 8);
  const broken = (result: Result): Result => ({
    ...result,
    outcome: 'broken',
    tier: null,
    form: null,
    tiers: [],
    verdict: null,
  });
  t.match(
    changesOf(runOf(21), runOf(22, broken), runOf(23, fall)),
    'aria-label="standard in 1 run, then conservative in 1 run; not judged in 1 run"',
  );
  t.end();
});
