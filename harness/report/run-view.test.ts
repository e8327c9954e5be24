import t from 'tap';
import {
  buildDefaultResults,
  buildResult,
  buildStandard,
  settings,
  viewOf,
} from '../fixtures/report/results.ts';
import { axes, type Settings } from '../axes/table.ts';
import { buildDistributions, observedOf } from '../outcome/repetitions.ts';
import type { Result } from '../store/result.ts';
import { findUsual, findVaried, labelValue, orderForReports } from './axis-labels.ts';
import { prepareDescriptions } from './describe-cells.ts';
import { type CellView, buildCells, formatCell } from './cell-view.ts';
import { buildGrid, formatLegend, listLayouts } from './grid.ts';
import { fillRanges, groupReasons } from './group-reasons.ts';
import { exitCodeOf } from './exit-code.ts';
import { formatCounts } from './format-run.ts';

const mib = 2 ** 20;
/** Cells by their settings: the ids of fixtures do not name every axis. */
const cellsOf = (results: readonly Result[]): readonly CellView[] =>
  buildCells(results.map((result) => ({ ...result, id: JSON.stringify(result.settings) })));
const whereOf = (part: readonly Result[], all: readonly Result[]) =>
  prepareDescriptions(all, findVaried(all))(part);
const shortfall = (leaves: string) => `table pool needs 1531 MiB, CommitLimit leaves ${leaves}`;

t.test('the default matrix: what varies, what happened, why', (t) => {
  const summary = viewOf(buildDefaultResults());
  t.same(
    summary.axes.map(({ name, values }) => [name, values.join(' ')]),
    [
      ['memory', '512M 1G 2G 4G'],
      ['overcommit', '0 1 2'],
      ['thp', 'always madvise never'],
    ],
  );
  t.match(summary, {
    exitCode: 0,
    counts: { total: 36, byTier: { standard: 24, conservative: 12, 'on-demand': 0 } },
  });
  t.same(summary.counts.byVerdict, { expected: 36, unexpected: 0, undecided: 0, none: 0 });
  t.match(summary.reasons, [
    { where: '512M–2G overcommit 2', reason: /needs 153\d MiB, CommitLimit leaves 56–811 MiB$/, cells: 9 },
    { where: '4G overcommit 2', reason: /^stack pool/, cells: 3 },
  ]);
  t.equal(formatCounts(summary), '36 cells: 36 reached (24 standard, 12 conservative); 36 as expected');
  t.end();
});

t.test('machines that were started again are counted, and those that hung', (t) => {
  const lost = (kind: 'no-console' | 'exited') => ({
    start: 'clone' as const,
    outcome: 'broken' as const,
    detail: '',
    machineEnd: { kind, detail: '' },
  });
  const { attempts } = buildResult();
  const once = (kind: 'no-console' | 'exited') => buildResult({ attempts: [lost(kind), ...attempts] });
  t.same(viewOf([buildResult()]).counts.restarts, { count: 0, hung: 0 });
  const summary = viewOf([buildResult(), once('no-console'), once('exited')]);
  t.same(summary.counts.restarts, { count: 2, hung: 1 });
  t.match(formatCounts(summary), /; 2 machines started again, 1 hung$/);
  t.match(formatCounts(viewOf([once('exited')])), /; 1 machine started again, 0 hung$/);
  t.end();
});

t.test('the exit code tells unexpected from unjudged, and unexpected wins', (t) => {
  const of = (...pairs: readonly (readonly [Result['outcome'], Result['verdict']])[]) =>
    exitCodeOf(
      buildDistributions(
        pairs.map(([outcome, verdict], index) =>
          buildStandard({ id: `${index}`, outcome, verdict, ...(outcome !== 'reached' && { tier: null }) }),
        ),
      ),
    );
  t.equal(of(['reached', 'expected'], ['crashed', 'expected']), 0);
  t.equal(of(['reached', 'expected'], ['skipped', null]), 0);
  t.equal(of(['reached', 'unexpected'], ['broken', null]), 1);
  t.equal(of(['reached', 'expected'], ['broken', null]), 2);
  t.equal(of(['reached', 'expected'], ['invalid', null]), 2);
  t.equal(of(['reached', null]), 2, 'nothing was expected');
  t.equal(of(['skipped', null]), 2, 'nothing was tested');
  t.equal(of(), 2);
  t.equal(
    exitCodeOf(buildDistributions([buildStandard({ verdict: 'unexpected' })]), { interrupted: true }),
    130,
  );
  t.end();
});

