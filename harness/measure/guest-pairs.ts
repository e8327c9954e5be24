/** The processes of one measurement in a guest, in their order, and what becomes of each. */
import type { TierConfiguration } from './configurations.ts';
import { runStep, type GuestContext, type StepEnd, type Task } from './guest-process.ts';
import {
  compareCode,
  evaluateInstructions,
  explainUncounted,
  planInstructions,
  selectCounted,
  type Step,
} from './instructions.ts';
import { wantLimits, type WantedLimits } from './limits.ts';
import type { Measurement } from './measurement.ts';
import { selectWorkloads } from './plan-native.ts';
import { describeResources } from './resources.ts';
import type { OverheadSummary, TierResources } from './figures.ts';

export type NotMeasurable = Readonly<{ workload: string; reason: string }>;

export type PairsRequest = Readonly<{
  baseline: TierConfiguration;
  reached: TierConfiguration;
  /** @default all that instructions say something about */
  workloads?: readonly string[];
  /** @default 0.01 */
  precision?: number;
  /** @default 3 */
  samples?: number;
  /** @default 1 */
  planted?: number;
  budgetMs?: number;
  /** When the budget ends, by `performance.now()`. */
  deadline: number;
}>;

export type PairsEnd =
  | Readonly<{
      kind: 'found';
      summaries: readonly OverheadSummary[];
      notMeasurable: readonly NotMeasurable[];
      resources: readonly TierResources[];
    }>
  /** The baseline cannot exist in this guest: the next best is to be tried. */
  | Readonly<{ kind: 'impossible'; reason: string }>
  | Readonly<{ kind: 'not-measured'; reason: string }>;

/** Samples of each length: timer interrupts bend one by some 0.3 %, the least of three by nothing. */
const defaultSamples = 3;

/** What the processes of one measurement have in common. */
type Plan = Readonly<{
  steps: readonly Step[];
  run: (step: Step, task: Task) => Promise<StepEnd>;
  /** Workloads that are counted. */
  workloads: readonly string[];
  notMeasurable: readonly NotMeasurable[];
  wanted: WantedLimits;
  request: PairsRequest;
}>;

/**
 * Runs and evaluates. Forms that may have the same code are compared by it first, in two processes that run
 * nothing; only different code is counted, A B B A. What a first quartet leaves unstable is counted once more.
 *
 * @param raw takes one line of JSON for each process
 * @throws what a session throws: the machine is lost
 */
export async function measurePairs(
  context: GuestContext,
  request: PairsRequest,
  raw: string[],
): Promise<PairsEnd> {
  const { baseline, reached, planted = 1, deadline } = request;
  const notMeasurable = explainUncounted(selectWorkloads(request.workloads ?? []));
  const workloads = selectCounted(request.workloads);
  if (workloads.length === 0) return { kind: 'found', summaries: [], notMeasurable, resources: [] };
  const run = async (step: Step, task: Task): Promise<StepEnd> => {
    const left = deadline - performance.now();
    if (left <= 0) return { kind: 'failed', reason: describeBudget(request), refused: false };
    const end = await runStep(context, step, task, left);
    if (end.kind === 'measured') raw.push(JSON.stringify(end.measurement));
    return end;
  };
  const steps = planInstructions(context.engine.kind, reached, baseline);
  const wanted = wantLimits(context.settings, context.facts);
  const plan: Plan = { steps, run, workloads, notMeasurable, wanted, request };
  const mayBeEqual = baseline.checks === reached.checks && planted === 1;
  return (mayBeEqual ? await compareFirst(plan) : null) ?? (await count(plan));
}

/** Null where the code differs, and has to be counted. */
async function compareFirst({
  steps,
  run,
  workloads,
  notMeasurable,
  wanted,
}: Plan): Promise<PairsEnd | null> {
  const [a, b] = steps;
  if (a === undefined || b === undefined) throw new RangeError('a plan of no steps');
  const task: Task = { workloads, samples: 0 };
  const first = await run(a, task);
  if (first.kind !== 'measured') return giveUp(first, true);
  const second = await run(b, task);
  if (second.kind !== 'measured') return giveUp(second, false);
  const both = [first.measurement, second.measurement] as const;
  const compared = compareCode([a, b], both, wanted);
  if (compared.kind === 'different') return null;
  if (compared.kind === 'invalid') return { kind: 'not-measured', reason: compared.reason };
  const { summaries } = compared;
  return { kind: 'found', summaries, notMeasurable, resources: both.map(describeResources) };
}

