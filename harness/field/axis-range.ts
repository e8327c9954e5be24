/** The values of an axis in the order in which they give a wasm host more. */
import type { Axis, Span } from '../axes/axis.ts';
import { axes, type AxisTable, rowOf, rowsOf, type Settings } from '../axes/table.ts';
import { PoolproofError } from '../errors.ts';
import { readValue } from '../matrix/cell-id.ts';

export type AxisRange = Readonly<{
  axis: string;
  /** Number of values. */
  length: number;
  /** Settings with the axis at its value of this index. */
  at: (base: Settings, index: number) => Settings;
  /** Canonical text of that value. */
  text: (index: number) => string;
}>;

/**
 * @param from,to as one writes them in a cell id; bounds of the search
 * @throws PoolproofError `USAGE` for an axis without an order, or bounds that are none.
 */
export function rangeOf(axis: string, from?: string, to?: string, table: AxisTable = axes): AxisRange {
  const row = rowOf(table, axis);
  if (row.search === undefined) {
    const others = rowsOf(table).filter(({ search }) => search !== undefined);
    throw new PoolproofError('USAGE', `\`${axis}\` has no order to search in`, {
      hint: `these have: ${others.map(({ name }) => name).join(', ')}`,
    });
  }
  if ('step' in row.search) return spanRange(row, bound(row, row.search, from, to));
  return listRange(row, row.search, from, to);
}

function listRange(row: Axis<unknown>, values: readonly string[], from?: string, to?: string): AxisRange {
  const { name: axis } = row;
  const place = (text: string | undefined, otherwise: number): number => {
    if (text === undefined) return otherwise;
    const found = values.indexOf(row.format(readValue(row, text)));
    if (found < 0) throw new PoolproofError('USAGE', `${text} is not among ${values.join(', ')}`);
    return found;
  };
  const chosen = values.slice(place(from, 0), place(to, values.length - 1) + 1);
  if (chosen.length < 2) throw new PoolproofError('USAGE', `\`${axis}\` has fewer than two values to search`);
  const at = (index: number): string => chosen[index] ?? '';
  return {
    axis,
    length: chosen.length,
    at: (base, index) => ({ ...base, [axis]: readValue(row, at(index)) }),
    text: at,
  };
}

function bound(row: Axis<unknown>, span: Span, from?: string, to?: string): Span {
  const number = (text: string | undefined, otherwise: number): number => {
    if (text === undefined) return otherwise;
    const value = readValue(row, text);
    if (typeof value !== 'number')
      throw new PoolproofError('USAGE', `${text} is not a value of \`${row.name}\``);
    return value;
  };
  const [low, high] = [number(from, span.from), number(to, span.to)];
  if (high - low < span.step)
    throw new PoolproofError('USAGE', `\`${row.name}\`: the bounds leave nothing to search`);
  return { from: low, to: high, step: span.step };
}

function spanRange(row: Axis<unknown>, { from, to, step }: Span): AxisRange {
  const value = (index: number): number => Math.min(to, from + index * step);
  return {
    axis: row.name,
    length: Math.ceil((to - from) / step) + 1,
    at: (base, index) => ({ ...base, [row.name]: value(index) }),
    text: (index) => row.format(value(index)),
  };
}
