/** One sample of a server: a fresh process, requests that do not count, requests that do. */
import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import autocannon, { type Result } from 'autocannon';
import { quantile } from 'simple-statistics';
import { openClock } from '../../images/wasm-host/measure-clock.ts';
import { PoolproofError } from '../errors.ts';

export type ServerCommand = Readonly<{ command: string; args: readonly string[] }>;

export type ServingLoad = Readonly<{
  path: string;
  /** Each is kept open, and has one request at a time. */
  connections: number;
  /** Length of the sample, as far as the requests before it allow to foresee it. */
  sampleMs: number;
  /** Most requests of the sample. */
  requests: number;
}>;

export type ServingSample = Readonly<{
  requests: number;
  /** CPU time of the whole server, kernel included, per request. */
  cpuNs: number;
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Why it does not count; null where each request had an answer 2xx. */
  invalid: string | null;
}>;

/** Its own environment: variables such as RUST_BACKTRACE change what a request costs. */
const environment = { PATH: '/usr/bin:/bin', HOME: '/nonexistent' };
const startTimeoutMs = 30_000;
const warmUpSeconds = 0.15;

/**
 * Starts the server, measures, and ends it. The server prints the address that it listens on, `http://127.0.0.1:PORT`.
 *
 * @throws PoolproofError MEASURE_FAILED when it does not come up or ends by itself; INTERRUPTED
 */
export async function sampleServer(
  server: ServerCommand,
  load: ServingLoad,
  signal: AbortSignal,
): Promise<ServingSample> {
  const child = spawn(server.command, server.args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  try {
    const { url, pid } = await findAddress(child, server, signal);
    const warm = await request(`${url}${load.path}`, load, { duration: warmUpSeconds }, signal);
    const wanted = (warm.times.length / warm.wallMs) * load.sampleMs;
    const amount = Math.max(load.connections, Math.min(Math.round(wanted), load.requests));
    const clock = openClock();
    const before = readCpu(clock, pid, server);
    const measured = await request(`${url}${load.path}`, load, { amount }, signal);
    const cpu = readCpu(clock, pid, server) - before;
    return summarize(measured, cpu, amount);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

function readCpu(clock: ReturnType<typeof openClock>, pid: number, server: ServerCommand): number {
  try {
    return clock.readProcess(pid);
  } catch (cause) {
    throw failure(server, 'ended while it was measured', '', cause);
  }
}

const failure = (
  { command, args }: ServerCommand,
  what: string,
  stderr: string,
  cause?: unknown,
): PoolproofError =>
  new PoolproofError('MEASURE_FAILED', `a server ${what}`, {
    command: [command, ...args].join(' '),
    stderr: stderr.slice(-2000),
    cause,
  });

/** Waits for the address that the server prints. */
async function findAddress(
  child: ChildProcess,
  server: ServerCommand,
  signal: AbortSignal,
): Promise<Readonly<{ url: string; pid: number }>> {
  let text = '';
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => fail('did not listen within 30 s'), startTimeoutMs);
    const fail = (what: string, cause?: unknown): void => {
      clearTimeout(timer);
      reject(failure(server, what, text, cause));
    };
    const onData = (data: Buffer): void => {
      if (text.length < 65_536) text += data.toString('latin1');
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(text);
      if (found === null || !text.includes('\n', found.index)) return;
      clearTimeout(timer);
      resolve(found[0]);
    };
    // Read to the end: a full pipe would stop the server.
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', onData);
    child.once('error', (error) => fail('could not be started', error));
    child.once('close', () => fail('ended before it listened'));
    signal.addEventListener('abort', () => child.kill('SIGKILL'), { once: true });
  });
  return { url, pid: child.pid ?? 0 };
}

type Answers = Readonly<{
  /** Milliseconds from each request to its answer. */
  times: readonly number[];
  wallMs: number;
  problem: string | null;
}>;

function checkSignal(signal: AbortSignal): void {
  if (signal.aborted) throw new PoolproofError('INTERRUPTED', 'measuring was interrupted');
}

/** Sends requests until `amount` are answered, or for `duration` seconds. */
async function request(
  url: string,
  { connections }: ServingLoad,
  end: Readonly<{ amount: number } | { duration: number }>,
  signal: AbortSignal,
): Promise<Answers> {
  checkSignal(signal);
  const times: number[] = [];
  const other = new Map<number, number>();
  const start = performance.now();
  let last = start;
  const { errors, timeouts } = await new Promise<Result>((resolve, reject) => {
    // Its own histogram counts whole milliseconds, and it looks for the end once a second unless told otherwise.
    const options = { url, connections, ...end, sampleInt: 20, timeout: 30 };
    const run = autocannon(options, (error: unknown, result) =>
      error instanceof Error ? reject(error) : resolve(result),
    );
    const onAbort = (): void => run.stop();
    signal.addEventListener('abort', onAbort, { once: true });
    run.on('done', () => signal.removeEventListener('abort', onAbort));
    run.on('response', (_client, status, _bytes, ms) => {
      last = performance.now();
      times.push(ms);
      if (status < 200 || status > 299) other.set(status, (other.get(status) ?? 0) + 1);
    });
  });
  checkSignal(signal);
  // The server takes an instance apart after its answer has left.
  await sleep(10);
  const [[status, count] = [0, 0]] = [...other];
  const problem =
    count > 0
      ? `${count} of ${times.length} answers had the status ${status}`
      : errors + timeouts > 0
        ? `${errors + timeouts} requests had no answer`
        : null;
  return { times, wallMs: last - start, problem };
}

function summarize({ times, wallMs, problem }: Answers, cpuNs: number, amount: number): ServingSample {
  const missing = times.length < amount ? `${times.length} of ${amount} requests had an answer` : null;
  const all = times.length === 0 ? [NaN] : [...times];
  return {
    requests: times.length,
    cpuNs: cpuNs / times.length,
    requestsPerSecond: (times.length * 1000) / wallMs,
    p50Ms: quantile(all, 0.5),
    p99Ms: quantile(all, 0.99),
    invalid: problem ?? missing,
  };
}
