/** In which cells it is measured what a request costs, and which of them need one measurement together. Pure. */
import type { Cell } from '../matrix/cell.ts';
import type { Measure } from '../matrix/measure.ts';
import type { Subject } from '../matrix/subject.ts';
import type { CellServing } from '../outcome/serving.ts';
import { parametersOf } from '../axes/guest-settings.ts';
import type { Result } from '../store/result.ts';
import { planGroups } from './share-groups.ts';

/** Cells that get the figures of one measurement. */
export type ServingGroup = Readonly<{
  measure: Measure;
  /** Null: the wasm host. */
  subject: Subject | null;
  /** The cell in whose guest is measured. */
  measured: Result;
  /** Cells whose lines still lack it; `measured` is among them unless it has its own already. */
  waiting: readonly Result[];
  /** Of an earlier part of the run; null: to be measured. */
  known: CellServing | null;
}>;

/** Whether a measurement of the result is still to come, where the matrix requests one. */
export const lacksServing = ({ outcome, serving }: Pick<Result, 'outcome' | 'serving'>): boolean =>
  outcome === 'reached' && serving === undefined;

/**
 * The measurements that a run still needs, in the order of the matrix.
 *
 * @param results of the run, the last of each repetition, retries among them
 */
export function planServings(cells: Iterable<Cell>, results: readonly Result[]): readonly ServingGroup[] {
  const groups = planGroups<Pick<ServingGroup, 'subject'>>(cells, results, {
    isWanted: ({ serving }) => serving,
    choose: ({ subject = null }, { outcome }) => (outcome === 'reached' ? { subject } : null),
    shareKey,
    lacks: lacksServing,
  });
  return groups.map(({ measure, of: { subject }, members, waiting, measured }) => {
    const known = members.find(({ serving }) => serving !== undefined)?.serving ?? null;
    return { measure, subject, measured, waiting, known };
  });
}

/** What must be equal for a price of one cell to hold for another: the program, and the pool that it made. */
function shareKey({ settings, subject, host, tier, form }: Result): string {
  const { engine, node, profile, allocator, env, cpu, kernel } = settings;
  const program =
    subject === undefined
      ? [host?.engine ?? engine, node, profile, form?.checks, form?.slots]
      : [subject.name, subject.program?.sha256, allocator];
  const pool = [parametersOf(settings), Object.entries(env).sort()];
  return JSON.stringify([program, tier, pool, cpu, kernel]);
}
