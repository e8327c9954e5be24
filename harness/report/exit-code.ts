/** What results come to for a program: the exit code. */
import type { Verdict } from '../outcome/outcome.ts';
import { buildDistributions, type CellVerdict, isJudged } from '../outcome/repetitions.ts';
import { findCompleteness } from '../store/completeness.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';

export type ExitCode = 0 | 1 | 2 | 130;

/**
 * 0 every cell as expected (skipped ones aside), 1 some cell unexpected, 2 some cell has no verdict
 * (broken, invalid, or nothing was expected) or none was tested at all, 130 interrupted. Unexpected wins over
 * broken: it says something about the subject. Undecided ones count as expected, or as unexpected if `strict`.
 */
export function exitCodeOf(
  results: readonly Pick<Result, 'outcome' | 'verdict'>[],
  interrupted = false,
  strict = false,
): ExitCode {
  if (interrupted) return 130;
  const failing: readonly Verdict[] = strict ? ['unexpected', 'undecided'] : ['unexpected'];
  if (results.some(({ verdict }) => failing.includes(verdict))) return 1;
  const judged = results.filter(({ outcome }) => outcome !== 'skipped');
  return judged.length > 0 && judged.every(({ verdict }) => verdict !== null) ? 0 : 2;
}

/**
 * As `exitCodeOf`, by cell and not by repetition: a flaky cell is no failure unless `failOnFlaky` says so;
 * a repetition without a verdict still is a 2.
 */
export function exitCodeWithFlakes(
  results: readonly Result[],
  options: Readonly<{ failOnFlaky?: boolean; interrupted?: boolean; strict?: boolean }> = {},
): ExitCode {
  if (options.interrupted === true) return 130;
  const distributions = buildDistributions(results);
  const failing: readonly CellVerdict[] = [
    'unexpected',
    ...(options.failOnFlaky === true ? (['flaky'] as const) : []),
    ...(options.strict === true ? (['undecided'] as const) : []),
  ];
  if (distributions.some(({ verdict }) => failing.includes(verdict))) return 1;
  const flaky = new Set(distributions.flatMap(({ id, verdict }) => (verdict === 'flaky' ? [id] : [])));
  // The repetitions of a flaky cell that were judged have had their say; what is left decides as always.
  const rest = results.filter((result) => !(flaky.has(result.id) && isJudged(result)));
  if (rest.every(({ outcome }) => outcome === 'skipped')) return flaky.size > 0 ? 0 : exitCodeOf(rest);
  return exitCodeOf(rest);
}

/**
 * The exit code of a run as it is stored: that of its cells, and 2 where cells are missing or the run has not ended. A
 * cell that did something unexpected still makes it 1.
 */
export function exitCodeOfRun(
  record: RunRecord,
  results: readonly Result[],
  options: Readonly<{ interrupted?: boolean; strict?: boolean; failOnFlaky?: boolean }> = {},
): ExitCode {
  const code = exitCodeWithFlakes(results, {
    interrupted: options.interrupted === true,
    strict: options.strict === true || record.options['strict'] === true,
    failOnFlaky: options.failOnFlaky === true || record.options['failOnFlaky'] === true,
  });
  return code === 0 && findCompleteness(record, results).state === 'incomplete' ? 2 : code;
}
