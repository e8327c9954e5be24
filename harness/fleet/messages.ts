/** What coordinator and workers write to each other, as text; what is read is validated, whoever wrote it. */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { z } from 'zod';
import { parseShallowJson } from '../../images/bounded-json.ts';
import type { CellRun, RunnerEvent } from '../run/runner.ts';
import { isEvidenceName } from '../store/evidence.ts';
import { fleetMachineSchema, lineSchema, machineName } from '../store/result-schema.ts';
import type { FleetMachine } from '../store/result.ts';
import { cellSchema, planSchema } from './plan-schema.ts';

const text = z.string().max(4096);
/** Of a run's record; part of the names of its queues. */
export const runId = z.string().regex(/^[A-Za-z0-9-]{1,60}$/);
const version = z.literal(1);

/** Far more than the images of a kernel have, bytes. */
export const largestArchive = 8 * 2 ** 30;
const mostChunks = 4096;

/** Cells of one boot plan, and how many workers were lost while one of them ran. */
const jobSchema = z.strictObject({
  schema: version,
  run: runId,
  plan: planSchema,
  lost: z.int().nonnegative(),
  /** A worker runs it and nothing else: if it is lost now, this is one more. */
  begun: z.literal(true).exactOptional(),
});
export type FleetJob = Readonly<z.infer<typeof jobSchema>>;

/** An archive of images that the run has put into Redis. */
const archiveSchema = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Bytes. */
  size: z.int().positive().max(largestArchive),
  chunks: z.int().positive().max(mostChunks),
});
export type Archive = Readonly<z.infer<typeof archiveSchema>>;

/** Cells that need the same images, and the queue their jobs are in. */
const laneSchema = z.strictObject({
  queue: z.string().regex(/^[A-Za-z0-9_.-]{1,160}$/),
  /** Behind its architecture where that is not x86-64. */
  kernel: text,
  /** Of all images of that kernel in the run. */
  digest: text,
  /** The same without files of subjects: what an archive has. */
  withoutSubjects: text,
  archive: archiveSchema.exactOptional(),
  /** Version of what runs guests of its architecture. */
  qemu: text,
  accelerator: z.enum(['kvm', 'tcg']),
  /** Whose images those are: a cell for each Node, engine and subject that the run uses with that kernel. */
  samples: z.array(cellSchema).min(1),
});
export type Lane = Readonly<z.infer<typeof laneSchema>>;

/** The call of a coordinator: what its run needs of a machine. */
const callSchema = z.strictObject({
  schema: version,
  run: runId,
  title: text,
  tool: text,
  lanes: z.array(laneSchema).min(1),
});
export type Call = Readonly<z.infer<typeof callSchema>>;

/** What a worker says of itself every few seconds. */
const presenceSchema = z.strictObject({
  schema: version,
  name: machineName,
  tool: text,
  qemu: text,
  /** Those whose QEMU it has. */
  architectures: z.array(text),
  cpuModel: text,
  cores: z.int().positive(),
  kernel: text,
  /** For guests. */
  memoryMib: z.number().nonnegative(),
  /** Guests at a time. */
  jobs: z.int().positive(),
  /** `kernel digest` of images it has made ready. */
  images: z.array(text),
  /** Those it has templates of, as the jobs name them. */
  boots: z.array(z.string().max(40)),
  /** Cells it runs now, by id. */
  cells: z.array(text),
  /** Cells it has ended since it started. */
  ended: z.int().nonnegative(),
  /** By queue: why it takes no job from there. */
  refuses: z.record(text, text),
});
export type Presence = Readonly<z.infer<typeof presenceSchema>>;

const startedSchema = z.strictObject({ kind: z.literal('started'), cell: text });
const noticeSchema = z.strictObject({ kind: z.literal('notice'), text });
/** A job that its worker will not finish: the coordinator decides about its cells. */
const givenUpSchema = z.strictObject({
  kind: z.literal('given-up'),
  job: text,
  reason: text,
  /** Workers lost while the cells of the job ran, or failures of workers themselves. */
  lost: z.int().nonnegative(),
});

