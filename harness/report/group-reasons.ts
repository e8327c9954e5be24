/** Many cells, few reasons: those that differ in their numbers only are one line with ranges. */
import type { Tier } from '../../images/allocator/tier.ts';
import type { Outcome, Verdict } from '../outcome/outcome.ts';
import { tellUndecided } from '../outcome/judge-overhead.ts';
import { plainLine } from '../outcome/plain-text.ts';
import type { Result } from '../store/result.ts';
import type { Usual, VariedAxis } from './axis-labels.ts';
import { prepareNames } from './describe-unusual.ts';

export type ReasonGroup = Readonly<{
  outcome: Outcome;
  tier: Tier | null;
  verdict: Verdict;
  /** `512M–2G overcommit 2` */
  where: string;
  /** `table pool needs 1531 MiB, CommitLimit leaves 50–805 MiB` */
  reason: string;
  cells: number;
}>;

/**
 * Measurements: amounts of memory (with their unit, which may differ from cell to cell), times, counts
 * of mappings. A number without a unit, like `overcommit 2` or a version, is a name.
 */
const measured =
  /\d+(?:\.\d+)? (?:KiB|MiB|GiB|TiB)\b|\d+(?:\.\d+)?(?= (?:bytes|mappings|ms|s)\b)|(?<=leaves )\d+/g;

/** A text without its measurements, which are equal in all texts of one kind, and the measurements. */
export function splitNumbers(text: string): Readonly<{ shape: string; numbers: string[] }> {
  // Addresses differ from boot to boot and make no other reason.
  const same = text.replace(/\b0x[\da-f]{5,}\b/gi, '0x…');
  const numbers: string[] = [];
  const shape = same.replace(measured, (measure) => {
    numbers.push(measure);
    return '\u0000';
  });
  return { shape, numbers };
}

/**
 * One group for each distinct reason; cells that reached the first tier they tried, as expected, need none.
 *
 * @param usual what stands beside the reasons as usual, and what they need not name
 */
export function groupReasons(
  results: readonly Result[],
  axes: readonly VariedAxis[],
  usual: Usual = new Map(),
): readonly ReasonGroup[] {
  const groups = new Map<string, { first: Result; shape: string; members: Result[]; numbers: string[][] }>();
  for (const result of results.filter(needsReason)) {
    const { shape, numbers } = splitNumbers(formatReason(result));
    const key = [result.outcome, result.tier, result.verdict, shape].join('\n');
    const group = groups.get(key) ?? { first: result, shape, members: [], numbers: [] };
    group.members.push(result);
    group.numbers.push(numbers);
    groups.set(key, group);
  }
  const describe = prepareNames(results, axes, usual);
  return [...groups.values()].map(({ first: { outcome, tier, verdict }, shape, members, numbers }) => ({
    outcome,
    tier,
    verdict,
    where: describe(members),
    reason: fillRanges(shape, numbers),
    cells: members.length,
  }));
}

export function needsReason({ outcome, verdict, finding, tiers }: Result): boolean {
  return !(
    outcome === 'reached' &&
    verdict === 'expected' &&
    finding === null &&
    tiers.every(({ ok }) => ok)
  );
}

function formatReason(result: Result): string {
  const { outcome, tier, verdict, expected, reason, finding } = result;
  return plainLine(
    [
      verdict === 'unexpected'
        ? `expected ${expected?.text ?? 'something else'}, got ${tier ?? outcome}: `
        : '',
      verdict !== 'unexpected' && outcome !== 'reached' ? `${outcome}: ` : '',
      verdict === null && outcome === 'reached' ? 'nothing was expected: ' : '',
      verdict === 'undecided' ? `undecided: ${tellUndecided(result)}` : reason,
      finding === null || expected?.source === 'prediction' ? '' : ` (${finding})`,
    ].join(''),
  );
}

/** Puts the numbers back: one where all agree, else the smallest and the largest. */
export function fillRanges(shape: string, numbers: readonly (readonly string[])[]): string {
  let index = 0;
  return shape.replaceAll('\u0000', () => {
    const [low, high] = findEnds(numbers.flatMap((row) => row.slice(index, index + 1)));
    index += 1;
    if (low === high) return low;
    return joinEnds(low, high);
  });
}

/** `160–868 MiB`; ends in different units are both told in one: `64.5–258 GiB`. */
function joinEnds(low: string, high: string): string {
  const [least, most] = [unitOf(low), unitOf(high)];
  if (most === least) return `${low.replace(/ .*/, '')}–${high}`;
  const shared = units.slice(units.indexOf(most)).find(({ factor }) => sizeOf(low) >= leastAmount * factor);
  if (shared === undefined || least === noUnit) return `${low}–${high}`;
  const inShared = (measure: string): string => round(sizeOf(measure) / shared.factor);
  return `${inShared(low)}–${shared === most ? high : `${inShared(high)} ${shared.name}`}`;
}

/** Three digits are enough for an end that stands beside a far larger one. */
const round = (amount: number): string =>
  amount >= 1000 ? amount.toFixed(0) : String(Number(amount.toPrecision(3)));

/** A smaller part of a unit than this is told in the next smaller one. */
const leastAmount = 0.01;

/** The smallest and the largest, without sorting ten thousand. */
function findEnds(measures: readonly string[]): readonly [low: string, high: string] {
  let [low, high] = ['', ''];
  let [least, most] = [Infinity, -Infinity];
  for (const measure of measures) {
    const size = sizeOf(measure);
    if (size < least) [low, least] = [measure, size];
    if (size >= most) [high, most] = [measure, size];
  }
  return [low, high];
}

/** The largest first. */
const units = [
  { name: 'TiB', factor: 2 ** 40 },
  { name: 'GiB', factor: 2 ** 30 },
  { name: 'MiB', factor: 2 ** 20 },
  { name: 'KiB', factor: 2 ** 10 },
];
const noUnit = { name: '', factor: 1 };

const unitOf = (measure: string): typeof noUnit => units.find(({ name }) => measure.endsWith(name)) ?? noUnit;

const sizeOf = (measure: string): number => parseFloat(measure) * unitOf(measure).factor;
