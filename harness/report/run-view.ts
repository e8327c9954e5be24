/**
 * A run as every report shows it: its cells and what all of them come to. Built once; a format is a template over it.
 */
import { type Tier, tiers } from '../../images/allocator/tier.ts';
import type { AxisTable } from '../axes/table.ts';
import { type Outcome, outcomes, verdicts } from '../outcome/outcome.ts';
import { findCompleteness } from '../store/completeness.ts';
import type { NativeRecord } from '../store/native-record.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import { type VariedAxis, findVaried } from './axis-labels.ts';
import { type CellView, buildCells } from './cell-view.ts';
import type { EvidenceByCell } from './evidence.ts';
import { type ExitCode, type ExitOptions, exitCodeOfRun, withRecorded } from './exit-code.ts';
import type { Basis } from '../outcome/find-tier.ts';
import { type RunState, formatCompleteness } from './format-completeness.ts';
import { type ReasonGroup, groupReasons } from './group-reasons.ts';
import { type HostTable, basisOf, buildHostTable } from './host-table.ts';
import { joinNative } from './native-figures.ts';

export type Counts = Readonly<{
  /** Results: repetitions count one by one. */
  total: number;
  byOutcome: Readonly<Record<Outcome, number>>;
  byTier: Readonly<Record<Tier, number>>;
  /** Tiers of foreign subjects: told by their output, or seen in their mappings; those of the wasm host are proven. */
  byBasis: Readonly<Record<Basis, number>>;
  byVerdict: Readonly<{ expected: number; unexpected: number; undecided: number; none: number }>;
  /** Results where the model and the guest differ, whatever the verdict. */
  findings: number;
  /** Machines that gave nothing and were started again, and how many of them had not written a console line. */
  restarts: Readonly<{ count: number; hung: number }>;
}>;

/** The sources of a report. */
export type RunResults = Readonly<{
  record: RunRecord;
  results: readonly Result[];
  /** Texts that the guests left behind, by `evidenceKey`. @default none: only links to the folders */
  evidence?: EvidenceByCell;
  /**
   * Address of the run's folder as seen from the report, ending in `/` unless empty; null makes no links. @default null
   */
  base?: string | null;
}>;

export type ViewOptions = ExitOptions &
  Readonly<{
    /** Times of real machines, to stand beside what guests counted. @default none */
    native?: readonly NativeRecord[];
    table?: AxisTable;
  }>;

export type RunView = Readonly<{
  record: RunRecord;
  /** Every repetition in the order stored, with the figures of the native records that fit it. */
  results: readonly Result[];
  cells: readonly CellView[];
  /** Cells whose repetitions differ. */
  flaky: readonly CellView[];
  /** The axes with more than one value. */
  axes: readonly VariedAxis[];
  reasons: readonly ReasonGroup[];
  /** Where more than one subject ran: how each starts. */
  hosts: HostTable | null;
  counts: Counts;
  state: RunState;
  exitCode: ExitCode;
  interrupted: boolean;
  native: readonly NativeRecord[];
  evidence: EvidenceByCell;
  base: string | null;
}>;

/** Pure: equal runs give equal views. The run's own `--strict` and `--fail-on-flaky` count beside the options. */
export function buildRunView(run: RunResults, options: ViewOptions = {}): RunView {
  const { record } = run;
  const { native = [], table } = options;
  const results = joinNative(run.results, native);
  const { failOnFlaky } = withRecorded(options, record);
  const cells = buildCells(results, { failOnFlaky });
  const axes = findVaried(results, table);
  return {
    record,
    results,
    cells,
    flaky: cells.filter(({ verdict }) => verdict === 'flaky'),
    axes,
    reasons: groupReasons(results, axes),
    hosts: buildHostTable(cells, axes),
    counts: countResults(results),
    state: formatCompleteness(findCompleteness(record, results)),
    exitCode: exitCodeOfRun(record, results, options, cells),
    interrupted: options.interrupted === true,
    native,
    evidence: run.evidence ?? new Map(),
    base: run.base ?? null,
  };
}

function countResults(results: readonly Result[]): Counts {
  const restarted = results.flatMap(({ attempts }) => attempts.slice(0, -1));
  const hung = restarted.filter(({ machineEnd }) => machineEnd?.kind === 'no-console').length;
  return {
    total: results.length,
    byOutcome: countBy(outcomes, results, (result) => result.outcome),
    byTier: countBy(tiers, results, (result) => result.tier),
    byBasis: countBy(
      ['told', 'seen'],
      results.filter(({ subject }) => subject !== undefined),
      basisOf,
    ),
    byVerdict: countBy([...verdicts, 'none'] as const, results, (result) => result.verdict ?? 'none'),
    findings: results.filter(({ finding }) => finding !== null).length,
    restarts: { count: restarted.length, hung },
  };
}

function countBy<Key extends string>(
  keys: readonly Key[],
  results: readonly Result[],
  keyOf: (result: Result) => Key | null,
): Readonly<Record<Key, number>> {
  const counts = Object.fromEntries(keys.map((key) => [key, 0])) as Record<Key, number>;
  for (const result of results) {
    const key = keyOf(result);
    if (key !== null) counts[key] += 1;
  }
  return counts;
}
