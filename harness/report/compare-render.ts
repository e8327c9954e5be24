/** A comparison as text, Markdown and JSON. */
import { plainLine } from '../outcome/plain-text.ts';
import { findVaried } from './axis-labels.ts';
import type { CellChange, Comparison, Direction } from './compare.ts';
import { formatDifference } from './compare-environment.ts';
import { formatOverheadMove } from './compare-overhead.ts';
import { prepareDescriptions } from './describe-cells.ts';
import type { CellView } from './cell-view.ts';
import { formatDistribution } from './format-distribution.ts';
import { formatCount } from './format-run.ts';
import { type Group, groupBy, lastOf } from './group-by.ts';
import { escapeMarkdown } from './markdown.ts';

/** Cells that moved in the same way for the same reason. */
export type ChangeGroup = Readonly<{
  direction: Direction;
  regression: boolean;
  /** `512M–2G overcommit 2` */
  where: string;
  /** `standard → conservative; expected → unexpected` */
  what: string;
  /** The deciding sentence of the first cell on both sides, and what differs. */
  notes: readonly string[];
  ids: Group<string>;
  /** How the figures of the first cell moved. */
  moves: readonly string[];
}>;

export function groupChanges({ changes }: Pick<Comparison, 'changes'>): readonly ChangeGroup[] {
  const axes = findVaried(changes);
  const groups = groupBy(changes, (change) =>
    [change.regression, change.direction, formatMove(change), ...change.differs].join('\n'),
  );
  const describe = prepareDescriptions(changes, axes);
  return [...groups.values()].map((members) => {
    const [first, ...others] = members;
    const moves = first.overhead.map(formatOverheadMove);
    return {
      direction: first.direction,
      regression: first.regression,
      // One cell, or all there are: the id says more than "all cells".
      where: members.length === 1 || axes.length === 0 ? first.id : describe(members),
      what: formatMove(first),
      notes: [
        ...(first.oldId === first.id ? [] : [`compared with ${first.oldId}`]),
        ...formatReasons(first),
        ...moves,
        ...(first.differs.length === 0 ? [] : [`differs: ${first.differs.join(', ')}`]),
      ].map((note) => plainLine(note, 500)),
      ids: [first.id, ...others.map(({ id }) => id)],
      moves,
    };
  });
}

function formatMove(change: CellChange): string {
  const [was, is] = [formatDistribution(change.old), formatDistribution(change.new)];
  const [before, after] = [checksOf(change.old), checksOf(change.new)];
  const words = [
    ...(was === is ? [was] : [`${was} → ${is}`]),
    ...(change.kinds.includes('checks') ? [`bounds checks ${before} → ${after}`] : []),
    ...(change.old.verdict === change.new.verdict
      ? []
      : [`${change.old.verdict ?? 'no verdict'} → ${change.new.verdict ?? 'no verdict'}`]),
    ...(change.kinds.includes('overhead') ? ['overhead moved'] : []),
  ];
  return words.join('; ');
}

const checksOf = ({ results }: CellView): string =>
  results.find(({ form }) => form !== null)?.form?.checks ?? 'unknown';

function formatReasons({ old, new: now }: CellChange): readonly string[] {
  const [was, is] = [lastOf(old.results).reason, lastOf(now.results).reason];
  return was === is ? [`why: ${is}`] : [`was: ${was}`, `now: ${is}`];
}

const titles: readonly Readonly<{ title: string; holds: (group: ChangeGroup) => boolean }>[] = [
  { title: 'Regressions', holds: ({ regression }) => regression },
  { title: 'Worse', holds: ({ regression, direction }) => !regression && direction === 'worse' },
  { title: 'Changed', holds: ({ regression, direction }) => !regression && direction === 'other' },
  { title: 'Better', holds: ({ regression, direction }) => !regression && direction === 'better' },
];

/** `2 regressions, 1 better; 33 of 36 cells unchanged, 1 new, 2 missing` */
export function formatComparison(comparison: Comparison): string {
  const { changes, regressions, compared, unchanged, added, missing } = comparison;
  const count = (direction: Direction) =>
    changes.filter((change) => !change.regression && change.direction === direction).length;
  const moved = [
    [regressions, regressions === 1 ? 'regression' : 'regressions'],
    [count('worse'), 'worse'],
    [count('other'), 'changed'],
    [count('better'), 'better'],
  ] as const;
  const shown = moved.flatMap(([number, word]) => (number > 0 ? [`${number} ${word}`] : []));
  const rest = [
    `${unchanged} of ${formatCount(compared, 'cell')} unchanged`,
    ...(added.length > 0 ? [`${added.length} new`] : []),
    ...(missing.length > 0 ? [`${missing.length} missing`] : []),
  ];
  return `${shown.length === 0 ? 'no change' : shown.join(', ')}; ${rest.join(', ')}`;
}

