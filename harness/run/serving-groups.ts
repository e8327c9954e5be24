/** In which cells it is measured what a request costs, and which of them need one measurement together. Pure. */
import type { Cell } from '../matrix/cell.ts';
import type { Measure } from '../matrix/measure.ts';
import type { Subject } from '../matrix/subject.ts';
import type { CellServing } from '../outcome/serving.ts';
import { parametersOf } from '../axes/guest-settings.ts';
import { groupBy } from '../report/group-by.ts';
import { cellKey } from '../store/read-run.ts';
import type { Result } from '../store/result.ts';

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
  const byId = new Map(groupBy(results, ({ id }) => id));
  type Members = Pick<ServingGroup, 'measure' | 'subject'> & Readonly<{ members: Result[] }>;
  const groups = new Map<string, Members>();
  for (const { id, measure, subject = null } of cells) {
    if (measure?.serving !== true) continue;
    for (const result of byId.get(id) ?? []) {
      if (result.outcome !== 'reached') continue;
      const key = measure.share ? shareKey(result) : cellKey(result);
      const group = groups.get(key) ?? { measure, subject, members: [] };
      groups.set(key, group);
      group.members.push(result);
    }
    // Of a cell that is repeated all repetitions are in their groups now.
    byId.delete(id);
  }
  return [...groups.values()].flatMap(({ members, ...group }): ServingGroup[] => {
    const waiting = members.filter(lacksServing);
    const [first] = waiting;
    if (first === undefined) return [];
    const known = members.find(({ serving }) => serving !== undefined)?.serving ?? null;
    // The roomiest guest has the fewest other reasons to fail.
    const measured = waiting.reduce((best, one) => (one.settings.memory > best.settings.memory ? one : best));
    return [{ ...group, measured, waiting, known }];
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
