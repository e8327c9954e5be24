/** One cell, from a machine to a result. An attempt without one, or a surprise of a clone, is repeated on a boot. */
import { homedir } from 'node:os';
import type { BuiltImages } from '../../images/build.ts';
import { PoolproofError } from '../errors.ts';
import { startClone } from '../guest/build-template.ts';
import { observeCell } from '../guest/observe.ts';
import { stopOnAbort } from '../guest/open-session.ts';
import { buildForeignCommand } from '../guest/guest-command.ts';
import type { Observation } from '../guest/observation.ts';
import type { Cell } from '../matrix/cell.ts';
import type { Machine, StartMachine } from '../machine/machine.ts';
import type { Template } from '../machine/template-store.ts';
import { judge, judgeUnasked, type Judgement } from '../outcome/judge.ts';
import type { Outcome } from '../outcome/outcome.ts';
import { predictCell, resolveAsked } from '../outcome/predict-cell.ts';
import { reportOf } from '../outcome/read-report.ts';
import { findUnexplainedEnd } from '../outcome/unexplained-end.ts';
import { findInapplicable } from '../plan/applicable.ts';
import type { Deadlines } from '../plan/deadlines.ts';
import type { MachineSpec } from '../plan/machine-spec.ts';
import { resultSchema, type MachineAttempt } from '../store/result.ts';
import type { CellRun } from './runner.ts';

/** The machine of a cell and its deadlines. */
export type CellContext = Readonly<{
  spec: MachineSpec;
  images: BuiltImages;
  deadlines: Deadlines;
  /** Null: every try is a boot. */
  template: Template | null;
  /** Called when a cell was booted because its clone said too little; `isBad`: the template is not to be used again. */
  onDoubtfulClone: (template: Template, reason: string, isBad: boolean) => Promise<void>;
  signal: AbortSignal;
  startMachine: StartMachine;
}>;

/** A try and what it left behind. */
type Try = Readonly<{
  observation: Observation;
  judgement: Judgement;
  evidence: CellRun['evidence'];
  peakMib: number | null;
  /** How long the machine took to end, ms; it may not have ended yet. */
  stopped: Promise<number>;
}>;

/** A cell that has ended; its machine may still be ending, and the next one may start meanwhile. */
export type CellEnd = CellRun &
  Readonly<{
    /** Most memory the machine held, MiB; null when unknown. For the next admission. */
    peakMib: number | null;
    /** Resolves with how long the machine took to end, ms, when it has ended. */
    stopped: Promise<number>;
  }>;

/** A machine that could not even be started, as an observation. */
function observeFailedStart(start: 'boot' | 'clone', error: unknown): Observation {
  if (!(error instanceof PoolproofError)) throw error;
  const words = error.details.stderr?.trim().split('\n').at(-1) ?? '';
  return {
    start,
    facts: null,
    readBack: [],
    subject: null,
    machineEnd: { kind: 'start-failed', detail: [error.message, words].filter(Boolean).join(': ') },
    oomKill: false,
    consoleTail: '',
    timings: {},
  };
}

/** What runs instead of the wasm host, as this context's guests have it. */
function foreignOf({ subject, settings }: Cell, { images, deadlines }: CellContext) {
  if (subject === undefined) return null;
  return buildForeignCommand(subject, settings, images.subjects?.[subject.name] ?? null, deadlines);
}

async function tryCell(cell: Cell, context: CellContext, template: Template | null): Promise<Try> {
  const { spec, signal, startMachine } = context;
  const started = performance.now();
  let machine: Machine;
  try {
    machine =
      template === null
        ? await startMachine(spec, { kind: 'boot' })
        : await startClone(spec, template, startMachine);
  } catch (error) {
    const observation = observeFailedStart(template === null ? 'boot' : 'clone', error);
    const judgement = judgeTry(cell, context, observation);
    return { observation, judgement, evidence: {}, peakMib: null, stopped: Promise.resolve(0) };
  }
  using _stop = stopOnAbort(machine, signal);
  try {
    const spawn = round(performance.now() - started);
    return await observeTry(cell, context, machine, spawn);
  } catch (error) {
    await machine.stop();
    throw error;
  }
}

async function observeTry(cell: Cell, context: CellContext, machine: Machine, spawn: number): Promise<Try> {
  const foreign = foreignOf(cell, context);
  const { settings } = cell;
  const seen = await observeCell(machine, settings, context.deadlines, foreign);
  const peakMib = machine.readPeakMib();
  const stopping = performance.now();
  const stopped = machine.stop().then(() => round(performance.now() - stopping));
  const { subject, timings } = seen.observation;
  const observation = {
    ...seen.observation,
    timings: { spawn, ...timings, ...readHostTimings(subject) },
  };
  const evidence: CellRun['evidence'] = {
    // The cache is usually below the home folder, whose name is private.
    'qemu-command.txt': `${machine.command.replaceAll(homedir(), '~')}\n`,
    'console.log': machine.console.text(),
    'protocol.log': `${seen.protocol.join('\n')}\n`,
    ...(cell.subject !== undefined && { 'subject.json': `${JSON.stringify(cell.subject, null, 1)}\n` }),
    'observation.json': `${JSON.stringify(seen.observation, null, 1)}\n`,
    ...describeSubject(subject),
  };
  return { observation, judgement: judgeTry(cell, context, observation), evidence, peakMib, stopped };
}

function judgeTry(
  { settings, subject, expectation }: Cell,
  { images }: CellContext,
  observation: Observation,
) {
  // With Node's whole version.
  const asked = { ...resolveAsked(settings), node: images.nodes[settings.node] ?? settings.node };
  const prediction = predictCell(settings, observation.facts, asked.node, subject ?? null);
  return judge(observation, asked, expectation, prediction, subject ?? null);
}

