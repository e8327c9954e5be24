/**
 * Faults over fake machines, many in one process: `node dist/scripts/campaign/fake-faults.js <seed> <selection as JSON>
 * <number ...>` prints, a line each, which fault starts and what it came to. A fault that ends this very process is
 * found by who started it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pLimit from 'p-limit';
import { fakeMachines, type Script } from '../../harness/fixtures/fake-machine.ts';
import { conservativeReport } from '../../harness/fixtures/outcome/observations.ts';
import { parseMatrix } from '../../harness/matrix/load.ts';
import { fakePrepared as prepared } from '../../harness/fixtures/fake-prepared.ts';
import { runPrepared, type RunSummary } from '../../harness/run/run.ts';
import { checkExitCode, judgeResults, readLines } from './checks.ts';
import { chooseRow, randomOf } from './draw.ts';
import { fakeRows } from './fake-rows.ts';
import { faultyMachines, type FaultyMachine } from './faulty-machine.ts';
import type { SmallCell, Truth } from './small-runs.ts';
import { type Outcome, type Selection, selectRows } from './table.ts';

/** A fake answers at once, so what is lost is known soon. */
const deadlines = {
  firstLineMs: 2000,
  readyMs: 4000,
  requestMs: 4000,
  attemptMs: 4000,
  subjectMs: 5000,
} as const;

/** Cells that one kind of guest answers alike: told apart by what none of them asks about. */
const text = `title: fakes
axes: { memory: 512M, overcommit: [0], thp: [always], env: [{}, { CAMPAIGN: '1' }] }
expect: [{ where: { overcommit: 0 }, tier: conservative }]
`;

const matrix = parseMatrix(text, 'fakes.yaml');

const right: Truth = { outcome: 'reached', tier: 'conservative' };

type Played = Pick<Outcome, 'right' | 'silent' | 'reasons' | 'failures' | 'missed'>;

/** The run with its fault; one that was interrupted is resumed without it. */
async function runFault(
  fault: FaultyMachine,
  folder: string,
): Promise<Readonly<{ summary: RunSummary; missed: boolean; failures: readonly string[] }>> {
  const controller = new AbortController();
  const good: Script = { stdout: `${JSON.stringify(conservativeReport)}\n` };
  const scripts = (fault.scripts ?? []).map((script) => ({ ...good, ...script }));
  const { start, struck } = faultyMachines(fakeMachines([...scripts, good]), fault);
  let started = 0;
  const options = {
    resultsDir: path.join(folder, 'results'),
    cacheDir: path.join(folder, 'cache'),
    ...{ cold: true, jobs: 2, deadlines },
  };
  const summary = await runPrepared(matrix, prepared, {
    ...options,
    signal: controller.signal,
    startMachine: (...words) => {
      started += 1;
      if (started === fault.interruptAt) controller.abort();
      return start(...words);
    },
  });
  const missed = !struck() && !controller.signal.aborted;
  if (!summary.interrupted) return { summary, missed, failures: [] };
  const resumed = await runPrepared(matrix, prepared, {
    ...options,
    resume: summary.dir,
    startMachine: start,
  });
  const isRight = summary.exitCode === 130;
  const failures = isRight ? [] : [`exit code ${summary.exitCode} of an interrupted run`];
  return { summary: resumed, missed, failures };
}

async function play(fault: FaultyMachine): Promise<Played> {
  const folder = mkdtempSync(path.join(tmpdir(), 'poolproof-fake-'));
  try {
    const { summary, missed, failures } = await runFault(fault, folder);
    const { results, failures: damaged } = readLines(summary.dir);
    const truths = [right, ...(fault.alsoRight ?? [])];
    const cells: SmallCell[] = [{ subject: 'wasm-host', overcommit: 0, truths }];
    // Every cell of this run is the same to the checks, so each is judged by itself.
    const judged = results.map((result) => judgeResults([result], cells));
    const ids = new Set(results.map(({ id, repetition }) => `${id} ${repetition}`));
    const isWhole = ids.size === results.length && ids.size === matrix.size;
    const counted = isWhole ? [] : [`${results.length} lines of ${ids.size} cells, of ${matrix.size}`];
    const sum = (of: 'right' | 'silent' | 'unexpected'): number =>
      judged.reduce((total, each) => total + each[of], 0);
    const whole = { right: sum('right'), silent: sum('silent'), unexpected: sum('unexpected') };
    const end = { exitCode: summary.exitCode, signal: null, stdout: '', stderr: '', hung: false };
    return {
      right: whole.right,
      silent: whole.silent,
      reasons: judged.flatMap((each) => each.reasons),
      missed,
      failures: [
        ...failures,
        ...counted,
        ...damaged,
        ...judged.flatMap((each) => each.failures),
        ...checkExitCode(end, { ...whole, missing: [] }),
      ],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Longer than every deadline of a guest, tries included. */
const capMs = 150_000;

async function run(seed: number, selection: Selection, number: number): Promise<Outcome> {
  const row = chooseRow(selectRows(fakeRows, selection), seed, number);
  const fault = row.draw(randomOf(seed, 'fake', number));
  const startedAt = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no end within ${capMs / 1000} s`)), capMs);
  });
  const played = await Promise.race([play(fault), late]).catch((error: unknown) => ({
    right: 0,
    silent: 0,
    reasons: [],
    missed: false,
    failures: [`thrown: ${String(error)}`],
  }));
  clearTimeout(timer);
  const seconds = Math.round(performance.now() - startedAt) / 1000;
  return {
    id: `fake-${number}`,
    row: row.name,
    drawn: fault.drawn,
    refused: false,
    skipped: null,
    ...played,
    seconds,
  };
}

const [seed = '0', words = '{}', ...numbers] = process.argv.slice(2);
const selection = JSON.parse(words) as Selection;
// Were a run without a fault not right, no fault would say anything.
const quiet = await play({ drawn: '' });
if (quiet.right !== 2 || quiet.failures.length > 0)
  throw new Error(`a run without a fault: ${JSON.stringify(quiet)}`);
// Most of them wait.
const limit = pLimit(32);
await Promise.all(
  numbers.map((number) =>
    limit(async () => {
      process.stdout.write(`${JSON.stringify({ started: Number(number) })}\n`);
      const outcome = await run(Number(seed), selection, Number(number));
      process.stdout.write(`${JSON.stringify(outcome)}\n`);
    }),
  ),
);
// A machine that was left alone may keep the process.
process.exit(0);
