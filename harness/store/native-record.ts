/** The output of `poolproof overhead --json`: time figures of a named CPU, shown next to those of guests. */
import { z } from 'zod';
import { overheadSchema, resourcesSchema } from './overhead-schema.ts';
import { parseRecord } from './parse-record.ts';

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
  const hint = 'make one with: poolproof overhead --json > native.json';
  return parseRecord(schema, content, { file, what: 'record of overhead', hint });
}
