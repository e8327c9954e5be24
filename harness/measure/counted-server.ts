/** One server in a guest that counts: its command, its limits, and the instructions of its requests. */
import type { Facts } from '../../images/allocator/facts.ts';
import { poolParameters } from '../../images/allocator/pool-parameters.ts';
import type { Tier } from '../../images/allocator/tier.ts';
import type { KernelFile } from '../axes/axis.ts';
import { parametersOf, buildLimits, buildWrites } from '../axes/guest-settings.ts';
import type { Settings } from '../axes/table.ts';
import { buildForeignCommand, buildHostCommand, untilOf, type GuestCommand } from '../guest/guest-command.ts';
import type { SubjectRun } from '../guest/observation.ts';
import { factPathsOf, readFacts, readSubjectRun } from '../guest/observe.ts';
import type { Session } from '../guest/session.ts';
import type { Ready, Subject } from '../matrix/subject.ts';
import { countingDeadlines } from '../plan/deadlines.ts';
import { findLimitProblem, settingsUnder, wantLimits, type LimitState } from './limits.ts';
import { listRequests, readWork, type Batch, type ServerLoad } from './request-price.ts';

/** What serves: a foreign subject with the folder of its files, or null for the wasm host. */
export type Served = Readonly<{ subject: Subject; folder: string | null }> | null;

/** Word of a foreign subject's `run` in whose place other components stand. */
const componentWord = '{files}/hello.wasm';

/** Where the wasm host listens. */
const hostPort = 8080;

/** Why a subject cannot be measured; null where it can. */
export function explainUnservable(served: Served): string | null {
  if (served === null) return null;
  const { name, ready, run } = served.subject;
  if (ready.kind !== 'http') return `${name} is no server: it is not ready by an answer over HTTP`;
  return run.includes(componentWord) ? null : `${name} has no word ${componentWord} for other components`;
}

/** Variables of Spin change its pool. */
const isPoolVariable = (name: string): boolean => name.startsWith('SPIN_');

/** Whether a cell has the pool of its host by itself: then it is the baseline. */
export const isOwnPool = (settings: Settings, tier: Tier | null): boolean =>
  tier === 'standard' &&
  Object.keys(parametersOf(settings)).length === 0 &&
  !Object.keys(settings.env).some(isPoolVariable);

/** The same host with the pool that it has by itself. */
export function baselineOf(settings: Settings): Settings {
  const none = Object.fromEntries(poolParameters.map((name) => [name, null]));
  const env = Object.fromEntries(Object.entries(settings.env).filter(([name]) => !isPoolVariable(name)));
  return { ...settings, ...none, env, allocator: 'standard' };
}

/** The subject as it serves another component and page. */
export function serveComponent(subject: Subject, file: string, page: string): Subject {
  const port = subject.ready.kind === 'http' ? subject.ready.port : hostPort;
  return {
    ...subject,
    run: subject.run.map((word) => (word === componentWord ? file : word)),
    ready: readyOf(page, port),
  };
}

const readyOf = (page: string, port: number): Extract<Ready, { kind: 'http' }> => ({
  kind: 'http',
  port,
  path: page,
  status: 200,
  body: null,
  answers: 3,
});

/**
 * Where the kernel places mappings decides how many page tables an instance's memory takes: with addresses at random, a
 * request on demand differs by up to 4.4 % between two processes of one server, at the same addresses by 0.4 %.
 */
const samePlaces: KernelFile = { path: '/proc/sys/kernel/randomize_va_space', value: '0' };

export type ServerStep = Readonly<{
  load: ServerLoad;
  limits: LimitState;
  /** The cell's, or those of the baseline. */
  settings: Settings;
}>;

export type ServerContext = Readonly<{
  session: Session;
  settings: Settings;
  /** Of the cell. */
  facts: Facts;
  served: Served;
  /** Folder in the guest with the components. */
  components: string;
  /** Why what ran is not what was meant to be measured; null where it is. */
  check: (step: ServerStep, run: SubjectRun) => string | null;
}>;

export type ServerEnd =
  | Readonly<{ kind: 'counted'; batches: ReadonlyMap<string, readonly Batch[]> }>
  /** It was not the server that was meant, or had other limits: nothing of the cell may be concluded. */
  | Readonly<{ kind: 'invalid'; reason: string }>
  | Readonly<{ kind: 'failed'; reason: string }>;

function buildCommand({ served, components }: ServerContext, { load, settings }: ServerStep): GuestCommand {
  const page = load.works[0]?.path ?? '/';
  const file = `${components}/${load.component}.wasm`;
  if (served === null) {
    const command = buildHostCommand(settings, countingDeadlines, { file, port: hostPort });
    return { ...command, until: untilOf(readyOf(page, hostPort)) };
  }
  const subject = serveComponent(served.subject, file, page);
  return buildForeignCommand(subject, settings, served.folder, countingDeadlines);
}

/**
 * Starts a server under the step's limits, sends its requests, ends it, and checks what it was.
 *
 * @throws PoolproofError what a session throws: the machine is lost
 */
export async function countServer(
  context: ServerContext,
  step: ServerStep,
  timeoutMs: number,
): Promise<Readonly<{ end: ServerEnd; raw: string }>> {
  const { session, settings, facts, check } = context;
  const { load, limits: state } = step;
  const own = settingsUnder(state, step.settings, facts);
  const { requestMs } = countingDeadlines;
  await session.request({ verb: 'apply', settings: [...buildWrites(own), samePlaces] }, requestMs);
  const { command, env, until } = buildCommand(context, step);
  if (until?.kind !== 'http') throw new RangeError('a server that is not waited for by a request');
  const loads = listRequests(load);
  const reply = await session.run(
    {
      limits: buildLimits(own),
      factPaths: factPathsOf(own),
      env,
      command,
      until: { ...until, load: loads },
    },
    { ms: timeoutMs, replyMs: requestMs },
  );
  const run = readSubjectRun(reply);
  const texts = Object.fromEntries(loads.map(({ page }) => [page, reply.texts[`load${page}`]]));
  const raw = JSON.stringify({
    component: load.component,
    limits: state,
    command,
    loads,
    counted: texts,
    run,
  });
  const wrong =
    findLimitProblem(state, readFacts(reply.texts), wantLimits(settings, facts)) ?? check(step, run);
  if (wrong !== null) return { raw, end: { kind: 'invalid', reason: wrong } };
  const batches = new Map<string, readonly Batch[]>();
  for (const work of load.works) {
    const found = readWork(load, work, texts[work.path]);
    if (typeof found === 'string') return { raw, end: { kind: 'failed', reason: `${work.path}: ${found}` } };
    batches.set(work.name, found);
  }
  return { raw, end: { kind: 'counted', batches } };
}
