/** Refuses guests of more memory than this computer promises to a process, before anything is fetched or booted. */
import { formatSize } from '../axes/size.ts';
import { PoolproofError } from '../errors.ts';
import type { Cell } from '../matrix/cell.ts';

const mib = 1024 * 1024;

/** Whether this computer cannot have such a guest. */
export const isTooLarge = ({ settings }: Pick<Cell, 'settings'>, promisedMib: number): boolean =>
  settings.memory > promisedMib * mib;

/**
 * @param promisedMib see `readPromisedMib`. What a guest comes to hold is less, and counts when it is started.
 * @throws PoolproofError NO_MEMORY
 */
export function checkMemory(cell: Pick<Cell, 'id' | 'settings'>, promisedMib: number): void {
  if (!isTooLarge(cell, promisedMib)) return;
  const { id, settings } = cell;
  const most = formatSize(Math.floor(promisedMib) * mib);
  throw new PoolproofError(
    'NO_MEMORY',
    `${id}: this computer has no room for a guest of ${formatSize(settings.memory)}; its kernel promises a process ${most}`,
    {
      hint: `leave it out: --only memory!=${formatSize(settings.memory)}; or allow it: sysctl vm.overcommit_memory=1`,
    },
  );
}
