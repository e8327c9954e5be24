/** Reads and checks the line of a measuring process. */
import { z } from 'zod';
import { PoolproofError } from '../errors.ts';

const subject = z.object({
  tier: z.enum(['standard', 'conservative', 'on-demand']),
  checks: z.enum(['elided', 'explicit']),
});

const series = z.object({
  subject: z.int().nonnegative(),
  length: z.number().positive(),
  cpu: z.array(z.number()).readonly(),
  wall: z.array(z.number()).readonly(),
});

const bytes = z.number().nullable();

const usage = z.object({ virtualBytes: z.number(), residentBytes: z.number(), chargedBytes: z.number() });

const schema = z.object({
  poolproof: z.literal('measure'),
  schema: z.literal(1),
  engine: z.object({ kind: z.enum(['wasmtime', 'v8']), version: z.string() }),
  node: z.string(),
  clock: z.enum(['time', 'instructions']),
  subjects: z.array(subject).min(1).readonly(),
  planted: z.array(z.number().positive()).readonly(),
  workloads: z
    .array(
      z.object({
        workload: z.string(),
        code: z.array(z.string().nullable()).readonly(),
        checksums: z.array(z.number()).readonly(),
        series: z.array(series).readonly(),
      }),
    )
    .readonly(),
  perStep: z.number().nullable(),
  /** Facts of the process itself, which prove its limits. */
  facts: z.object({
    cpuModel: z.string().nullable(),
    emulated: z.boolean(),
    overcommitMemory: z.union([z.literal(0), z.literal(1), z.literal(2)]).nullable(),
    overcommitRatio: bytes,
    overcommitKbytes: bytes,
    maxMapCount: bytes,
    addressSpaceLimit: bytes,
    dataLimit: bytes,
    stackLimit: bytes,
    cgroupMemoryMax: bytes,
  }),
  start: z.object({ wallMs: z.number(), cpuNs: z.number(), usage }),
  usage,
});

export type Measurement = Readonly<z.infer<typeof schema>>;
export type WorkloadMeasurement = Measurement['workloads'][number];
export type Series = WorkloadMeasurement['series'][number];

/** @throws PoolproofError PROTOCOL when the text is no such line. */
export function parseMeasurement(text: string): Measurement {
  const line = text.trim().split('\n').at(-1) ?? '';
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new PoolproofError('PROTOCOL', 'a measuring process printed no measurement', { cause });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new PoolproofError(
    'PROTOCOL',
    `unexpected measurement: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
  );
}

/** Samples of one subject at the longest length; undefined where it was not sampled. */
export function findLongest(workload: WorkloadMeasurement, index: number): Series | undefined {
  return workload.series
    .filter((row) => row.subject === index && row.cpu.length > 0)
    .reduce<Series | undefined>(
      (best, row) => (best !== undefined && best.length >= row.length ? best : row),
      undefined,
    );
}
