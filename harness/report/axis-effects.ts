/**
 * What decides, from a run's own data: for each axis the pairs of cells that differ in nothing else, and how many of
 * them end differently. A statement about these pairs, never about the axis as such.
 */
import { tiers } from '../../images/allocator/tier.ts';
import type { axes } from '../axes/table.ts';
import { type VariedAxis, usualOf } from './axis-labels.ts';
import type { CellView, CellWord } from './cell-view.ts';
import { formatCount } from './format-run.ts';
import { groupNeighbours } from './neighbours.ts';

/** The pairs of one value and the usual one. */
export type AxisStep = Readonly<{
  /** Label of the usual value. */
  from: string;
  to: string;
  pairs: number;
  changed: number;
  /** Of those changed: `to` is a lower tier, or none; and the reverse. */
  worse: number;
  better: number;
}>;

export type AxisEffect = Readonly<{
  axis: string;
  /** Pairs that differ in this axis alone and whose ends can be compared. */
  pairs: number;
  /** Pairs of which the tiers, or the outcomes, differ. */
  changed: number;
  /** Pairs not counted: a cell is flaky, was not judged, or came up without showing its tier beside one that did. */
  open: number;
  /** In the order of the values; none for values that no counted pair has. */
  steps: readonly AxisStep[];
}>;

/** Ends that say nothing about a difference. */
const silentWords: readonly CellWord[] = ['flaky', 'broken', 'invalid', 'skipped'];

/** The axes that vary, those that change the largest share of their pairs first, those without a pair last. */
export function findEffects<Cell extends CellView>(
  cells: readonly Cell[],
  varied: readonly VariedAxis[],
  scope?: (cell: Cell) => string,
): readonly AxisEffect[] {
  return varied
    .map((axis) => {
      const groups = groupNeighbours(cells, axis.name, scope);
      const counts = groups.map(countPairs);
      const sum = (key: 'pairs' | 'changed' | 'open'): number =>
        counts.reduce((total, count) => total + count[key], 0);
      return {
        axis: axis.name,
        pairs: sum('pairs'),
        changed: sum('changed'),
        open: sum('open'),
        steps: findSteps(groups, axis, usualOf(cells, axis)),
      };
    })
    .sort((a, b) => shareOf(b) - shareOf(a) || b.pairs - a.pairs);
}

const shareOf = ({ pairs, changed }: AxisEffect): number => (pairs === 0 ? -1 : changed / pairs);

const pairsOf = (count: number): number => (count * (count - 1)) / 2;

/** From the number of cells with each word: an axis of a thousand values has half a million pairs. */
function countPairs(cells: readonly CellView[]): Pick<AxisEffect, 'pairs' | 'changed' | 'open'> {
  const counts = new Map<CellWord, number>();
  for (const { word } of cells) counts.set(word, (counts.get(word) ?? 0) + 1);
  let known = 0;
  let same = 0;
  let withTier = 0;
  for (const [word, count] of counts) {
    if (silentWords.includes(word)) continue;
    known += count;
    same += pairsOf(count);
    if (isTier(word)) withTier += count;
  }
  // One shows its tier, the other came up without showing one: nobody knows whether they differ.
  const pairs = pairsOf(known) - withTier * (counts.get('reached') ?? 0);
  return { pairs, changed: pairs - same, open: pairsOf(cells.length) - pairs };
}

const isTier = (word: CellWord): boolean => (tiers as readonly string[]).includes(word);

function findSteps(
  groups: readonly (readonly CellView[])[],
  axis: VariedAxis,
  from: string,
): readonly AxisStep[] {
  const steps = new Map<string, { pairs: number; changed: number; worse: number; better: number }>();
  for (const group of groups) {
    const usual = group.find(({ settings }) => axis.label(settings) === from);
    if (usual === undefined) continue;
    for (const cell of group) {
      const to = axis.label(cell.settings);
      const { pairs, changed } = countPairs([usual, cell]);
      if (cell === usual || pairs === 0) continue;
      const step = steps.get(to) ?? { pairs: 0, changed: 0, worse: 0, better: 0 };
      const further = changed === 0 ? 0 : compareWords(usual.word, cell.word);
      step.pairs += 1;
      step.changed += changed;
      if (further > 0) step.worse += 1;
      if (further < 0) step.better += 1;
      steps.set(to, step);
    }
  }
  return axis.values.flatMap((to) => {
    const step = steps.get(to);
    return step === undefined ? [] : [{ from, to, ...step }];
  });
}

/** Failures are not listed: all count as equally bad, below `reached`. */
const worstFirst: readonly CellWord[] = [...tiers, 'reached' as const].reverse();

/** Above 0 where the second is worse. */
function compareWords(one: CellWord, other: CellWord): number {
  const place = (word: CellWord): number => worstFirst.indexOf(word);
  return place(one) - place(other);
}

/** Steps named in a sentence; the others are in the JSON. */
const shownSteps = 4;

/** `Changed the tier or outcome in 24 of 36 pairs. From 0: to 2 in 12 of 12, worse; to 1 in 0 of 12.` */
export function describeEffect(effect: AxisEffect, of = 'this run'): string {
  const { pairs, changed, open, steps } = effect;
  const left = open === 0 ? '' : ` ${formatCount(open, 'pair')} could not be compared.`;
  if (pairs === 0)
    return open === 0 ? `No two cells of ${of} differ in it alone.` : `Nothing to compare.${left}`;
  if (changed === 0)
    return `Changed neither tier nor outcome in the ${formatCount(pairs, 'pair')} of ${of}.${left}`;
  const shown = [...steps].sort((a, b) => b.changed / b.pairs - a.changed / a.pairs).slice(0, shownSteps);
  const [first] = shown;
  const from = first === undefined ? '' : ` From ${first.from}: ${shown.map(describeStep).join('; ')}.`;
  return `Changed the tier or outcome in ${changed} of ${formatCount(pairs, 'pair')}.${from}${left}`;
}

function describeStep({ to, pairs, changed, worse, better }: AxisStep): string {
  const ways = [
    [worse, 'worse'],
    [better, 'better'],
  ] as const;
  const words = ways.flatMap(([count, word]) =>
    count === 0 ? [] : [count === changed ? word : `${count} ${word}`],
  );
  return [`to ${to} in ${changed} of ${pairs}`, ...words].join(', ');
}

/** What the field calls the settings that it asks about; the others have the name of their axis. */
const titles: ReadonlyMap<string, string> = new Map(
  Object.entries({
    subject: 'host',
    overcommit: 'vm.overcommit_memory',
    overcommitRatio: 'vm.overcommit_ratio',
    thp: 'transparent huge pages',
    maxMapCount: 'vm.max_map_count',
    addressSpace: 'address space (ulimit -v)',
    dataLimit: 'data (ulimit -d)',
  } satisfies Partial<Record<keyof typeof axes, string>>),
);

export const titleAxis = (axis: string): string => titles.get(axis) ?? axis;
