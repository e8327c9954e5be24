/** The end of a worker, or an engine's error text → the reason for a failed attempt. */
import type { AttemptFailure } from './host-report.ts';
import { findMessage } from './known-messages.ts';
import type { Tier } from './tier.ts';

export type WorkerEnd = Readonly<{
  tier: Tier;
  /** Null when a signal ended it. */
  exitCode: number | null;
  signal: string | null;
  /** The launcher killed it because its deadline had passed. */
  timedOut: boolean;
  /** Standard error; the tail is kept. */
  stderr: string;
}>;

export type EngineText = Pick<AttemptFailure, 'class' | 'pool' | 'bytes' | 'errno'>;

const errnos: Readonly<Record<string, AttemptFailure['errno']>> = {
  '1': 'EPERM',
  '11': 'EAGAIN',
  '12': 'ENOMEM',
  '13': 'EACCES',
  '22': 'EINVAL',
};

const pools = ['memory', 'table', 'stack'] as const;

/** An engine's error or panic text. Class `engine` when nothing in it is known. */
export function classifyEngineText(text: string): EngineText {
  const pool = /failed to (?:create|protect) (memory|table|stack)/.exec(text)?.[1];
  const bytes = /mmap failed to (?:reserve|allocate) 0x([0-9a-f]+) bytes/.exec(text)?.[1];
  const allocation = /memory allocation of (\d+) bytes failed/.exec(text)?.[1];
  const errno = /\(os error (\d+)\)/.exec(text)?.[1];
  return {
    class: findMessage(text)?.message.class ?? 'engine',
    pool: pools.find((name) => name === pool) ?? null,
    bytes:
      bytes !== undefined ? Number.parseInt(bytes, 16) : allocation !== undefined ? Number(allocation) : null,
    errno: errno === undefined ? null : (errnos[errno] ?? null),
  };
}

/** Bytes of standard error kept. */
const tailBytes = 4096;

/** The failure of a worker that proved nothing. A lone SIGKILL is the kernel's or an operator's doing. */
export function classifyWorkerEnd(end: WorkerEnd): AttemptFailure {
  const { exitCode, signal } = end;
  const stderr = end.stderr.slice(-tailBytes);
  const found = classifyEngineText(end.stderr);
  const deciding = findMessage(end.stderr);
  const nothing = { pool: null, bytes: null, errno: null } as const;
  const base = { exitCode, signal, stderr };
  if (end.timedOut) {
    return { ...base, ...nothing, class: 'timeout', message: `${end.tier}: no answer within the deadline` };
  }
  if (signal === 'SIGKILL') {
    const message = `${end.tier}: killed with SIGKILL, as the kernel's out-of-memory killer does`;
    return { ...base, ...nothing, class: 'killed', message };
  }
  const how = signal === null ? `exited with ${exitCode ?? 'no code'}` : `ended by ${signal}`;
  if (deciding === null)
    return { ...base, ...nothing, class: 'crashed', message: `${end.tier}: the worker ${how}` };
  return { ...base, ...found, message: `${end.tier}: ${summarize(end.stderr, deciding.at)}` };
}

/** The message of the engine on one line: the error and its causes; of a bare panic, the line after its location. */
function summarize(stderr: string, at: number): string {
  const text = stderr.slice(stderr.lastIndexOf('\n', at) + 1);
  const first = text.replace(/\n[^]*$/, '').trim();
  if (first.includes('panicked at')) return /\n *(.+)/.exec(text)?.[1] ?? first;
  const causes = [...text.matchAll(/^ *\d+: (.+)$/gm)].map(([line]) => line.replace(/^ *\d+: /, ''));
  return [first.replace(/^.*an `Err` value: /, ''), ...causes].join(': ');
}
