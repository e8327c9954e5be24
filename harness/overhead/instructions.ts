/** Pairs of processes in an emulated guest, and what their instruction counts say. Pure. */
import { findWorkload, workloads } from '../../images/wasm-host/workloads/catalogue.ts';
import type { EngineKind } from '../../images/allocator/tier.ts';
import { forms, formatSubject, type Subject } from './forms.ts';
import { findLimitProblem, type Limits, type LimitState } from './limits.ts';
import type { Measurement, WorkloadMeasurement } from './measurement.ts';
import { least } from './statistics.ts';
import { means, type OverheadSummary } from './summary.ts';

/** One process: which form, under which limits. */
export type Step = Readonly<{ subject: Subject; limits: LimitState }>;

/** How far two equal processes may differ. */
export const toleratedDrift = 0.002;

/** Workloads that instruction counts say something about, by name. */
export const countedWorkloads: readonly string[] = workloads
  .filter(({ clocks }) => clocks.includes('instructions'))
  .map(({ name }) => name);

/**
 * Each process counts lengths of 0.2 and 1, three samples each: the slope between them is free of what a sample
 * costs whatever its length (some 16,000 instructions of clock, call and JavaScript).
 *
 * A B B A: the order makes no difference to the count, but shows that limits were switched both ways.
 *
 * @param baseline where `standard` cannot exist in the guest, the best form that can
 */
export function planInstructions(
  engine: EngineKind,
  form: Subject,
  baseline: Subject = forms[engine][0],
): readonly Step[] {
  const a: Step = { subject: baseline, limits: 'lifted' };
  const b: Step = { subject: form, limits: 'cell' };
  return [a, b, b, a];
}

export type InstructionResult =
  | Readonly<{ kind: 'measured'; summaries: readonly OverheadSummary[] }>
  /** A process did not run as planned: no figure follows. */
  | Readonly<{ kind: 'invalid'; reason: string }>;

/**
 * Evaluates the processes of a plan. `low` and `high` are the least and the greatest of the pairs: the
 * spread of an exact count, not a confidence interval.
 *
 * @param measured in the plan's order
 * @param cell limits of the cell, as its wasm host read them
 */
export function evaluateInstructions(
  steps: readonly Step[],
  measured: readonly Measurement[],
  cell: Limits,
): InstructionResult {
  if (measured.length !== steps.length) {
    return invalid(`${measured.length} of ${steps.length} processes gave a count`);
  }
  for (const [at, step] of steps.entries()) {
    const problem = findProblem(step, measured[at], cell);
    if (problem !== null) return invalid(`process ${at + 1} of ${steps.length}: ${problem}`);
  }
  const [a1, b1, b2, a2] = measured;
  const [first, second] = steps;
  if (!a1 || !b1 || !b2 || !a2 || !first || !second) return invalid('the plan is not A B B A');
  const rows = a1.workloads.map((_, at) => compare(at, [a1, b1, b2, a2]));
  const different = rows.find(({ checksums }) => new Set(checksums).size > 1);
  if (different !== undefined) return invalid(`${different.workload} computed different things`);
  const tell = (row: Row): OverheadSummary => ({
    workload: row.workload,
    engine: a1.engine.kind,
    tier: second.subject.tier,
    form: second.subject.checks,
    clock: 'instructions',
    cpuModel: null,
    baseline: formatSubject(first.subject),
    ...(row.sameCode
      ? { ratio: 1, low: 1, high: 1 }
      : {
          ratio: Math.sqrt(row.ratios[0] * row.ratios[1]),
          low: Math.min(...row.ratios),
          high: Math.max(...row.ratios),
        }),
    pairs: row.sameCode ? 0 : 2,
    processes: measured.length,
    sameCode: row.sameCode,
    stable: row.sameCode || row.equals.every((ratio) => Math.abs(ratio - 1) <= toleratedDrift),
  });
  return { kind: 'measured', summaries: [...rows, ...averageRows(rows)].map(tell) };
}

const invalid = (reason: string): InstructionResult => ({ kind: 'invalid', reason });

function findProblem(step: Step, found: Measurement | undefined, cell: Limits): string | null {
  if (found === undefined) return 'there is no count';
  if (found.clock !== 'instructions' || found.perStep === null || !found.facts.emulated) {
    return 'its clock does not count instructions';
  }
  const [subject] = found.subjects;
  if (
    subject === undefined ||
    found.subjects.length !== 1 ||
    formatSubject(subject) !== formatSubject(step.subject)
  ) {
    return `it ran ${found.subjects.map(formatSubject).join(', ')} instead of ${formatSubject(step.subject)}`;
  }
  return findLimitProblem(step.limits, found.facts, cell);
}

type Row = Readonly<{
  workload: string;
  sameCode: boolean;
  checksums: readonly number[];
  /** B to A, of the first pair and of the second. */
  ratios: readonly [number, number];
  /** A to A and B to B. */
  equals: readonly [number, number];
}>;

type Quartet = readonly [Measurement, Measurement, Measurement, Measurement];

function compare(at: number, quartet: Quartet): Row {
  const found = quartet.map(({ workloads: all }) => all[at]);
  const [a1 = NaN, b1 = NaN, b2 = NaN, a2 = NaN] = found.map(countPerUnit);
  const codes = found.map((one) => one?.code[0] ?? null);
  return {
    workload: found[0]?.workload ?? '',
    sameCode: codes.every((code) => code !== null && code === codes[0]),
    checksums: found.flatMap((one) => one?.checksums ?? []),
    ratios: [b1 / a1, b2 / a2],
    equals: [a2 / a1, b2 / b1],
  };
}

/** Instructions of one unit: the slope between the shortest and the longest sample. */
function countPerUnit(measured: WorkloadMeasurement | undefined): number {
  const series = [...(measured?.series ?? [])].sort((a, b) => a.length - b.length);
  const short = series[0];
  const long = series.at(-1);
  if (short === undefined || long === undefined || short.length === long.length) return NaN;
  return (least(long.cpu) - least(short.cpu)) / (long.length - short.length);
}

function averageRows(rows: readonly Row[]): readonly Row[] {
  return (['memory', 'program'] as const).flatMap((kind) => {
    const group = rows.filter(({ workload }) => findWorkload(workload)?.kind === kind);
    if (group.length < 2) return [];
    const mean = (pick: (row: Row) => number): number =>
      Math.exp(group.reduce((sum, row) => sum + (row.sameCode ? 0 : Math.log(pick(row))), 0) / group.length);
    return [
      {
        workload: means[kind],
        sameCode: group.every(({ sameCode }) => sameCode),
        checksums: [],
        ratios: [mean(({ ratios }) => ratios[0]), mean(({ ratios }) => ratios[1])],
        equals: [mean(({ equals }) => equals[0]), mean(({ equals }) => equals[1])],
      } as const,
    ];
  });
}
