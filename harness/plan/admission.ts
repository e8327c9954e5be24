/** The number of guests at a time, from the free memory and the cores of this computer. */
import type { Computer } from './computer.ts';

export type Capacity = Readonly<{
  /** Guests at a time. */
  jobs: number;
  /** Memory of all guests together, MiB. */
  budgetMib: number;
}>;

// Memory that stays free for the computer's own use and the page cache of the disks.
const reserveMib = 512;

/** `--jobs` and `--memory-budget` win; otherwise one guest per core, and the free memory less a reserve. */
export function decideCapacity(
  computer: Pick<Computer, 'cores' | 'memAvailableMib'>,
  wanted: Readonly<{ jobs?: number; budgetMib?: number }>,
): Capacity {
  return {
    jobs: wanted.jobs ?? computer.cores,
    budgetMib: wanted.budgetMib ?? Math.max(reserveMib, computer.memAvailableMib - reserveMib),
  };
}

/**
 * Space on the disk of the cache that templates may take, MiB: the free space less a reserve for results and images.
 */
export const decideDiskMib = (freeMib: number): number => Math.max(0, freeMib - reserveMib);

/**
 * Disk space a template takes while it is saved, MiB: a sparse file of the pages the guest has touched; measured
 * 126–340 MiB, twice that when warmed, and never more than the guest has.
 */
export const estimateDiskMib = (memoryMib: number): number => Math.min(memoryMib, 700) + 8;

type Waiter = Readonly<{ costMib: number; grant: () => void }>;

/**
 * A budget of memory or disk space. Requests for more than the rest wait in order, so that small guests do not starve a
 * large one. A request for more than the whole budget is granted alone.
 */
export class Budget {
  readonly #totalMib: number;
  #usedMib = 0;
  #peakMib = 0;
  #waiting: Waiter[] = [];

  constructor(totalMib: number) {
    this.#totalMib = totalMib;
  }

  /** Resolves when `costMib` are granted, with the function that gives them back. */
  async acquire(costMib: number): Promise<() => void> {
    await new Promise<void>((grant) => {
      this.#waiting.push({ costMib, grant });
      this.#admit();
    });
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#usedMib -= costMib;
      this.#admit();
    };
  }

  /** The most that was granted at a time, MiB. */
  get peakMib(): number {
    return this.#peakMib;
  }

  #admit(): void {
    for (let next; (next = this.#waiting[0]) !== undefined;) {
      if (this.#usedMib > 0 && this.#usedMib + next.costMib > this.#totalMib) return;
      this.#waiting.shift();
      this.#usedMib += next.costMib;
      this.#peakMib = Math.max(this.#peakMib, this.#usedMib);
      next.grant();
    }
  }
}
