/** A cell, all its repetitions together, in the few states that test formats know. */
import { tellUndecided } from '../outcome/judge-overhead.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import { type Distribution, isJudged, observedOf } from '../outcome/repetitions.ts';
import { tellDistribution } from './distribution-words.ts';

/**
 * `failed`: unexpected. `error`: some repetition says nothing about the subject (broken, invalid) or nothing was
 * expected. `flaky`: repetitions differ, and the run was not asked to fail for that. `undecided`: see `verdicts`.
 */
export type Grade = 'passed' | 'failed' | 'error' | 'skipped' | 'flaky' | 'undecided';

export type GradedCell = Readonly<{
  cell: Distribution<Result>;
  grade: Grade;
  /** The repetition that decided the grade. */
  deciding: Result;
  /** In one sentence, with the numbers that decide. */
  reason: string;
}>;

/** As `exitCodeWithFlakes` counts: unexpected wins over broken, broken over a flaky cell that is no failure. */
export function gradeCell(cell: Distribution<Result>, run: Pick<RunRecord, 'options'>): GradedCell {
  const { results, verdict } = cell;
  const [first] = results;
  if (first === undefined) throw new RangeError('a cell without a result');
  const unexpected = results.find((result) => result.verdict === 'unexpected');
  const silent = results.find((result) => result.outcome !== 'skipped' && result.verdict === null);
  const decide = (grade: Grade, deciding: Result, before = ''): GradedCell => ({
    cell,
    grade,
    deciding,
    reason: `${before}${deciding.reason}`,
  });
  if (verdict === 'unexpected' && unexpected !== undefined)
    return decide('failed', unexpected, `${tellExpected(unexpected)}: `);
  const flaky = (grade: Grade): GradedCell =>
    decide(grade, unexpected ?? results.findLast(isJudged) ?? first, `flaky: ${tellDistribution(cell)}: `);
  if (verdict === 'flaky' && run.options['failOnFlaky'] === true) return flaky('failed');
  if (silent !== undefined) return decide('error', silent, `${observedOf(silent)}: `);
  if (verdict === 'flaky') return flaky('flaky');
  const undecided = results.find((result) => result.verdict === 'undecided');
  if (verdict === 'undecided' && undecided !== undefined)
    return {
      cell,
      grade: 'undecided',
      deciding: undecided,
      reason: tellUndecided(undecided),
    };
  if (results.every(({ outcome }) => outcome === 'skipped')) return decide('skipped', first);
  return decide('passed', results.find(isJudged) ?? first);
}

function tellExpected(result: Result): string {
  return `expected ${result.expected?.text ?? 'something else'}, got ${observedOf(result)}`;
}

/** What happened, in a word or, where there are repetitions, with intervals. */
export function tellCell({ cell, deciding }: GradedCell): string {
  return cell.results.length === 1 ? observedOf(deciding) : tellDistribution(cell);
}
