/** The mapping of each fact of a report to a cell. */
import { axes, knownImages, type KnownImages, formatValue } from '../axes/table.ts';
import type { AxisName, Settings } from '../axes/table.ts';
import type { FieldReport } from './report.ts';

export type FactMapping = Readonly<{
  /** Field of the report: `memory.totalKib`. */
  fact: string;
  /** As in the report. */
  found: string;
  how: 'exact' | 'approximated' | 'not reproducible';
  axis: AxisName | null;
  /** Value of the axis, as in cell ids. */
  value: string | null;
  /** The approximation, or the reason why it cannot be met; null when exact. */
  why: string | null;
  /** Something else of the same size takes its place: a limit for an address width. */
  standIn: boolean;
  /** It can change the outcome of this report's kind of subject. */
  decides: boolean;
}>;

export type FieldCase = Readonly<{ settings: Settings; mappings: readonly FactMapping[] }>;

/** The contents available for guests, with pinned versions by their name in the lock. */
export type FieldImages = KnownImages &
  Readonly<{
    versions: ReadonlyMap<string, string>;
    /** Versions of libwasmtime that were never published, each with the nearest that was. */
    substitutes?: ReadonlyMap<string, string>;
  }>;

export const plainImages: FieldImages = { ...knownImages, versions: new Map() };

/** The result of one rule: the values it sets, and the facts it covers. */
export type Rule = (
  report: FieldReport,
  so: Settings,
  known: FieldImages,
) => Readonly<{
  set?: Partial<Settings>;
  say: readonly FactMapping[];
}>;

export const say = (
  fact: string,
  found: string | number | null,
  how: FactMapping['how'],
  more: Partial<Omit<FactMapping, 'fact' | 'found' | 'how'>> = {},
): FactMapping => ({
  fact,
  found: found === null ? 'unknown' : String(found),
  how,
  axis: null,
  value: null,
  why: null,
  standIn: false,
  decides: false,
  ...more,
});

/** The axis that meets a fact, with its value as one writes it. */
export const axisOf = (axis: AxisName, settings: Settings): Pick<FactMapping, 'axis' | 'value'> => ({
  axis,
  value: formatValue(axes, axis, settings[axis]),
});
