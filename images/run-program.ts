/**
 * Programs that are run for their output, with bounds: no program of this computer may take for ever or fill the
 * memory, however damaged it is. A program runs in a process group of its own, which is ended with it: a wrapper's
 * child that holds our pipe would keep us waiting.
 */
import type { ChildProcess } from 'node:child_process';
import { execa } from 'execa';

export type Bounds = Readonly<{
  /** Longest it may take, milliseconds. */
  timeoutMs: number;
  /** Most it may write to standard output, and to standard error, bytes. */
  maxBytes: number;
}>;

export type ProgramOptions = Bounds &
  Readonly<{
    cwd?: string;
    /** Added to this process' own variables. */
    env?: Readonly<Record<string, string>>;
    /** Ends the program when it fires. */
    signal?: AbortSignal;
  }>;

export type ProgramEnd = Readonly<{
  ok: boolean;
  stdout: Buffer;
  stderr: string;
  exitCode: number | null;
  signal: string | null;
  /** E.g. ENOENT: it could not be started. */
  errorCode: string | null;
  /** The bound that ended it, or that the caller did; null when it ended by itself. */
  ended: 'time' | 'output' | 'caller' | null;
  /** Why it failed, as a clause: `took longer than 20 s`. Empty when it did not. */
  why: string;
  /** Ready to paste. */
  command: string;
  cause: unknown;
}>;

type Subprocess = Pick<ChildProcess, 'pid' | 'stdout' | 'stderr'> &
  Readonly<{ nodeChildProcess: ChildProcess }>;

/** For a question such as `--version`. */
export const questionBounds: Bounds = { timeoutMs: 20_000, maxBytes: 256 * 1024 };

/** For work: a compressed file, a package that comes over a slow line. */
export const workBounds: Bounds = { timeoutMs: 30 * 60_000, maxBytes: 64 * 2 ** 20 };

/** How long what a program left behind may still hold its pipes. */
const graceMs = 1000;

const running = new Set<number>();

/** Ends every program that runs, at once. */
export function endPrograms(): void {
  for (const pid of running) endGroup(pid);
}

// Signals reach only the own group: when this process ends, the programs end with it.
process.on('exit', endPrograms);

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}

/** Runs a program to its end, or to one of its bounds. Never rejects. */
export async function runProgram(
  file: string,
  args: readonly string[],
  { timeoutMs, maxBytes, cwd, env, signal }: ProgramOptions,
): Promise<ProgramEnd> {
  const subprocess = execa(file, [...args], {
    reject: false,
    stdin: 'ignore',
    encoding: 'buffer',
    stripFinalNewline: false,
    detached: true,
    killSignal: 'SIGKILL',
    maxBuffer: maxBytes,
    ...(cwd !== undefined && { cwd }),
    ...(env !== undefined && { env: { ...env } }),
  });
  using watch = watchProgram(subprocess, timeoutMs, signal);
  const result = await subprocess;
  const ended = result.isMaxBuffer ? 'output' : watch.ended();
  const why = result.failed || ended !== null ? describeFailure(result, ended, { timeoutMs, maxBytes }) : '';
  return {
    ok: why === '',
    stdout: Buffer.from(result.stdout),
    stderr: Buffer.from(result.stderr).toString('utf8').trimEnd(),
    exitCode: result.exitCode ?? null,
    signal: result.signal ?? null,
    errorCode: result.code ?? null,
    ended,
    why,
    command: result.escapedCommand,
    cause: result.cause,
  };
}

type Watch = Disposable & Readonly<{ ended: () => 'time' | 'caller' | null }>;

/** Ends a program's group at its deadline, when the caller wants it, and a moment after the program itself ended. */
function watchProgram(subprocess: Subprocess, timeoutMs: number, signal: AbortSignal | undefined): Watch {
  const { pid, stdout, stderr } = subprocess;
  let ended: 'time' | 'caller' | null = null;
  const end = (why: typeof ended): void => {
    ended ??= why;
    if (pid !== undefined) endGroup(pid);
    for (const stream of [stdout, stderr]) stream?.destroy();
  };
  const timers = [setTimeout(() => end('time'), timeoutMs)];
  subprocess.nodeChildProcess.once('exit', () => timers.push(setTimeout(() => end(null), graceMs)));
  const onAbort = (): void => end('caller');
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted === true) onAbort();
  if (pid !== undefined) running.add(pid);
  return {
    ended: () => ended,
    [Symbol.dispose]: () => {
      for (const timer of timers) clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      if (pid === undefined) return;
      running.delete(pid);
      endGroup(pid);
    },
  };
}

function describeFailure(
  {
    exitCode,
    signal,
    code,
  }: Readonly<{ exitCode?: number | undefined; signal?: string | undefined; code?: string | undefined }>,
  ended: ProgramEnd['ended'],
  { timeoutMs, maxBytes }: Bounds,
): string {
  if (ended === 'time') return `took longer than ${timeoutMs / 1000} s`;
  if (ended === 'output') return `wrote more than ${maxBytes / 1024} KiB`;
  if (ended === 'caller') return 'was interrupted';
  if (exitCode !== undefined) return `ended with exit code ${exitCode}`;
  return signal === undefined ? `could not be started (${code ?? 'no reason'})` : `was ended by ${signal}`;
}
