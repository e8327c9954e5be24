/**
 * The types of images/allocator as zod schemas, for text that comes from outside: a wasm host's
 * report (from a guest) and stored results (from a disk). The types stay the contract; a schema that
 * drifts from its type does not compile.
 */
import { z } from 'zod';
import type { Facts } from '../../images/allocator/facts.ts';
import type { AttemptFailure, HostReport } from '../../images/allocator/host-report.ts';
import type { Prediction, Shortfall, TierPrediction } from '../../images/allocator/prediction.ts';
import { poolParameters } from '../../images/allocator/pool-parameters.ts';
import { allocatorChoices, tiers } from '../../images/allocator/tier.ts';

const size = z.number().nonnegative();
const known = size.nullable();
const text = z.string();

export const tierSchema = z.enum(tiers);
export const checksSchema = z.enum(['elided', 'explicit']);
export const engineSchema = z.object({ kind: z.enum(['wasmtime', 'v8']), version: text.min(1) });
export const runEngineSchema = engineSchema.extend({
  library: z.object({ saysVersion: text.min(1), sha256: text.nullable() }).exactOptional(),
});
export const choiceSchema = z.enum(allocatorChoices);
/** Milliseconds by phase. */
export const timingsSchema = z.record(text, z.number());

export const factsSchema: z.ZodType<Facts> = z.object({
  kernelRelease: text.nullable(),
  // Absent in results of poolproof when all guests had the one.
  architecture: z.enum(['x86-64', 'arm64', 'riscv64']).nullable().default('x86-64'),
  kernelArguments: text.nullable().exactOptional(),
  memTotal: known,
  memAvailable: known,
  swapTotal: known,
  commitLimit: known,
  committedAs: known,
  overcommitMemory: z.literal([0, 1, 2]).nullable(),
  overcommitRatio: known,
  overcommitKbytes: known,
  userReserve: known,
  adminReserve: known,
  // Absent in results of poolproof before it knew them.
  hugePages: known.default(null),
  maxMapCount: known,
  thp: z.enum(['always', 'madvise', 'never']).nullable(),
  addressSpaceLimit: known,
  dataLimit: known,
  stackLimit: known,
  cgroupMemoryMax: known,
  cgroupMemoryHigh: known.exactOptional(),
  pidsMax: known.exactOptional(),
  processLimit: known.exactOptional(),
  mdwe: z.enum(['off', 'prctl', 'seccomp']).nullable().default(null),
  addressBits: known,
  pageSize: z.number().positive(),
  cpus: known,
  cpuModel: text.nullable(),
  cpuFlags: z.array(text),
  virtualised: z.boolean(),
  emulated: z.boolean(),
  sysAdmin: z.boolean().nullable(),
});

const shortfallSchema: z.ZodType<Shortfall> = z.object({
  pool: z.enum(['probe', 'memory', 'table', 'stack', 'stack-guards', 'linear-memory', 'code', 'process']),
  limit: z.enum([
    'CommitLimit',
    'overcommit heuristic',
    'RLIMIT_AS',
    'RLIMIT_DATA',
    'max_map_count',
    'address width',
    'free gap',
    'RLIMIT_NPROC',
    'pids.max',
    'write-execute',
    'memory',
    'feature',
  ]),
  needed: z.number(),
  // The remainder of a limit is below zero when more is committed than it allows.
  available: z.number(),
  unit: z.enum(['bytes', 'maps', 'threads']),
  chance: z.literal(true).exactOptional(),
  splitBy: z.enum(['v8-heap', 'program']).exactOptional(),
});

export const tierPredictionSchema: z.ZodType<TierPrediction> = z.discriminatedUnion('fits', [
  z.object({
    tier: tierSchema,
    fits: z.literal(true),
    checks: checksSchema,
    slots: known,
    tightest: shortfallSchema.nullable(),
  }),
  z.object({ tier: tierSchema, fits: z.literal(false), shortfall: shortfallSchema }),
]);

export const predictionSchema: z.ZodType<Prediction> = z.object({
  outcome: z.enum(['reached', 'exhausted', 'crashed']),
  tier: tierSchema.nullable(),
  checks: checksSchema.nullable(),
  tiers: z.array(tierPredictionSchema),
  startup: shortfallSchema.nullable(),
});

const failureSchema: z.ZodType<AttemptFailure> = z.object({
  class: z.enum([
    'pool-mapping',
    'stack-guard',
    'instance-mapping',
    'engine',
    'v8-memory',
    'v8-fatal',
    'thread',
    'guards-disabled',
    'unsupported',
    'verification',
    'library',
    'timeout',
    'killed',
    'crashed',
  ]),
  message: text,
  pool: z.enum(['memory', 'table', 'stack']).nullable(),
  bytes: known,
  errno: z.enum(['ENOMEM', 'EINVAL', 'EAGAIN', 'EACCES', 'EPERM']).nullable(),
  exitCode: z.int().nullable(),
  signal: text.nullable(),
  stderr: text,
});

const tierFormSchema = z.object({
  checks: checksSchema,
  slots: known,
  reservedBytes: size,
  chargedBytes: size,
});

const kernelStepSchema = z.object({
  step: z.enum(['before', 'engine', 'canary']),
  virtualBytes: size,
  writableBytes: size,
  maps: size,
});

const layoutSchema = z.object({
  mappingBytes: size,
  strideBytes: known,
  slots: known,
  guardBeforeBytes: size,
  behindBytes: size,
  writableBytes: size,
});

const kernelViewSchema = z.object({
  committedBefore: size.nullable(),
  committedAfter: size.nullable(),
  mappings: z.array(z.object({ protection: z.string().max(4), bytes: size, count: size })).max(16),
  // Absent in reports of hosts that measured less.
  steps: z.array(kernelStepSchema).max(8).exactOptional(),
  memory: layoutSchema.exactOptional(),
});

/** Without `model`, form and bytes are those of the model: a host of poolproof before it measured them. */
export const proofSchema = tierFormSchema.extend({
  tier: tierSchema,
  instances: z.int().nonnegative(),
  virtualBytes: size,
  residentBytes: size,
  maps: size,
  model: tierFormSchema.exactOptional(),
  kernel: kernelViewSchema.exactOptional(),
});

export const hostReportSchema: z.ZodType<HostReport> = z.object({
  poolproof: z.literal('wasm-host'),
  schema: z.literal(1),
  outcome: z.enum(['reached', 'exhausted']),
  tier: tierSchema.nullable(),
  choice: choiceSchema,
  why: text,
  engine: runEngineSchema,
  // Absent in reports of hosts before they knew any.
  parameters: z.partialRecord(z.enum(poolParameters), size).default({}),
  node: text.min(1),
  attempts: z
    .array(
      z.object({
        tier: tierSchema,
        ok: z.boolean(),
        failure: failureSchema.nullable(),
        predicted: tierPredictionSchema.nullable(),
        durationMs: known,
      }),
    )
    .max(64),
  proof: proofSchema.nullable(),
  facts: factsSchema.nullable(),
  timings: timingsSchema,
  warnings: z.array(text).max(256),
});
