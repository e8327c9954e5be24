/** Groups cells that share a boot, and orders them. */
import { lookUp } from '../axes/axis.ts';
import { axes, type AxisTable, rowsOf, type Settings } from '../axes/table.ts';
import type { Cell } from '../matrix/cell.ts';

/**
 * Cells that differ only in settings after the boot, in Node or in the engine share one machine. The key holds every
 * axis that a boot depends on.
 */
export function bootKey(settings: Settings, table: AxisTable = axes): string {
  const of = lookUp(settings);
  const parts = rowsOf(table).flatMap(({ applies, pick, machine }) => {
    if (applies === 'boot') return [pick(settings)];
    // A setting of the process that some machines have by themselves.
    return machine === undefined ? [] : [machine(pick(settings), of)];
  });
  return JSON.stringify(parts);
}

export type BootGroup = Readonly<{
  key: string;
  /** Of the first cell: all cells boot with the same settings. */
  settings: Settings;
  cells: readonly Cell[];
}>;

/** Groups in the order in which their first cell appears. */
export function groupByBoot(cells: Iterable<Cell>, table: AxisTable = axes): BootGroup[] {
  const groups = new Map<string, BootGroup & Readonly<{ cells: Cell[] }>>();
  for (const cell of cells) {
    const key = bootKey(cell.settings, table);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { key, settings: cell.settings, cells: [cell] });
    else group.cells.push(cell);
  }
  return [...groups.values()];
}

/**
 * Memory a guest is expected to take on this computer, MiB: at first its pages and QEMU's own (measured:
 * 330–480 MiB for the wasm host on guests of 512 MiB to 4 GiB), later the most seen, and a quarter more. The rest of a
 * guest's memory is never touched, but for what its kernel notes of each page.
 */
export function estimateCostMib(memoryMib: number, seenPeakMib: number | null): number {
  const qemuOwnMib = 160;
  const most = memoryMib + qemuOwnMib;
  // linux struct page: 64 bytes for each 4 KiB.
  const ofPages = Math.ceil(Math.max(0, memoryMib - 4096) / 64);
  return Math.min(most, ofPages + (seenPeakMib === null ? 640 : Math.ceil(seenPeakMib * 1.25)));
}
