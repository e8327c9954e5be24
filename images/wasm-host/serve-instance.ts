/** What the threads of a server share, and what comes of a request in one of them. */
import type { Job } from './serve-message.ts';

/** The end of an instance. `reason` is one sentence for the log; a client does not get it. */
export type Outcome =
  | Readonly<{ kind: 'answer'; bytes: Uint8Array }>
  /** Its own doing: a trap, an exit code, an answer that cannot be read. */
  | Readonly<{ kind: 'failed'; reason: string }>
  /** It ran for too long. */
  | Readonly<{ kind: 'late'; reason: string }>
  /** No instance could be made now: address space, memory or slots ran out. */
  | Readonly<{ kind: 'no-room'; reason: string }>;

export type HandlerLimits = Readonly<{
  /** Bytes of an answer. */
  answer: number;
  /** Steps of the engine's epoch after which an instance is interrupted. */
  ticks: number;
}>;

/** The served module in an engine, as data for a thread. */
export type SharedEngine =
  | Readonly<{ kind: 'wasmtime'; library: string; engine: bigint; instancePre: bigint }>
  /** @param room memories, the garbage of this thread included, that it may have before it collects */
  | Readonly<{ kind: 'v8'; module: object; room: number }>;

export type ThreadData = Readonly<{
  shared: SharedEngine;
  limits: HandlerLimits;
  folder: string;
  /** Of BatchClaims. */
  claims: SharedArrayBuffer;
}>;

/** A thread's message after each request. */
export type Done = Readonly<{ outcome: Outcome; ms: number }>;

/** Makes an instance, gives it a request, and ends it. Throws only for a defect of this program. */
export type Handler = (job: Job) => Outcome;

/** Where an instance says an answer lies: the address in the upper half, its length in the lower. */
export function unpackAnswer(
  packed: bigint,
  memoryBytes: number,
  maxBytes: number,
): Readonly<{ at: number; length: number }> | string {
  const at = Number((packed >> 32n) & 0xffff_ffffn);
  const length = Number(packed & 0xffff_ffffn);
  if (length > maxBytes) return `its answer has ${length} bytes, more than ${maxBytes}`;
  if (at + length > memoryBytes)
    return `its answer lies outside of its memory: ${length} bytes at ${at} of ${memoryBytes}`;
  return { at, length };
}

/** Of standard error of a CGI program, for the log. */
export const maxStderrBytes = 4096;

/** Standard output and error of one CGI program, each up to its limit. */
export class Output {
  readonly #chunks: Buffer[] = [];
  readonly #maxBytes: number;
  bytes = 0;
  isOver = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @returns false once there is more than the limit; what is over it is dropped */
  add(chunk: Buffer): boolean {
    this.isOver ||= this.bytes + chunk.length > this.#maxBytes;
    if (this.isOver) return false;
    this.#chunks.push(chunk);
    this.bytes += chunk.length;
    return true;
  }

  /** Not in Buffer's pool: it is sent to another thread. */
  read(): Uint8Array {
    const whole = new Uint8Array(this.bytes);
    let at = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  }
}

/** The end of a CGI program: an exit code of 0 and an answer within the limit. */
export function toCgiOutcome(exitCode: number, stdout: Output, stderr: Output, maxBytes: number): Outcome {
  if (stdout.isOver) return { kind: 'failed', reason: `its answer has more than ${maxBytes} bytes` };
  if (exitCode === 0) return { kind: 'answer', bytes: stdout.read() };
  return { kind: 'failed', reason: withStderr(`it ended with code ${exitCode}`, stderr) };
}

export function withStderr(reason: string, stderr: Output): string {
  const text = Buffer.from(stderr.read()).toString('utf8').trim();
  return text === '' ? reason : `${reason}; standard error: ${text}`;
}
