/**
 * The cells a coordinator still waits for, and the job each of them is in. Whatever the queue loses, doubles or
 * delays, a cell ends once. Holds no connection.
 */
import type { Cell } from '../matrix/cell.ts';
import type { BootPlan } from '../run/boot-plan.ts';
import { cellKey } from '../store/read-run.ts';

export type PendingCell = Readonly<{ cell: Cell; plan: BootPlan }>;

type Entry = PendingCell & {
  /** Id of its job; null before it has one. */
  job: string | null;
  /** A worker has said that it runs, and not that it has ended. */
  isStarted: boolean;
  /** Workers that were lost while it ran. */
  lost: number;
};

/** A cell of a job that nobody finishes. */
export type LeftCell = PendingCell & Readonly<{ lost: number }>;

/** Cells of one boot that become a job. */
export type Requeued = Readonly<{ plan: BootPlan; lost: number }>;

/** Each in a job of its own: of cells that may take a worker down it shows which one does. */
export const separate = (left: readonly LeftCell[]): readonly Requeued[] =>
  left.map(({ cell, plan, lost }) => ({ plan: { ...plan, cells: [cell] }, lost }));

/** As they were, those of a job that the queue has lost: no cell is to blame for it. Only suspects stay alone. */
export function rejoin(left: readonly LeftCell[]): readonly Requeued[] {
  const together = left.filter(({ lost }) => lost === 0);
  const [first] = together;
  const suspects = separate(left.filter(({ lost }) => lost > 0));
  if (first === undefined) return suspects;
  return [{ plan: { ...first.plan, cells: together.map(({ cell }) => cell) }, lost: 0 }, ...suspects];
}

export class PendingCells {
  readonly #entries = new Map<string, Entry>();
  /** Keys of the cells that are left of each job. */
  readonly #jobs = new Map<string, Set<string>>();
  /** Cells that have not ended, by the kernel of their images. */
  readonly #kernels = new Map<string, number>();

  constructor(plans: readonly BootPlan[]) {
    for (const plan of plans) {
      const { kernel } = plan.images;
      this.#kernels.set(kernel, (this.#kernels.get(kernel) ?? 0) + plan.cells.length);
      for (const cell of plan.cells)
        this.#entries.set(cellKey(cell), { cell, plan, job: null, isStarted: false, lost: 0 });
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Jobs with cells that have not ended. */
  jobs(): readonly string[] {
    return [...this.#jobs.keys()];
  }

  countCells(job: string): number {
    return this.#jobs.get(job)?.size ?? 0;
  }

  find(key: string): PendingCell | null {
    return this.#entries.get(key) ?? null;
  }

  /** Puts cells into a job, out of any other. Those that are not waited for are left out. */
  assign(job: string, keys: Iterable<string>, lost = 0): void {
    for (const key of keys) {
      const entry = this.#entries.get(key);
      if (entry === undefined) continue;
      this.#leaveJob(key, entry);
      Object.assign(entry, { job, isStarted: false, lost });
      const cells = this.#jobs.get(job);
      if (cells === undefined) this.#jobs.set(job, new Set([key]));
      else cells.add(key);
    }
  }

  /** Whether a cell with the images of that kernel has not ended. */
  needsKernel(kernel: string): boolean {
    return (this.#kernels.get(kernel) ?? 0) > 0;
  }

  /** Cells without a job, by plan. */
  unassigned(): readonly BootPlan[] {
    const byPlan = new Map<BootPlan, Cell[]>();
    for (const { cell, plan, job } of this.#entries.values()) {
      if (job !== null) continue;
      const cells = byPlan.get(plan);
      if (cells === undefined) byPlan.set(plan, [cell]);
      else cells.push(cell);
    }
    return [...byPlan].map(([plan, cells]) => ({ ...plan, cells }));
  }

  start(key: string): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) entry.isStarted = true;
  }

  /** @returns whether it was waited for: a second result of a cell is none */
  end(key: string): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.#leaveJob(key, entry);
    const { kernel } = entry.plan.images;
    this.#kernels.set(kernel, (this.#kernels.get(kernel) ?? 0) - 1);
    return this.#entries.delete(key);
  }

  /**
   * Takes what is left out of a job that nobody finishes. Of several cells only those that had started may have
   * taken the worker down; one alone has.
   *
   * @param lost workers lost with it
   */
  giveUp(job: string, lost: number): readonly LeftCell[] {
    const keys = [...(this.#jobs.get(job) ?? [])];
    const entries = keys.flatMap((key) => this.#entries.get(key) ?? []);
    const anyStarted = entries.some(({ isStarted }) => isStarted);
    return entries.map((entry) => {
      this.#leaveJob(cellKey(entry.cell), entry);
      const isSuspect = entries.length === 1 || entry.isStarted || !anyStarted;
      entry.lost = isSuspect ? Math.max(lost, entry.lost) : entry.lost;
      return { cell: entry.cell, plan: entry.plan, lost: entry.lost };
    });
  }

  #leaveJob(key: string, entry: Entry): void {
    if (entry.job === null) return;
    const cells = this.#jobs.get(entry.job);
    cells?.delete(key);
    if (cells?.size === 0) this.#jobs.delete(entry.job);
    entry.job = null;
  }
}
