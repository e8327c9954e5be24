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
import { wantLimits } from './limits.ts';
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
  const { baseline, reached, planted = 1, samples = defaultSamples, deadline } = request;
  const selected = selectWorkloads(request.workloads ?? []);
  const steps = planInstructions(context.engine.kind, reached, baseline);
  const [a, b] = steps;
  if (a === undefined || b === undefined) throw new RangeError('a plan of no steps');
  const wanted = wantLimits(context.settings, context.facts);
  const run = async (step: Step, task: Task): Promise<StepEnd> => {
    const left = deadline - performance.now();
    if (left <= 0) return { kind: 'failed', reason: describeBudget(request), refused: false };
    const end = await runStep(context, step, task, left);
    if (end.kind === 'measured') raw.push(JSON.stringify(end.measurement));
    return end;
  };
  const uncounted = explainUncounted(selected);
  const names = selectCounted(request.workloads);
  if (names.length === 0) return { kind: 'found', summaries: [], notMeasurable: uncounted, resources: [] };

  if (baseline.checks === reached.checks && planted === 1) {
    const task: Task = { workloads: names, samples: 0 };
    const first = await run(a, task);
    if (first.kind !== 'measured') return giveUp(first);
    const second = await run(b, task);
    if (second.kind !== 'measured') return giveUp({ ...second, refused: false });
    const both = [first.measurement, second.measurement] as const;
    const compared = compareCode([a, b], both, wanted);
    if (compared.kind === 'invalid') return { kind: 'not-measured', reason: compared.reason };
    if (compared.kind === 'same') {
      const { summaries } = compared;
      return { kind: 'found', summaries, notMeasurable: uncounted, resources: both.map(describeResources) };
    }
  }

  const quartets: Measurement[][] = [];
  let todo: readonly string[] = names;
  let left: readonly NotMeasurable[] = [];
  for (const attempt of [1, 2]) {
    const quartet: Measurement[] = [];
    for (const [at, step] of steps.entries()) {
      const started = performance.now();
      const end = await run(step, { workloads: todo, samples, planted });
      if (end.kind !== 'measured') {
        if (attempt === 2) break; // the first attempt stands
        return giveUp({ ...end, refused: end.kind === 'failed' && end.refused && at === 0 });
      }
      quartet.push(end.measurement);
      if (attempt === 1 && at === 0) {
        const fit = fitBudget(end.measurement, performance.now() - started, deadline - performance.now());
        const late = todo.filter((name) => !fit.includes(name));
        left = late.map((workload) => ({ workload, reason: describeBudget(request) }));
        todo = fit;
        if (fit.length === 0) return { kind: 'not-measured', reason: describeBudget(request) };
      }
    }
    if (quartet.length === steps.length) quartets.push(quartet);
    const result = evaluateInstructions(steps, quartets, wanted, request);
    if (result.kind === 'invalid') return { kind: 'not-measured', reason: result.reason };
    const { summaries } = result;
    todo = summaries
      .filter(({ stable, workload }) => !stable && names.includes(workload))
      .map((row) => row.workload);
    const [first, second] = quartets[0] ?? [];
    const resources = first && second ? [first, second].map(describeResources) : [];
    const hasTime = deadline - performance.now() > 0;
    if (todo.length === 0 || attempt === 2 || !hasTime) {
      return { kind: 'found', summaries, notMeasurable: [...uncounted, ...left], resources };
    }
  }
  throw new RangeError('a measurement without an end');
}

function giveUp(end: Exclude<StepEnd, { kind: 'measured' }> & Readonly<{ refused?: boolean }>): PairsEnd {
  return { kind: end.refused === true ? 'impossible' : 'not-measured', reason: end.reason };
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
