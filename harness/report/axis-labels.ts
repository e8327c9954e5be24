/** Settings in words, and which of them a set of results varies. */
import { axes, defaultSettings } from '../matrix/axes.ts';
import { formatValue } from '../matrix/cell-id.ts';
import type { AxisName, Settings } from '../matrix/cell.ts';
import { plainLine } from '../outcome/plain-text.ts';

/** In the order they are told. */
export const firstAxes = [
  'memory',
  'addressSpace',
  'dataLimit',
  'maxMapCount',
  'overcommit',
  'overcommitRatio',
  'thp',
  'engine',
  'node',
  'kernel',
  'cpus',
  'allocator',
  'profile',
  'env',
] as const satisfies readonly AxisName[];

/** Axes that came later: told last, and the last columns of a CSV, whose places do not move. */
export const laterAxes = [
  'cpu',
  'swap',
  'overcommitKbytes',
  'hugepages',
  'stackLimit',
  'cgroupMemory',
  'mdwe',
  'addressBits',
  'memories',
  'tables',
  'tableElements',
  'stacks',
  'maxMemory',
  'reservation',
  'guard',
  'subject',
] as const satisfies readonly AxisName[];

export const axisNames = [...firstAxes, ...laterAxes] as const;

export type VariedAxis = Readonly<{
  name: AxisName;
  /** Labels in ascending order. */
  values: readonly string[];
  /** Values have an order, so that `512M–2G` means something. */
  ordered: boolean;
}>;

/** As in cell ids: `512M`, `unlimited`; variables as `A=1,B=2`, or `none`. */
export function labelSetting(settings: Settings, name: AxisName): string {
  const value = settings[name];
  if (typeof value === 'object' && value !== null)
    return Object.keys(value).length === 0 ? 'none' : renderLabel(settings, name);
  // Ten thousand cells have few values, and each report asks for them many times.
  const byValue = labels[name];
  const known = byValue.get(value);
  if (known !== undefined) return known;
  const label = renderLabel(settings, name);
  if (byValue.size < labelLimit) byValue.set(value, label);
  return label;
}

const labelLimit = 10_000;

const labels = Object.fromEntries(
  axisNames.map((name) => [name, new Map<string | number | null, string>()]),
) as Readonly<Record<AxisName, Map<string | number | null, string>>>;

function renderLabel(settings: Settings, name: AxisName): string {
  const text = plainLine(formatValue(axes, name, settings[name]), 200);
  return name === 'env' ? text.replace(/(^|,)env\./g, '$1') || 'none' : text;
}

/** The axes with more than one value among these cells, in the order they are told. */
export function findVaried(cells: readonly Readonly<{ settings: Settings }>[]): readonly VariedAxis[] {
  return axisNames.flatMap((name) => {
    const byLabel = new Map(cells.map(({ settings }) => [labelSetting(settings, name), settings[name]]));
    if (byLabel.size < 2) return [];
    const entries = [...byLabel].sort((a, b) => compareValues(a, b));
    const ordered = entries.every(([, value]) => value === null || typeof value === 'number');
    return [{ name, values: entries.map(([label]) => label), ordered }];
  });
}

/** Numbers by size with no limit last, words with their digits read as numbers. */
function compareValues([a, x]: readonly [string, unknown], [b, y]: readonly [string, unknown]): number {
  if (typeof x === 'number' && typeof y === 'number') return x - y;
  if (x === null || y === null) return Number(x === null) - Number(y === null);
  return a.localeCompare(b, 'en', { numeric: true });
}

/** `512M`, `overcommit 2`, `node 24`: the size of the machine needs no name. */
export function labelAxis(name: AxisName, values: string): string {
  return name === 'memory' ? values : `${name} ${values}`;
}

/** What a cell has unless it says otherwise, for some axes. */
export type Usual = ReadonlyMap<AxisName, string>;

/** Of each axis its default where some cell has it, else the label that most cells have (of equals the first). */
export function findUsual(
  cells: readonly Readonly<{ settings: Settings }>[],
  axes: readonly VariedAxis[],
): Usual {
  const defaults = defaultSettings();
  return new Map(
    axes.map(({ name, values }) => {
      const own = labelSetting(defaults, name);
      return [name, values.includes(own) ? own : findMostFrequent(cells, name, values)];
    }),
  );
}

function findMostFrequent(
  cells: readonly Readonly<{ settings: Settings }>[],
  name: AxisName,
  values: readonly string[],
): string {
  const counts = new Map<string, number>();
  for (const { settings } of cells) {
    const label = labelSetting(settings, name);
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const most = Math.max(...counts.values());
  return values.find((value) => counts.get(value) === most) ?? '';
}
