/** Text → the output of a command that was kept in a file, validated. */
import type { z } from 'zod';
import { PoolproofError } from '../errors.ts';

/**
 * @param what `no record of overhead`
 * @param hint how to make one
 * @throws PoolproofError STORE_CORRUPT when the text is no such record
 */
export function parseRecord<Value>(
  schema: z.ZodType<Value>,
  content: string,
  { file, what, hint }: Readonly<{ file: string; what: string; hint: string }>,
): Value {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (cause) {
    throw new PoolproofError('STORE_CORRUPT', 'this file is not JSON', { file, cause, hint });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const words = `this is no ${what}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`;
  throw new PoolproofError('STORE_CORRUPT', words, { file, hint });
}
