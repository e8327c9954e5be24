/** The rows of the overhead page: one per engine, form and Node, with its figures by both clocks. */
import { findWorkload } from '../../images/wasm-host/workloads/catalogue.ts';
import type { Result } from '../store/result.ts';
import { isBaseline, isMean, subjectOf } from '../outcome/overhead.ts';
import { formatConfiguration } from '../measure/configurations.ts';
import { findNative, lineOf, listNative } from './native-figures.ts';
import type { NativeRecord } from '../store/native-record.ts';
import type { OverheadSummary, TierResources } from '../measure/figures.ts';
import type { RunView } from './run-view.ts';

export type Row = Readonly<{
  /** `wasmtime 50.0.1`, `v8` */
  engine: string;
  form: string;
  /** Release line. */
  node: string;
  /** Of the guest; empty where nothing was measured. */
  counted: readonly OverheadSummary[];
  /** The real machine whose figures stand beside; its Node may be another where the engine is not Node's own. */
  native: NativeRecord | null;
  /** Of this form on that machine, without the lives of instances. */
  timed: readonly OverheadSummary[];
  /** Whole lives of instances, time on the wall. */
  lives: readonly OverheadSummary[];
  resources: readonly TierResources[];
  /** Why nothing was measured. */
  problem: string | null;
}>;

/** Figures of one clock and Node: a column of a table. */
export type Column = Readonly<{
  node: string;
  kind: 'instructions' | 'time';
  figures: readonly OverheadSummary[];
}>;

export const titleOf = ({ engine, form, node }: Row): string => `${engine}, ${form}, Node ${node}`;

/** The forms that some cell reached, but for the baseline; of several cells the first that was measured. */
export function collectRows({ results, native }: RunView): readonly Row[] {
  const rows = new Map<string, Row>();
  for (const result of results) {
    const row = makeRow(result, native);
    if (row === null) continue;
    const key = titleOf(row);
    if ((rows.get(key)?.counted.length ?? 0) === 0) rows.set(key, row);
  }
  return [...rows.values()].sort(compareRows);
}

/** By engine, form and Node, whatever the order of the cells. */
function compareRows(a: Row, b: Row): number {
  const key = ({ engine, form }: Row): string => `${engine.startsWith('v8') ? 1 : 0} ${engine} ${form}`;
  if (key(a) !== key(b)) return key(a) < key(b) ? -1 : 1;
  return Number(a.node) - Number(b.node);
}

function makeRow(result: Result, records: readonly NativeRecord[]): Row | null {
  const subject = subjectOf(result);
  const { host, overhead = [], overheadSource: source, settings } = result;
  if (subject === null || isBaseline(subject) || host === null) return null;
  const { kind, version } = host.engine;
  const form = formatConfiguration(subject);
  const native = findNative(records, host.engine, settings.node);
  // The view has joined them to the figures already, where something was to be measured.
  const beside = listNative(native, subject);
  const own = overhead.filter((figure) => figure.clock === 'time' && !beside.includes(figure));
  const timed = [...own, ...beside];
  return {
    engine: kind === 'v8' ? 'v8' : `${kind} ${version}`,
    form,
    node: settings.node,
    counted: overhead.filter(({ clock }) => clock === 'instructions'),
    native,
    timed: timed.filter((figure) => !isLifeCycle(figure)),
    lives: timed.filter(isLifeCycle),
    resources: source?.resources ?? [],
    problem: source?.notMeasured.find(({ workload }) => workload === null)?.reason ?? null,
  };
}

export const isLifeCycle = ({ workload }: OverheadSummary): boolean =>
  findWorkload(workload)?.kind === 'life-cycle';

/** True where every figure is 0 by proof: the same machine code. */
export const isProven = ({ counted, timed }: Row): boolean =>
  counted.length + timed.length > 0 && [...counted, ...timed].every(({ sameCode }) => sameCode);

/** Columns of the rows of one form; a record that stands beside several Nodes is one column. */
export function listColumns(rows: readonly Row[]): readonly Column[] {
  const counted = rows
    .filter((row) => row.counted.length > 0)
    .map(({ node, counted: figures }): Column => ({ node, kind: 'instructions', figures }));
  return [...counted, ...listTimed(rows, 'timed')];
}

/** The columns of time among them, of `timed` or of `lives`. */
export function listTimed(rows: readonly Row[], pick: 'timed' | 'lives'): readonly Column[] {
  const seen = new Set<NativeRecord>();
  return rows.flatMap(({ native, node, [pick]: figures }): Column[] => {
    if (figures.length === 0 || (native !== null && seen.has(native))) return [];
    if (native !== null) seen.add(native);
    return [{ node: native === null ? node : lineOf(native), kind: 'time', figures }];
  });
}

/** The columns that decide the claim: time where there is one. */
export function listJudged(rows: readonly Row[]): readonly Column[] {
  const columns = listColumns(rows);
  const timed = columns.filter(({ kind }) => kind === 'time');
  return timed.length > 0 ? timed : columns;
}

/** A claim about memory work covers memory kernels and real programs, one by one. */
export const isSingle = (figure: OverheadSummary): boolean => {
  const kind = findWorkload(figure.workload)?.kind;
  return !isMean(figure) && (kind === 'memory' || kind === 'program');
};
