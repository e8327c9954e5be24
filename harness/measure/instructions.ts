/** Pairs of processes in an emulated guest, and what their instruction counts say. Pure. */
import { findWorkload, workloads, type Workload } from '../../images/wasm-host/workloads/catalogue.ts';
import type { EngineKind } from '../../images/allocator/tier.ts';
import { configurations, formatConfiguration, type TierConfiguration } from './configurations.ts';
import { findLimitProblem, type LimitState, type WantedLimits } from './limits.ts';
import type { Measurement, WorkloadMeasurement } from './measurement.ts';
import { selectWorkloads } from './plan-native.ts';
import { least } from './statistics.ts';
import { means, type OverheadSummary } from './figures.ts';

/** One process: which form, under which limits. */
export type Step = Readonly<{ subject: TierConfiguration; limits: LimitState }>;

/** How far two equal processes may differ. */
export const toleratedDrift = 0.002;

/** Workloads that instruction counts say something about, by name. */
export const countedWorkloads: readonly string[] = workloads
  .filter(({ clocks }) => clocks.includes('instructions'))
  .map(({ name }) => name);

/** Names of the counted ones among names or kinds of workloads. @throws PoolproofError USAGE */
export function selectCounted(names: readonly string[] = []): readonly string[] {
  return selectWorkloads(names)
    .map(({ name }) => name)
    .filter((name) => countedWorkloads.includes(name));
}

/** Of a selection, what is not counted, and why. */
export function explainUncounted(
  selected: readonly Workload[],
): readonly Readonly<{ workload: string; reason: string }>[] {
  return selected
    .filter(({ clocks }) => !clocks.includes('instructions'))
    .map(({ name }) => ({ workload: name, reason: 'not measurable under emulation' }));
}

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
  form: TierConfiguration,
  baseline: TierConfiguration = configurations[engine][0],
): readonly Step[] {
  const a: Step = { subject: baseline, limits: 'lifted' };
  const b: Step = { subject: form, limits: 'cell' };
  return [a, b, b, a];
}

export type InstructionResult =
  | Readonly<{ kind: 'measured'; summaries: readonly OverheadSummary[] }>
  /** A process did not run as planned: no figure follows. */
  | Readonly<{ kind: 'invalid'; reason: string }>;

/** How exact a figure must be. */
export type Exactness = Readonly<{
  /** How far the two pairs may lie apart, as a fraction. @default 0.01 */
  precision?: number;
}>;

/**
 * Evaluates quartets of processes, each in the plan's order. A later quartet repeats workloads that an earlier
 * one left unstable; the first stable one counts, else the last. `low` and `high` are the least and the
 * greatest of the pairs: the spread of an exact count, not a confidence interval.
 */
export function evaluateInstructions(
  steps: readonly Step[],
  quartets: readonly (readonly Measurement[])[],
  wanted: WantedLimits,
  { precision = 0.01 }: Exactness = {},
): InstructionResult {
  for (const measured of quartets) {
    const reason = findProblems(steps, measured, wanted);
    if (reason !== null) return invalid(reason);
  }
  const [a1] = quartets[0] ?? [];
  const [first, second] = steps;
  if (a1 === undefined || first === undefined || second === undefined) return invalid('there is no quartet');
  const isExact = (row: Row): boolean => isStable(row, precision);
  const rows = a1.workloads.map(({ workload }) => {
    const found = quartets.flatMap((quartet) => compare(workload, quartet) ?? []);
    return found.find(isExact) ?? found.at(-1);
  });
  const known = rows.filter((row) => row !== undefined);
  const different = known.find(({ checksums }) => new Set(checksums).size > 1);
  if (different !== undefined) return invalid(`${different.workload} computed different things`);
  const processes = quartets.reduce((sum, quartet) => sum + quartet.length, 0);
  return { kind: 'measured', summaries: summarize(known, [first, second], a1, processes, isExact) };
}

function summarize(
  rows: readonly Row[],
  [first, second]: readonly [Step, Step],
  { engine }: Measurement,
  processes: number,
  isExact: (row: Row) => boolean,
): readonly OverheadSummary[] {
  return [...rows, ...averageRows(rows)].map((row) => ({
    workload: row.workload,
    engine: engine.kind,
    tier: second.subject.tier,
    form: second.subject.checks,
    clock: 'instructions',
    cpuModel: null,
    baseline: formatConfiguration(first.subject),
    ratio: row.sameCode ? 1 : Math.sqrt(row.ratios[0] * row.ratios[1]),
    low: row.sameCode ? 1 : Math.min(...row.ratios),
    high: row.sameCode ? 1 : Math.max(...row.ratios),
    pairs: row.sameCode ? 0 : 2,
    processes,
    sameCode: row.sameCode,
    stable: isExact(row),
  }));
}