/** Of evidence: how many bytes each file has. */
const endedSchema = z.strictObject({
  kind: z.literal('ended'),
  result: z.unknown(),
  evidence: z.record(
    z.string().refine(isEvidenceName, { error: 'not a name for evidence' }),
    z.int().nonnegative(),
  ),
});
const headSchema = z.looseObject({
  machine: fleetMachineSchema,
  event: z.discriminatedUnion('kind', [endedSchema, startedSchema, noticeSchema, givenUpSchema]),
});

export type GivenUp = Readonly<z.infer<typeof givenUpSchema>>;

/** News of a worker, in the order in which it happened there. */
export type Message = Readonly<{ machine: FleetMachine; event: RunnerEvent | GivenUp }>;

/** A cell leaves some 60 kB of evidence, a flooding subject 16 MiB of output. */
const longestMessage = 64 * 2 ** 20;
const deepest = 64;

const newline = 0x0a;

/**
 * A line of JSON, and behind it the files of evidence one after the other, as they are stored: who receives them
 * neither parses nor encodes them again. Deflated: evidence is text, a tenth of its size then.
 */
export function packMessage({ machine, event }: Message): Buffer {
  const files = event.kind === 'ended' ? Object.entries(event.evidence) : [];
  const contents = files.map(([, content]) => Buffer.from(content));
  const sizes = Object.fromEntries(files.map(([name], index) => [name, contents[index]?.length ?? 0]));
  const head = event.kind === 'ended' ? { ...event, evidence: sizes } : event;
  const line = Buffer.from(`${JSON.stringify({ machine, event: head })}\n`);
  return deflateRawSync(Buffer.concat([line, ...contents]), { level: 1 });
}

/** Why something that was received counts for nothing. */
export class InvalidMessage extends Error {
  override readonly name = 'InvalidMessage';
}

/** @throws InvalidMessage */
export function unpackMessage(bytes: Buffer): Message {
  return refuseInvalid(() => {
    const unpacked = inflateRawSync(bytes, { maxOutputLength: longestMessage });
    const end = unpacked.indexOf(newline);
    if (end === -1) throw new RangeError('a message without an end of its first line');
    const { machine, event } = headSchema.parse(parseShallowJson(unpacked.toString('utf8', 0, end), deepest));
    const rest = unpacked.subarray(end + 1);
    if (event.kind === 'ended') return { machine, event: parseEnded(event, rest) };
    if (rest.length > 0) throw new RangeError(`${rest.length} bytes behind a message without evidence`);
    return { machine, event };
  });
}

/** The result is checked as a stored line is; where its evidence is, the store says. */
function parseEnded(
  { kind, result, evidence: sizes }: z.infer<typeof endedSchema>,
  bytes: Buffer,
): Readonly<{ kind: 'ended' }> & CellRun {
  const { evidence: _none, ...rest } = lineSchema.parse(Object.assign({}, result, { evidence: null }));
  const evidence: Record<string, Uint8Array> = {};
  let at = 0;
  for (const [name, size] of Object.entries(sizes)) {
    evidence[name] = bytes.subarray(at, at + size);
    at += size;
  }
  if (at !== bytes.length) throw new RangeError(`${at} bytes of evidence were said, ${bytes.length} came`);
  return { kind, result: rest, evidence };
}

const parseText =
  <T>(schema: z.ZodType<T>) =>
  (source: string): T =>
    refuseInvalid(() => schema.parse(parseShallowJson(source, deepest)));

/** @throws InvalidMessage, each of them */
export const parseCall: (source: string) => Call = parseText(callSchema);
export const parsePresence: (source: string) => Presence = parseText(presenceSchema);
export const parseJob = (data: unknown): FleetJob => refuseInvalid(() => jobSchema.parse(data));

/** What another one wrote, or null where it is not valid: of another version, or of somebody else. */
export function unlessInvalid<T>(parse: () => T): T | null {
  try {
    return parse();
  } catch (error) {
    if (error instanceof InvalidMessage) return null;
    throw error;
  }
}

function refuseInvalid<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined;
    const why = issue === undefined ? String(cause) : `${issue.path.join('.')}: ${issue.message}`;
    throw new InvalidMessage(why, { cause });
  }
}
