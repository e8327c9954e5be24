/** Text → Result: one stored line, validated. A schema that drifts from the type does not compile. */
import { parseShallowJson } from '../../images/bounded-json.ts';
import { z } from 'zod';
import { machineEndKinds } from '../guest/observation.ts';
import { renewAxisName, storedSettings } from '../axes/stored-settings.ts';
import { PoolproofError } from '../errors.ts';
import {
  checksSchema,
  choiceSchema,
  runEngineSchema,
  factsSchema,
  predictionSchema,
  proofSchema,
  tierSchema,
  timingsSchema,
} from '../outcome/model-schema.ts';
import { outcomes, verdicts } from '../outcome/outcome.ts';
import { cellIdSchema } from './cell-id-schema.ts';
import { overheadSchema, overheadSourceSchema } from './overhead-schema.ts';
import { type FleetMachine, type Result, resultSchema } from './result.ts';
import { servingSchema } from './price-schema.ts';

const text = z.string();
const count = z.number().nonnegative();

export const expectationSchema = z.object({
  tier: tierSchema.exactOptional(),
  atLeast: tierSchema.exactOptional(),
  outcome: z.enum(['reached', 'exhausted', 'crashed', 'timeout', 'guest-died']).exactOptional(),
  error: text.exactOptional(),
  overhead: count.exactOptional(),
  because: text.nullable(),
  link: text.nullable(),
});

const machineEndSchema = z.object({ kind: z.enum(machineEndKinds), detail: text });

/** Chosen by a worker: shown on terminals and pages. */
export const machineName = text.regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$/);

export const fleetMachineSchema: z.ZodType<FleetMachine> = z.object({
  name: machineName,
  qemu: text.max(40),
  accelerator: z.enum(['kvm', 'tcg']),
  cpuModel: text.max(200),
  kernel: text.max(200),
});

const share = z.number().min(0).max(1);

const processSchema = z.object({
  up: z
    .object({
      name: text,
      processes: count,
      virtualBytes: count,
      writableBytes: count,
      residentBytes: count,
      peakResidentBytes: count,
      maps: count,
      largest: z.array(z.object({ bytes: count, protection: text, name: text })),
      minorFaults: count,
      majorFaults: count,
      committedBytes: count,
    })
    .nullable(),
  end: z.object({ peakResidentBytes: count, minorFaults: count, majorFaults: count }).nullable(),
});

const distributionSchema = z.object({
  verdict: z.enum([...verdicts, 'flaky']).nullable(),
  judged: z.int().nonnegative(),
  silent: z.int().nonnegative(),
  shares: z.array(
    z.object({
      observed: z.union([tierSchema, z.enum(outcomes)]),
      count: z.int().positive(),
      low: share,
      high: share,
    }),
  ),
});

const shapeSchema: z.ZodType<Result> = z.object({
  schema: z.literal(resultSchema),
  id: cellIdSchema,
  repetition: z.int().positive(),
  settings: storedSettings(),
  outcome: z.enum(outcomes),
  reason: text,
  tier: tierSchema.nullable(),
  form: z
    .object({ checks: checksSchema, slots: count.nullable(), reservedBytes: count, chargedBytes: count })
    .nullable(),
  predicted: predictionSchema.nullable(),
  expected: z
    .object({ source: z.enum(['matrix', 'prediction']), text, expectation: expectationSchema.nullable() })
    .nullable(),
  verdict: z.enum(verdicts).nullable(),
  finding: text.nullable(),
  tiers: z.array(
    z.object({
      tier: tierSchema,
      ok: z.boolean(),
      class: text.nullable(),
      message: text.nullable(),
      pool: text.nullable(),
      bytes: count.nullable(),
    }),
  ),
  attempts: z.array(
    z.object({
      start: z.enum(['boot', 'clone']),
      outcome: z.enum(outcomes),
      detail: text,
      machineEnd: machineEndSchema.nullable(),
    }),
  ),
  readBack: z.array(
    z.object({
      axis: text.transform(renewAxisName),
      asked: text,
      found: text,
      ok: z.boolean(),
      standIn: z.literal(true).exactOptional(),
    }),
  ),
  facts: factsSchema.nullable(),
  host: z
    .object({
      engine: runEngineSchema,
      node: text,
      choice: choiceSchema,
      why: text,
      proof: proofSchema.nullable(),
      warnings: z.array(text),
      process: processSchema.exactOptional(),
    })
    .nullable(),
  subject: z
    .object({
      name: text,
      ready: z.boolean(),
      failure: text.nullable(),
      line: text.nullable(),
      causes: z.array(text).readonly().exactOptional(),
      exitCode: z.int().nullable(),
      signal: text.nullable(),
      program: z.object({ version: text, says: text, sha256: text }).exactOptional(),
      basis: z.enum(['told', 'seen']).exactOptional(),
      answer: z.object({ status: z.int(), count: z.int(), body: text }).exactOptional(),
      process: processSchema.exactOptional(),
    })
    .exactOptional(),
  timings: timingsSchema,
  machine: fleetMachineSchema.exactOptional(),
  imageDigest: text.nullable(),
  startedAt: text,
  evidence: text.nullable(),
  distribution: distributionSchema.exactOptional(),
  overhead: overheadSchema.exactOptional(),
  overheadSource: overheadSourceSchema.exactOptional(),
  serving: servingSchema.exactOptional(),
});

/**
 * A tier is proven or it is not there: a line that says otherwise is damaged, not a result. That of a foreign
 * subject follows from its patterns, and it may come up without one.
 */
export const lineSchema = shapeSchema.refine(
  ({ outcome, tier, form, subject }) =>
    subject === undefined
      ? (outcome === 'reached') === (tier !== null && form !== null)
      : form === null && (tier === null || outcome === 'reached'),
  { path: ['tier'], error: 'a tier belongs to the outcome `reached` and to no other' },
);

const versionSchema = z.object({ schema: z.number() });

/** Characters; a result is a few KB. */
const usualLine = 64 * 1024;
const lineDepth = 64;

/**
 * One line of cells.jsonl.
 * @returns the result, or the problem with this line: STORE_SCHEMA when a newer poolproof wrote it,
 * STORE_CORRUPT when it is damaged. Not thrown, because the lines after it can still be read.
 */
export function parseResult(line: string, file: string, number: number): Result | PoolproofError {
  let value: unknown;
  try {
    // Checking the depth doubles the time of `JSON.parse` (4 kB: 12 µs, and 11 more): a line of the usual size is not
    // checked.
    value = line.length > usualLine ? parseShallowJson(line, lineDepth) : JSON.parse(line);
  } catch (cause) {
    return new PoolproofError('STORE_CORRUPT', 'this line is not JSON', { file, line: number, cause });
  }
  const version = versionSchema.safeParse(value);
  if (version.success && version.data.schema > resultSchema)
    return newerSchema(version.data.schema, file, number);
  const parsed = lineSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const place = issue?.path.join('.') ?? '';
  return new PoolproofError(
    'STORE_CORRUPT',
    `this line is not a result: ${place}: ${issue?.message ?? 'unknown'}`,
    { file, line: number },
  );
}

export function newerSchema(schema: number, file: string, line?: number): PoolproofError {
  return new PoolproofError(
    'STORE_SCHEMA',
    `written with schema ${schema}, this poolproof knows ${resultSchema}`,
    {
      file,
      ...(line === undefined ? {} : { line }),
      hint: 'read it with the poolproof that wrote it, or a newer one: run.json names its version',
    },
  );
}
