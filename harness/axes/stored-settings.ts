/** Settings as results store them: a zod schema from the axis table, also for the published JSON Schemas. */
import { z } from 'zod';
import { axes, type AxisTable, defaultSettings, formerNames, rowOf, rowsOf, type Settings } from './table.ts';

/**
 * Reads stored settings: what was stored before an axis existed has its default, and axes that had another name
 * are given their present one.
 */
export function storedSettings(table: AxisTable = axes): z.ZodType<Settings> {
  const present = rowsOf(table).map(
    (row) =>
      [
        row.name,
        row.since === 1 ? row.stored : row.stored.optional().meta({ default: row.default }),
      ] as const,
  );
  const former = [...formerNames(table)].map(([word, name]) => [
    word,
    rowOf(table, name)
      .stored.optional()
      .meta({ deprecated: true, description: `former name of ${name}` }),
  ]);
  const shape: Readonly<Record<string, z.ZodType>> = Object.fromEntries([...present, ...former]);
  return z.object(shape).transform((values) => {
    const given = Object.entries(values).filter(([, value]) => value !== undefined);
    const renamed = given.map(([word, value]) => [formerNames(table).get(word) ?? word, value] as const);
    return { ...defaultSettings(table), ...Object.fromEntries(renamed) };
  });
}
