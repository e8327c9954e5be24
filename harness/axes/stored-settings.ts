/** Settings as results store them: a zod schema from the axis table, also for the published JSON Schemas. */
import { z } from 'zod';
import type { Values } from './axis.ts';
import { axes, type AxisTable, defaultSettings, formerNames, rowOf, rowsOf, type Settings } from './table.ts';

/** The name an axis has today. */
export const renewAxisName = (name: string): string => formerNames().get(name) ?? name;

/**
 * Reads stored settings: an axis that did not exist yet has its default, and one stored under a former name gets its
 * present one.
 */
export function storedSettings(table: AxisTable = axes): z.ZodType<Settings> {
  const present = rowsOf(table).map(
    (row) =>
      [
        row.name,
        row.since === 1 ? row.stored : row.stored.optional().meta({ default: row.default }),
      ] as const,
  );
  const former = [...formerNames(table)].map(([word, name]) => {
    const about = { deprecated: true, description: `former name of ${name}` };
    return [word, rowOf(table, name).stored.optional().meta(about)] as const;
  });
  const shape = Object.fromEntries<z.ZodType>([...present, ...former]);
  const defaults = defaultSettings(table);
  const names = [...present.map(([name]) => [name, name] as const), ...formerNames(table)];
  return z.object(shape).transform((values: Values) => {
    const settings: Settings & Record<string, unknown> = { ...defaults };
    for (const [stored, name] of names) if (values[stored] !== undefined) settings[name] = values[stored];
    return settings;
  });
}
