/** The output of `poolproof serve-bench --json`: the cost of a request in each configuration, on a named CPU. */
import { z } from 'zod';
import { parseRecord } from './parse-record.ts';

const text = z.string().min(1);
const positive = z.number().positive();
const interval = z.object({ ratio: positive, low: positive, high: positive });

const figure = z.object({
  work: text,
  connections: z.int().positive(),
  mode: text,
  /** CPU time of the server, kernel included, nanoseconds per request. */
  cpuNs: positive,
  requestsPerSecond: positive,
  p50Ms: positive,
  p99Ms: positive,
  /** Behind all of these. */
  requests: z.int().nonnegative(),
  rounds: z.int().positive(),
  /** The mode that the ratios are to; absent in records from before our host was measured: `spin`. */
  to: text.nullable().default('spin'),
  cpu: interval.nullable(),
  rate: interval.nullable(),
  stable: z.boolean(),
  invalid: text.nullable(),
});

const schema = z.object({
  schema: z.literal(1),
  server: z.object({
    name: text,
    /** Its own version line: `wasmtime 49.0.3 (…)`. */
    version: text,
  }),
  /** Our host: its engine and its Node; null where it was not measured. */
  host: text.nullable().default(null),
  /** ISO 8601, UTC: when it was done. */
  measuredAt: text,
  machine: z.object({ cpuModel: text, cores: z.int().positive(), kernel: text, os: text }),
  /** Load averages of one minute before and after; the benchmark itself is part of the second. */
  load: z.object({ before: z.number().nonnegative(), after: z.number().nonnegative() }),
  figures: z.array(figure).readonly(),
});

export type ServingRecord = Readonly<z.infer<typeof schema>>;

/** @throws PoolproofError STORE_CORRUPT when the text is no such record */
export function parseServingRecord(content: string, file: string): ServingRecord {
  const hint = 'make one with: poolproof serve-bench --json > serving.json';
  return parseRecord(schema, content, { file, what: 'record of serving', hint });
}
