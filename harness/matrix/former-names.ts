/** Axes by the names they had before → the same source by the names they have. */
import { type AxisTable, formerNames } from '../axes/table.ts';
import { changeValue, type Origins, type Source } from './source.ts';

/** Below these stand names of other things. */
const foreign: readonly PropertyKey[] = ['env', 'subject', 'subjects'];

/** Places stay those of the file. A map that has an axis by both names keeps both: the former one is then unknown. */
export function withPresentNames(source: Source, text: string, table: AxisTable): Source {
  const present = [...formerNames(table)].filter(([former]) => text.includes(former));
  if (present.length === 0) return source;
  const names = new Map(present);
  const origins: Origins = new WeakMap();
  const rename = (value: unknown, isForeign: boolean): unknown => {
    if (isForeign || typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => rename(item, false));
    const origin = new Map<string, string>();
    const entries = Object.entries(value).map(([key, part]) => {
      const name = names.get(key);
      const renamed = name === undefined || Object.hasOwn(value, name) ? key : name;
      if (renamed !== key) origin.set(renamed, key);
      return [renamed, rename(part, foreign.includes(key))] as const;
    });
    const map = Object.fromEntries(entries);
    origins.set(map, origin);
    return map;
  };
  return changeValue(source, rename(source.value, false), origins);
}