async function count(plan: Plan): Promise<PairsEnd> {
  const { steps, workloads, notMeasurable, wanted, request } = plan;
  const first = await runQuartet(plan, workloads, true);
  if (first.kind !== 'quartet') return first;
  let result = evaluateInstructions(steps, [first.measured], wanted, request);
  const unstable = result.kind === 'invalid' ? [] : result.summaries.filter(({ stable }) => !stable);
  const again = unstable.map(({ workload }) => workload).filter((name) => workloads.includes(name));
  if (again.length > 0 && performance.now() < request.deadline) {
    const second = await runQuartet(plan, again, false);
    // Where it does not come to its end the first one stands.
    if (second.kind === 'quartet')
      result = evaluateInstructions(steps, [first.measured, second.measured], wanted, request);
  }
  if (result.kind === 'invalid') return { kind: 'not-measured', reason: result.reason };
  const { summaries } = result;
  const resources = first.measured.slice(0, 2).map(describeResources);
  return { kind: 'found', summaries, notMeasurable: [...notMeasurable, ...first.late], resources };
}

type Quartet = Readonly<{
  kind: 'quartet';
  measured: readonly Measurement[];
  /** Workloads for which the budget does not last. */
  late: readonly NotMeasurable[];
}>;

/** @param isFirst the budget is held against its first process */
async function runQuartet(
  { steps, run, request }: Plan,
  workloads: readonly string[],
  isFirst: boolean,
): Promise<Quartet | Exclude<PairsEnd, { kind: 'found' }>> {
  const { planted = 1, samples = defaultSamples, deadline } = request;
  const measured: Measurement[] = [];
  let todo = workloads;
  for (const [at, step] of steps.entries()) {
    const started = performance.now();
    const end = await run(step, { workloads: todo, samples, planted });
    if (end.kind !== 'measured') return giveUp(end, at === 0);
    measured.push(end.measurement);
    if (!isFirst || at > 0) continue;
    todo = fitBudget(end.measurement, performance.now() - started, deadline - performance.now());
    if (todo.length === 0) return { kind: 'not-measured', reason: describeBudget(request) };
  }
  const late = workloads.filter((name) => !todo.includes(name));
  const reason = describeBudget(request);
  return { kind: 'quartet', measured, late: late.map((workload) => ({ workload, reason })) };
}

/** @param isBaseline a baseline that was refused cannot exist in this guest */
function giveUp(end: Exclude<StepEnd, { kind: 'measured' }>, isBaseline: boolean) {
  const isImpossible = isBaseline && end.kind === 'failed' && end.refused;
  return { kind: isImpossible ? 'impossible' : 'not-measured', reason: end.reason } as const;
}

const describeBudget = ({ budgetMs = 0 }: PairsRequest): string =>
  `the budget of ${Math.round(budgetMs / 1000)} s was used up`;

/** A process with few workloads still has to start, and to prove its clock. */
const startShare = 0.25;

/**
 * Workloads, in their order, for which three more processes fit into the rest of the budget.
 *
 * @param first the process that ran all of them
 * @param tookMs how long it took
 */
export function fitBudget(first: Measurement, tookMs: number, leftMs: number): readonly string[] {
  const costs = first.workloads.map(({ series }) =>
    series.reduce((sum, { cpu }) => sum + cpu.reduce((total, value) => total + value, 0), 0),
  );
  const whole = costs.reduce((sum, cost) => sum + cost, 0);
  let share = startShare;
  return first.workloads.flatMap(({ workload }, at) => {
    share += ((1 - startShare) * (costs[at] ?? 0)) / whole;
    return 3 * tookMs * share <= leftMs ? [workload] : [];
  });
}
