import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { PoolproofError } from '../errors.ts';
import { buildOverhead, figureAt, sameCode } from '../fixtures/overhead/figures.ts';
import { buildResult, buildStandard, record } from '../fixtures/report/results.ts';
import { measureCells } from './measure-cells.ts';
import { RunResults } from './run-results.ts';
import type { Cell } from '../matrix/cell.ts';
import { parseMatrix } from '../matrix/load.ts';
import type { GuestMeasureRequest, GuestOverhead } from '../measure/measure-guest.ts';
import { lacksOverhead, planMeasurements, startOverhead } from './measurement-groups.ts';
import { collectResults, readRun } from '../store/read-run.ts';
import { createRun, resumeRun, type OpenRun } from '../store/open-run.ts';
import type { Result } from '../store/result.ts';

/** What a guest gives. */
function measured(memory = 47.7): GuestOverhead {
  const { overhead, overheadSource } = buildOverhead(figureAt(memory), figureAt(5));
  const { notMeasured: notMeasurable, resources, baselineNote } = overheadSource;
  return {
    kind: 'measured',
    summaries: overhead,
    notMeasurable: notMeasurable.map(({ workload, reason }) => ({ workload: workload ?? '', reason })),
    resources,
    baselineNote,
    raw: ['{"poolproof":"measure"}', '{"poolproof":"measure","schema":1}\n'],
    protocol: ['> run', '< done'],
    wallMs: 31_000.4,
  };
}

const text = (share: boolean, rule = ''): string =>
  `axes: {memory: [1G, 2G], overcommit: [0, 2], thp: [always, never]}\n${rule}measure: {share: ${share}, budget: 30s}\n`;
const cellsOf = (matrix: string): readonly Cell[] => [...parseMatrix(matrix, 'm.yaml').cells()];

/** Results as a run has them before anything is measured: overcommit 2 falls to conservative. */
function resultsOf(cells: readonly Cell[]): readonly Result[] {
  return cells.map((cell) => {
    const { id, settings, repetition, expectation } = cell;
    const changes = { id, repetition, evidence: null };
    if (settings.overcommit !== 2) return startOverhead(cell, buildStandard(changes, settings));
    return startOverhead(
      cell,
      buildResult(
        expectation?.overhead === undefined
          ? changes
          : {
              ...changes,
              verdict: 'undecided',
              expected: { source: 'matrix', text: 'conservative, overhead <= 20 %', expectation },
            },
        settings,
      ),
    );
  });
}

/** Repetitions of each cell that was told to be done. */
const done: (readonly number[])[] = [];

type Measure = (request: GuestMeasureRequest) => Promise<GuestOverhead>;

async function measureIn(
  run: OpenRun,
  cells: readonly Cell[],
  measure: Measure,
  signal = new AbortController().signal,
): Promise<readonly string[]> {
  const told: string[] = [];
  done.length = 0;
  await measureCells({
    matrix: { cells: () => cells },
    run,
    results: new RunResults(run, { todo: [], before: await readBack(run), retries: 0 }),
    reporter: {
      onMeasureStart: ({ id }, count) => told.push(`start ${id.slice(0, 24)} for ${count}`),
      onMeasureEnd: (ended) => told.push(`end ${ended.length}`),
      onCellDone: (repetitions) => {
        done.push(repetitions.map(({ repetition }) => repetition));
      },
    },
    runner: {
      measure: (request, onStart) => {
        onStart();
        return measure(request);
      },
      measureServing: () => Promise.reject(new RangeError('no requests were to be measured')),
    },
    signal,
    options: {},
    cold: true,
  });
  return told;
}

const init = { ...record, options: {} };

async function store(dir: string, cells: readonly Cell[]): Promise<OpenRun> {
  const run = await createRun(dir, init);
  for (const result of resultsOf(cells)) run.appendResult(result);
  return run;
}

