/** The question every search asks: what happens in a guest with these settings? */
import { PoolproofError } from '../errors.ts';
import { formatCellId } from '../matrix/cell-id.ts';
import type { Settings } from '../axes/table.ts';
import { runMatrix } from '../run/run.ts';
import type { RunOptions } from '../run/context.ts';
import type { Result } from '../store/result.ts';
import { buildCases } from './cell-matrix.ts';

/** Boots, runs, judges. Rejects when the harness itself is at fault; what happens in the guest is the answer. */
export type Ask = (settings: Settings) => Promise<Result>;

/**
 * An ask that boots a guest a question, one at a time, and keeps each as a run of its own.
 * @throws PoolproofError from the ask: `NO_VERDICT` when the cell was broken, invalid or skipped, so that no
 *   search ever takes silence for an answer; `INTERRUPTED` when the run was stopped.
 */
export function bootAsk(title: string, options: RunOptions, onResult: (result: Result) => void): Ask {
  return async (settings) => {
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

/** The same ask, each question put once. */
export function remember(ask: Ask): Ask {
  const known = new Map<string, Promise<Result>>();
  return (settings) => {
    const id = formatCellId(settings);
    const answer = known.get(id) ?? ask(settings);
    known.set(id, answer);
    return answer;
  };
}
