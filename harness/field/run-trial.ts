/** Runs one cell in a guest: every search of this folder rests on it. */
import { PoolproofError } from '../errors.ts';
import { formatCellId } from '../matrix/cell-id.ts';
import type { Settings } from '../axes/table.ts';
import { runMatrix } from '../run/run.ts';
import type { RunOptions } from '../run/context.ts';
import type { Result } from '../store/result.ts';
import { buildCases } from './cell-matrix.ts';

/** Boots, runs, judges. Rejects when the harness itself is at fault; what happens in the guest is the result. */
export type RunTrial = (settings: Settings) => Promise<Result>;

/** What a person who waits for a search sees. */
export type TrialEvents = Readonly<{
  onStart: (settings: Settings) => void;
  onResult: (result: Result) => void;
}>;

/**
 * Runs trials one at a time, each in a guest and a run of its own.
 * @throws PoolproofError from a trial: `NO_VERDICT` when the cell was broken, invalid or skipped, so that no
 *   search ever takes silence for an answer; `INTERRUPTED` when the run was stopped.
 */
export function createTrialRunner(
  title: string,
  options: RunOptions,
  { onStart, onResult }: TrialEvents,
): RunTrial {
  return async (settings) => {
    onStart(settings);
    const matrix = buildCases(title, [{ settings, expect: null }]);
    const { results, interrupted } = await runMatrix(matrix, { ...options, jobs: 1 });
    const [result] = results;
    if (interrupted) throw new PoolproofError('INTERRUPTED', 'stopped before the guest had answered');
    if (result === undefined) throw new RangeError('a run without a result');
    onResult(result);
    return requireVerdict(result);
  };
}

/** @throws PoolproofError `NO_VERDICT` for a result that says nothing about the subject */
export function requireVerdict(result: Result): Result {
  if (!['broken', 'invalid', 'skipped'].includes(result.outcome)) return result;
  throw new PoolproofError('NO_VERDICT', `${result.id}: ${result.outcome}: ${result.reason}`, {
    hint: 'this says nothing about the cell; look at the evidence and run it again',
  });
}

/** Runs each cell once and repeats its result afterwards. */
export function memoize(runTrial: RunTrial): RunTrial {
  const known = new Map<string, Promise<Result>>();
  return (settings) => {
    const id = formatCellId(settings);
    const result = known.get(id) ?? runTrial(settings);
    known.set(id, result);
    return result;
  };
}
