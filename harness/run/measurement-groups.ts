/** Which cells are measured, and which of them need one measurement together. Pure. */
import type { Cell } from '../matrix/cell.ts';
import type { Measure } from '../matrix/measure.ts';
import type { Result } from '../store/result.ts';
import { cellKey } from '../store/read-run.ts';
import { baselineOverhead, isBaseline, subjectOf, type CellOverhead } from '../outcome/overhead.ts';
import { formatConfiguration, type TierConfiguration } from '../measure/configurations.ts';
import { overridesOf } from '../measure/pool-overrides.ts';

/** Cells that get the figures of one measurement. */
export type MeasureGroup = Readonly<{
  measure: Measure;
  /** The cell in whose guest is measured. */
  measured: Result;
  /** What the figures are about. */
  reached: TierConfiguration;
  /** Cells whose lines still lack their overhead; `measured` is among them unless it has its own already. */
  waiting: readonly Result[];
  /** Figures of an earlier part of the run that only did not reach all lines; null: to be measured. */
  known: CellOverhead | null;
}>;

/** A result as it is first stored: the baseline has its overhead at once, by definition. */
export function startOverhead(cell: Pick<Cell, 'measure'>, result: Result): Result {
  const reached = subjectOf(result);
  const isDone = cell.measure?.overhead === true && reached !== null && isBaseline(reached);
  return isDone ? { ...result, ...baselineOverhead } : result;
}

/** Whether a measurement of the result is still to come, where the matrix asks for one. The baseline needs none. */
export function lacksOverhead(result: Result): boolean {
  const reached = subjectOf(result);
  return result.overheadSource === undefined && reached !== null && !isBaseline(reached);
}

type Members = Readonly<{ measure: Measure; reached: TierConfiguration; members: Result[] }>;

/**
 * The measurements a run still needs, in the order of the matrix.
 *
 * @param results of the run, the last of each repetition, retries among them
 */
export function planMeasurements(cells: Iterable<Cell>, results: readonly Result[]): readonly MeasureGroup[] {
  const repetitionsOf = new Map<string, Result[]>();
  for (const result of results) {
    const known = repetitionsOf.get(result.id);
    if (known === undefined) repetitionsOf.set(result.id, [result]);
    else known.push(result);
  }
  const groups = new Map<string, Members>();
  for (const { id, measure } of cells) {
    if (measure?.overhead !== true) continue;
    for (const result of repetitionsOf.get(id) ?? []) {
      const reached = subjectOf(result);
      if (reached === null || isBaseline(reached)) continue;
      const key = measure.share ? shareKey(result, reached) : cellKey(result);
      const group = groups.get(key) ?? { measure, reached, members: [] };
      groups.set(key, group);
      group.members.push(result);
    }
    // Of a cell that is repeated all repetitions are in their groups now.
    repetitionsOf.delete(id);
  }
  return [...groups.values()].flatMap(planGroup);
}

function planGroup({ measure, reached, members }: Members): readonly MeasureGroup[] {
  const waiting = members.filter(lacksOverhead);
  const [first] = waiting;
  if (first === undefined) return [];
  const [known = null] = members.flatMap(({ overhead, overheadSource }) =>
    overhead === undefined || overheadSource === undefined ? [] : [{ overhead, overheadSource }],
  );
  // The roomiest guest has the fewest other reasons to fail.
  const measured = waiting.reduce((best, one) => (one.settings.memory > best.settings.memory ? one : best));
  return [{ measure, measured, reached, waiting, known }];
}

/** What must be equal for a figure of one cell to hold for another: what decides the code that runs. */
function shareKey({ settings, host, facts }: Result, reached: TierConfiguration): string {
  const { engine, node, profile, env, cpu, addressBits } = settings;
  const version = host === null ? engine : `${host.engine.kind} ${host.engine.version}`;
  const form = [formatConfiguration(reached), facts && overridesOf(settings, reached, facts)];
  // The CPU's flags decide the code, the width of addresses which baseline there can be.
  return JSON.stringify([version, node, form, profile, Object.entries(env).sort(), cpu, addressBits]);
}
