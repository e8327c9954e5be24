/** The table people come for: environments down, hosts across, how each runs there, and the number that decides. */
import { formatBytes } from '../../images/allocator/sizes.ts';
import type { Result } from '../store/result.ts';
import { axes as axisTable } from '../axes/table.ts';
import { type Usual, type VariedAxis, findOmitted, labelCell, labelValue } from './axis-labels.ts';
import { type CellView, cellWords } from './cell-view.ts';
import { prepareDescriptions } from './describe-cells.ts';
import { describeUnusual } from './describe-unusual.ts';
import { groupCells, joinCells, keyOf, nameColumn } from './grid.ts';
import { groupBy } from './group-by.ts';
import { fillRanges, splitNumbers } from './group-reasons.ts';
import { basisOf, describeStart, printed } from './host-table.ts';
import { findShortfall, tellShortfall } from './list-stops.ts';
import { cutWords, tellEnd } from './tell-end.ts';

/** One host in environments where the same happens to it. */
export type VerdictPlace<Cell extends CellView = CellView> = Readonly<{
  /** The first of them. */
  cell: Cell;
  cells: readonly Cell[];
  /** `table pool needs 1531 MiB, CommitLimit leaves 158–866 MiB`; empty where nothing is known. */
  numbers: string;
}>;

export type VerdictTable<Cell extends CellView = CellView> = Readonly<{
  /** What a line is. */
  corner: 'environment' | 'host' | 'host and environment';
  /** How many there are: several hosts in one are several tests of it. */
  environments: number;
  heads: readonly string[];
  /** What the lines do not name because it is usual; empty where they name every axis that varies. */
  usual: Usual;
  lines: readonly Readonly<{
    /** Clauses: together they name exactly what the line stands for. */
    where: readonly string[];
    /** How many environments (or hosts) the line stands for. */
    count: number;
    /** One per head; null where nothing was tested. */
    places: readonly (VerdictPlace<Cell> | null)[];
  }>[];
}>;

/** More columns than this do not fit beside each other. */
const mostColumns = 10;

/** With more axes than this a line names what is not usual. */
const namedAxes = 3;

/** The head of the one column of our own host, and of one where each line names its host. */
const ownHost = 'our wasm host';
const anyHost = 'how it runs';

/** Lines of equal places are one. With many hosts, hosts are lines; with many environments too, each cell is one. */
export function buildVerdictTable<Cell extends CellView>(
  cells: readonly Cell[],
  axes: readonly VariedAxis[],
): VerdictTable<Cell> {
  const hosts = axes.filter(({ name }) => name === 'subject');
  const environment = axes.filter(({ name }) => name !== 'subject');
  const layouts = [
    { corner: 'environment', down: environment, across: hosts },
    { corner: 'host', down: hosts, across: environment },
  ] as const;
  const { corner, down, across } = layouts.find(
    (layout) => groupCells(cells, layout.across).length <= mostColumns,
  ) ?? { corner: 'host and environment', down: axes, across: [] };
  const columns = groupCells(cells, across).map(([first]) => labelCell(first, across));
  const names = across.map(({ name }) => name);
  const heads = columns.map((labels) =>
    corner === 'host and environment' ? anyHost : nameColumn(names, labels, ' · ') || nameHost(cells),
  );
  const keys = columns.map((labels) => labels.join('\n'));
  const lines = groupCells(cells, down).map((members) => {
    const byKey = groupBy(members, (cell) => keyOf(cell, across));
    return keys.map((key) => joinCells(byKey.get(key) ?? []));
  });
  const usual: Usual = down.length > namedAxes ? findOmitted(cells, down) : new Map();
  const describe = prepareDescriptions(cells, down);
  const name = (members: readonly Cell[]): readonly string[] => {
    if (corner === 'host') return nameHosts(members.map((cell) => keyOf(cell, hosts)));
    if (usual.size > 0) return describeUnusual(members, down, usual);
    return nameAll(describe(members), down).split('; ');
  };
  const joined = [...groupBy(lines, (line) => line.map(sameness).join('\u0001')).values()].map((equal) => ({
    where: name(equal.flatMap((line) => line.filter((cell) => cell !== null).slice(0, 1))),
    count: equal.length,
    places: keys.map((_, index) => joinPlaces(equal.flatMap((line) => line[index] ?? []))),
  }));
  const environments = groupCells(cells, environment).length;
  return { corner, environments, heads, usual, lines: heads.length === 1 ? sortLines(joined) : joined };
}

