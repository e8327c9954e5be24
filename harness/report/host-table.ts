/** Hosts beside each other: how each starts in each environment, how that is known, and what it prints. */
import type { Basis } from '../outcome/find-tier.ts';
import type { Result } from '../store/result.ts';
import type { Usual, VariedAxis } from './axis-labels.ts';
import { type CellView, type CellWord, markSigns } from './cell-view.ts';
import { prepareNames } from './describe-unusual.ts';
import { type Grid, buildGrid } from './grid.ts';
import { groupBy } from './group-by.ts';

/** What hosts print, each text once. */
export type HostText = Readonly<{ start: string; where: string; text: string; cells: number }>;

export type HostTable<Cell extends CellView = CellView> = Readonly<{
  /** Environments down and hosts across; with many hosts, hosts down and environments across. */
  grid: Grid<Cell>;
  /** Of everything that does not start fully. */
  texts: readonly HostText[];
}>;

/** How a host starts, for a reader who compares hosts: a tier of ours is a word about pools. */
export const starts: Readonly<Record<CellWord, string>> = {
  standard: 'runs fully',
  conservative: 'runs smaller',
  'on-demand': 'runs without a pool',
  reached: 'runs',
  flaky: 'differs each time',
  exhausted: 'does not start',
  crashed: 'does not start',
  timeout: 'not up in time',
  'guest-died': 'guest died',
  invalid: 'not judged',
  broken: 'not judged',
  skipped: 'not tested',
};

/** More hosts than this are rows: versions of a few hosts, most of them. */
const mostColumns = 10;

/**
 * Null with less than two subjects.
 *
 * @param usual what the texts need not name. @default what the table's lines do not name
 */
export function buildHostTable<Cell extends CellView>(
  cells: readonly Cell[],
  axes: readonly VariedAxis[],
  usual?: Usual,
): HostTable<Cell> | null {
  const subjects = axes.find(({ name }) => name === 'subject');
  if (subjects === undefined) return null;
  const others = axes.filter((axis) => axis !== subjects).map(({ name }) => name);
  const across = subjects.values.length <= mostColumns ? ['subject'] : others;
  const grid = buildGrid(cells, axes, across);
  return { grid, texts: listTexts(cells, axes, usual ?? grid.usual) };
}

/** `runs fully`, `starts but serves nothing`, `does not start` */
export function describeStart(cell: CellView): string {
  return servesNothing(cell) ? 'starts but serves nothing' : starts[cell.word];
}

/** It came up and answers, but never as it should. */
export const servesNothing = ({ word, deciding }: CellView): boolean =>
  word === 'exhausted' && deciding.outcome === 'exhausted' && deciding.subject?.answer !== undefined;

/** How the tier is known; null where there is none. Older results do not say that it was told. */
export function basisOf({ tier, subject }: Result): Basis | 'proven' | null {
  if (tier === null) return null;
  return subject === undefined ? 'proven' : (subject.basis ?? 'told');
}

/** `runs smaller (seen) ✗` */
export function formatStart(cell: CellView): string {
  const basis = basisOf(cell.deciding);
  const signs = cell.marks.map((mark) => ` ${markSigns[mark]}`).join('');
  return `${describeStart(cell)}${basis === null ? '' : ` (${basis})`}${signs}`;
}

/** The signs of a table with their meaning. */
export const hostLegend: readonly string[] = [
  'Runs fully: with its whole pool; smaller: with a smaller one; without a pool: memories are mapped when they are needed',
  'Proven: by our host, which uses it; seen: in the mappings of the process; told: by a line of its output',
];

/** The time before a line of a log is another one in each guest. */
const logTime = /^\d{4}-\d\d-\d\dT[\d:.]+Z?\s+/;

/** What a host that is not ours printed when it failed, otherwise why the best tier did. */
export function printed({ subject, tiers }: Result): string {
  if (subject === undefined) return tiers.find(({ ok }) => !ok)?.message ?? '';
  return [subject.line ?? [], subject.causes ?? []].flat().join(': ').replace(logTime, '');
}

function listTexts(
  cells: readonly CellView[],
  axes: readonly VariedAxis[],
  usual: Usual,
): readonly HostText[] {
  const describe = prepareNames(
    cells.map(({ deciding }) => deciding),
    axes,
    usual,
  );
  const saying = cells.flatMap((cell) => {
    const text = cell.word === 'standard' ? '' : printed(cell.deciding);
    return text === '' ? [] : [{ result: cell.deciding, start: describeStart(cell), text }];
  });
  const groups = groupBy(saying, ({ start, text }) => `${start}\n${text}`);
  return [...groups.values()].flatMap((members) =>
    members.slice(0, 1).map(({ start, text }) => ({
      start,
      text,
      where: describe(members.map(({ result }) => result)),
      cells: members.length,
    })),
  );
}
