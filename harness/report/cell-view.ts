/** A cell as every report shows it: its repetitions, the word they come to, what stands out, what decided. */
import { tellUndecided } from '../outcome/judge-overhead.ts';
import { outcomes } from '../outcome/outcome.ts';
import {
  type Distribution,
  type Observed,
  buildDistributions,
  isJudged,
  observedOf,
} from '../outcome/repetitions.ts';
import type { Result } from '../store/result.ts';
import { formatDistribution, formatSilent } from './format-distribution.ts';
import { type Group, lastOf } from './group-by.ts';

/** The tier, else the outcome; `flaky` where repetitions differ. */
export type CellWord = Observed | 'flaky';

/** The order of legends and filters, best first. */
export const cellWords: readonly CellWord[] = [
  'standard',
  'conservative',
  'on-demand',
  'reached',
  'flaky',
  ...outcomes.filter((outcome) => outcome !== 'reached'),
];

/**
 * The findings that stand out in a cell. `unjudged`: broken, invalid, or nothing was expected; `undecided`: the tier is
 * as expected, its overhead was not shown to be; `finding`: expected, but not as the model predicted.
 */
export type Mark = 'unexpected' | 'undecided' | 'unjudged' | 'finding';

/** In the order in which they follow a word. */
export const markSigns: Readonly<Record<Mark, string>> = {
  unexpected: '✗',
  undecided: '~',
  unjudged: '?',
  finding: '*',
};

/**
 * A cell in the states that test formats know. `failed`: unexpected. `error`: some repetition says nothing about the
 * subject (broken, invalid) or nothing was expected. `flaky`: repetitions differ, and the run was not asked to fail for
 * that. `undecided`: see `verdicts`.
 */
export type CellStatus = 'passed' | 'failed' | 'error' | 'skipped' | 'flaky' | 'undecided';

/** How many repetitions ended so. */
export type WordCount = Readonly<{ word: Observed; count: number }>;

export type CellView = Distribution<Result> &
  Readonly<{
    word: CellWord;
    /**
     * The ends of its repetitions, most frequent first; more than one when repetitions differ. Repetitions that say
     * nothing about the subject are among them only where none says anything.
     */
    words: Group<WordCount>;
    marks: readonly Mark[];
    status: CellStatus;
    /** The repetition that decided the status, and why, in one sentence with the numbers that decide. */
    deciding: Result;
    reason: string;
  }>;

export type CellOptions = Readonly<{
  /** A flaky cell is a failure. @default false */
  failOnFlaky?: boolean;
}>;

/** One view per cell, in the order of first appearance. */
export function buildCells(results: readonly Result[], options: CellOptions = {}): readonly CellView[] {
  return buildDistributions(results).map((cell) => ({
    ...cell,
    ...summarizeWords(cell),
    marks: findMarks(cell.results),
    ...decideStatus(cell, options.failOnFlaky === true),
  }));
}

function summarizeWords({ results }: Distribution<Result>): Pick<CellView, 'word' | 'words'> {
  const judged = results.filter(isJudged);
  const counts = new Map<Observed, number>();
  for (const result of judged.length > 0 ? judged : results) {
    const word = observedOf(result);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const sorted = [...counts].map(([word, count]) => ({ word, count })).sort((a, b) => b.count - a.count);
  // A cell has a result.
  const words = sorted as [WordCount, ...WordCount[]];
  return { words, word: words.length === 1 ? words[0].word : 'flaky' };
}

function findMarks(results: readonly Result[]): readonly Mark[] {
  const unexpected = results.some(({ verdict }) => verdict === 'unexpected');
  const found: Readonly<Record<Mark, boolean>> = {
    unexpected,
    undecided: results.some(({ verdict }) => verdict === 'undecided'),
    unjudged: results.some(({ verdict, outcome }) => verdict === null && outcome !== 'skipped'),
    finding: !unexpected && results.some(({ finding }) => finding !== null),
  };
  return (Object.keys(found) as Mark[]).filter((mark) => found[mark]);
}

/** As `exitCodeOf` counts: unexpected wins over broken, broken over a flaky cell that is no failure. */
function decideStatus(
  cell: Distribution<Result>,
  failOnFlaky: boolean,
): Pick<CellView, 'status' | 'deciding' | 'reason'> {
  const { results, verdict } = cell;
  const judged = results.filter(isJudged);
  const [decisive = results[0]] = judged;
  const unexpected = results.find((result) => result.verdict === 'unexpected');
  const silent = results.find((result) => result.outcome !== 'skipped' && result.verdict === null);
  const undecided = results.find((result) => result.verdict === 'undecided');
  const decide = (status: CellStatus, deciding: Result, before = '') => ({
    status,
    deciding,
    reason: `${before}${deciding.reason}`,
  });
  if (verdict === 'unexpected' && unexpected !== undefined)
    return decide('failed', unexpected, `${formatSurprise(unexpected)}: `);
  const flaky = (status: CellStatus) =>
    decide(status, unexpected ?? lastOf([decisive, ...judged]), `flaky: ${formatDistribution(cell)}: `);
  if (verdict === 'flaky' && failOnFlaky) return flaky('failed');
  if (silent !== undefined) return decide('error', silent, `${observedOf(silent)}: `);
  if (verdict === 'flaky') return flaky('flaky');
  if (verdict === 'undecided' && undecided !== undefined)
    return { status: 'undecided', deciding: undecided, reason: tellUndecided(undecided) };
  return decide(decisive.outcome === 'skipped' ? 'skipped' : 'passed', decisive);
}

/** `expected standard, got conservative` */
export function formatSurprise(result: Result): string {
  return `expected ${result.expected?.text ?? 'something else'}, got ${observedOf(result)}`;
}

/** The end of a cell in a word or, where there are repetitions, with intervals. */
export function formatObserved(cell: CellView): string {
  return cell.results.length === 1 ? observedOf(cell.deciding) : formatDistribution(cell);
}

/**
 * `conservative ✗`, `standard ×3`, `standard 2/3, conservative 1/3; 1 not judged`; a word or a sign for everything,
 * never colour alone.
 */
export function formatCell({ words, judged, silent, marks }: CellView): string {
  const total = words.reduce((sum, { count }) => sum + count, 0);
  const text =
    words.length === 1
      ? `${words[0].word}${total === 1 ? '' : ` ×${total}`}`
      : words.map(({ word, count }) => `${word} ${count}/${total}`).join(', ');
  const signs = marks.map((mark) => ` ${markSigns[mark]}`).join('');
  return `${text}${formatSilent(judged === 0 ? 0 : silent)}${signs}`;
}

/** Not as expected, or without a verdict: a cell to look at. */
export const isTroubled = ({ verdict, outcome }: Result): boolean =>
  verdict !== 'expected' && outcome !== 'skipped';
