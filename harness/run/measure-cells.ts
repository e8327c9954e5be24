/**
 * What the tiers of a run cost, measured when all its cells have ended: nothing else runs then, and every tier is
 * already on the disk. A measured cell gets a second line, see results/README.md.
 */
import { PoolproofError } from '../errors.ts';
import type { Cell } from '../matrix/cell.ts';
import { joinOverhead } from '../outcome/judge-overhead.ts';
import { notMeasured, type CellOverhead } from '../outcome/overhead.ts';
import type { GuestMeasureRequest, GuestOverhead } from '../measure/measure-guest.ts';
import { planMeasurements, type MeasureGroup } from './measurement-groups.ts';
import type { Reporter } from '../report/reporter.ts';
import type { OpenRun } from '../store/open-run.ts';
import { cellKey } from '../store/read-run.ts';
import type { Result } from '../store/result.ts';
import type { Pool } from './pool.ts';
import type { RunResults } from './run-results.ts';

export type MeasureStage = Readonly<{
  run: Pick<OpenRun, 'addEvidence'>;
  /** Of the whole run, also those from before a `--resume`. */
  results: RunResults;
  reporter: Pick<Required<Reporter>, 'onMeasureStart' | 'onMeasureEnd' | 'onCellDone'>;
  /**
   * Guests at a time. A count of instructions does not depend on its neighbours, so several may be measured at
   * once; time, which does, is never taken in a guest.
   */
  pool: Pool;
  signal: AbortSignal;
  /** Measures one cell. Replaced only in tests of what surrounds it. */
  measureGuest: (request: GuestMeasureRequest) => Promise<GuestOverhead>;
}>;

/**
 * Measures what is missing. A measurement that fails is a reason in the results of its cells and nothing more.
 *
 * @param cells of the whole matrix, also those that were run before a `--resume`
 * @throws PoolproofError STORE_*, DISK_FULL when a line cannot be stored
 */
export async function measureCells(cells: Iterable<Cell>, stage: MeasureStage): Promise<void> {
  const results = stage.results.list();
  const groups = planMeasurements(cells, results);
  const tracker = new MeasuredCells(results, groups);
  const work = groups.map((group) =>
    stage.pool.run(async () => {
      if (stage.signal.aborted) return;
      const release = await stage.pool.acquireMemory(group.measured.settings.memory / 2 ** 20);
      try {
        await measureGroup(group, stage, tracker);
      } finally {
        release();
      }
    }),
  );
  const ends = await Promise.allSettled(work);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

async function measureGroup(group: MeasureGroup, stage: MeasureStage, tracker: MeasuredCells): Promise<void> {
  const { results, reporter } = stage;
  const { waiting, known, measured } = group;
  if (known === null) reporter.onMeasureStart(measured, waiting.length);
  const overhead = known ?? (await measureCell(group, stage));
  if (overhead === null) return;
  const joined = waiting.map((result) => joinOverhead(result, overhead));
  for (const result of joined) results.append(result);
  reporter.onMeasureEnd(joined);
  for (const done of tracker.add(joined)) reporter.onCellDone(done);
}

/** Repetitions of a cell may be measured apart: it is done when the last one is. */
class MeasuredCells {
  readonly #results = new Map<string, Map<number, Result>>();
  readonly #waiting = new Map<string, number>();

  constructor(results: readonly Result[], groups: readonly MeasureGroup[]) {
    for (const { id } of groups.flatMap(({ waiting }) => waiting)) {
      this.#waiting.set(id, (this.#waiting.get(id) ?? 0) + 1);
      this.#results.set(id, new Map());
    }
    for (const result of results) this.#results.get(result.id)?.set(result.repetition, result);
  }

  /** @returns the cells that are done now, each with its repetitions in order */
  add(measured: readonly Result[]): readonly (readonly Result[])[] {
    return measured.flatMap((result): (readonly Result[])[] => {
      const { id, repetition } = result;
      const repetitions = this.#results.get(id)?.set(repetition, result);
      const left = (this.#waiting.get(id) ?? 1) - 1;
      this.#waiting.set(id, left);
      if (left > 0 || repetitions === undefined) return [];
      return [[...repetitions.values()].sort((a, b) => a.repetition - b.repetition)];
    });
  }
}

/** Null when the run was interrupted: then nothing is known, and `--resume` measures again. */
async function measureCell(
  { measured, reached, measure }: MeasureGroup,
  { run, measureGuest, signal }: MeasureStage,
): Promise<CellOverhead | null> {
  const { settings, facts, evidence } = measured;
  if (facts === null) return notMeasured('the limits of the cell are not known');
  const { workloads, precision, budgetMs } = measure;
  let found: GuestOverhead;
  try {
    found = await measureGuest({ settings, reached, facts, workloads, precision, budgetMs });
  } catch (error) {
    if (signal.aborted) return null;
    if (!(error instanceof PoolproofError)) throw error;
    return notMeasured(error.message);
  }
  if (evidence !== null) {
    run.addEvidence(evidence, {
      'overhead.jsonl': found.raw.map((line) => `${line.trim()}\n`).join(''),
      'overhead-protocol.log': `${found.protocol.join('\n')}\n`,
    });
  }
  if (found.kind === 'not-measured') return notMeasured(found.reason);
  return {
    overhead: found.summaries,
    overheadSource: {
      kind: 'measured',
      measuredIn: cellKey(measured),
      notMeasured: found.notMeasurable,
      baselineNote: found.baselineNote,
      resources: found.resources,
      wallMs: Math.round(found.wallMs),
    },
  };
}
