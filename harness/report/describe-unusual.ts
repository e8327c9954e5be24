/** A set of cells of a sparse matrix in few words: `512M–2G, overcommit 2, node 20`, where the rest is as usual. */
import { type HasSettings, type Usual, type VariedAxis, labelAxis } from './axis-labels.ts';
import { type Describe, joinValues, prepareDescriptions } from './describe-cells.ts';
import { groupBy, zip } from './group-by.ts';

/** More clauses than this say less than a number does, where the cells are named elsewhere too. */
const clauseLimit = 6;

/** Of each axis the places of its values, and the same as a text that is equal for equal places. */
type Clause = readonly Readonly<{ places: readonly number[]; key: string }>[];

/** Names exactly these cells, each clause all combinations of its values. An axis that is not named is as usual. */
export function describeUnusual(
  cells: readonly HasSettings[],
  axes: readonly VariedAxis[],
  usual: Usual,
): readonly string[] {
  const single = cells.map(({ settings }): Clause =>
    axes.map(({ label, values }) => clausePlaces([values.indexOf(label(settings))])),
  );
  const clauses = axes.reduce<readonly Clause[]>((before, _, index) => joinOn(before, index), single);
  return clauses.map((clause) => describeClause(clause, axes, usual));
}

/**
 * Names parts of `all` beside a sentence that says what is usual: there, what is left out is read as usual, and a
 * setting that decides has to be named even where all cells with the others have it. Without anything usual, an axis
 * of which a part has every value there is is left out.
 */
export function prepareNames(
  all: readonly HasSettings[],
  axes: readonly VariedAxis[],
  usual: Usual,
): Describe {
  if (usual.size === 0) return prepareDescriptions(all, axes);
  return (part) => shortenClauses(describeUnusual(part, axes, usual), clauseLimit).join('; ');
}

/** The first, and how many more; one more takes no more room than its number. */
export function shortenClauses(clauses: readonly string[], limit: number): readonly string[] {
  const more = clauses.length - limit;
  return more < 2 ? clauses : [...clauses.slice(0, limit), `and ${more} more`];
}

const clausePlaces = (places: readonly number[]): Clause[number] => ({ places, key: places.join(' ') });

/** Clauses that differ on one axis only become one. */
function joinOn(clauses: readonly Clause[], index: number): readonly Clause[] {
  const others = (clause: Clause) => clause.map(({ key }, at) => (at === index ? '' : key)).join(',');
  return [...groupBy(clauses, others).values()].flatMap((members) => {
    const [first] = members;
    if (members.length === 1) return members;
    const places = [
      ...new Set(members.flatMap((clause) => clause.slice(index, index + 1).flatMap(({ places }) => places))),
    ];
    const joined = clausePlaces(places.sort((a, b) => a - b));
    return [first.map((own, at) => (at === index ? joined : own))];
  });
}

function describeClause(clause: Clause, axes: readonly VariedAxis[], usual: Usual): string {
  const words = zip(axes, clause).flatMap(([axis, { places }]) => {
    const label = joinValues(axis, axis.values, places);
    const isUsual = places.length === 1 && label === usual.get(axis.name);
    return isUsual ? [] : [labelAxis(axis.name, label)];
  });
  return words.join(', ') || 'everything as usual';
}
