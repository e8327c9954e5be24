/** A set of cells in few words: `512M–2G overcommit 2`. */
import { type HasSettings, type VariedAxis, labelAxis } from './axis-labels.ts';
import { groupBy } from './group-by.ts';

/** More clauses than this say less than a number does. */
const clauseLimit = 4;

/** The cells there are, by the labels of the axes in their order: built once, read for each set of cells. */
type Branch = ReadonlyMap<string, Branch>;

export type Describe = (part: readonly HasSettings[]) => string;

/**
 * Names exactly the cells of a part of `all`, by the axes that vary. An axis is left out where the part has
 * every value there is; values with the same rest are joined. Cells that are not in `all` (excluded ones) are
 * neither named nor missed. A part costs what it has, not what all have.
 */
export function prepareDescriptions(all: readonly HasSettings[], axes: readonly VariedAxis[]): Describe {
  const tree = buildTree(all, axes);
  return (part) => {
    const clauses = findClauses(part, tree, axes).map((clause) => (clause === '' ? 'all cells' : clause));
    const more = clauses.length - clauseLimit;
    if (more < 2) return clauses.join('; ');
    return `${clauses.slice(0, clauseLimit).join('; ')} and ${more} more`;
  };
}

function buildTree(cells: readonly HasSettings[], [axis, ...rest]: readonly VariedAxis[]): Branch {
  if (axis === undefined) return new Map();
  return new Map(
    [...groupBy(cells, ({ settings }) => axis.label(settings))].map(
      ([label, group]) => [label, buildTree(group, rest)] as const,
    ),
  );
}

function findClauses(
  part: readonly HasSettings[],
  tree: Branch,
  axes: readonly VariedAxis[],
): readonly string[] {
  const [axis, ...rest] = axes;
  if (axis === undefined) return [''];
  const inPart = groupBy(part, ({ settings }) => axis.label(settings));
  const values = axis.values.filter((value) => tree.has(value));
  // Values whose rest reads the same are one clause.
  const byRest = new Map<string, { positions: number[]; clauses: readonly string[] }>();
  for (const [position, value] of values.entries()) {
    const [cells, branch] = [inPart.get(value), tree.get(value)];
    if (cells === undefined || branch === undefined) continue;
    const clauses = findClauses(cells, branch, rest);
    const key = clauses.join('\n');
    const known = byRest.get(key);
    if (known === undefined) byRest.set(key, { positions: [position], clauses });
    else known.positions.push(position);
  }
  return [...byRest.values()].flatMap(({ positions, clauses }) => {
    const label =
      positions.length === values.length ? '' : labelAxis(axis.name, joinValues(axis, values, positions));
    return clauses.map((clause) => [label, clause].filter((words) => words !== '').join(' '));
  });
}

/** `512M–2G` for three or more neighbours of an ordered axis, else `node 20/24`: a comma stands between axes. */
export function joinValues(
  axis: VariedAxis,
  values: readonly string[],
  positions: readonly number[],
): string {
  const runs: { from: number; to: number }[] = [];
  for (const position of positions) {
    const last = runs.at(-1);
    if (axis.ordered && last?.to === position) last.to += 1;
    else runs.push({ from: position, to: position + 1 });
  }
  return runs
    .flatMap(({ from, to }) => {
      const words = values.slice(from, to);
      return words.length < 3 ? words : [[...words.slice(0, 1), ...words.slice(-1)].join('–')];
    })
    .join('/');
}
