/** The step of a run that follows its cells: their overhead, where the matrix asks for it. */
import { measureCells } from './measure-cells.ts';
import { startMachine } from '../machine/machine.ts';
import { TemplateStore } from '../machine/template-store.ts';
import type { Matrix } from '../matrix/cell.ts';
import { measureGuest, type GuestOverhead } from '../measure/measure-guest.ts';
import { decideCapacity } from '../plan/admission.ts';
import type { Prepared } from './prepare.ts';
import type { Reporter } from '../report/reporter.ts';
import type { RunOptions } from './run.ts';
import type { OpenRun } from '../store/open-run.ts';
import { collectResults, readRun } from '../store/read-run.ts';

/** Templates kept afterwards; those just used are kept in any case. */
const templateCacheBytes = 4 * 1024 ** 3;

/**
 * Measures what the results of the run still lack. Costs nothing where the matrix asks for nothing.
 * @throws PoolproofError STORE_*, DISK_FULL when a line cannot be stored
 */
export async function measureRun(
  matrix: Matrix,
  { qemu, computer }: Prepared,
  run: OpenRun,
  reporter: Required<Reporter>,
  signal: AbortSignal,
  options: RunOptions,
): Promise<void> {
  const cells = [...matrix.cells()].filter(({ measure }) => measure !== undefined);
  if (cells.length === 0 || signal.aborted) return;
  const { results } = await readRun(run.dir);
  await using store = new TemplateStore(options.cacheDir, options.templateCacheBytes ?? templateCacheBytes);
  const measure = (request: Parameters<typeof measureGuest>[0]): Promise<GuestOverhead> =>
    measureGuest(
      { ...request, cold: options.cold ?? false },
      {
        qemu,
        cacheDir: options.cacheDir,
        locked: options.locked ?? false,
        ...(options.onImageEvent && { onImageEvent: options.onImageEvent }),
        store,
        startMachine: options.startMachine ?? startMachine,
        signal,
      },
    );
  await measureCells(cells, await collectResults(results()), {
    run,
    reporter,
    capacity: decideCapacity(computer, {
      ...(options.jobs !== undefined && { jobs: options.jobs }),
      ...(options.memoryBudgetMib !== undefined && { budgetMib: options.memoryBudgetMib }),
    }),
    signal,
    measureGuest: measure,
  });
  await store.collect();
}
