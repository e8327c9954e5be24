/** Cell ids: canonical text of settings, and back. */
import type { Axis, Values } from '../axes/axis.ts';
import { nearest } from '../axes/nearest-word.ts';
import {
  axes,
  type AxisTable,
  axisWords,
  defaultSettings,
  formerNames,
  rowOf,
  rowsOf,
  type Settings,
} from '../axes/table.ts';
import { PoolproofError } from '../errors.ts';
import { quote } from './diagnostics.ts';

/** Core axes first, then the others, each in the order of the table. */
export function idOrder(table: AxisTable): readonly Axis<unknown>[] {
  const rows = rowsOf(table);
  return [...rows.filter(({ core }) => core), ...rows.filter(({ core }) => !core)];
}

/** The piece of an id that stands for one value; empty where the id leaves it out. */
export function idPiece({ name, core, format, default: initial }: Axis<unknown>, value: unknown): string {
  const text = format(value);
  if (!core && text === format(initial)) return '';
  return name === 'env' ? text : `${name}=${text}`;
}

/** `memory=512M,overcommit=2,thp=always,engine=wasmtime,node=22`; equal settings have equal ids. */
export function formatCellId(settings: Values, table: AxisTable = axes): string {
  return idOrder(table)
    .map((row) => idPiece(row, row.pick(settings)))
    .filter((piece) => piece !== '')
    .join(',');
}

/** The id as it is written today: axes of stored ids may have had another name. */
export function renewCellId(id: string, table: AxisTable = axes): string {
  return [...formerNames(table)].reduce(
    (text, [former, name]) =>
      text.includes(`${former}=`) ? text.replace(new RegExp(`(^|,)${former}=`), `$1${name}=`) : text,
    id,
  );
}

/**
 * Inverse of {@link formatCellId}. Axes may come in any order; those not named have their default.
 * @throws PoolproofError `USAGE` with the nearest right word.
 */
export function parseCellId(id: string, table: AxisTable = axes): Settings {
  const values: Record<string, unknown> = {};
  const variables: Record<string, string> = {};
  const seen = new Set<string>();
  for (const piece of id.trim().split(',')) {
    const [, name = '', text = ''] =
      /^([^=]*)=(.*)$/s.exec(piece.trim()) ?? fail(`${quote(piece)} is not axis=value`);
    if (name === 'env.__proto__') fail('`__proto__` is not a name of a variable');
    const axis = name.startsWith('env.') ? name : resolveAxis(name, table);
    if (seen.has(axis)) fail(`${quote(name)} stands twice in the cell id`);
    seen.add(axis);
    if (name.startsWith('env.')) variables[name.slice(4)] = unescapeValue(text);
    else values[axis] = parseValue(axis, text, table);
  }
  const checked = table.env.schema.safeParse(variables);
  if (!checked.success) return fail(checked.error.issues.map(({ message }) => message).join('; '));
  return { ...defaultSettings(table), ...values, env: checked.data };
}

/** @throws PoolproofError `USAGE` when it is not an axis. */
export function resolveAxis(name: string, table: AxisTable = axes): string {
  if (Object.hasOwn(table, name)) return name;
  const former = formerNames(table).get(name);
  if (former !== undefined) return former;
  const words = axisWords(table);
  const near = nearest(name, words.keys());
  const axis = near === null ? undefined : words.get(near);
  if (axis === undefined)
    return fail(`unknown axis ${quote(name)}`, `known: ${Object.keys(table).join(', ')}`);
  return fail(`unknown axis ${quote(name)}; did you mean \`${axis}\`?`);
}

/**
 * One value from the text of a command line. Variables (`env`) have no text of their own here.
 * @throws PoolproofError `USAGE` when the axis does not have it.
 */
export const parseValue = (axis: string, text: string, table: AxisTable = axes): unknown =>
  readValue(rowOf(table, axis), text);

/** @throws PoolproofError `USAGE` when the axis does not have it. */
export function readValue<V>(row: Axis<V>, text: string): V {
  if (row.name === 'env') return fail('variables are written env.NAME=value');
  for (const input of [text, ...(/^-?\d{1,15}$/.test(text) ? [Number(text)] : [])]) {
    const result = row.schema.safeParse(input);
    if (result.success) return result.data;
  }
  const near = row.suggest(text);
  const suggestion = near === null ? '' : `; did you mean \`${near}\`?`;
  return fail(`${quote(text)} is not a value of \`${row.name}\`: ${row.expects}${suggestion}`);
}

/** @throws PoolproofError `USAGE` when an escape is not one. */
export function unescapeValue(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new PoolproofError('USAGE', `${quote(text)} has a broken %XX escape`, { cause });
  }
}

function fail(message: string, hint?: string): never {
  throw new PoolproofError('USAGE', message, hint === undefined ? {} : { hint });
}
