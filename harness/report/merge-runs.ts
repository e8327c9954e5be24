/** Many runs → one set of cells: of each cell the newest result counts. */
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import { groupBy } from './group-by.ts';

type StoredResults = Readonly<{ record: RunRecord; results: readonly Result[] }>;

/** Runs of one matrix: the commands of a case share its file, and are told apart by their titles. */
export const matrixKey = ({ record: { matrix } }: Readonly<{ record: RunRecord }>): string =>
  `${matrix.file}\n${matrix.title}`;

export type MergedCell<Run extends StoredResults = StoredResults> = Readonly<{
  id: string;
  /** All repetitions of this cell in the run that counts, in order. */
  results: readonly Result[];
  /** The run they come from. */
  run: Run;
}>;

export type MergedRuns<Run extends StoredResults = StoredResults> = Readonly<{
  cells: readonly MergedCell<Run>[];
  /** Runs of which at least one cell counts, newest first. */
  runs: readonly Run[];
  /** Results that are not shown because a newer run has the cell. */
  superseded: number;
}>;

/**
 * A cell's repetitions are never mixed from different runs: a distribution is one of a kind. Parts of
 * one run (same id: shards, copies) are one run, and of a repetition that is there twice the newer counts.
 * Independent of the order of the runs; cells are in the order of their ids' first appearance, oldest run first.
 */
export function mergeRuns<Run extends StoredResults>(runs: readonly Run[]): MergedRuns<Run> {
  const sorted = [...runs].sort(
    (a, b) => compareText(a.record.startedAt, b.record.startedAt) || compareText(a.record.id, b.record.id),
  );
  const cells = new Map<
    string,
    { runId: string; run: Run; newest: string; byRepetition: Map<number, Result> }
  >();
  let superseded = 0;
  for (const { run, ids } of sorted.map((run) => ({ run, ids: groupBy(run.results, ({ id }) => id) }))) {
    for (const [id, results] of ids) {
      const known = cells.get(id);
      const newest = results.map(({ startedAt }) => startedAt).reduce((a, b) => (a > b ? a : b), '');
      if (known !== undefined && known.runId !== run.record.id) {
        const [loser, winner] =
          newest >= known.newest ? [known.byRepetition.size, 'new'] : [results.length, 'known'];
        superseded += loser;
        if (winner === 'known') continue;
      }
      const same = known?.runId === run.record.id ? known : undefined;
      const byRepetition = same?.byRepetition ?? new Map<number, Result>();
      for (const result of results) {
        const other = byRepetition.get(result.repetition);
        if (other !== undefined && !isCopy(other, result)) superseded += 1;
        if (other === undefined || result.startedAt >= other.startedAt)
          byRepetition.set(result.repetition, result);
      }
      const first = same?.run ?? run;
      const latest = same !== undefined && same.newest > newest ? same.newest : newest;
      cells.set(id, { runId: run.record.id, run: first, newest: latest, byRepetition });
    }
  }
  const merged = [...cells].map(([id, { run, byRepetition }]) => ({
    id,
    run,
    results: [...byRepetition.values()].sort((a, b) => a.repetition - b.repetition),
  }));
  const used = new Set(merged.map(({ run }) => run));
  return { cells: merged, runs: sorted.filter((run) => used.has(run)).reverse(), superseded };
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const isCopy = (a: Result, b: Result): boolean =>
  a.startedAt === b.startedAt && a.outcome === b.outcome && a.tier === b.tier;
