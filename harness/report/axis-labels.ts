/** Labels of settings, and the axes that vary in a set of results. */
import type { Axis, Values } from '../axes/axis.ts';
import { axes, type AxisTable, defaultSettings, rowsOf, type Settings } from '../axes/table.ts';
import { plainLine } from '../outcome/plain-text.ts';

/** Rows in the order of reports: places of the first columns of a CSV do not move, later axes come after them. */
export function orderForReports(table: AxisTable = axes): readonly Axis<unknown>[] {
  const place = ({ column = Infinity }: Axis<unknown>): number => column;
  return rowsOf(table)
    .filter(({ column }) => column !== undefined)
    .sort((a, b) => place(a) - place(b))
    .concat(rowsOf(table).filter(({ column }) => column === undefined));
}

export type VariedAxis = Readonly<{
  name: string;
  /** Labels in ascending order. */
  values: readonly string[];
  /** Values have an order, so that `512M–2G` means something. */
  ordered: boolean;
  /** Label of the default. */
  initial: string;
  /** Label of a cell's value. */
  label: (settings: Values) => string;
}>;

export type HasSettings = Readonly<{ settings: Settings }>;

/** Ten thousand cells have few values, and each report needs them many times. */
class KnownLabels {
  static readonly #limit = 10_000;
  readonly #ofPrimitives = new Map<unknown, string>();
  // An object is equal to no other, but its cell is labelled several times.
  readonly #ofObjects = new WeakMap<object, string>();

  get(value: unknown, make: () => string): string {
    const isObject = typeof value === 'object' && value !== null;
    const kept = isObject ? this.#ofObjects.get(value) : this.#ofPrimitives.get(value);
    if (kept !== undefined) return kept;
    const made = make();
    if (isObject) this.#ofObjects.set(value, made);
    else if (this.#ofPrimitives.size < KnownLabels.#limit) this.#ofPrimitives.set(value, made);
    return made;
  }
}

const known = new WeakMap<Axis<unknown>, KnownLabels>();

function addLabels(row: Axis<unknown>): KnownLabels {
  const labels = new KnownLabels();
  known.set(row, labels);
  return labels;
}

/** As in cell ids: `512M`, `unlimited`; variables as `A=1,B=2`, or `none`. */
export function labelValue(row: Axis<unknown>, settings: Values): string {
  const labels = known.get(row) ?? addLabels(row);
  const value = row.pick(settings);
  return labels.get(value, () => {
    const text = plainLine(row.format(value), 200);
    return row.label?.(text) ?? text;
  });
}

/** The axes with more than one value among these cells, in the order of reports. */
export function findVaried(cells: readonly HasSettings[], table: AxisTable = axes): readonly VariedAxis[] {
  return orderForReports(table).flatMap((row) => {
    const byLabel = collectLabels(row, cells);
    if (byLabel.size < 2) return [];
    const entries = [...byLabel].sort((a, b) => compareValues(a, b));
    const ordered = entries.every(([, value]) => value === null || typeof value === 'number');
    return [
      {
        name: row.name,
        values: entries.map(([label]) => label),
        ordered,
        initial: labelValue(row, defaultSettings(table)),
        label: (settings) => labelValue(row, settings),
      },
    ];
  });
}

function collectLabels(row: Axis<unknown>, cells: readonly HasSettings[]): ReadonlyMap<string, unknown> {
  const byLabel = new Map<string, unknown>();
  let last: unknown = collectLabels;
  for (const { settings } of cells) {
    const value = row.pick(settings);
    // Most cells have the value of the cell before.
    if (value === last) continue;
    last = value;
    byLabel.set(labelValue(row, settings), value);
  }
  return byLabel;
}

/** Numbers by size with no limit last, words with their digits read as numbers. */
function compareValues([a, x]: readonly [string, unknown], [b, y]: readonly [string, unknown]): number {
  if (typeof x === 'number' && typeof y === 'number') return x - y;
  if (x === null || y === null) return Number(x === null) - Number(y === null);
  return a.localeCompare(b, 'en', { numeric: true });
}

/** `512M`, `overcommit 2`, `node 24`: the size of the machine needs no name. */
export const labelAxis = (name: string, values: string): string =>
  bareNames.has(name) ? values : `${name} ${values}`;

const bareNames: ReadonlySet<string> = new Set(
  rowsOf(axes).flatMap((row) => (row.isBare === true ? row.name : [])),
);

/** The usual labels of cells, for some axes. */
export type Usual = ReadonlyMap<string, string>;

/** `node 22, engine wasmtime` */
export const listUsual = (usual: Usual): string =>
  [...usual].map(([name, label]) => labelAxis(name, label)).join(', ');

/** The labels of a cell, one per axis. */
export const labelCell = ({ settings }: HasSettings, axes: readonly VariedAxis[]): readonly string[] =>
  axes.map(({ label }) => label(settings));

/** The settings of a cell that are not usual, in words. */
export const nameUnusual = (
  { settings }: HasSettings,
  axes: readonly VariedAxis[],
  usual: Usual,
): readonly string[] =>
  axes.flatMap(({ name, label }) =>
    usual.get(name) === label(settings) ? [] : [labelAxis(name, label(settings))],
  );

/** The usual label of an axis: its default where some cell has it, otherwise the most frequent one. */
export const usualOf = (cells: readonly HasSettings[], axis: VariedAxis): string =>
  axis.values.includes(axis.initial) ? axis.initial : findMostFrequent(cells, axis);

export const findUsual = (cells: readonly HasSettings[], varied: readonly VariedAxis[]): Usual =>
  new Map(varied.map((axis) => [axis.name, usualOf(cells, axis)]));

/** Settings that every name has: a reader looks for the host and for the size of the machine. */
const alwaysNamed: readonly string[] = ['memory', 'subject'];

/** The labels that a name of a cell leaves out, since they are usual. */
export const findOmitted = (cells: readonly HasSettings[], varied: readonly VariedAxis[]): Usual =>
  findUsual(
    cells,
    varied.filter(({ name }) => !alwaysNamed.includes(name)),
  );

function findMostFrequent(cells: readonly HasSettings[], { label: labelOf, values }: VariedAxis): string {
  const counts = new Map<string, number>();
  for (const { settings } of cells) {
    const label = labelOf(settings);
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const countOf = (value: string): number => counts.get(value) ?? 0;
  return values.reduce((most, value) => (countOf(value) > countOf(most) ? value : most));
}
