/** Results → what every report says first: counts, reasons, the exit code. */
import { type Tier, tiers } from '../../images/allocator/tier.ts';
import type { AxisTable } from '../axes/table.ts';
import { type Outcome, outcomes, verdicts } from '../outcome/outcome.ts';
import { type Completeness, findCompleteness } from '../store/completeness.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import { type VariedAxis, findVaried } from './axis-labels.ts';
import { describeMissing } from './completeness-words.ts';
import { type ExitCode, exitCodeOfRun, exitCodeWithFlakes } from './exit-code.ts';
import { type Distribution, buildDistributions } from '../outcome/repetitions.ts';
import { type ReasonGroup, groupReasons } from './group-reasons.ts';

export type Summary = Readonly<{
  total: number;
  byOutcome: Readonly<Record<Outcome, number>>;
  byTier: Readonly<Record<Tier, number>>;
  byVerdict: Readonly<{ expected: number; unexpected: number; undecided: number; none: number }>;
  /** Cells whose repetitions differ. */
  flaky: readonly Distribution<Result>[];
  /** Cells where the model and the guest differ, whatever the verdict. */
  findings: number;
  /** Machines that gave nothing and were started again, and how many of them had not written a console line. */
  restarts: Readonly<{ count: number; hung: number }>;
  axes: readonly VariedAxis[];
  reasons: readonly ReasonGroup[];
  exitCode: ExitCode;
  /** Which cells the run should hold and does not; null for results without a run. */
  completeness: Completeness | null;
}>;

export type SummaryOptions = Readonly<{
  interrupted?: boolean;
  strict?: boolean;
  failOnFlaky?: boolean;
  table?: AxisTable;
}>;

/** Of a stored run; its own `--strict` and `--fail-on-flaky` count. */
export function summarizeRun(
  record: RunRecord,
  results: readonly Result[],
  options: SummaryOptions = {},
): Summary {
  return {
    ...summarize(results, options),
    exitCode: exitCodeOfRun(record, results, options),
    completeness: findCompleteness(record, results),
  };
}

export function summarize(results: readonly Result[], options: SummaryOptions = {}): Summary {
  const axes = findVaried(results, options.table);
  return {
    total: results.length,
    byOutcome: countBy(outcomes, results, (result) => result.outcome),
    byTier: countBy(tiers, results, (result) => result.tier),
    byVerdict: countBy([...verdicts, 'none'] as const, results, (result) => result.verdict ?? 'none'),
    flaky: buildDistributions(results).filter(({ verdict }) => verdict === 'flaky'),
    findings: results.filter((result) => result.finding !== null).length,
    restarts: countRestarts(results),
    axes,
    reasons: groupReasons(results, axes),
    exitCode: exitCodeWithFlakes(results, options),
    completeness: null,
  };
}

function countRestarts(results: readonly Result[]): Summary['restarts'] {
  const given = results.flatMap(({ attempts }) => attempts.slice(0, -1));
  const hung = given.filter(({ machineEnd }) => machineEnd?.kind === 'no-console').length;
  return { count: given.length, hung };
}

function countBy<Key extends string>(
  keys: readonly Key[],
  results: readonly Result[],
  keyOf: (result: Result) => Key | null,
): Readonly<Record<Key, number>> {
  const counts = Object.fromEntries(keys.map((key) => [key, 0])) as Record<Key, number>;
  for (const result of results) {
    const key = keyOf(result);
    if (key !== null) counts[key] += 1;
  }
  return counts;
}

/** What an exit code means, for the last line. */
export const exitMeanings: Readonly<Record<ExitCode, string>> = {
  0: 'every cell did what was expected',
  1: 'some cell did not do what was expected',
  2: 'some cell has no verdict',
  130: 'interrupted; continue with --resume',
};

/** The last line: `exit 0: every cell did what was expected`, with a warning where some are undecided. */
export function tellExit({
  exitCode,
  byVerdict: { undecided, unexpected, none },
  byOutcome: { skipped },
  flaky,
  completeness,
}: Summary): string {
  const meaning = exitMeanings[exitCode];
  const missing = completeness === null ? null : describeMissing(completeness);
  if (exitCode === 2 && missing !== null) {
    return `exit 2: ${missing}${none > skipped ? `; ${meaning}` : ''}`;
  }
  if (exitCode === 0 && flaky.length > 0) {
    const cells = `${flaky.length} flaky cell${flaky.length === 1 ? '' : 's'}`;
    return `exit 0: every other cell did what was expected; warning: ${cells} (--fail-on-flaky: exit 1)`;
  }
  if (undecided === 0 || exitCode === 130) return `exit ${exitCode}: ${meaning}`;
  const cells = `${undecided} cell${undecided === 1 ? ' is' : 's are'} undecided`;
  if (exitCode === 0) return `exit 0: ${meaning}; warning: ${cells} (--strict: exit 1)`;
  return exitCode === 1 && unexpected === 0
    ? `exit 1: ${cells} (--strict)`
    : `exit ${exitCode}: ${meaning}; ${cells}`;
}

/** `36 cells: 36 reached (27 standard, 9 conservative); 36 as expected` */
export function tellCounts({
  total,
  byOutcome,
  byTier,
  byVerdict,
  flaky,
  findings,
  restarts,
}: Summary): string {
  const reached = tiers.filter((tier) => byTier[tier] > 0).map((tier) => `${byTier[tier]} ${tier}`);
  const happened = outcomes
    .filter((outcome) => byOutcome[outcome] > 0)
    .map(
      (outcome) =>
        `${byOutcome[outcome]} ${outcome}${outcome === 'reached' ? ` (${reached.join(', ')})` : ''}`,
    );
  const verdicts = [
    `${byVerdict.expected} as expected`,
    ...(byVerdict.unexpected > 0 ? [`${byVerdict.unexpected} unexpected`] : []),
    ...(byVerdict.undecided > 0 ? [`${byVerdict.undecided} undecided`] : []),
    ...(byVerdict.none > 0 ? [`${byVerdict.none} without a verdict`] : []),
    ...(flaky.length > 0 ? [`${flaky.length} flaky`] : []),
    ...(findings > 0 ? [`${findings} not as the model predicted`] : []),
  ];
  const { count, hung } = restarts;
  const again = count === 0 ? '' : `; ${count} machine${count === 1 ? '' : 's'} started again, ${hung} hung`;
  return `${total} cell${total === 1 ? '' : 's'}: ${happened.join(', ') || 'none'}; ${verdicts.join(', ')}${again}`;
}
