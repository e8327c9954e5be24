/** A million requests to our host in each tier: none may fail, and its memory may not grow. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Tier } from '../../images/allocator/tier.ts';
import { engines } from '../../images/definitions.ts';
import { findEngineLibrary } from '../../images/package-files.ts';
import { openClock } from '../../images/wasm-host/measure-clock.ts';
import { hostModules, serveByHost } from '../../harness/measure/serving-host.ts';
import { sendRequests, summarizeAnswers } from '../../harness/measure/serving-requests.ts';
import { startServer } from '../../harness/measure/serving-server.ts';

export type EnduranceFigure = Readonly<{
  engine: string;
  tier: Tier;
  connections: number;
  /** With an answer. */
  requests: number;
  /** Requests without an answer 2xx: their number by status, or as `unanswered`. */
  failed: Readonly<Record<string, number>>;
  /** VmRSS after so much of the requests, MiB, and VmHWM. */
  residentMib: Readonly<{ '10 %': number; '50 %': number; '100 %': number; peak: number }>;
  /** From 10 to 100 %. */
  grownMib: number;
  /** Most requests that waited for a thread at a time. */
  queuedHighWater: number;
  /** CPU time of the server per request. */
  cpuUs: number;
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Nothing failed, the tier is the requested one, and the memory grew by no more than `mostGrownMib`. */
  held: boolean;
}>;

const mostGrownMib = 20;

export type Endurance = Readonly<{
  requests: number;
  tiers: readonly Tier[];
  connections: readonly number[];
  /** @default engines[0], and Node's own */
  engines?: readonly ('wasmtime' | 'v8')[];
}>;

/** Each combination with a server of its own. Sets the exit code 1 where one does not hold. */
export async function benchEndurance(request: Endurance): Promise<readonly EnduranceFigure[]> {
  const figures: EnduranceFigure[] = [];
  for (const engine of request.engines ?? ['wasmtime', 'v8'])
    for (const tier of request.tiers)
      for (const connections of request.connections) {
        const figure = await endure(engine, tier, connections, request.requests);
        figures.push(figure);
        process.stderr.write(`${JSON.stringify(figure)}\n`);
        if (!figure.held) process.exitCode = 1;
      }
  return figures;
}

async function endure(
  engine: 'wasmtime' | 'v8',
  tier: Tier,
  connections: number,
  amount: number,
): Promise<EnduranceFigure> {
  const { signal } = new AbortController();
  const [version = ''] = engines;
  const library = engine === 'v8' ? null : await findEngineLibrary(version);
  const module = path.join(hostModules, 'hello.wasm');
  await using server = await startServer(serveByHost({ tier, library, module }), signal);
  const { url, pid } = server;
  const clock = openClock();
  const before = clock.readProcess(pid);
  const resident = new Map<number, number>();
  const looks = [0.1, 0.5, 1].map((part) => Math.max(1, Math.round(part * amount)));
  const answers = await sendRequests({
    url: `${url}/`,
    connections,
    end: { amount },
    signal,
    onAnswer: (count) => {
      if (looks.includes(count)) resident.set(count, readMib(pid, 'VmRSS'));
    },
  });
  const cpuNs = clock.readProcess(pid) - before;
  const { requestsPerSecond, p50Ms, p99Ms } = summarizeAnswers(answers);
  const [early = NaN, middle = NaN, late = NaN] = looks.map((count) => resident.get(count));
  const health = await readHealth(url);
  const failed = {
    ...Object.fromEntries(answers.refused),
    ...(answers.unanswered > 0 ? { unanswered: answers.unanswered } : {}),
  };
  const requests = answers.times.length;
  const grownMib = round(late - early);
  return {
    engine: health.engine,
    tier: health.tier,
    connections,
    requests,
    failed,
    residentMib: { '10 %': early, '50 %': middle, '100 %': late, peak: readMib(pid, 'VmHWM') },
    grownMib,
    queuedHighWater: health.queuedHighWater,
    cpuUs: round(cpuNs / requests / 1000),
    requestsPerSecond: Math.round(requestsPerSecond),
    p50Ms: round(p50Ms),
    p99Ms: round(p99Ms),
    held:
      health.tier === tier &&
      Object.keys(failed).length === 0 &&
      requests >= amount &&
      grownMib <= mostGrownMib,
  };
}

const round = (value: number): number => Math.round(value * 100) / 100;

const readMib = (pid: number, name: 'VmRSS' | 'VmHWM'): number => {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return round(Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024);
};

async function readHealth(
  url: string,
): Promise<Readonly<{ engine: string; tier: Tier; queuedHighWater: number }>> {
  const health = (await (await fetch(`${url}/healthz`)).json()) as Readonly<{
    engine: Readonly<{ kind: string; version: string }>;
    tier: Tier;
    queuedHighWater: number;
  }>;
  const { kind, version } = health.engine;
  return { ...health, engine: `${kind} ${version}` };
}
