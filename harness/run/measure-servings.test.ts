import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { PoolproofError } from '../errors.ts';
import { buildResult, buildStandard, record } from '../fixtures/report/results.ts';
import type { Cell } from '../matrix/cell.ts';
import { parseMatrix } from '../matrix/load.ts';
import type { GuestServing } from '../measure/measure-serving.ts';
import { notMeasured } from '../outcome/overhead.ts';
import { createRun, type OpenRun } from '../store/open-run.ts';
import { collectResults, readRun } from '../store/read-run.ts';
import type { Result } from '../store/result.ts';
import { measureCells } from './measure-cells.ts';
import { RunResults } from './run-results.ts';
import type { ServingRequest } from './runner.ts';

const cellsOf = (matrix: string): readonly Cell[] => [...parseMatrix(matrix, 'm.yaml').cells()];

/** Overcommit 2 falls to conservative. */
const resultOf = ({ id, settings, repetition }: Cell): Result =>
  (settings.overcommit === 2 ? buildResult : buildStandard)({ id, repetition, evidence: null }, settings);

async function store(dir: string, cells: readonly Cell[]): Promise<OpenRun> {
  const run = await createRun(dir, { ...record, options: {} });
  for (const cell of cells) run.appendResult(resultOf(cell));
  return run;
}

const readBack = async (run: OpenRun): Promise<readonly Result[]> =>
  collectResults((await readRun(run.dir)).results());

type Serve = (request: ServingRequest) => Promise<GuestServing>;

/** Measures, and says what a reporter hears. */
async function measureIn(
  run: OpenRun,
  cells: readonly Cell[],
  serve: Serve = () => Promise.reject(new RangeError('no requests were to be measured')),
): Promise<readonly string[]> {
  const heard: string[] = [];
  await measureCells({
    matrix: { cells: () => cells },
    run,
    results: new RunResults(run, { todo: [], before: await readBack(run), retries: 0 }),
    reporter: {
      onMeasureStart: (_, count) => heard.push(`start for ${count}`),
      onMeasureEnd: ({ length }) => heard.push(`end ${length}`),
      onCellDone: ({ length }) => heard.push(`done ${length}`),
    },
    runner: {
      measure: (_, onStart) => {
        onStart();
        return Promise.resolve({ kind: 'not-measured', reason: 'no time', raw: [], protocol: [] });
      },
      measureServing: (request, onStart) => {
        onStart();
        return serve(request);
      },
    },
    signal: new AbortController().signal,
    options: {},
    cold: true,
  });
  return heard;
}

const price = {
  work: 'hello',
  instructions: 261_000,
  baseline: 145_000,
  ratio: { ratio: 1.8, low: 1.79, high: 1.81 },
  requests: 1000,
  stable: true,
} as const;

const served: GuestServing = {
  kind: 'measured',
  prices: [price],
  notMeasurable: [{ workload: 'sleep', reason: 'the budget of 60 s was used up' }],
  isBaseline: false,
  raw: ['{"component":"hello"}'],
  protocol: ['> load'],
  wallMs: 9000.4,
};

t.test('the price of a request is measured in every cell that was reached, the baseline too', async (t) => {
  const cells = cellsOf('axes: {memory: [1G], overcommit: [0, 2]}\nmeasure: {serving: true, budget: 30s}\n');
  await using run = await store(t.testdir(), cells);
  const [first] = cells;
  run.appendResult({ ...resultOf(first!), repetition: 2, outcome: 'broken', tier: null, form: null });
  const requests: ServingRequest[] = [];
  const serve: Serve = (request) => {
    requests.push(request);
    return Promise.resolve({ ...served, isBaseline: request.settings.overcommit === 0 });
  };
  t.same((await measureIn(run, cells, serve)).toSorted(), [
    'done 1',
    'done 2',
    'end 1',
    'end 1',
    'start for 1',
    'start for 1',
  ]);
  t.match(requests, [
    { tier: 'standard', subject: null, budgetMs: 30_000, precision: 0.01, cold: true },
    { tier: 'conservative', reached: { tier: 'conservative', form: { checks: 'elided' } } },
  ]);
  const results = (await readBack(run)).filter(({ outcome }) => outcome === 'reached');
  t.match(
    results.map(({ serving }) => serving),
    [
      { kind: 'baseline', prices: [price] },
      {
        kind: 'measured',
        measuredIn: 'memory=1G,overcommit=2,thp=always,engine=wasmtime,node=22#1',
        prices: [price],
        notMeasured: [{ workload: 'sleep', reason: /budget/ }],
        wallMs: 9000,
      },
    ],
  );
  t.ok(
    results.every(({ overheadSource }) => overheadSource === undefined),
    '`serving: true` alone measures nothing else',
  );
  t.same(await measureIn(run, cells), [], 'a resumed run measures nothing twice');
});

t.test('cells that share have one price, and accesses and requests are both in the last line', async (t) => {
  const cells = cellsOf(
    'axes: {memory: [1G, 2G], overcommit: [2]}\nmeasure: {overhead: true, serving: true, share: true}\n',
  );
  await using run = await store(t.testdir(), cells);
  const heard = await measureIn(run, cells, ({ settings }) =>
    Promise.resolve({ ...served, prices: [{ ...price, requests: settings.memory / 2 ** 20 }] }),
  );
  t.same(heard, ['start for 2', 'end 2', 'start for 2', 'end 2', 'done 1', 'done 1'], 'done with both');
  t.match(await readBack(run), [
    { serving: { prices: [{ requests: 2048 }] }, ...notMeasured('no time') },
    { serving: { prices: [{ requests: 2048 }] }, ...notMeasured('no time') },
  ]);
});

t.test('what the servers did joins the evidence of the cell', async (t) => {
  const cells = cellsOf('axes: {overcommit: [2]}\nmeasure: {serving: true}\n');
  await using run = await createRun(t.testdir(), { ...record, options: {} });
  const [cell] = cells;
  const evidence = run.writeEvidence(cell!, { stdout: 'tier' });
  run.appendResult({ ...resultOf(cell!), evidence });
  await measureIn(run, cells, () => Promise.resolve(served));
  const read = (name: string) => readFile(join(run.dir, evidence, name), 'utf8');
  t.equal(await read('serving.jsonl'), '{"component":"hello"}\n');
  t.equal(await read('serving-protocol.log'), '> load\n');
});

t.test('requests that cannot be measured are a reason in the result', async (t) => {
  const cells = cellsOf('axes: {overcommit: [2]}\nmeasure: {serving: true}\n');
  const trace = { raw: [], protocol: [] };
  const failures: readonly [Serve, string][] = [
    [() => Promise.resolve({ kind: 'not-measured', reason: 'status 500', ...trace }), 'status 500'],
    [() => Promise.reject(new PoolproofError('IMAGE_FETCH', 'no network')), 'no network'],
  ];
  for (const [index, [serve, reason]] of failures.entries()) {
    await using run = await store(join(t.testdir(), String(index)), cells);
    await measureIn(run, cells, serve);
    t.match(await readBack(run), [
      { outcome: 'reached', serving: { kind: 'not-measured', prices: [], notMeasured: [{ reason }] } },
    ]);
  }
  await using run = await store(join(t.testdir(), 'unknown'), cells);
  run.appendResult({ ...resultOf(cells[0]!), facts: null });
  await measureIn(run, cells);
  t.match(await readBack(run), [
    { serving: { notMeasured: [{ reason: /limits of the cell are not known/ }] } },
  ]);
});