t.test('settings are told as in cell ids', (t) => {
  const asks: Settings = {
    ...settings,
    memory: 1536 * mib,
    addressSpace: 8 * 2 ** 30,
    env: { B: '2', A: '=1' },
  };
  t.equal(labelValue(axes.memory, asks), '1536M');
  t.equal(labelValue(axes.addressSpace, asks), '8G');
  t.equal(labelValue(axes.dataLimit, asks), 'unlimited');
  t.equal(labelValue(axes.env, asks), 'A=%3D1,B=2');
  t.equal(labelValue(axes.env, settings), 'none');
  t.same(
    orderForReports()
      .map(({ name }) => name)
      .sort(),
    Object.keys(settings).sort(),
    'every axis is told',
  );
  const limits = [null, 2 ** 33, 2 ** 31].map((addressSpace) => buildResult({}, { addressSpace }));
  t.match(findVaried(limits), [{ name: 'addressSpace', values: ['2G', '8G', 'unlimited'], ordered: true }]);
  const nodes = ['24', '8', '22'].map((node) => buildResult({}, { node }));
  t.match(findVaried(nodes), [{ name: 'node', values: ['8', '22', '24'], ordered: false }]);
  const usual = (of: readonly Result[], all = of) => [...findUsual(of, findVaried(all)).values()];
  const old = ['18', '20'].map((node) => buildResult({}, { node }));
  t.same(usual(nodes), ['22'], 'the default where there is one');
  t.same(usual(old), ['18'], 'the first of those that are as frequent');
  t.same(usual(old.slice(1), old), ['20'], 'the most frequent of some cells');
  t.end();
});

t.test('a set of cells is described in few words, exactly', (t) => {
  const all = buildDefaultResults();
  const only = (test: (asks: Settings) => boolean) =>
    whereOf(
      all.filter((cell) => test(cell.settings)),
      all,
    );
  t.equal(
    only(() => true),
    'all cells',
  );
  t.equal(
    only(({ memory }) => memory > 512 * mib),
    '1G–4G',
  );
  t.equal(
    only(({ memory }) => memory === 2 ** 30),
    '1G',
  );
  t.equal(
    only(({ memory }) => memory !== 2 ** 30),
    '512M/2G/4G',
  );
  t.equal(
    only(({ overcommit, thp }) => overcommit === 2 && thp !== 'never'),
    'overcommit 2 thp always/madvise',
  );
  t.equal(
    only(({ memory, overcommit }) => overcommit === 2 || memory === 512 * mib),
    '512M; 1G–4G overcommit 2',
    'no product: two clauses',
  );
  const scattered = only(({ memory, overcommit, thp }) => (memory / mib + overcommit + thp.length) % 3 === 0);
  t.match(scattered, /^(?:[^;]+; )*[^;]+$/);
  t.end();
});

t.test('cells that the matrix leaves out are neither named nor missed', (t) => {
  const all = buildDefaultResults().filter(
    ({ settings: { memory, thp } }) => !(memory === 512 * mib && thp === 'always'),
  );
  t.equal(
    whereOf(
      all.filter(({ settings: { overcommit } }) => overcommit === 2),
      all,
    ),
    'overcommit 2',
  );
  t.end();
});

t.test('many clauses become a number', (t) => {
  const all = Array.from({ length: 20 }, (_, index) =>
    [0, 1, 2].map((overcommit) =>
      buildResult({}, { memory: (index + 1) * 2 ** 30, overcommit: overcommit as 0 }),
    ),
  ).flat();
  // Overcommit as a word of the memory's bits: hardly two sizes read the same.
  const part = all.filter(
    ({ settings: { memory, overcommit, thp } }) =>
      thp === 'always' && (memory / 2 ** 30) % (overcommit + 2) === 0,
  );
  t.match(whereOf(part, all), /;.* and \d+ more$|;/);
  const pairs = Array.from({ length: 6 }, (_, index) =>
    buildResult({}, { memory: (index + 1) * 2 ** 30, cpus: index + 1 }),
  );
  const others = pairs.map((pair) => buildResult({}, { ...pair.settings, cpus: 20 }));
  t.equal(whereOf(pairs, [...pairs, ...others]), '1G cpus 1; 2G cpus 2; 3G cpus 3; 4G cpus 4 and 2 more');
  t.end();
});

