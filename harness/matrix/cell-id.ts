/** Cell ids: canonical text of settings, and back. */
import { PoolproofError } from '../errors.ts';
import { axes, axisNames, axisWords, defaultSettings, isAxisName } from './axes.ts';
import type { AxisTable } from './axes.ts';
import type { AxisName, Settings } from './cell.ts';
import type { Value } from './matrix-schema.ts';
import { nearest } from '../axes/nearest-word.ts';
import { quote } from './diagnostics.ts';

/** Core axes first, then the others, each in the order of the table. */
export function idOrder(table: AxisTable): readonly AxisName[] {
  return [...axisNames.filter((axis) => table[axis].core), ...axisNames.filter((axis) => !table[axis].core)];
}

/** Canonical text of a value, as in ids and messages. */
export function formatValue(table: AxisTable, axis: AxisName, value: Value): string {
  // One cast for the table's fourteen types: each row formats its own values.
  return (table[axis].format as (value: Value) => string)(value);
}

/** The piece of an id that stands for one value; empty where the id leaves it out. */
export function idPiece(table: AxisTable, axis: AxisName, value: Value): string {
  const text = formatValue(table, axis, value);
  if (!table[axis].core && text === formatValue(table, axis, table[axis].default)) return '';
  return axis === 'env' ? text : `${axis}=${text}`;
}

/** `memory=512M,overcommit=2,thp=always,engine=wasmtime,node=22`; equal settings have equal ids. */
export function formatCellId(settings: Settings, table: AxisTable = axes): string {
  return idOrder(table)
    .map((axis) => idPiece(table, axis, settings[axis]))
    .filter((piece) => piece !== '')
    .join(',');
}

/**
 * Inverse of {@link formatCellId}. Axes may come in any order; those not named have their default.
 * @throws PoolproofError `USAGE` with the nearest right word.
 */
export function parseCellId(id: string, table: AxisTable = axes): Settings {
  const settings: Record<string, Value> = { ...defaultSettings(table) };
  const env: Record<string, string> = {};
  const seen = new Set<string>();
  for (const piece of id.trim().split(',')) {
    const [, name = '', text = ''] =
      /^([^=]*)=(.*)$/s.exec(piece.trim()) ?? fail(`${quote(piece)} is not axis=value`);
    if (seen.has(name)) fail(`${quote(name)} stands twice in the cell id`);
    if (name === 'env.__proto__') fail('`__proto__` is not a name of a variable');
    seen.add(name);
    if (name.startsWith('env.')) env[name.slice(4)] = unescapeValue(text);
    else settings[resolveAxis(name, table)] = parseValue(resolveAxis(name, table), text, table);
  }
  const checked = table.env.schema.safeParse(env);
  if (!checked.success) return fail(checked.error.issues[0]?.message || `variables are ${table.env.expects}`);
  settings['env'] = checked.data;
  return settings as Settings;
}

/** @throws PoolproofError `USAGE` when it is not an axis. */
export function resolveAxis(name: string, table: AxisTable = axes): AxisName {
  if (isAxisName(name)) return name;
  const words = axisWords(table);
  const near = nearest(name, words.keys());
  const axis = near === null ? undefined : words.get(near);
  if (axis === undefined) return fail(`unknown axis ${quote(name)}`, `known: ${axisNames.join(', ')}`);
  return fail(`unknown axis ${quote(name)}; did you mean \`${axis}\`?`);
}

/**
 * One value from the text of a command line. Variables (`env`) have no text of their own here.
 * @throws PoolproofError `USAGE` when the axis does not have it.
 */
export function parseValue(axis: AxisName, text: string, table: AxisTable = axes): Value {
  const row = table[axis];
  if (axis === 'env') return fail('variables are written env.NAME=value');
  for (const input of [text, ...(/^-?\d{1,15}$/.test(text) ? [Number(text)] : [])]) {
    const result = row.schema.safeParse(input);
    if (result.success) return result.data;
  }
  const near = row.suggest(text);
  const suggestion = near === null ? '' : `; did you mean \`${near}\`?`;
  return fail(`${quote(text)} is not a value of \`${axis}\`: ${row.expects}${suggestion}`);
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
