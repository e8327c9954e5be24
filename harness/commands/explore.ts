/** `poolproof explore`: random cells in guests, in search of one in which the model is wrong. */
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { parseShallowJson } from '../../images/bounded-json.ts';
import { type AxisName, axisNames, isAxisName, type Settings } from '../axes/table.ts';
import { PoolproofError } from '../errors.ts';
import { buildCases } from '../field/cell-matrix.ts';
import { type Contradiction, renderContradiction } from '../field/contradiction.ts';
import { explore as search, type Explored, type ExploreOptions } from '../field/explore.ts';
import { createTrialRunner, memoize } from '../field/run-trial.ts';
import { formatCellId, resolveAxis } from '../matrix/cell-id.ts';
import { parseMatrix } from '../matrix/load.ts';
import { formatCount } from '../report/format-run.ts';
import { runMatrix } from '../run/run.ts';
import type { RunOptions } from '../run/context.ts';
import { listRuns } from '../store/find-run.ts';
import { collectResults, readRun } from '../store/read-run.ts';
import { loadRecord, type RunRecord } from '../store/run-record.ts';
import { cacheOption, finishCells, notifyOf, type Context } from './context.ts';
import { seen } from './field-context.ts';

type Options = Readonly<{
  /** Milliseconds. */
  budget?: number | undefined;
  seed?: number | undefined;
  axes?: string | undefined;
  jobs?: number | undefined;
  cells?: number | undefined;
  cold?: boolean | undefined;
  results?: string | undefined;
  cache?: string | undefined;
}>;

/** Cells per machine: enough that a boot pays, few enough that a round meets several machines. */
const cellsPerMachine = 10;

/** Exit code: 0 model and guests agree, 1 they differ somewhere, 2 some cell or all had no verdict, 130 interrupted. */
export async function explore(context: Context, args: readonly string[], options: Options): Promise<number> {
  if (args.length > 0) throw new PoolproofError('USAGE', 'explore takes no arguments');
  const { seed = 1, budget = 30 * 60_000, results = 'results' } = options;
  const names = readAxes(options.axes);
  const dir = path.join(results, `explore-${seed}`);
  const file = await openStateFile(path.join(dir, 'explore.json'), { seed, axes: names });
  const rounds = await findRounds(dir);
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(budget)]);
  const runOptions: RunOptions = {
    resultsDir: dir,
    cacheDir: cacheOption(options),
    ...(options.jobs !== undefined && { jobs: options.jobs }),
    cold: options.cold ?? false,
    signal,
    reporters: [finishCells(context)],
    ...notifyOf(context),
    ...context.seams,
  };
  const cells = options.cells ?? 40;
  const saved = new Map(file.contradictions.map((one, index) => [index, one]));
  const found = await search({
    seed,
    names,
    cells,
    machines: Math.max(1, Math.round(cells / cellsPerMachine)),
    signal,
    known: file.contradictions,
    ...roundsOf(rounds, seed, runOptions, context),
    runTrial: openTrials(context, runOptions),
    onContradiction: async (one, index) => {
      saved.set(index, one);
      const matrix = path.join(dir, `contradiction-${index + 1}.yaml`);
      await writeFileAtomic(matrix, renderContradiction(one, { seed }));
      await file.save([...saved.values()]);
      context.err(`${one.state}: ${one.finding}\n  ${one.cell}\n  saved in ${matrix}\n`);
    },
    onRound: (round, { pairs, of }) =>
      context.err(`round ${round + 1}: ${pairs} of ${of} pairs of values (${percent(pairs, of)})\n`),
  });
  report(context, found, dir);
  if (context.signal.aborted) {
    context.out(`interrupted; the same command goes on\n`);
    return 130;
  }
  if (found.contradictions.length > 0) return 1;
  // Without an answer of a guest nothing agrees.
  return found.judged === 0 || found.silent.some(({ outcome }) => outcome !== 'skipped') ? 2 : 0;
}

const percent = (part: number, of: number): string =>
  `${of === 0 ? 100 : Math.floor((part * 1000) / of) / 10} %`;

function report(
  context: Context,
  { rounds, judged, silent, contradictions, differing, covered }: Explored,
  dir: string,
): void {
  const skipped = silent.filter(({ outcome }) => outcome === 'skipped').length;
  for (const result of silent.filter(({ outcome }) => outcome !== 'skipped'))
    context.out(`${result.id}\n  ${seen(result)}\n`);
  for (const [index, one] of contradictions.entries()) {
    context.out(`${one.finding} (${one.state})\n  ${one.cell}\n  guest: ${one.guest}\n`);
    context.out(`  poolproof run ${path.join(dir, `contradiction-${index + 1}.yaml`)}\n`);
  }
  context.out(
    `${formatCount(judged, 'cell')} in ${formatCount(rounds, 'round')}, ${silent.length - skipped} without a verdict, ` +
      `${skipped} not applicable; ${covered.pairs} of ${covered.of} pairs of values ` +
      `(${percent(covered.pairs, covered.of)})\n` +
      `${formatCount(contradictions.length, 'contradiction')} in ${formatCount(differing, 'cell')}\n`,
  );
}

