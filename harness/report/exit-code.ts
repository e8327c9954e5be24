/** What results come to for a program: the exit code. */
import type { Verdict } from '../outcome/outcome.ts';
import type { Result } from '../store/result.ts';

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
