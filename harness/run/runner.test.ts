/** A boot plan and its results are plain data: it does not matter who runs it, or where. */
import { deepStrictEqual } from 'node:assert';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { buildOverhead, figureAt } from '../fixtures/overhead/figures.ts';
import { fakeMachines, type Script } from '../fixtures/fake-machine.ts';
import { fakeImages, fakePrepared } from '../fixtures/fake-prepared.ts';
import { conservativeReport } from '../fixtures/outcome/observations.ts';
import type { EventMessage, PlansMessage } from '../fixtures/runner-process.ts';
import { parseMatrix } from '../matrix/load.ts';
import type { GuestOverhead } from '../measure/measure-guest.ts';
import type { GuestServing } from '../measure/measure-serving.ts';
import type { Result } from '../store/result.ts';
import { planBoots } from './boot-plan.ts';
import { LocalRunner } from './local-runner.ts';
import { runPrepared } from './run.ts';
import type { Runner } from './runner.ts';

const stdout = `${JSON.stringify(conservativeReport)}\n`;
/** Two boots of a template fail, then a cell does, and its retry too. */
const scripts: readonly Script[] = [
  { exitAtStart: true },
  { exitAtStart: true },
  { exitCode: 134, stderr: 'Aborted' },
  { stdout },
];
const matrix = parseMatrix(
  `axes: {memory: [512M], env: [{}, {A: "1", B: two words}], subject: [wasm-host, plain-node]}
subjects: {plain-node: {run: ['{node}', -v], ready: {exit: 0}, tiers: {conservative: v2}}}
expect: [{tier: conservative, where: {memory: 512M}}]
measure: {overhead: true, serving: true}
`,
  'm.yaml',
);

/** What a guest would give, as values that JSON could lose: fractions and null. */
const overhead: GuestOverhead = {
  kind: 'measured',
  summaries: buildOverhead(figureAt(47.7)).overhead,
  notMeasurable: [{ workload: 'wait', reason: 'not measurable under emulation' }],
  resources: [],
  baselineNote: null,
  raw: ['{"poolproof":"measure"}'],
  protocol: ['> run'],
  wallMs: 1000.5,
};

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const serving: GuestServing = {
  kind: 'measured',
  prices: [],
  notMeasurable: [{ workload: 'sleep', reason: 'no time' }],
  isBaseline: false,
  raw: ['{"component":"hello"}'],
  protocol: ['> load', '< done'],
  wallMs: 4,
};

/** The local runner, but for measurements, which need a guest. */
async function openHere(cacheDir: string): Promise<Runner> {
  const local = await LocalRunner.open({
    prepared: fakePrepared,
    capacity: { jobs: 1, budgetMib: 8192 },
    cacheDir,
    startMachine: fakeMachines(scripts),
  });
  return {
    run: (plans, onEvent, signal) => local.run(plans, onEvent, signal),
    measure: () => Promise.resolve(overhead),
    measureServing: () => Promise.resolve(serving),
    peakMib: 0,
    [Symbol.asyncDispose]: () => local[Symbol.asyncDispose](),
  };
}

/** A runner of another process, which delivers every result twice. Each round is a process. */
function openThere(cacheDir: string): Runner {
  let rounds = 0;
  return {
    run: async (plans, onEvent) => {
      const child = fork(new URL('../fixtures/runner-process.ts', import.meta.url));
      child.on('message', (message: EventMessage) => {
        if (message.kind === 'finished') {
          child.disconnect();
          return;
        }
        onEvent(message);
        if (message.kind === 'ended') onEvent(copy(message));
      });
      const rest = rounds === 0 ? scripts : scripts.slice(-1);
      rounds += 1;
      child.send({ plans, cacheDir, scripts: rest } satisfies PlansMessage);
      const [code] = (await once(child, 'exit')) as [number | null];
      if (code !== 0) throw new Error(`the other process ended with ${code}`);
    },
    measure: (request, onStart) => {
      onStart();
      deepStrictEqual(copy(request), request);
      return Promise.resolve(copy(overhead));
    },
    measureServing: (request, onStart) => {
      onStart();
      deepStrictEqual(copy(request), request);
      return Promise.resolve(copy(serving));
    },
    peakMib: 0,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Stored lines without what a clock said, and the evidence by name. */
async function run(dir: string, openRunner: (cacheDir: string) => Runner | Promise<Runner>) {
  const notices: string[] = [];
  const started: string[] = [];
  const summary = await runPrepared(matrix, fakePrepared, {
    resultsDir: path.join(dir, 'results'),
    cacheDir: path.join(dir, 'cache'),
    openRunner: async () => openRunner(path.join(dir, 'cache')),
    retries: 1,
    onNotice: (text) => void notices.push(text),
    reporters: [{ onCellStart: ({ id, repetition }) => void started.push(`${id}#${repetition}`) }],
  });
  // In which order cells of one round end depends on how long they took.
  const lines = readFileSync(path.join(summary.dir, 'cells.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const { startedAt: _startedAt, timings, ...rest } = JSON.parse(line) as Result;
      return JSON.stringify({ ...rest, timings: Object.keys(timings) });
    })
    .sort();
  const evidence = readdirSync(path.join(summary.dir, 'evidence'), { recursive: true }).sort();
  return { lines, evidence, notices, started, summary };
}

t.test('a boot plan that another process runs gives the same lines and evidence as here', async (t) => {
  const here = await run(path.join(t.testdir(), 'here'), openHere);
  const there = await run(path.join(t.testdirName, 'there'), openThere);
  t.same(there.lines, here.lines, 'also where a runner delivers a result twice');
  t.same(there.evidence, here.evidence);
  t.same(there.notices, here.notices);
  t.equal(there.summary.exitCode, here.summary.exitCode);
  const outcomes = here.summary.results.map(({ outcome, repetition }) => `${outcome} ${repetition}`);
  t.same(outcomes.sort(), [
    'crashed 1',
    'reached 1',
    'reached 1',
    'reached 1',
    'reached 2',
    'reached 2',
    'reached 2',
  ]);
  t.equal(here.lines.length, 15, 'two of them are measured, and requests in all six');
  t.equal(here.notices.length, 2, 'a template fails twice');
});

t.test('a boot plan survives JSON unchanged', (t) => {
  const plans = planBoots(matrix.cells(), fakePrepared.images, true);
  t.strictSame(copy(plans), plans);
  t.match(plans, [{ images: { kernel: 'bookworm', digest: fakeImages.digest }, cold: true }]);
  t.end();
});

t.test('cells of other images than a computer has are refused', async (t) => {
  await using runner = await openHere(t.testdir());
  const [plan] = planBoots(matrix.cells(), fakePrepared.images, true);
  const { signal } = new AbortController();
  for (const images of [
    { ...plan!.images, digest: 'sha256:other' },
    { ...plan!.images, kernel: 'noble' },
  ]) {
    await t.rejects(
      runner.run([{ ...plan!, images }], () => t.fail('nothing is run'), signal, 'run'),
      { code: 'IMAGE_CHECKSUM' },
    );
  }
});

t.test('a result that cannot be kept ends the cells that have not begun', async (t) => {
  await using runner = await openHere(t.testdir());
  const plans = planBoots(matrix.cells(), fakePrepared.images, true);
  const seen: string[] = [];
  const full = new Error('the disk is full');
  await t.rejects(
    runner.run(
      plans,
      ({ kind }) => {
        seen.push(kind);
        if (kind === 'ended') throw full;
      },
      new AbortController().signal,
      'run',
    ),
    full,
  );
  t.same(seen.filter((kind) => kind === 'ended').length, 1);
});
