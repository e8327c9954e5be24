/** Samples of time → ratios with intervals. Pure. */
import { findWorkload } from '../../images/wasm-host/workloads/catalogue.ts';
import { formatConfiguration, sameConfiguration, type TierConfiguration } from './configurations.ts';
import { findLongest, type Measurement, type Series, type WorkloadMeasurement } from './measurement.ts';
import { coversOne, estimateRatio, least } from './statistics.ts';
import { means, type Interval, type OverheadSummary } from './figures.ts';

/** Log ratios of one subject to the baseline: one value for each process, or quartet of processes. */
type Row = Readonly<{
  subject: TierConfiguration;
  /** Tells apart two subjects of one form. */
  index: number;
  workload: string;
  sameCode: boolean;
  logs: readonly number[];
  pairs: number;
}>;

type Rows = Readonly<{
  rows: readonly Row[];
  /** The baseline against itself, by workload. */
  noise: ReadonlyMap<string, readonly number[]>;
}>;

/**
 * Evaluates processes that each ran all subjects, the baseline first and second.
 *
 * @returns one summary for each workload and other form, then the means
 */
export function evaluateTime(processes: readonly Measurement[]): readonly OverheadSummary[] {
  const [first] = processes;
  const baseline = first?.subjects[0];
  if (first === undefined || baseline === undefined) return [];
  const rows: Row[] = [];
  const noise = new Map<string, readonly number[]>();
  for (const [at, { workload }] of first.workloads.entries()) {
    const measured = processes.flatMap((process) => process.workloads[at] ?? []);
    first.subjects.forEach((subject, index) => {
      if (index === 0) return;
      const logs = measured.flatMap((one) => logRatio(one, index));
      const isPlanted = first.planted[index] !== 1;
      if (sameConfiguration(subject, baseline) && !isPlanted) {
        noise.set(workload, logs);
        return;
      }
      // Equal code says nothing of how instances come and go.
      const sameCode =
        !isPlanted && !isLifeCycle(workload) && measured.every((one) => runsSameCode(one, index, first));
      const pairs = measured.reduce((sum, one) => sum + (findLongest(one, index)?.cpu.length ?? 0), 0);
      rows.push({ subject, index, workload, sameCode, logs, pairs });
    });
  }
  return summarize({ rows, noise }, processes);
}

/**
 * Evaluates quartets of fresh processes A B B A, each with one subject: what a flag or limit of the whole
 * process needs. Give them in the order run.
 */
export function evaluateQuartets(processes: readonly Measurement[]): readonly OverheadSummary[] {
  const [first, second] = processes;
  const subject = second?.subjects[0];
  if (first === undefined || subject === undefined) return [];
  const rows: Row[] = [];
  const noise = new Map<string, readonly number[]>();
  for (const [at, { workload }] of first.workloads.entries()) {
    const time = (process: Measurement | undefined): number => {
      const one = process?.workloads[at];
      const series = one && findLongest(one, 0);
      return Math.log(least((isLifeCycle(workload) ? series?.wall : series?.cpu) ?? []));
    };
    const quartets = Array.from({ length: Math.floor(processes.length / 4) }, (_, quartet) => {
      const [a1 = NaN, b1 = NaN, b2 = NaN, a2 = NaN] = processes
        .slice(4 * quartet, 4 * quartet + 4)
        .map(time);
      return { log: (b1 + b2 - a1 - a2) / 2, equal: a2 - a1 };
    });
    noise.set(
      workload,
      quartets.map(({ equal }) => equal),
    );
    const [a, b] = [first, second].map((process) => process?.workloads[at]?.code[0] ?? null);
    const logs = quartets.map(({ log }) => log);
    const sameCode = a != null && a === b && !isLifeCycle(workload);
    rows.push({ subject, index: 0, workload, sameCode, logs, pairs: 2 * logs.length });
  }
  return summarize({ rows, noise }, processes);
}

function logRatio(measured: WorkloadMeasurement, index: number): readonly number[] {
  const base = findLongest(measured, 0);
  const other = findLongest(measured, index);
  if (base === undefined || other === undefined) return [];
  const timesOf = (row: Series) => (isLifeCycle(measured.workload) ? row.wall : row.cpu);
  return [Math.log(least(timesOf(other)) / least(timesOf(base)))];
}

/**
 * Instances that come and go are timed on the wall: where two threads wait for each other inside the kernel, the
 * waiting is the cost.
 */
const isLifeCycle = (workload: string): boolean => findWorkload(workload)?.kind === 'life-cycle';

/** V8 shows no code; with equal checks it was given equal bytes and equal flags. */
function runsSameCode(
  measured: WorkloadMeasurement,
  index: number,
  { engine, subjects }: Measurement,
): boolean {
  if (engine.kind === 'v8') return subjects[index]?.checks === subjects[0]?.checks;
  return measured.code[0] != null && measured.code[index] === measured.code[0];
}

const exactly: Interval = { ratio: 1, low: 1, high: 1 };

function summarize({ rows, noise }: Rows, processes: readonly Measurement[]): readonly OverheadSummary[] {
  const [first] = processes;
  const baseline = first?.subjects[0];
  if (first === undefined || baseline === undefined) return [];
  const tell = (row: Row, equals: readonly number[]): OverheadSummary => ({
    workload: row.workload,
    engine: first.engine.kind,
    tier: row.subject.tier,
    form: row.subject.checks,
    clock: 'time',
    cpuModel: first.facts.cpuModel,
    baseline: formatConfiguration(baseline),
    ...(row.sameCode ? exactly : estimateRatio(row.logs)),
    pairs: row.sameCode ? 0 : row.pairs,
    processes: processes.length,
    sameCode: row.sameCode,
    stable: row.sameCode || coversOne(estimateRatio(equals)),
  });
  const single = rows.map((row) => tell(row, noise.get(row.workload) ?? []));
  const indexes = [...new Set(rows.map(({ index }) => index))];
  const mean = indexes.flatMap((index) =>
    (['memory', 'program'] as const).flatMap((kind) => {
      const group = rows.filter((row) => row.index === index && findWorkload(row.workload)?.kind === kind);
      const [row] = group;
      if (row === undefined || group.length < 2) return [];
      const timed = group.filter(({ sameCode }) => !sameCode);
      // Proven ones count as exactly 1: the mean is over the same workloads for every form.
      const logs = averageAcross(
        timed.map((one) => one.logs),
        group.length,
      );
      const equals = averageAcross(
        timed.map(({ workload }) => noise.get(workload) ?? []),
        timed.length,
      );
      const pairs = timed.reduce((sum, one) => sum + one.pairs, 0);
      return [tell({ ...row, workload: means[kind], sameCode: timed.length === 0, logs, pairs }, equals)];
    }),
  );
  return [...single, ...mean];
}

/** Mean over workloads, process by process; `count` is how many share it, the missing ones being 0. */
function averageAcross(rows: readonly (readonly number[])[], count: number): readonly number[] {
  if (rows.length === 0) return [];
  const processes = Math.min(...rows.map((row) => row.length));
  return Array.from(
    { length: processes },
    (_, at) => rows.reduce((sum, row) => sum + (row[at] ?? 0), 0) / count,
  );
}
