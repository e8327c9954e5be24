/** The end of a worker, or an engine's error text → the reason for a failed attempt. */
import type { AttemptFailure, FailureClass } from './host-report.ts';
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

/** Deciding words, first match wins. Texts of wasmtime 32 to 50 and of V8 10 to 14. */
const patterns: readonly Readonly<{ match: RegExp; class: FailureClass }>[] = [
  { match: /failed to create (?:memory|table|stack|GC heap) pool mapping/, class: 'pool-mapping' },
  { match: /failed to protect stack guard page/, class: 'stack-guard' },
  // Instantiation has no pool wording: mmap of an on-demand memory, or a bare mprotect or mmap of an image.
  { match: /mmap failed to (?:reserve|allocate) 0x|\(os error 12\)/, class: 'instance-mapping' },
  { match: /bad option: /, class: 'unsupported' },
  {
    match: /Fatal (?:process|javascript) (?:out of memory|OOM)|FATAL ERROR:|# Fatal error in/i,
    class: 'v8-fatal',
  },
  { match: /memory allocation of \d+ bytes failed|panicked at/, class: 'engine' },
];

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
    class: patterns.find(({ match }) => match.test(text))?.class ?? 'engine',
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
  const deciding = patterns.find(({ match }) => match.test(end.stderr));
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
  if (deciding === undefined)
    return { ...base, ...nothing, class: 'crashed', message: `${end.tier}: the worker ${how}` };
  return { ...base, ...found, message: `${end.tier}: ${summarize(end.stderr, deciding.match)}` };
}

/** The engine's message on one line: the error and its causes; of a bare panic, the line after its location. */
function summarize(stderr: string, deciding: RegExp): string {
  const text = stderr.slice(stderr.lastIndexOf('\n', stderr.search(deciding)) + 1);
  const first = text.replace(/\n[^]*$/, '').trim();
  if (first.includes('panicked at')) return /\n *(.+)/.exec(text)?.[1] ?? first;
  const causes = [...text.matchAll(/^ *\d+: (.+)$/gm)].map(([line]) => line.replace(/^ *\d+: /, ''));
  return [first.replace(/^.*an `Err` value: /, ''), ...causes].join(': ');
}