const linesOf = async (run: OpenRun): Promise<readonly Result[]> =>
  (await readFile(join(run.dir, 'cells.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Result);

const readBack = async (run: OpenRun): Promise<readonly Result[]> =>
  collectResults((await readRun(run.dir)).results());

t.test('the baseline costs nothing: its overhead is in its first line', (t) => {
  const cells = cellsOf(text(true));
  const results = resultsOf(cells);
  t.match(
    results.filter(({ tier }) => tier === 'standard').map(({ overheadSource }) => overheadSource?.kind),
    ['baseline', 'baseline', 'baseline', 'baseline'],
  );
  t.ok(results.every((result) => lacksOverhead(result) === (result.tier !== 'standard')));
  const standard = buildStandard();
  t.equal(startOverhead({}, standard), standard, 'not where nothing is asked for');
  const checked = buildStandard({ form: { ...standard.form!, checks: 'explicit' } });
  t.equal(startOverhead(cells[0]!, checked), checked, 'nor where standard pays for checks');
  t.end();
});

t.test('cells that share use one measurement, and each says whose', async (t) => {
  const cells = cellsOf(text(true));
  await using run = await store(t.testdir(), cells);
  const asked: GuestMeasureRequest[] = [];
  const told = await measureIn(run, cells, (request) => {
    asked.push(request);
    return Promise.resolve(measured());
  });
  t.same(told, ['start memory=2G,overcommit=2,t for 4', 'end 4'], 'in the roomiest guest');
  t.match(asked, [
    {
      settings: { memory: 2 ** 31, overcommit: 2, thp: 'always' },
      reached: { tier: 'conservative', checks: 'elided' },
      workloads: [],
      precision: 0.01,
      budgetMs: 30_000,
    },
  ]);
  t.equal((await linesOf(run)).length, 12, 'a second line for each of the four, none for the baseline');
  const results = await readBack(run);
  t.equal(results.length, 8);
  const fallen = results.filter(({ tier }) => tier === 'conservative');
  t.equal(new Set(fallen.map(({ overheadSource }) => overheadSource?.measuredIn)).size, 1);
  t.match(fallen[0]?.overheadSource, {
    kind: 'measured',
    measuredIn: 'memory=2G,overcommit=2,thp=always,engine=wasmtime,node=22#1',
    wallMs: 31_000,
  });
  t.ok(fallen.every(({ overhead }) => overhead?.length === 3));
});

t.test(
  'without share each cell is measured, and different engines, Nodes and forms never share',
  async (t) => {
    const cells = cellsOf(text(false));
    await using run = await store(t.testdir(), cells);
    t.equal((await measureIn(run, cells, () => Promise.resolve(measured()))).length, 8);
    const own = await readBack(run);
    const sources = own.flatMap(({ overheadSource }) => overheadSource?.measuredIn ?? []);
    t.equal(new Set(sources).size, 4);

    const mixed = cellsOf(
      'axes: {node: [22, 24], overcommit: [2], env: [{}, {A: "1"}]}\nmeasure: {share: true}',
    );
    t.equal(planMeasurements(mixed, resultsOf(mixed)).length, 4, 'Node and variables decide the code');
    const shaped = cellsOf(
      'axes: {overcommit: [2], cpu: [default, Haswell], allocator: conservative, guard: [default, 64K]}\nmeasure: {share: true}',
    );
    t.equal(planMeasurements(shaped, resultsOf(shaped)).length, 4, 'so do CPU flags and parameters');
    const narrow = cellsOf('axes: {overcommit: [2], addressBits: [default, 39]}\nmeasure: {share: true}');
    t.equal(planMeasurements(narrow, resultsOf(narrow)).length, 2, 'another baseline may be possible');
    const forms = resultsOf(cells).map((result, index) =>
      result.form === null || index !== 2
        ? result
        : { ...result, form: { ...result.form, checks: 'explicit' as const } },
    );
    t.equal(planMeasurements(cellsOf(text(true)), forms).length, 2);
  },
);

t.test('a cell is done when its last repetition is measured, a retry among them', async (t) => {
  const cells = cellsOf('axes: {overcommit: [2]}\nrepeat: 3\nmeasure: {share: false}');
  await using run = await store(t.testdir(), cells);
  const [first] = await readBack(run);
  run.appendResult({ ...first!, repetition: 4 });
  await measureIn(run, cells, () => Promise.resolve(measured()));
  t.same(done, [[1, 2, 3, 4]]);
  t.notOk((await readBack(run)).some(lacksOverhead));
});

t.test('raw samples and the talk with the guest join the evidence of the cell measured', async (t) => {
  const cells = cellsOf('axes: {overcommit: [2]}\nmeasure: {overhead: true}');
  await using run = await createRun(t.testdir(), init);
  const [cell] = cells;
  const evidence = run.writeEvidence(cell!, { stdout: 'tier' });
  run.appendResult({ ...resultsOf(cells)[0]!, evidence });
  await measureIn(run, cells, () => Promise.resolve(measured()));
  const read = (name: string) => readFile(join(run.dir, evidence, name), 'utf8');
  t.equal(await read('stdout'), 'tier', 'what was there stays');
  t.equal(await read('overhead.jsonl'), '{"poolproof":"measure"}\n{"poolproof":"measure","schema":1}\n');
  t.equal(await read('overhead-protocol.log'), '> run\n< done\n');
  t.throws(() => run.addEvidence(evidence, { '../x': '' }), RangeError);
  t.throws(() => run.addEvidence('evidence/none', { stdout: '' }), { code: 'STORE_UNWRITABLE' });
});

t.test('a measurement that fails is a reason, and every tier and verdict stays', async (t) => {
  const cells = cellsOf(text(true));
  const raw = { raw: [], protocol: [] };
  const failures: readonly [Measure, string][] = [
    [() => Promise.resolve({ kind: 'not-measured', reason: 'kernel panic', ...raw }), 'kernel panic'],
    [() => Promise.reject(new PoolproofError('IMAGE_FETCH', 'no network')), 'no network'],
  ];
  for (const [index, [measure, reason]] of failures.entries()) {
    await using run = await store(join(t.testdir(), String(index)), cells);
    await measureIn(run, cells, measure);
    const results = await readBack(run);
    t.equal(results.filter(({ verdict }) => verdict === 'expected').length, 8);
    const failed = results.filter(({ overheadSource }) => overheadSource?.kind === 'not-measured');
    t.match(
      failed.map(({ overheadSource }) => overheadSource?.notMeasured),
      Array(4).fill([{ workload: null, reason }]),
    );
    t.same(
      await measureIn(run, cells, () => Promise.reject(new Error('called'))),
      [],
      'and is not tried again',
    );
  }
  await using run = await store(join(t.testdir(), 'bug'), cells);
  await t.rejects(
    measureIn(run, cells, () => Promise.reject(new TypeError('a bug'))),
    TypeError,
  );
});

t.test('a bound is decided by what was measured', async (t) => {
  const rule = 'expect: [{where: {overcommit: 2}, tier: conservative, overhead: <= 20%}]\n';
  const cells = cellsOf(text(true, rule));
  for (const [memory, verdict] of [
    [10, 'expected'],
    [47.7, 'unexpected'],
    [20, 'undecided'],
  ] as const) {
    await using run = await store(join(t.testdir(), verdict), cells);
    t.match(
      (await readBack(run)).filter(({ tier }) => tier === 'conservative'),
      [{ verdict: 'undecided' }],
    );
    await measureIn(run, cells, () => Promise.resolve(measured(memory)));
    const results = await readBack(run);
    t.equal(results.filter((result) => result.verdict === verdict).length, verdict === 'expected' ? 8 : 4);
  }
});

t.test(
  'an interrupted measurement leaves the tiers, and a resumed run measures what is missing',
  async (t) => {
    const cells = cellsOf(text(true));
    const dir = t.testdir();
    const stop = new AbortController();
    const begun = await store(dir, cells);
    const folder = begun.dir;
    {
      await using run = begun;
      await measureIn(
        run,
        cells,
        () => {
          stop.abort(new Error('interrupted'));
          return Promise.reject(new Error('interrupted'));
        },
        stop.signal,
      );
      t.equal((await readBack(run)).length, 8);
      t.notOk(
        (await readBack(run)).some(
          ({ overheadSource }) => overheadSource?.kind !== 'baseline' && overheadSource,
        ),
      );
    }
    {
      // Killed while the second of four lines was written.
      await using run = await resumeRun(folder, init);
      t.equal(run.done.size, 8, 'no cell is run again');
      const [first] = planMeasurements(cells, await readBack(run));
      const { waiting } = first!;
      run.appendResult({
        ...waiting[0]!,
        ...buildOverhead(figureAt(3), figureAt(0, 0, sameCode), 'the first#1'),
      });
    }
    await using run = await resumeRun(folder, init);
    const told = await measureIn(run, cells, () => Promise.reject(new Error('measured again')));
    t.same(told, ['end 3'], 'the figures that are there are used');
    const sources = (await readBack(run)).map(({ overheadSource }) => overheadSource?.measuredIn);
    t.equal(sources.filter((source) => source === 'the first#1').length, 4);
  },
);

t.test('a cell in a kernel file is never measured, and its want of figures is no figure of others', (t) => {
  const rule = "expect: [{ where: { overcommit: 2 }, tier: conservative, overhead: '<= 20%' }]\n";
  const all = cellsOf(text(true, rule));
  const own = all.map((cell): Cell => ({ ...cell, kernelFile: './bzImage' }));
  const results = resultsOf(own);
  t.same(planMeasurements(own, results), []);
  const bounded = results.filter(({ settings }) => settings.overcommit === 2);
  t.match(bounded[0], {
    verdict: 'undecided',
    reason: /is undecided: costs are measured in kernels that a row names/,
  });
  const mixed = all.map((cell, index): Cell =>
    index % 2 === 0 ? { ...cell, kernelFile: './bzImage' } : cell,
  );
  t.match(planMeasurements(mixed, resultsOf(mixed)), [{ known: null }]);
  t.end();
});