t.test('reasons that differ in measurements only are one line with ranges', (t) => {
  const cells = (...reasons: readonly string[]) =>
    reasons.map((reason, index) => buildResult({ reason }, { memory: (index + 1) * 2 ** 30 }));
  const told = (...reasons: readonly string[]) => {
    const all = cells(...reasons);
    return groupReasons(all, findVaried(all)).map(({ reason }) => reason);
  };
  t.same(told(shortfall('172 MiB'), shortfall('56 MiB')), [shortfall('56–172 MiB')]);
  t.same(told(shortfall('172 MiB'), shortfall('512 KiB')), [shortfall('0.5–172 MiB')], 'across units');
  t.same(told(shortfall('9 MiB'), shortfall('10 MiB')), [shortfall('9–10 MiB')], 'as numbers, not as text');
  const maps = (left: number) =>
    `guard pages of the stack pool need 2123 mappings, vm.max_map_count leaves ${left}`;
  t.same(told(maps(900), maps(870)), [maps(870).replace('870', '870–900')]);
  t.equal(told('wasmtime 50.0.1 fails', 'wasmtime 38.0.0 fails').length, 2, 'a version is a name');
  t.end();
});

t.test('what did otherwise than expected or said says so', (t) => {
  const matrix = {
    source: 'matrix',
    text: 'standard',
    expectation: { tier: 'standard', because: null, link: null },
  } as const;
  const tell = (changes: Partial<Result>) => {
    const all = [buildResult({ reason: 'why', ...changes })];
    return groupReasons(all, findVaried(all)).map(({ reason, where }) => `${where}: ${reason}`)[0];
  };
  t.equal(
    tell({ verdict: 'unexpected', expected: matrix }),
    'all cells: expected standard, got conservative: why',
  );
  t.equal(
    tell({ verdict: 'unexpected', expected: null }),
    'all cells: expected something else, got conservative: why',
  );
  t.equal(tell({ outcome: 'broken', tier: null, form: null, verdict: null }), 'all cells: broken: why');
  t.equal(tell({ verdict: null, expected: null }), 'all cells: nothing was expected: why');
  t.equal(tell({ finding: 'the model said x', expected: matrix }), 'all cells: why (the model said x)');
  t.equal(tell({ outcome: 'crashed', tier: null, form: null, tiers: [] }), 'all cells: crashed: why');
  t.same(groupReasons([buildStandard()], []), [], 'what reached the best tier as expected needs no reason');
  t.end();
});

t.test('the grid has a row for every other axis and a place for every cell', (t) => {
  const results = [
    buildStandard({}, { overcommit: 0, node: '22' }),
    buildResult({}, { overcommit: 2, node: '22' }),
    buildStandard({}, { overcommit: 0, node: '24' }),
  ];
  const axes = findVaried(results);
  t.same(listLayouts(cellsOf(results), axes), [['overcommit']]);
  t.same(listLayouts([], []), [[]]);
  t.same(listLayouts(cellsOf(buildDefaultResults()), findVaried(buildDefaultResults())), [
    ['overcommit', 'thp'],
    ['thp'],
  ]);
  const grid = buildGrid(cellsOf(results), axes, ['overcommit']);
  t.match(grid, { rowHeads: ['node'], columnAxes: ['overcommit'], columns: [['0'], ['2']] });
  t.same(
    grid.rows.map(({ labels, places }) => [labels[0], ...places.map((place) => place && formatCell(place))]),
    [
      ['22', 'standard', 'conservative'],
      ['24', 'standard', null],
    ],
  );
  t.same(formatLegend(grid), ['· not in the matrix']);
  t.end();
});

