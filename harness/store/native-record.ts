/** The output of `poolproof overhead --json`: time figures of a named CPU, shown next to those of guests. */
import { z } from 'zod';
import { PoolproofError } from '../errors.ts';
import { overheadSchema, resourcesSchema } from './overhead-schema.ts';

const text = z.string().min(1);

const schema = z.object({
  schema: z.literal(1),
  engine: z.object({ kind: z.enum(['wasmtime', 'v8']), version: text }),
  node: text.regex(/^\d+\.\d+\.\d+/, { error: 'a version such as 22.23.3' }),
  /** ISO 8601, UTC: when it was done. */
  measuredAt: text,
  /** Where it was measured. Names no person and no computer. */
  machine: z.object({ cpuModel: text, cores: z.int().positive(), kernel: text, os: text }),
  summaries: overheadSchema,
  resources: resourcesSchema,
});

/** Without the raw samples, which follow it in the same document as `measurements`. */
export type NativeRecord = Readonly<z.infer<typeof schema>>;

/** @throws PoolproofError STORE_CORRUPT when the text is no such record */
export function parseNativeRecord(content: string, file: string): NativeRecord {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (cause) {
    throw new PoolproofError('STORE_CORRUPT', 'this file is not JSON', { file, cause, hint });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue?.path.join('.') ?? '';
  const words = `this is no record of overhead: ${place} ${issue?.message ?? ''}`;
  throw new PoolproofError('STORE_CORRUPT', words, { file, hint });
}

const hint = 'make one with: poolproof overhead --json > native.json';