/** More versions of a host than this are counted. */
const namedVersions = 4;

/** `wash@2.0.2, wash@2.0.3`; `wasmtime-serve (22 versions)` */
function nameHosts(hosts: readonly string[]): readonly string[] {
  return [...groupBy(hosts, (host) => host.replace(/@.*/, ''))].map(([name, versions]) =>
    versions.length > namedVersions ? `${name} (${versions.length} versions)` : versions.join(', '),
  );
}

type Line<Cell extends CellView> = VerdictTable<Cell>['lines'][number];

/** One host: the best first, and of those what holds in most environments. */
function sortLines<Cell extends CellView>(lines: readonly Line<Cell>[]): readonly Line<Cell>[] {
  const rank = ({ places }: Line<Cell>): number =>
    Math.min(...places.filter((place) => place !== null).map(({ cell }) => cellWords.indexOf(cell.word)));
  return [...lines].sort((a, b) => rank(a) - rank(b) || b.count - a.count);
}

/** The one that ran. */
const nameHost = ([cell]: readonly CellView[]): string =>
  cell?.deciding.subject === undefined ? ownHost : labelValue(axisTable.subject, cell.settings);

function nameAll(described: string, down: readonly VariedAxis[]): string {
  if (described !== 'all cells') return described;
  return down.length === 0 ? 'the one environment' : 'everywhere';
}

/** Equal for cells of which a reader learns the same. */
function sameness(cell: CellView | null): string {
  if (cell === null) return '';
  const { deciding, marks } = cell;
  const { shape } = splitTold(deciding);
  return [describeStart(cell), basisOf(deciding), marks.join(' '), shape].join('\n');
}

function joinPlaces<Cell extends CellView>(cells: readonly Cell[]): VerdictPlace<Cell> | null {
  const [cell] = cells;
  if (cell === undefined) return null;
  const numbers = fillRanges(
    splitTold(cell.deciding).shape,
    cells.map((one) => splitTold(one.deciding).numbers),
  );
  return { cell, cells, numbers };
}

/** A line, a grid and a list say the numbers of one cell. */
const told = new WeakMap<Result, Readonly<{ text: string } & ReturnType<typeof splitNumbers>>>();

/** The numbers under a word; for a whole pool its size, for a failure without numbers its first words. */
export const tellNumbers = ({ deciding }: Pick<CellView, 'deciding'>): string => splitTold(deciding).text;

function splitTold(deciding: Result): Readonly<{ text: string } & ReturnType<typeof splitNumbers>> {
  const known = told.get(deciding);
  if (known !== undefined) return known;
  const text = findNumbers(deciding);
  const made = { text, ...splitNumbers(text) };
  told.set(deciding, made);
  return made;
}

function findNumbers(deciding: Result): string {
  const { tier, form, subject, outcome, reason } = deciding;
  const shortfall = findShortfall(deciding);
  if (shortfall !== null) return tellShortfall(shortfall, reason) ?? cutWords(reason, 90);
  const largest = subject?.process?.up?.largest[0]?.bytes;
  if (tier !== null && form !== null && form.reservedBytes > 0)
    return `${formatBytes(form.reservedBytes)} reserved`;
  if (subject !== undefined && outcome === 'reached')
    return tier === null || largest === undefined ? '' : `largest mapping ${formatBytes(largest)}`;
  return subject === undefined ? cutWords(printed(deciding) || reason, 90) : tellEnd(deciding);
}
