/** Samples of servers that run side by side: fresh processes, requests that do not count, requests in turns that do. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openClock } from '../../images/wasm-host/measure-clock.ts';
import {
  sendRequests,
  summarizeAnswers,
  type Answers,
  type Rates,
  type SendOptions,
} from './serving-requests.ts';
import { serverFailure, startServer, type RunningServer, type ServerCommand } from './serving-server.ts';
export type ServingLoad = Readonly<{
  path: string;
  /** Each is kept open, and has one request at a time. */
  connections: number;
  /** Requests before those of `path`, for a server that is compiled while it serves. @default none */
  settling?: Readonly<{ path: string; amount: number }>;
  /** Requests of `path` before the sample; they say how many it has. */
  warmUp: SendOptions['end'];
  /** Length of all turns of the sample, as far as the requests before it allow to foresee it. */
  sampleMs: number;
  /** Most requests of the sample. */
  requests: number;
}>;

export type TurnFigures = Readonly<{ cpuNs: number; requestsPerSecond: number }>;

export type ServingSample = Rates &
  Readonly<{
    requests: number;
    /** CPU time of the whole server, kernel included, per request. */
    cpuNs: number;
    /** Of each turn; servers that ran side by side have equally many, and those of one place followed each other. */
    turns: readonly TurnFigures[];
    /** Why it does not count; null where each request had an answer 2xx. */
    invalid: string | null;
  }>;

/** A server to measure. */
export type MeasuredServer = Readonly<{ command: ServerCommand; load: ServingLoad }>;

/**
 * Starts the servers, lets them answer in turns, A B C C B A A …, and ends them. Turns are short, so that what else the
 * computer does in a second falls on all servers alike.
 *
 * @param onServer told before each is started
 * @returns a sample of each, in their order
 * @throws PoolproofError MEASURE_FAILED when one does not come up or ends by itself; INTERRUPTED
 */
export async function sampleServers(
  servers: readonly MeasuredServer[],
  signal: AbortSignal,
  onServer?: (index: number) => void,
): Promise<readonly ServingSample[]> {
  const running: RunningServer[] = [];
  try {
    const samples: Sampled[] = [];
    for (const [index, { command, load }] of servers.entries()) {
      onServer?.(index);
      const server = await startServer(command, signal);
      running.push(server);
      samples.push({ server, command, load, amount: await warmUp(server, load, signal), turns: [] });
    }
    const turns = Math.min(...samples.map(countTurns));
    for (let turn = 0; turn < turns; turn += 1) {
      for (const sampled of turn % 2 === 0 ? samples : samples.toReversed()) {
        const amount = shareOf(sampled.amount, turn, turns);
        sampled.turns.push(await takeTurn(sampled, amount, signal));
      }
    }
    return samples.map(summarizeTurns);
  } finally {
    await Promise.all(running.map((server) => server[Symbol.asyncDispose]()));
  }
}

type Turn = Readonly<{ answers: Answers; cpuNs: number }>;

type Sampled = MeasuredServer &
  Readonly<{
    server: RunningServer;
    /** Requests of the sample. */
    amount: number;
    turns: Turn[];
  }>;

/** @returns how many requests the sample has */
async function warmUp(server: RunningServer, load: ServingLoad, signal: AbortSignal): Promise<number> {
  const { connections, settling, path, sampleMs, requests } = load;
  if (settling !== undefined) {
    const { amount } = settling;
    await sendRequests({ url: `${server.url}${settling.path}`, connections, end: { amount }, signal });
  }
  const warm = await sendRequests({ url: `${server.url}${path}`, connections, end: load.warmUp, signal });
  // On a busy machine none may have been answered yet.
  const wanted = warm.times.length === 0 ? 0 : (warm.times.length / warm.wallMs) * sampleMs;
  return Math.max(connections, Math.min(Math.round(wanted), requests));
}

/**
 * Milliseconds: the shorter, the more alike is what else the computer does in neighbouring turns. Each opens its
 * connections, about 0.1 ms of a server's CPU time each, which is to be below a hundredth of it.
 */
const turnMsOf = (connections: number): number => Math.max(50, 12.5 * connections);

/** Each turn has a request on every connection at least. */
const countTurns = ({ amount, load: { sampleMs, connections } }: Sampled): number =>
  Math.max(1, Math.min(Math.round(sampleMs / turnMsOf(connections)), Math.floor(amount / connections)));

/** The shares of all turns are the amount. */
const shareOf = (amount: number, turn: number, turns: number): number =>
  Math.floor((amount * (turn + 1)) / turns) - Math.floor((amount * turn) / turns);

async function takeTurn(
  { server, command, load: { connections, path } }: Sampled,
  amount: number,
  signal: AbortSignal,
): Promise<Turn> {
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
  const answers = await sendRequests({ url: `${server.url}${path}`, connections, end: { amount }, signal });
  await sleep(settleMs);
  return { answers, cpuNs: readCpu() - before };
}

const settleMs = 10;

function summarizeTurns({ turns, amount }: Sampled): ServingSample {
  const answers = joinAnswers(turns.map((turn) => turn.answers));
  const cpuNs = turns.reduce((sum, turn) => sum + turn.cpuNs, 0);
  return {
    requests: answers.times.length,
    cpuNs: cpuNs / answers.times.length,
    ...summarizeAnswers(answers),
    turns: turns.map((turn) => ({
      cpuNs: turn.cpuNs / turn.answers.times.length,
      requestsPerSecond: summarizeAnswers(turn.answers).requestsPerSecond,
    })),
    invalid: describeProblem(answers, amount),
  };
}

function joinAnswers(all: readonly Answers[]): Answers {
  const refused = new Map<number, number>();
  for (const [status, count] of all.flatMap((answers) => [...answers.refused]))
    refused.set(status, (refused.get(status) ?? 0) + count);
  const sum = (field: 'wallMs' | 'unanswered'): number =>
    all.reduce((total, answers) => total + answers[field], 0);
  const times = all.flatMap((answers) => answers.times);
  return { times, wallMs: sum('wallMs'), refused, unanswered: sum('unanswered') };
}

function describeProblem({ times, refused, unanswered }: Answers, amount: number): string | null {
  const [[status, count] = [0, 0]] = [...refused];
  if (count > 0) return `${count} of ${times.length} answers had the status ${status}`;
  if (unanswered > 0) return `${unanswered} requests had no answer`;
  return times.length < amount ? `${times.length} of ${amount} requests had an answer` : null;
}