/** @throws PoolproofError USAGE for a word that is no axis */
function readAxes(text: string | undefined): readonly AxisName[] {
  if (text === undefined) return axisNames;
  const words = text.split(',').map((word) => resolveAxis(word.trim()));
  return axisNames.filter((name) => words.includes(name));
}

const recordedRound = ({ options }: RunRecord): number | null =>
  options.command === 'explore' && typeof options.round === 'number' ? options.round : null;

type Round = Readonly<{ dir: string; record: RunRecord }>;

/** Runs of rounds, by their number. */
async function findRounds(dir: string): Promise<ReadonlyMap<number, Round>> {
  const rounds = new Map<number, Round>();
  for (const id of await listRuns(dir)) {
    const record = await loadRecord(path.join(dir, id));
    const round = recordedRound(record);
    if (round !== null) rounds.set(round, { dir: path.join(dir, id), record });
  }
  return rounds;
}

function roundsOf(
  rounds: ReadonlyMap<number, Round>,
  seed: number,
  options: RunOptions,
  context: Context,
): Pick<ExploreOptions, 'before' | 'run'> {
  return {
    before: (round) => {
      const text = rounds.get(round)?.record.matrix.text;
      const cells = text === undefined ? null : [...parseMatrix(text, 'explore').cells()];
      return Promise.resolve(cells && { cells: cells.map(({ settings }) => settings) });
    },
    run: async (round, cells) => {
      const old = rounds.get(round);
      if (old?.record.finishedAt != null) return collectResults((await readRun(old.dir)).results());
      const title = `explore, seed ${seed}, round ${round + 1}`;
      context.err(`${title}: ${formatCount(cells.length, 'cell')}\n`);
      const matrix = buildCases(
        title,
        cells.map((settings: Settings) => ({ settings, expect: null })),
      );
      const { results } = await runMatrix(matrix, {
        ...options,
        ...(old !== undefined && { resume: old.dir }),
        reporters: [
          ...(options.reporters ?? []),
          {
            onCellEnd: (result) =>
              context.err(`${result.finding === null ? '' : 'differs: '}${result.id}: ${seen(result)}\n`),
          },
        ],
        recordOptions: { command: 'explore', seed, round },
      });
      return results;
    },
  };
}

/** Trials of a search for the smallest cell: each on a boot of its own, once. */
const openTrials = (context: Context, options: RunOptions): ExploreOptions['runTrial'] =>
  memoize(
    createTrialRunner(
      'shrink',
      { ...options, cold: true, recordOptions: { command: 'explore-shrink' } },
      {
        onStart: (settings) => context.err(`shrinking: ${formatCellId(settings)}\n`),
        onResult: (result) => context.err(`  ${seen(result)}\n`),
      },
    ),
  );

const stateSchema = z.object({
  seed: z.int(),
  axes: z.array(z.string().refine(isAxisName)),
  contradictions: z.array(
    z.object({
      found: z.string(),
      cell: z.string(),
      finding: z.string(),
      guest: z.string(),
      state: z.literal(['smallest', 'not shrunk', 'flaky']),
    }),
  ),
});

type StateFile = Readonly<{
  contradictions: readonly Contradiction[];
  save: (contradictions: readonly Contradiction[]) => Promise<void>;
}>;

/** @throws PoolproofError STORE_CORRUPT for a file that is none, USAGE for one of other axes */
async function openStateFile(
  file: string,
  { seed, axes }: Readonly<{ seed: number; axes: readonly AxisName[] }>,
): Promise<StateFile> {
  const text = await readFile(file, 'utf8').catch(() => null);
  const save: StateFile['save'] = async (contradictions) =>
    writeFileAtomic(file, `${JSON.stringify({ seed, axes, contradictions }, null, 2)}\n`);
  if (text === null) {
    await mkdir(path.dirname(file), { recursive: true });
    await save([]);
    return { contradictions: [], save };
  }
  const parsed = stateSchema.safeParse(readJson(text));
  if (!parsed.success)
    throw new PoolproofError('STORE_CORRUPT', 'not the state of an exploration', {
      file,
      cause: parsed.error,
      hint: 'without this file the contradictions are found again in the stored runs',
    });
  if (parsed.data.axes.join() !== axes.join())
    throw new PoolproofError('USAGE', `seed ${seed} was explored with other axes`, {
      file,
      hint: `--axes ${parsed.data.axes.join()}, or another seed`,
    });
  return { contradictions: parsed.data.contradictions, save };
}

function readJson(text: string): unknown {
  try {
    return parseShallowJson(text, 8);
  } catch {
    return null;
  }
}
