/** `--only`: selects cells of a matrix. */
import type { Axis } from '../axes/axis.ts';
import { axes, type AxisTable, rowOf, rowsOf, type Settings } from '../axes/table.ts';
import { PoolproofError } from '../errors.ts';
import { escapeValue } from '../axes/kinds.ts';
import { parseCellId, readValue, resolveAxis, unescapeValue } from './cell-id.ts';
import type { Cell, Matrix } from './cell.ts';
import { quote } from './diagnostics.ts';

/** One condition on one axis, or on one variable of `env`. Texts are canonical. */
export type Term = Readonly<{
  axis: string;
  /** Name of a variable when `axis` is `env`. */
  variable: string | null;
  negated: boolean;
  texts: readonly string[];
}>;

/** All terms hold. Several expressions are alternatives. */
export type Expression = Readonly<{ text: string; terms: readonly Term[]; isCellId: boolean }>;

/**
 * Reads `memory=512M|1G,overcommit!=2,env.NAME=value`. A text that gives each core axis one value is a cell
 * id: axes it does not name then have their default, so that an id selects exactly its cell.
 * @throws PoolproofError `USAGE` with the nearest right word.
 */
export function parseExpression(text: string, table: AxisTable = axes): Expression {
  const terms = text.split(',').map((piece) => parseTerm(piece.trim(), table));
  const isCellId = rowsOf(table)
    .filter(({ core }) => core)
    .every(({ name }) =>
      terms.some(({ axis, negated, texts }) => axis === name && !negated && texts.length === 1),
    );
  if (!isCellId || terms.some(({ negated, texts }) => negated || texts.length !== 1)) {
    return { text, terms, isCellId: false };
  }
  const settings = parseCellId(text, table);
  return { text, terms: rowsOf(table).map((row) => termFor(row, settings)), isCellId: true };
}

function termFor(row: Axis<unknown>, settings: Settings): Term {
  return { axis: row.name, variable: null, negated: false, texts: [row.format(row.pick(settings))] };
}

function parseTerm(piece: string, table: AxisTable): Term {
  const match = /^([^=!]+?)\s*(!?=)\s*(.*)$/s.exec(piece);
  if (match === null) {
    const hint = 'for example memory=512M|1G,overcommit=2 or node!=24, or a cell id';
    throw new PoolproofError('USAGE', `${quote(piece)} is not axis=value`, { hint });
  }
  const [, name = '', operator = '=', values = ''] = match;
  const negated = operator === '!=';
  if (name.startsWith('env.')) {
    const texts = values.split('|').map((value) => escapeValue(unescapeValue(value)));
    return { axis: 'env', variable: name.slice('env.'.length), negated, texts };
  }
  const axis = resolveAxis(name, table);
  const row = rowOf(table, axis);
  const texts = values.split('|').map((value) => row.format(readValue(row, value.trim())));
  return { axis, variable: null, negated, texts };
}

/** A test for settings, with what does not depend on them done once. */
function matcher(
  { axis, variable, negated, texts }: Term,
  table: AxisTable,
): (settings: Settings) => boolean {
  const wanted = new Set(texts);
  const row = rowOf(table, axis);
  if (variable === null) return (settings) => wanted.has(row.format(row.pick(settings))) !== negated;
  return ({ env }) => {
    const value = Object.hasOwn(env, variable) ? env[variable] : undefined;
    return (value !== undefined && wanted.has(escapeValue(value))) !== negated;
  };
}

/**
 * The matrix narrowed to the cells that any of the expressions selects; the same matrix without expressions.
 * @throws PoolproofError `USAGE` for a bad expression or a value the matrix does not have,
 *   `CELL_NOT_FOUND` when no cell is left.
 */
export function selectCells(matrix: Matrix, texts: readonly string[], table: AxisTable = axes): Matrix {
  if (texts.length === 0) return matrix;
  const expressions = texts.map((text) => parseExpression(text, table));
  for (const expression of expressions) checkValues(expression, matrix, table);
  const tests = expressions.map(({ terms }) => terms.map((term) => matcher(term, table)));
  const found = new Set<number>();
  let size = 0;
  for (const { settings } of matrix.cells()) {
    const matching = tests.flatMap((terms, index) => (terms.every((test) => test(settings)) ? [index] : []));
    for (const index of matching) found.add(index);
    if (matching.length > 0) size += 1;
  }
  const missed = expressions.find((_, index) => !found.has(index));
  if (missed !== undefined) {
    throw new PoolproofError('CELL_NOT_FOUND', `no cell of ${matrix.file} matches ${quote(missed.text)}`, {
      hint: '`poolproof plan` lists the cells',
    });
  }
  const isSelected = (settings: Settings): boolean =>
    tests.some((terms) => terms.every((test) => test(settings)));
  return {
    ...matrix,
    size,
    cells: () => ({ [Symbol.iterator]: () => filterCells(matrix.cells(), isSelected) }),
  };
}

function* filterCells(cells: Iterable<Cell>, isSelected: (settings: Settings) => boolean): Generator<Cell> {
  for (const cell of cells) if (isSelected(cell.settings)) yield cell;
}

/** A value no cell has is a typing error, even beside values that some have. An id is looked up as a whole. */
function checkValues({ terms, isCellId }: Expression, matrix: Matrix, table: AxisTable): void {
  if (isCellId) return;
  for (const { axis, variable, texts } of terms) {
    if (variable !== null) continue;
    const row = rowOf(table, axis);
    const shown = matrix.axes.find(({ name }) => name === axis)?.values ?? [row.default];
    const known = shown.map((value) => row.format(value));
    const wrong = texts.find((text) => !known.includes(text));
    if (wrong === undefined) continue;
    throw new PoolproofError('USAGE', `no cell of ${matrix.file} has ${axis}=${wrong}`, {
      hint: `the matrix has ${known.slice(0, 12).join(', ')}${known.length > 12 ? ', …' : ''}`,
    });
  }
}
