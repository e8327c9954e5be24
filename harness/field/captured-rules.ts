/** Facts that are the value of an axis: the row of the axis says how a report states it (`captured`). */
import { axes, type AxisName, rowOf } from '../axes/table.ts';
import { axisOf, say, type FactMapping, type Rule } from './mapping.ts';
import type { FieldReport } from './report.ts';

/** A number, a word, or null where nobody knows. */
type Fact = number | string | null;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** The fact of this name; of several levels the smallest limit is the one that counts. */
export function factOf(report: FieldReport, name: string): Fact {
  const found = name.split('.').reduce<unknown>((at, key) => {
    if (Array.isArray(at)) return smallest(at.map((level: unknown) => (isObject(level) ? level[key] : null)));
    return isObject(at) ? at[key] : null;
  }, report);
  const value = isObject(found) ? found['soft'] : found;
  return typeof value === 'number' || typeof value === 'string' ? value : null;
}

/** Null when a level is unknown and none is known to have a limit: then there may be one. */
function smallest(values: readonly unknown[]): Fact {
  const known = values.filter((value) => value !== undefined);
  const limits = known.filter((value) => typeof value === 'number');
  if (limits.length > 0) return Math.min(...limits);
  return known.includes(null) ? null : 'unlimited';
}

/** The rule of an axis that a single fact states. */
export const mapCaptured =
  (axis: AxisName): Rule =>
  (report, so) => {
    const row = rowOf(axes, axis);
    const { captured } = row;
    if (captured === undefined) throw new RangeError(`no fact of a report is the value of ${axis}`);
    const { fact, plain, least, most, step = 1 } = captured;
    const found = factOf(report, fact);
    const meet = (how: FactMapping['how'], value: unknown, why: string | null) => {
      const set = { [axis]: value };
      const decides = captured.decides === true || value !== row.default;
      return { set, say: [say(fact, found, how, { ...axisOf(axis, { ...so, ...set }), why, decides })] };
    };
    if (found === null) return meet('approximated', row.default, captured.unknown);
    if (found === plain) return meet('exact', row.default, null);
    if (typeof found === 'string') return meet('exact', found, null);
    if (least !== undefined && found < least.value)
      return { say: [say(fact, found, 'not reproducible', { why: least.why, decides: true })] };
    const rounded = Math.floor(found / step) * step;
    const value = Math.min(rounded, most?.value ?? Infinity);
    if (value === found) return meet('exact', value, null);
    const why = value < rounded ? (most?.why ?? null) : `rounded down to a multiple of ${step} bytes`;
    return meet('approximated', value, why);
  };