/** True when nothing was drawn from chance: equal processes agree, and so do the two pairs. */
function isStable({ sameCode, equals, ratios }: Row, precision: number): boolean {
  if (sameCode) return true;
  const drift = Math.max(...equals.map((ratio) => Math.abs(ratio - 1)));
  return drift <= toleratedDrift && Math.max(...ratios) / Math.min(...ratios) <= 1 + precision;
}

export type CodeComparison =
  | Readonly<{ kind: 'same'; summaries: readonly OverheadSummary[] }>
  | Readonly<{ kind: 'different' }>
  | Readonly<{ kind: 'invalid'; reason: string }>;

/**
 * Compares the code of two processes that loaded the modules and ran nothing: one of the baseline with limits
 * lifted, one of the form in the cell's limits.
 */
export function compareCode(
  steps: readonly [Step, Step],
  measured: readonly [Measurement, Measurement],
  wanted: WantedLimits,
): CodeComparison {
  for (const [at, step] of steps.entries()) {
    const problem = findSubjectProblem(step, measured[at], wanted);
    if (problem !== null) return { kind: 'invalid', reason: problem };
  }
  const names = measured[0].workloads.map(({ workload }) => workload);
  if (!names.every((name) => runSameCode(name, measured))) return { kind: 'different' };
  const rows = names.map((workload): Row => ({
    workload,
    sameCode: true,
    checksums: [],
    ratios: [1, 1],
    equals: [1, 1],
  }));
  return { kind: 'same', summaries: summarize(rows, steps, measured[0], measured.length, () => true) };
}

/**
 * The same machine code in all. V8 shows none: with equal checks it was given equal bytes and flags.
 */
function runSameCode(workload: string, measured: readonly Measurement[]): boolean {
  if (measured.some(({ planted }) => planted.some((factor) => factor !== 1))) return false;
  const codes = measured.map(({ engine, subjects, workloads: all }) =>
    engine.kind === 'v8' ? subjects[0]?.checks : all.find((one) => one.workload === workload)?.code[0],
  );
  return codes.every((code) => code != null && code === codes[0]);
}

const invalid = (reason: string): InstructionResult => ({ kind: 'invalid', reason });

function findProblems(
  steps: readonly Step[],
  measured: readonly Measurement[],
  wanted: WantedLimits,
): string | null {
  if (measured.length !== steps.length) {
    return `${measured.length} of ${steps.length} processes gave a count`;
  }
  for (const [at, step] of steps.entries()) {
    const problem = findProblem(step, measured[at], wanted);
    if (problem !== null) return `process ${at + 1} of ${steps.length}: ${problem}`;
  }
  return null;
}

function findProblem(step: Step, found: Measurement | undefined, wanted: WantedLimits): string | null {
  if (found === undefined) return 'there is no count';
  if (found.perStep === null) return 'its clock does not count instructions';
  return findSubjectProblem(step, found, wanted);
}

function findSubjectProblem(step: Step, found: Measurement | undefined, wanted: WantedLimits): string | null {
  if (found === undefined) return 'there is no measurement';
  if (found.clock !== 'instructions' || !found.facts.emulated) return 'its clock does not count instructions';
  const [subject] = found.subjects;
  if (
    subject === undefined ||
    found.subjects.length !== 1 ||
    formatConfiguration(subject) !== formatConfiguration(step.subject)
  ) {
    return `it ran ${found.subjects.map(formatConfiguration).join(', ')} instead of ${formatConfiguration(step.subject)}`;
  }
  return findLimitProblem(step.limits, found.facts, wanted);
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

/** Null: a quartet in which not every process ran the workload says nothing about it. */
function compare(workload: string, quartet: readonly Measurement[]): Row | null {
  const found = quartet.map(({ workloads: all }) => all.find((one) => one.workload === workload));
  if (found.includes(undefined)) return null;
  const [a1 = NaN, b1 = NaN, b2 = NaN, a2 = NaN] = found.map(countPerUnit);
  return {
    workload,
    sameCode: runSameCode(workload, quartet),
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
