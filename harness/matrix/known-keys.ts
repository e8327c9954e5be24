/** Which keys a map of a matrix may have, by its place. */
import { z } from 'zod';
import type { AxisTable } from '../axes/table.ts';
import { schemaOf } from './matrix-schema.ts';
import type { Path } from './source.ts';

/** True inside a subject that is written out. */
export const isInSubject = (path: Path): boolean =>
  path[0] === 'subjects' ? path.length > 1 : path.includes('subject');

/** The alternatives of a schema, each without what surrounds it: optional, null, a transformation. */
function alternatives(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable)
    return alternatives(schema.unwrap());
  if (schema instanceof z.ZodPipe) return alternatives(schema.in);
  return schema instanceof z.ZodUnion ? schema.options.flatMap(alternatives) : [schema];
}

function partsAt(schema: z.core.$ZodType, step: PropertyKey): readonly z.core.$ZodType[] {
  if (schema instanceof z.ZodArray) return typeof step === 'number' ? alternatives(schema.element) : [];
  if (schema instanceof z.ZodRecord) return alternatives(schema.valueType);
  if (!(schema instanceof z.ZodObject)) return [];
  const part = (schema.shape as Readonly<Record<string, z.core.$ZodType>>)[String(step)];
  return part === undefined ? [] : alternatives(part);
}

/** Keys of the map at a place; null where axes are named, and where there is no map. */
export function keysAt(path: Path, table: AxisTable): readonly string[] | null {
  const found = path.reduce<readonly z.core.$ZodType[]>(
    (schemas, step) => schemas.flatMap((schema) => partsAt(schema, step)),
    alternatives(schemaOf(table)),
  );
  const keys = found.flatMap((schema) => (schema instanceof z.ZodObject ? Object.keys(schema.shape) : []));
  const namesAxes = Object.keys(table).every((axis) => keys.includes(axis));
  return keys.length === 0 || namesAxes ? null : [...new Set(keys)];
}
