/** Many runs → one set of cells: of each cell the newest result counts. */
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import { groupBy, lastOf } from './group-by.ts';

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
  const found = sorted.flatMap((run) => run.results.map((result) => ({ run, result })));
  let superseded = 0;
  const cells = [...groupBy(found, ({ result }) => result.id)].map(([id, all]) => {
    const oldestFirst: [Found<Run>, ...Found<Run>[]] = [...all];
    oldestFirst.sort((a, b) => compareText(a.result.startedAt, b.result.startedAt));
    const { run } = lastOf(oldestFirst);
    const own = oldestFirst.filter((one) => one.run.record.id === run.record.id);
    const byRepetition = new Map(own.map(({ result }) => [result.repetition, result]));
    superseded += new Set(all.map(nameResult)).size - byRepetition.size;
    return { id, run, results: [...byRepetition.values()].sort((a, b) => a.repetition - b.repetition) };
  });
  const used = new Set(cells.map(({ run }) => run.record.id));
  return { cells, runs: sorted.filter(({ record }) => used.has(record.id)).reverse(), superseded };
}

type Found<Run> = Readonly<{ run: Run; result: Result }>;

/** Equal for copies of one result. */
const nameResult = ({
  run,
  result: { repetition, startedAt, outcome, tier },
}: Found<StoredResults>): string => [run.record.id, repetition, startedAt, outcome, tier].join(' ');

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