t.test('axes that leave holes or do not fit become settings of a line', (t) => {
  const sparse = [
    buildStandard({}, { overcommit: 0, node: '20' }),
    buildResult({}, { overcommit: 2, node: '22' }),
    buildStandard({}, { overcommit: 0, node: '24' }),
  ];
  t.same(listLayouts(cellsOf(sparse), findVaried(sparse)), [[]], 'half of the places would be empty');
  const many = [
    buildStandard({}, { memory: 2 ** 29, node: '20', cpus: 1, swap: 2 ** 30 }),
    buildResult({}, { memory: 2 ** 30, node: '22', cpus: 2 }),
    buildResult({}, { memory: 2 ** 30, node: '22', cpus: 1 }),
    buildResult({ outcome: 'crashed', tier: null }, { memory: 2 ** 30, node: '24', cpus: 4 }),
  ];
  const grid = buildGrid(cellsOf(many), findVaried(many), []);
  t.same(grid.rowHeads, ['memory', 'settings']);
  t.same(
    grid.rows.map(({ labels }) => labels),
    [
      ['512M', 'node 20, swap 1G'],
      ['1G', 'as usual'],
      ['1G', 'cpus 2'],
      ['1G', 'node 24, cpus 4'],
    ],
  );
  t.same(formatLegend(grid), ['as usual: node 22, cpus 1, swap none']);
  t.same(
    grid.rows.map(({ places }) => places.length),
    [1, 1, 1, 1],
  );
  const unheard = many.map((result) => ({
    ...result,
    settings: { ...result.settings, engine: 'x', node: '9' },
  }));
  const others = [...unheard, { ...unheard[0]!, settings: { ...unheard[0]!.settings, node: '8' } }];
  t.equal(findUsual(others, findVaried(others)).get('node'), '9', 'without the default what most have');
  const crashed = (address: string) =>
    buildResult({ outcome: 'crashed', tier: null, form: null, reason: `died at 0x${address}` });
  const [one, ...more] = groupReasons([crashed('7f57dd64524a'), crashed('7fa6a336524a')], []);
  t.match(one, { cells: 2, reason: 'crashed: died at 0x…' });
  t.same(more, [], 'an address is no reason of its own');
  t.end();
});

t.test('a place shows repetitions, verdicts and findings by signs', (t) => {
  const place = (...results: readonly Result[]) => {
    const grid = buildGrid(cellsOf(results), findVaried(results), []);
    return [formatCell(grid.rows[0]!.places[0]!), ...formatLegend(grid)];
  };
  const again = (repetition: number, result = buildStandard()): Result => ({ ...result, repetition });
  t.same(place(again(1), again(2)), ['standard ×2']);
  t.same(place(again(1), again(2), again(3, buildResult())), ['standard 2/3, conservative 1/3']);
  t.same(place(buildResult({ verdict: 'unexpected', finding: 'f' })), ['conservative ✗', '✗ unexpected']);
  t.same(place(buildResult({ outcome: 'broken', tier: null, verdict: null })), ['broken ?', '? no verdict']);
  t.same(place(buildResult({ outcome: 'skipped', tier: null, verdict: null })), ['skipped']);
  t.match(place(buildResult({ finding: 'f' })), ['conservative *', /model/]);
  t.equal(observedOf({ outcome: 'reached', tier: null }), 'broken', 'reached without a tier proves nothing');
  t.end();
});

t.test('both ends of a range are in one unit', (t) => {
  const range = (...ends: string[]) =>
    fillRanges(
      '\u0000',
      ends.map((end) => [end]),
    );
  t.equal(range('160 MiB', '868 MiB'), '160–868 MiB');
  t.equal(range('66083 MiB', '258 GiB'), '64.5–258 GiB');
  t.equal(range('4096 KiB', '4160 MiB'), '4–4160 MiB');
  t.equal(range('16384 MiB', '9.77 TiB'), '0.0156–9.77 TiB');
  t.equal(range('956 MiB', '3.94 TiB'), '0.934–4035 GiB');
  t.equal(range('882', '860'), '860–882');
  t.equal(range('0', '158 MiB'), '0–158 MiB', 'a number without a unit is in none');
  t.end();
});
