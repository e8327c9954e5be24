/** Runs the samples of a serving benchmark on this machine, one case at a time, within its time. */
import path from 'node:path';
import { PoolproofError } from '../errors.ts';
import { evaluateServing, type ServingFigure, type ServingRound } from './evaluate-serving.ts';
import { hostModules, serveByHost } from './serving-host.ts';
import {
  fitsRound,
  planSampleMs,
  planSettling,
  warmUp,
  type Contender,
  type ServingCase,
} from './serving-plan.ts';
import { sampleServers } from './serving-sample.ts';
import type { ServerCommand } from './serving-server.ts';

export type ServingRun = Readonly<{
  /** `wasmtime`. */
  program: string;
  /** Folder with the components. */
  components: string;
  /** libwasmtime of our host; null where it does not serve. */
  library: string | null;
  cases: readonly ServingCase[];
  /** How long all samples may take; five rounds are made in any case. */
  seconds: number;
  /** Most requests of a sample. */
  requests: number;
  signal: AbortSignal;
  /** Told before the server of each sample is started. */
  onSample?: (sample: ServingProgress) => void;
}>;

export type ServingProgress = Readonly<{
  round: number;
  /** Samples of this round, and which one begins, from 1. */
  of: number;
  sample: number;
  work: string;
  connections: number;
  mode: string;
}>;

export type ServingOutcome = Readonly<{
  /** Of the cases with at least two rounds. */
  figures: readonly ServingFigure[];
  /** The signal came: the figures are of the rounds that were whole until then. */
  interrupted: boolean;
}>;

/**
 * Round by round over all cases, so that what changes on the machine falls on all of them.
 *
 * @throws PoolproofError USAGE where the time is too short, MEASURE_FAILED
 */
export async function runServing(run: ServingRun): Promise<ServingOutcome> {
  const sampleMs = planSampleMs(run.cases, run.seconds);
  const rounds = run.cases.map((): ServingRound[] => []);
  const start = performance.now();
  let interrupted = false;
  for (
    let done = 0;
    !interrupted && fitsRound(done, performance.now() - start, run.seconds * 1000);
    done += 1
  ) {
    try {
      await sampleRound(run, rounds, done, sampleMs);
    } catch (error) {
      if (!(error instanceof PoolproofError) || error.code !== 'INTERRUPTED') throw error;
      interrupted = true;
    }
  }
  const figures = run.cases.flatMap((one, at) => {
    const whole = rounds[at] ?? [];
    return whole.length < leastRoundsOfFigure ? [] : evaluateServing(one, whole);
  });
  return { figures, interrupted };
}

/** An interval is over rounds. */
const leastRoundsOfFigure = 2;

async function sampleRound(
  run: ServingRun,
  rounds: readonly ServingRound[][],
  done: number,
  sampleMs: number,
): Promise<void> {
  const of = run.cases.reduce((sum, { contenders }) => sum + contenders.length, 0);
  let sample = 0;
  for (const [at, one] of run.cases.entries()) {
    const begin = (mode: string): void => {
      sample += 1;
      const { work, connections } = one;
      run.onSample?.({ round: done + 1, of, sample, work, connections, mode });
    };
    rounds[at]?.push(await sampleCase(run, one, sampleMs, begin));
  }
}

function sampleCase(
  run: ServingRun,
  { contenders, connections }: ServingCase,
  sampleMs: number,
  begin: (mode: string) => void,
): Promise<ServingRound> {
  const servers = contenders.map((contender) => {
    const settling = planSettling(contender);
    const load = {
      path: contender.path,
      connections,
      ...(settling !== undefined && { settling }),
      warmUp,
      sampleMs,
      requests: run.requests,
    };
    return { command: commandOf(run, contender), load };
  });
  return sampleServers(servers, run.signal, (index) => begin(contenders[index]?.name ?? ''));
}

function commandOf({ program, components, library }: ServingRun, contender: Contender): ServerCommand {
  const file = `${contender.component}.wasm`;
  if (contender.server === 'wasm-host')
    return serveByHost({ tier: contender.tier, library, module: path.join(hostModules, file) });
  // A port that the kernel picks; no cache of machine code, whose place is the home of a user.
  const words = ['serve', '-C', 'cache=n', ...contender.options, '--addr', '127.0.0.1:0'];
  return { command: program, args: [...words, path.join(components, file)] };
}
