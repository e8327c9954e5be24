/** What a matrix asks of overhead: `measure`, and the bound of a rule. Its texts, and what was meant by wrong ones. */
import { z } from 'zod';
import { workloads } from '../../images/wasm-host/workloads/catalogue.ts';
import { nearest } from '../axes/nearest-word.ts';

/** What of a cell is measured, and how. */
export type Measure = Readonly<{
  /** What memory accesses cost in its tier. */
  overhead: boolean;
  /** What a request costs a server in its tier. */
  serving: boolean;
  /** Workloads by name or kind; empty for all that can be measured. */
  workloads: readonly string[];
  /** Widest interval that counts as stable: 0.01 for 1 %. */
  precision: number;
  /** Longest a measurement may take, ms, the building of images and templates not counted. */
  budgetMs: number;
  /** Cells of one engine with version, tier, form and Node line use one measurement. */
  share: boolean;
}>;

export const defaultMeasure: Measure = {
  overhead: true,
  serving: false,
  workloads: [],
  precision: 0.01,
  budgetMs: 60_000,
  share: false,
};

const workloadKinds: readonly string[] = [...new Set(workloads.map(({ kind }) => kind))];

/** Names of workloads and the kinds that stand for several. */
export const workloadNames: readonly string[] = [...workloadKinds, ...workloads.map(({ name }) => name)];

/** Thirty names would bury the message: the kinds, and where the names are. */
export const workloadWords = `a kind of workloads (${workloadKinds.join(', ')}) or the name of one (poolproof overhead --help lists them)`;

const number = String.raw`\d{1,4}(?:\.\d{1,4})?`;
const boundPattern = new RegExp(`^<= ?${number} ?%$`);
const percentPattern = new RegExp(`^${number} ?%$`);
const durationPattern = new RegExp(`^${number}(?:ms|s|m)$`);

const numberIn = (text: string): number => Number(/[\d.]+/.exec(text)?.[0]);
const share = (text: string): number => Number((numberIn(text) / 100).toFixed(8));

/** Milliseconds. */
function parseDuration(text: string): number {
  const unit = text.endsWith('ms') ? 1 : text.endsWith('s') ? 1000 : 60_000;
  return numberIn(text) * unit;
}

const fitting = (
  pattern: RegExp,
  error: string,
  parse: (text: string) => number,
  [low, high]: readonly [number, number],
): z.ZodType<number> =>
  z
    .string({ error })
    .regex(pattern, { error })
    .transform((text, context) => {
      const value = parse(text);
      if (value >= low && value <= high) return value;
      context.addIssue({ code: 'custom', message: `\`${text}\` is outside the range: ${error}` });
      return z.NEVER;
    });

/** `<= 20%` → 0.2 */
export const boundSchema = fitting(
  boundPattern,
  'a bound such as "<= 20%", from 0 to 1000 %',
  share,
  [0, 10],
);

/** `1%` → 0.01. No count is exacter than the least, and a wider interval than the most says nothing. */
export const precisionSchema = fitting(
  percentPattern,
  'a share such as 1%, from 0.2 to 50 %',
  share,
  [0.002, 0.5],
);

/** `60s` → 60,000 */
export const budgetSchema = fitting(
  durationPattern,
  'a time such as 60s or 2m, from 5s to 60m',
  parseDuration,
  [5000, 3_600_000],
);

/** What somebody meant who wrote `< 20%`, `20`, `0.2`, `20 percent`; null when it cannot be told. */
function guessPercent(input: unknown): string | null {
  if (typeof input === 'number')
    return input > 0 && input < 1 ? `${Number((input * 100).toFixed(4))}` : `${input}`;
  const match =
    /^\s*(?:<=?|=<|≤|max|at most|up to)?\s*\+?(\d+(?:[.,]\d+)?)\s*(?:%|percent|per cent|points)?\s*$/i.exec(
      String(input),
    );
  return match?.[1]?.replace(',', '.') ?? null;
}

function guessDuration(input: unknown): string | null {
  const match = /^(\d+(?:\.\d+)?)\s*(s|sec|secs|seconds?|m|min|mins|minutes?)?$/i.exec(String(input).trim());
  if (match === null) return null;
  const [, amount = '', unit = ''] = match;
  return `${amount}${unit.toLowerCase().startsWith('m') ? 'm' : 's'}`;
}

/** The right text for a wrong one, by the key it stands under. */
export const suggestions: Readonly<Record<string, (input: unknown) => string | null>> = {
  overhead: (input) => {
    const percent = guessPercent(input);
    return percent === null ? null : `"<= ${percent}%"`;
  },
  precision: (input) => {
    const percent = guessPercent(input);
    return percent === null ? null : `${percent}%`;
  },
  budget: guessDuration,
  workloads: (input) => nearest(String(input), workloadNames),
};
