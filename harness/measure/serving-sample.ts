/** One sample of a server: a fresh process, requests that do not count, requests that do. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openClock } from '../../images/wasm-host/measure-clock.ts';
import {
  sendRequests,
  summarizeAnswers,
  type Answers,
  type Rates,
  type SendOptions,
} from './serving-requests.ts';
import { serverFailure, startServer, type ServerCommand } from './serving-server.ts';

export type ServingLoad = Readonly<{
  path: string;
  /** Each is kept open, and has one request at a time. */
  connections: number;
  /** Requests before those of `path`, for a server that is compiled while it serves. @default none */
  settling?: Readonly<{ path: string; amount: number }>;
  /** Requests of `path` before the sample; they say how many it has. */
  warmUp: SendOptions['end'];
  /** Length of the sample, as far as the requests before it allow to foresee it. */
  sampleMs: number;
  /** Most requests of the sample. */
  requests: number;
}>;

export type ServingSample = Rates &
  Readonly<{
    requests: number;
    /** CPU time of the whole server, kernel included, per request. */
    cpuNs: number;
    /** Why it does not count; null where each request had an answer 2xx. */
    invalid: string | null;
  }>;

/**
 * Starts the server, measures, and ends it.
 *
 * @throws PoolproofError MEASURE_FAILED when it does not come up or ends by itself; INTERRUPTED
 */
export async function sampleServer(
  command: ServerCommand,
  load: ServingLoad,
  signal: AbortSignal,
): Promise<ServingSample> {
  await using server = await startServer(command, signal);
  const { connections, settling, warmUp } = load;
  const url = `${server.url}${load.path}`;
  if (settling !== undefined)
    await sendRequests({
      url: `${server.url}${settling.path}`,
      connections,
      end: { amount: settling.amount },
      signal,
    });
  const warm = await sendRequests({ url, connections, end: warmUp, signal });
  // On a busy machine none may have been answered yet.
  const wanted = warm.times.length === 0 ? 0 : (warm.times.length / warm.wallMs) * load.sampleMs;
  const amount = Math.max(connections, Math.min(Math.round(wanted), load.requests));
  const clock = openClock();
  const readCpu = (): number => {
    try {
      return clock.readProcess(server.pid);
    } catch (cause) {
      throw serverFailure(command, 'ended while it was measured', '', cause);
    }
  };
  // A server takes an instance apart after its answer has left.
  await sleep(settleMs);
  const before = readCpu();
  const answers = await sendRequests({ url, connections, end: { amount }, signal });
  await sleep(settleMs);
  const cpu = readCpu() - before;
  return {
    requests: answers.times.length,
    cpuNs: cpu / answers.times.length,
    ...summarizeAnswers(answers),
    invalid: describeProblem(answers, amount),
  };
}

const settleMs = 10;

function describeProblem({ times, refused, unanswered }: Answers, amount: number): string | null {
  const [[status, count] = [0, 0]] = [...refused];
  if (count > 0) return `${count} of ${times.length} answers had the status ${status}`;
  if (unanswered > 0) return `${unanswered} requests had no answer`;
  return times.length < amount ? `${times.length} of ${amount} requests had an answer` : null;
}
