/** Which cells are measured, and which of them need one measurement together. Pure. */
import type { Cell } from '../matrix/cell.ts';
import type { Measure } from '../matrix/measure.ts';
import type { Result } from '../store/result.ts';
import { joinOverhead } from '../outcome/judge-overhead.ts';
import {
  baselineOverhead,
  isBaseline,
  notMeasured,
  subjectOf,
  type CellOverhead,
} from '../outcome/overhead.ts';
import { servingNotMeasured } from '../outcome/serving.ts';
import { formatConfiguration, type TierConfiguration } from '../measure/configurations.ts';
import { overridesOf } from '../measure/pool-overrides.ts';
import { lacksServing } from './serving-groups.ts';
import { planGroups } from './share-groups.ts';

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

/** Figures are compared between runs, and files of kernels have no name that stays. */
const inKernelFile = 'costs are measured in kernels that a row names';

/** What a run says of cells whose costs the matrix asks for and nothing measures; null where there are none. */
export function tellUnmeasured(cells: Iterable<Cell>): string | null {
  const kernels = new Set<string>();
  for (const { kernelFile, measure, settings } of cells)
    if (kernelFile !== undefined && measure !== undefined) kernels.add(settings.kernel);
  return kernels.size === 0 ? null : `no cost is measured in ${[...kernels].join(', ')}: ${inKernelFile}`;
}

/**
 * A result as it is first stored: the baseline has its overhead at once, by definition, and in a kernel of the user's
 * own nothing is measured.
 */
export function startOverhead(
  { measure, kernelFile }: Pick<Cell, 'measure' | 'kernelFile'>,
  found: Result,
): Result {
  const reached = subjectOf(found);
  const isDone = measure?.overhead === true && reached !== null && isBaseline(reached);
  const result = isDone ? { ...found, ...baselineOverhead } : found;
  if (kernelFile === undefined || measure === undefined) return result;
  const isCounted = measure.overhead && lacksOverhead(result);
  const joined = isCounted ? joinOverhead(result, notMeasured(inKernelFile)) : result;
  const isServing = measure.serving && lacksServing(joined);
  return isServing ? { ...joined, serving: servingNotMeasured(inKernelFile) } : joined;
}

/** Whether a measurement of the result is still to come, where the matrix asks for one. The baseline needs none. */
export function lacksOverhead(result: Result): boolean {
  const reached = subjectOf(result);
  return result.overheadSource === undefined && reached !== null && !isBaseline(reached);
}

/**
 * The measurements a run still needs, in the order of the matrix.
 *
 * @param results of the run, the last of each repetition, retries among them
 */
export function planMeasurements(cells: Iterable<Cell>, results: readonly Result[]): readonly MeasureGroup[] {
  const groups = planGroups<TierConfiguration>(cells, results, {
    isWanted: ({ overhead }) => overhead,
    choose: (_, result) => {
      const reached = subjectOf(result);
      return reached === null || isBaseline(reached) ? null : reached;
    },
    shareKey,
    lacks: lacksOverhead,
  });
  return groups.map(({ measure, of: reached, members, waiting, measured }) => {
    const [known = null] = members.flatMap(({ overhead, overheadSource }) =>
      overhead === undefined || overheadSource === undefined ? [] : [{ overhead, overheadSource }],
    );
    return { measure, reached, measured, waiting, known };
  });
}

/** What must be equal for a figure of one cell to hold for another: what decides the code that runs. */
function shareKey({ settings, host, facts }: Result, reached: TierConfiguration): string {
  const { engine, node, profile, env, cpu, addressBits } = settings;
  const version = host === null ? engine : `${host.engine.kind} ${host.engine.version}`;
  const form = [formatConfiguration(reached), facts && overridesOf(settings, reached, facts)];
  // The CPU's flags decide the code, the width of addresses which baseline there can be.
  return JSON.stringify([version, node, form, profile, Object.entries(env).sort(), cpu, addressBits]);
}
