/** A set of cells of a sparse matrix in few words: `512M–2G, overcommit 2, node 20`, where the rest is as usual. */
import { type Usual, type VariedAxis, labelAxis } from './axis-labels.ts';
import type { CellView } from './cell-view.ts';
import { joinValues } from './describe-cells.ts';
import { groupBy } from './group-by.ts';

/** More clauses than this say less than a number does. */
const clauseLimit = 6;

/** The places of its values among those of each axis. */
type Clause = readonly (readonly number[])[];

/** Names exactly these cells, each clause all combinations of its values. An axis that is not named is as usual. */
export function describeUnusual(
  cells: readonly CellView[],
  axes: readonly VariedAxis[],
  usual: Usual,
): readonly string[] {
  const single = cells.map(({ labels }): Clause =>
    axes.map(({ name, values }) => [values.indexOf(labels[name] ?? '')]),
  );
  const clauses = axes.reduce<readonly Clause[]>((before, _, index) => joinOn(before, index), single);
  const texts = clauses.map((clause) => describeClause(clause, axes, usual));
  const more = texts.length - clauseLimit;
  return more < 2 ? texts : [...texts.slice(0, clauseLimit), `and ${more} more`];
}

/** Clauses that differ on one axis only become one. */
function joinOn(clauses: readonly Clause[], index: number): readonly Clause[] {
  const others = (clause: Clause) =>
    clause.map((places, at) => (at === index ? '' : places.join(' '))).join(',');
  return [...groupBy(clauses, others).values()].flatMap((members) => {
    const places = [...new Set(members.flatMap((clause) => clause[index] ?? []))].sort((a, b) => a - b);
    return members.slice(0, 1).map((first) => first.map((own, at) => (at === index ? places : own)));
  });
}

function describeClause(clause: Clause, axes: readonly VariedAxis[], usual: Usual): string {
  const words = axes.flatMap((axis, index) => {
    const places = clause[index] ?? [];
    const isUsual = places.length === 1 && axis.values[places[0] ?? 0] === usual.get(axis.name);
    return isUsual ? [] : [labelAxis(axis.name, joinValues(axis, axis.values, places))];
  });
  return words.join(', ') || 'everything as usual';
}
