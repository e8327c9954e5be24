/** A server that is measured: a process of its own, from its start until it is gone. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { PoolproofError } from '../errors.ts';

export type ServerCommand = Readonly<{
  command: string;
  args: readonly string[];
  /** More than `environment`. */
  variables?: Readonly<Record<string, string>>;
  /** Where the command only starts the server: a word of that child's command line. @default the command is it */
  child?: string;
}>;

export type RunningServer = AsyncDisposable &
  Readonly<{
    /** `http://127.0.0.1:PORT`. */
    url: string;
    /** Of the process that answers. */
    pid: number;
  }>;

/** Its own environment: variables such as RUST_BACKTRACE change what a request costs. */
const environment = { PATH: '/usr/bin:/bin', HOME: '/nonexistent' };
const startTimeoutMs = 30_000;
/** Of a server that is told to stop: longer than it needs for requests that still run. */
const endTimeoutMs = 15_000;

/**
 * Resolves once the server has printed the address that it listens on, `http://127.0.0.1:PORT`.
 *
 * @throws PoolproofError MEASURE_FAILED when it does not come up, INTERRUPTED
 */
export async function startServer(server: ServerCommand, signal: AbortSignal): Promise<RunningServer> {
  const child = spawn(server.command, server.args, {
    env: { ...environment, ...server.variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // A second signal ends this process at once: no server is left behind.
  const stop = (): void => void child.kill('SIGTERM');
  process.once('exit', stop);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  void ended.then(() => process.off('exit', stop));
  const end = async (): Promise<void> => {
    // A launcher passes it on, and ends after its server.
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), endTimeoutMs);
    await ended;
    clearTimeout(timer);
  };
  try {
    const url = await findAddress(child, server, signal);
    return { url, pid: findProcess(child.pid ?? 0, server), [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

function findProcess(pid: number, server: ServerCommand): number {
  const { child } = server;
  if (child === undefined) return pid;
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ');
    const found = children.find((one) => readFileSync(`/proc/${one}/cmdline`, 'latin1').includes(child));
    if (found !== undefined) return Number(found);
  } catch (cause) {
    throw serverFailure(server, 'ended when it began to listen', '', cause);
  }
  throw serverFailure(server, `has no child with ${child}`);
}

export const serverFailure = (
  { command, args }: ServerCommand,
  what: string,
  stderr = '',
  cause?: unknown,
): PoolproofError =>
  new PoolproofError('MEASURE_FAILED', `a server ${what}`, {
    command: [command, ...args].join(' '),
    stderr: stderr.slice(-2000),
    cause,
  });

/** Waits for the address that the server prints. */
async function findAddress(child: ChildProcess, server: ServerCommand, signal: AbortSignal): Promise<string> {
  let text = '';
  return new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => fail('did not listen within 30 s'), startTimeoutMs);
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      act();
    };
    const fail = (what: string, cause?: unknown): void =>
      settle(() => reject(serverFailure(server, what, text, cause)));
    const onAbort = (): void =>
      settle(() => reject(new PoolproofError('INTERRUPTED', 'measuring was interrupted')));
    const onData = (data: Buffer): void => {
      if (text.length < 65_536) text += data.toString('latin1');
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(text);
      if (found === null || !text.includes('\n', found.index)) return;
      settle(() => resolve(found[0]));
    };
    // Read to the end: a full pipe would stop the server.
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', onData);
    child.once('error', (error) => fail('could not be started', error));
    child.once('close', () => fail('ended before it listened'));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
