/** One measuring process in a guest: under which limits it runs, and what it counted. */
import type { Facts } from '../../images/allocator/facts.ts';
import { enginePath, measureProgram, mountPoint, nodePath, workloadsDisk } from '../../images/definitions.ts';
import type { EngineKind } from '../../images/allocator/tier.ts';
import { measureCommand, type MeasureRequest } from '../../images/wasm-host/measure-command.ts';
import { PoolproofError } from '../errors.ts';
import { factPathsOf, readFacts, readSubjectRun } from '../guest/observe.ts';
import type { Session } from '../guest/session.ts';
import { buildLimits, buildWrites } from '../axes/guest-settings.ts';
import type { Settings } from '../axes/table.ts';
import { countingDeadlines } from '../plan/deadlines.ts';
import type { Step } from './instructions.ts';
import { findLimitProblem, settingsUnder, wantLimits } from './limits.ts';
import { parseMeasurement, type Measurement } from './measurement.ts';
import type { PoolOverrides } from './pool-overrides.ts';

export type GuestEngine = Readonly<{
  kind: EngineKind;
  /** Version of libwasmtime; null for v8. */
  version: string | null;
  /** Release line of Node. */
  node: string;
  /** Whole version of Node. */
  nodeVersion: string;
  profile: string;
}>;

export const guestEnv = { PATH: '/bin', HOME: '/tmp', TMPDIR: '/tmp' } as const;

/** The part of a request that all measuring processes of an engine in a guest share. */
export function buildMeasureRequest(
  engine: GuestEngine,
  compiled: string,
): Omit<MeasureRequest, 'subjects' | 'workloads'> {
  return {
    engine: engine.kind,
    version: engine.version,
    library: engine.version === null ? null : enginePath(engine.version),
    profile: engine.profile,
    clock: 'instructions',
    files: mountPoint(workloadsDisk),
    program: measureProgram,
    node: nodePath(engine.node),
    compiled,
  };
}

/** What a process is to count. */
export type Task = Readonly<{
  workloads: readonly string[];
  /** 0: only load the modules and say whether their code is the same. */
  samples: number;
  /** Planted slow-down of B, 1.05 for 5 %: for tests of the method. @default 1 */
  planted?: number;
}>;

export type StepEnd =
  | Readonly<{ kind: 'measured'; measurement: Measurement }>
  /** The limits were not as planned: nothing may be concluded. */
  | Readonly<{ kind: 'invalid'; reason: string }>
  /** The process ended without a measurement; `refused`: the engine could not come up in this form. */
  | Readonly<{ kind: 'failed'; reason: string; refused: boolean }>;

export type GuestContext = Readonly<{
  session: Session;
  settings: Settings;
  /** Of the cell, as its wasm host read them. */
  facts: Facts;
  engine: GuestEngine;
  /** Folder in the guest with the modules of a form. */
  modulesOf: (step: Step) => string;
  /** What the cell changes of the settings of the tier it reached. @default nothing */
  overrides?: PoolOverrides | null;
}>;

/** See images/wasm-host/measure.ts. */
const exitRefused = 10;

/** Both lengths of a slope: see `planInstructions`. */
const lengths = [0.2, 1] as const;

/**
 * Switches the guest to the step's limits, runs one process, and compares what the kernel says about that very
 * process with the request.
 *
 * @throws PoolproofError what a session throws: the machine is lost
 */
export async function runStep(
  { session, settings, facts, engine, modulesOf, overrides }: GuestContext,
  step: Step,
  { workloads, samples, planted = 1 }: Task,
  timeoutMs: number,
): Promise<StepEnd> {
  const own = settingsUnder(step.limits, settings, facts);
  await session.request({ verb: 'apply', settings: buildWrites(own) }, countingDeadlines.requestMs);
  const { command, args } = measureCommand({
    ...buildMeasureRequest(engine, modulesOf(step)),
    // The baseline is what its tier is by itself.
    ...(step.limits === 'cell' ? overrides : null),
    subjects: [step.subject],
    workloads,
    samples,
    lengths,
    ...(planted === 1 || step.limits === 'lifted' ? {} : { planted: [planted] }),
  });
  const limits = buildLimits(own);
  const reply = await session.run(
    {
      limits,
      factPaths: factPathsOf(own),
      // As the wasm host does it: arenas of 64 MiB each would take what little address space there is.
      env: { ...guestEnv, ...settings.env, ...(limits['v'] === undefined ? {} : { MALLOC_ARENA_MAX: '1' }) },
      command: [command, ...args],
    },
    { ms: timeoutMs, replyMs: countingDeadlines.requestMs },
  );
  const problem = findLimitProblem(step.limits, readFacts(reply.texts), wantLimits(settings, facts));
  if (problem !== null) return { kind: 'invalid', reason: problem };
  const run = readSubjectRun(reply);
  if (run.exitCode !== 0) {
    // libwasmtime aborts when a pool cannot be mapped; exitRefused: it printed the reason.
    const refused = !run.timedOut && (run.signal === 'SIGABRT' || run.exitCode === exitRefused);
    return { kind: 'failed', reason: describeFailure(run), refused };
  }
  try {
    return { kind: 'measured', measurement: parseMeasurement(run.stdout) };
  } catch (error) {
    if (!(error instanceof PoolproofError)) throw error;
    return { kind: 'failed', reason: error.message, refused: false };
  }
}

/** Lines of an engine's or Node's last words, the most telling first. */
const telling = [/mmap|cannot allocate/i, /^measure:|failed to/i, /error|panicked/i];

function describeFailure({ exitCode, signal, timedOut, stderr }: ReturnType<typeof readSubjectRun>): string {
  if (timedOut) return 'the measuring process did not end in time';
  const lines = stderr.split('\n').map((line) => line.trim());
  const words = telling.flatMap((form) => lines.filter((line) => form.test(line)))[0] ?? lines[0] ?? '';
  const end = signal ?? (exitCode === null ? 'no status' : `exit code ${exitCode}`);
  return `the measuring process ended with ${end}${words === '' ? '' : `: ${words.slice(0, 300)}`}`;
}
