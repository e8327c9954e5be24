/**
 * Finds the missing cells of a run. The one place that decides it, from the record and the cells found; reports,
 * comparisons and merges only show it. A run that was killed ends with fewer lines and looks like a smaller one.
 */
import { cellKey } from './read-run.ts';
import type { Result } from './result.ts';
import type { RunRecord } from './run-record.ts';

/** So many missing cells are named; the others are a number. */
export const namedMissing = 20;

/** The part of its matrix that a run is. */
export type Part = Readonly<{
  /** Expressions of `--only`; several are alternatives. */
  only: readonly string[];
  /** `1/4`; null where the matrix was not cut. */
  shard: string | null;
  /** Cells of this part and of the whole matrix, repetitions included; null in older records. */
  cells: number;
  of: number | null;
}>;

/**
 * `complete`: every cell has its line and the run has ended. `incomplete`: cells are missing, or the run has not ended.
 * `unknown`: the record has no list of cells.
 */
export type Completeness = (
  | Readonly<{
      state: 'complete' | 'incomplete';
      /** Cells of the run, repetitions included. */ expected: number;
    }>
  | Readonly<{ state: 'unknown'; expected: null }>
) &
  Readonly<{
    /** The run has ended by itself. */
    finished: boolean;
    /** Cells that are present. */
    found: number;
    /** Cells that are missing; for a record without a list of cells, at least so many. */
    missing: number;
    /** The first {@link namedMissing} of them as `id#repetition`; fewer where the record does not list its cells. */
    missingCells: readonly string[];
    /** Cells are run several times: the counts are of repetitions. */
    repeated: boolean;
    /** Null for the whole matrix. */
    part: Part | null;
  }>;

type Selected = Pick<RunRecord, 'matrix' | 'finishedAt' | 'options' | 'selection'>;

/** @param cells every line of the run; the same cell may come twice */
export function findCompleteness(
  record: Selected,
  cells: Iterable<Pick<Result, 'id' | 'repetition'>>,
): Completeness {
  const keys = new Set<string>();
  for (const cell of cells) keys.add(cellKey(cell));
  const finished = record.finishedAt !== null;
  const part = findPart(record);
  const { selection } = record;
  const repeated = selection !== undefined && selection.repeat > 1;
  const common = { finished, part, repeated };
  // Those that did as expected were left out on purpose.
  if (record.options['packed'] === 'failed')
    return { ...common, state: 'unknown', expected: null, found: keys.size, missing: 0, missingCells: [] };
  const listed = selection?.cells ?? null;
  const absent = listed?.filter((key) => !keys.has(key)) ?? [];
  // Retries are repetitions beyond those of the matrix: they stand for no other cell.
  const found = listed === null ? Math.min(keys.size, record.matrix.size) : listed.length - absent.length;
  const missing = Math.max(absent.length, record.matrix.size - found);
  return {
    ...common,
    state: finished && missing === 0 ? 'complete' : 'incomplete',
    expected: record.matrix.size,
    found,
    missing,
    missingCells: absent.slice(0, namedMissing),
  };
}

function findPart({ selection, matrix, options }: Selected): Part | null {
  if (selection !== undefined) {
    const { only, shard, of } = selection;
    if (matrix.size >= of) return null;
    return { only, shard: shard === null ? null : `${shard.index}/${shard.count}`, cells: matrix.size, of };
  }
  const [only, shard] = [options['only'], options['shard']];
  if (typeof only !== 'string' && typeof shard !== 'string') return null;
  return {
    only: typeof only === 'string' ? [only] : [],
    shard: typeof shard === 'string' ? shard : null,
    cells: matrix.size,
    of: null,
  };
}
