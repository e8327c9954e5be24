/** Results → the exit code. */
import { buildDistributions, type CellVerdict, type Distribution, isJudged } from '../outcome/repetitions.ts';
import { findCompleteness } from '../store/completeness.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';

export type ExitCode = 0 | 1 | 2 | 130;

export type ExitOptions = Readonly<{
  /** The user ended the run. @default false */
  interrupted?: boolean;
  /** An undecided cell is a failure. @default false */
  strict?: boolean;
  /** A flaky cell is a failure. @default false */
  failOnFlaky?: boolean;
}>;

/**
 * 0 every cell as expected (skipped ones aside), 1 some cell unexpected, 2 some repetition has no verdict (broken,
 * invalid, or nothing was expected) or none was tested at all, 130 interrupted. Unexpected wins over broken: it says
 * something about the subject. Undecided and flaky cells count as expected unless the options say otherwise.
 */
export function exitCodeOf(cells: readonly Distribution<Result>[], options: ExitOptions = {}): ExitCode {
  if (options.interrupted === true) return 130;
  const failing: readonly CellVerdict[] = [
    'unexpected',
    ...(options.failOnFlaky === true ? (['flaky'] as const) : []),
    ...(options.strict === true ? (['undecided'] as const) : []),
  ];
  if (cells.some(({ verdict }) => failing.includes(verdict))) return 1;
  const hasFlaky = cells.some(({ verdict }) => verdict === 'flaky');
  // The judged repetitions of a flaky cell are counted already: the others decide.
  const rest = cells
    .flatMap((cell) =>
      cell.verdict === 'flaky' ? cell.results.filter((one) => !isJudged(one)) : cell.results,
    )
    .filter(({ outcome }) => outcome !== 'skipped');
  if (rest.length === 0) return hasFlaky ? 0 : 2;
  // Another tool may have stored `unexpected` for a repetition that was not judged: it counts.
  if (rest.some(({ verdict }) => verdict === 'unexpected')) return 1;
  return rest.every(({ verdict }) => verdict !== null) ? 0 : 2;
}

/**
 * The exit code of a run as it is stored, where its own `--strict` and `--fail-on-flaky` count too: that of its cells,
 * and 2 where cells are missing or the run has not ended. A cell that did something unexpected still makes it 1.
 * @param cells of these results @default built from them
 */
export function exitCodeOfRun(
  record: RunRecord,
  results: readonly Result[],
  options: ExitOptions = {},
  cells: readonly Distribution<Result>[] = buildDistributions(results),
): ExitCode {
  const code = exitCodeOf(cells, withRecorded(options, record));
  return code === 0 && findCompleteness(record, results).state === 'incomplete' ? 2 : code;
}

/** The options of a run, those in its record included. */
export const withRecorded = (
  options: ExitOptions,
  { options: recorded }: RunRecord,
): Required<ExitOptions> => ({
  interrupted: options.interrupted === true,
  strict: options.strict === true || recorded['strict'] === true,
  failOnFlaky: options.failOnFlaky === true || recorded['failOnFlaky'] === true,
});