/** The host's own phases, as `host.<phase>`: parts of the subject's time, by the guest's clock. */
function readHostTimings(subject: Observation['subject']): Readonly<Record<string, number>> {
  const timings = subject === null ? {} : (reportOf(subject).report?.timings ?? {});
  return Object.fromEntries(Object.entries(timings).map(([phase, ms]) => [`host.${phase}`, round(ms)]));
}

function describeSubject(subject: Observation['subject']): CellRun['evidence'] {
  if (subject === null) return {};
  const { report } = reportOf(subject);
  return {
    stdout: joinKept(subject.stdout, subject.stdoutTail, subject.stdoutDropped),
    stderr: joinKept(subject.stderr, subject.stderrTail, subject.stderrDropped),
    ...(report !== null && { 'host.json': `${JSON.stringify(report, null, 1)}\n` }),
  };
}

const joinKept = (head: string, tail: string, droppedBytes: number): string =>
  droppedBytes === 0 ? head : `${head}\n[poolproof: ${droppedBytes} bytes were not kept]\n${tail}`;

const round = (ms: number): number => Math.round(ms * 10) / 10;

/** True when the try says nothing about the subject: the machine was at fault, or the guest hardly got to run. */
const saysNothing = ({ observation, judgement }: Try): boolean =>
  judgement.outcome === 'broken' &&
  (observation.machineEnd !== null || findUnexplainedEnd(observation) !== null);

/** What damaged memory of a clone can look like. */
const ends: readonly Outcome[] = ['crashed', 'guest-died', 'timeout'];

/** A clone with an unexpected end: it counts when a boot has one too. */
const isDoubtful = ({ observation, judgement }: Try): boolean =>
  observation.start === 'clone' && ends.includes(judgement.outcome) && judgement.verdict !== 'expected';

/** Ends that come from outside, whatever the template. */
const notItsFault: readonly string[] = ['killed', 'stalled'];

/** True when a clone did what the boot after it did not, and nothing else explains it. */
function isTemplateBad(clone: Try, boot: Try): boolean {
  const kind = clone.observation.machineEnd?.kind;
  if (kind === 'clock') return true;
  if (saysNothing(boot) || (kind !== undefined && notItsFault.includes(kind))) return false;
  const [one, other] = [clone.judgement, boot.judgement];
  const differs = one.outcome !== other.outcome || one.tier !== other.tier;
  return differs && (kind !== undefined || findUnexplainedEnd(clone.observation) === null);
}

/**
 * The tries of a cell; the last one counts. A clone or boot that says nothing is followed by a boot, and so is a clone
 * with an end that nobody expected; a boot that was to confirm that and says nothing by one more.
 */
async function tryUntilShown(cell: Cell, context: CellContext): Promise<readonly [Try, ...Try[]]> {
  const { template, signal } = context;
  const first = await tryCell(cell, context, template);
  signal.throwIfAborted();
  if (!saysNothing(first) && !isDoubtful(first)) return [first];
  await first.stopped;
  const second = await tryCell(cell, context, null);
  signal.throwIfAborted();
  if (template !== null)
    await context.onDoubtfulClone(template, first.judgement.reason, isTemplateBad(first, second));
  if (saysNothing(first) || !saysNothing(second)) return [first, second];
  await second.stopped;
  const third = await tryCell(cell, context, null);
  signal.throwIfAborted();
  return [first, second, third];
}

/** A cell without a machine: it does not apply here, or nobody can run it. */
export function endUnasked(
  { id, repetition, settings, expectation }: Cell,
  outcome: 'skipped' | 'broken',
  reason: string,
  imageDigest: string,
): CellRun {
  return {
    result: {
      schema: resultSchema,
      ...{ id, repetition, settings },
      ...judgeUnasked(outcome, reason, expectation, null),
      attempts: [],
      readBack: [],
      facts: null,
      timings: {},
      imageDigest,
      startedAt: new Date().toISOString(),
    },
    evidence: {},
  };
}

/**
 * Runs a cell.
 * @throws what the abort signal says when it fires.
 */
export async function runCell(cell: Cell, context: CellContext): Promise<CellEnd> {
  const startedAt = new Date().toISOString();
  const inapplicable = findInapplicable(cell.settings, context.images, cell.subject);
  if (inapplicable !== null) {
    const end = endUnasked(cell, 'skipped', inapplicable, context.images.digest);
    return { ...end, peakMib: null, stopped: Promise.resolve(0) };
  }
  const tries = await tryUntilShown(cell, context);
  const last = tries.at(-1) ?? tries[0];
  const { observation, judgement } = last;
  const attempts: MachineAttempt[] = tries.map((each) => ({
    start: each.observation.start,
    outcome: each.judgement.outcome,
    detail: each.observation.machineEnd?.detail ?? each.judgement.reason,
    machineEnd: each.observation.machineEnd,
  }));
  const earlier = tries
    .slice(0, -1)
    .flatMap(({ evidence }, index) =>
      Object.entries(evidence).map(([name, content]) => [`attempt-${index + 1}/${name}`, content] as const),
    );
  return {
    result: {
      schema: resultSchema,
      id: cell.id,
      repetition: cell.repetition,
      settings: cell.settings,
      ...judgement,
      attempts,
      readBack: observation.readBack,
      facts: observation.facts,
      timings: observation.timings,
      imageDigest: context.images.digest,
      startedAt,
    },
    evidence: { ...last.evidence, ...Object.fromEntries(earlier) },
    peakMib: last.peakMib,
    stopped: last.stopped,
  };
}
