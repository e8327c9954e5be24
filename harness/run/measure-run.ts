/** The phase that follows the cells: their overhead, where the matrix asks for it. */
import { startMachine } from '../machine/machine.ts';
import { TemplateStore } from '../machine/template-store.ts';
import { measureGuest, type GuestOverhead } from '../measure/measure-guest.ts';
import { templateCacheBytes, type RunContext } from './context.ts';
import { measureCells } from './measure-cells.ts';

/**
 * Measures what the results of the run still lack. Costs nothing where the matrix asks for nothing.
 * @throws PoolproofError STORE_*, DISK_FULL when a line cannot be stored
 */
export async function measureRun(context: RunContext): Promise<void> {
  const { matrix, prepared, signal, options } = context;
  const cells = [...matrix.cells()].filter(({ measure }) => measure !== undefined);
  if (cells.length === 0 || signal.aborted) return;
  await using store = new TemplateStore(options.cacheDir, templateCacheBytes(options));
  const measure = (request: Parameters<typeof measureGuest>[0]): Promise<GuestOverhead> =>
    measureGuest(
      { ...request, cold: options.cold ?? false },
      {
        qemu: prepared.qemu,
        cacheDir: options.cacheDir,
        locked: options.locked ?? false,
        ...(options.onImageEvent && { onImageEvent: options.onImageEvent }),
        store,
        startMachine: options.startMachine ?? startMachine,
        signal,
      },
    );
  await measureCells(cells, { ...context, measureGuest: measure });
  await store.collect();
}