/** More than these are a count: the JSON has all. */
const listLimit = 40;

type Marks = Readonly<{
  heading: (text: string) => string;
  item: (strong: string, text: string) => string;
  note: (text: string) => string;
}>;

const textMarks: Marks = {
  heading: (text) => `\n${text}`,
  item: (strong, text) => `  ${plainLine(strong, 500)}${text === '' ? '' : `: ${plainLine(text)}`}`,
  note: (text) => `      ${plainLine(text)}`,
};

const markdownMarks: Marks = {
  heading: (text) => `\n## ${escapeMarkdown(text)}\n`,
  item: (strong, text) => `- **${escapeMarkdown(strong)}**${text === '' ? '' : `: ${escapeMarkdown(text)}`}`,
  note: (text) => `  - ${escapeMarkdown(text)}`,
};

/** Plain text for a terminal. */
export function renderComparisonText(comparison: Comparison): string {
  const head = [...formatSides(comparison), '', formatComparison(comparison)];
  return `${[...head, ...renderBody(comparison, textMarks)].join('\n')}\n`;
}

/** Markdown for a job summary or a comment. */
export function renderComparisonMarkdown(comparison: Comparison): string {
  const sides = formatSides(comparison).map((line) => `${escapeMarkdown(line)}  `);
  const head = ['# What changed', '', ...sides, '', `**${escapeMarkdown(formatComparison(comparison))}**`];
  return `${[...head, ...renderBody(comparison, markdownMarks)].join('\n')}\n`;
}

function formatSides({ old, new: now, unfinished, states }: Comparison): readonly string[] {
  const side = (name: string, records: Comparison['old']) =>
    records.flatMap(({ id, startedAt, matrix }) => [
      `${name} ${id}, ${startedAt}, ${plainLine(matrix.title, 100)}${unfinished.includes(id) ? ' (not finished)' : ''}`,
      ...states
        .filter(({ run }) => run === id)
        .flatMap(({ sentences }) => sentences.map((sentence) => `${name} ${id}: ${sentence}`)),
    ]);
  return [...side('old', old), ...side('new', now)];
}

function renderBody(comparison: Comparison, { heading, item, note }: Marks): readonly string[] {
  const { changes, added, missing, asked, environment } = comparison;
  const groups = groupChanges(comparison);
  const list = <Item>(title: string, items: readonly Item[], show: (one: Item) => readonly string[]) => {
    if (items.length === 0) return [];
    const shown = items.length <= listLimit + 1 ? items : items.slice(0, listLimit);
    const more = items.length - shown.length;
    return [heading(title), ...shown.flatMap(show), ...(more > 0 ? [item(`and ${more} more`, '')] : [])];
  };
  const name = (text: string) => [item(text, '')];
  return [
    ...titles.flatMap(({ title, holds }) =>
      list(title, groups.filter(holds), ({ where, what, ids, notes }) => [
        item(where, ids.length === 1 ? what : `${what} (${ids.length} cells)`),
        ...notes.map(note),
      ]),
    ),
    ...list('New cells', added, name),
    ...list('Missing cells', missing, name),
    ...list('Not the same was asked', asked, (what) => name(`${what} differs`)),
    ...list('What may explain it', changes.length === 0 ? [] : environment, (difference) => [
      item(difference.what, formatDifference(difference)),
    ]),
  ];
}

/** Everything, for programs. `schema` counts up when a field changes its meaning. */
export function renderComparisonJson(comparison: Comparison): string {
  const { old, new: now, changes, ...rest } = comparison;
  const document = {
    schema: 1,
    old: old.map(({ id }) => id),
    new: now.map(({ id }) => id),
    ...rest,
    changes: changes.map(({ old: was, new: is, settings: _, ...change }) => ({
      ...change,
      old: shortenSide(was),
      new: shortenSide(is),
    })),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function shortenSide({ verdict, judged, silent, shares, results }: CellView): object {
  const last = lastOf(results);
  return {
    verdict,
    judged,
    silent,
    shares,
    checks: last.form?.checks ?? null,
    reason: last.reason,
    evidence: last.evidence,
  };
}
