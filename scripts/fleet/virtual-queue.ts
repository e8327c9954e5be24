/** A queue in memory, in the order of BullMQ's: stalled jobs first, then by priority, equal ones as they came. */
import type { BootPlan } from '../../harness/run/boot-plan.ts';

export type VirtualJob = {
  readonly id: string;
  plan: BootPlan;
  lost: number;
  /** See {@link judgeJob}. */
  begun: boolean;
  readonly priority: number;
  /** Times that its worker was not heard of. */
  stalls: number;
};

export class VirtualQueue {
  /** Jobs that are there, waiting or being done. */
  readonly #jobs = new Set<string>();
  #returned: VirtualJob[] = [];
  /** The next one last. */
  #waiting: VirtualJob[] = [];

  add(job: VirtualJob): void {
    this.#jobs.add(job.id);
    let low = 0;
    let high = this.#waiting.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#waiting[middle]?.priority ?? 0) > job.priority) low = middle + 1;
      else high = middle;
    }
    this.#waiting.splice(low, 0, job);
  }

  /** Ids of the first jobs, the next one first; null where one that came back goes before all others. */
  head(count: number): readonly string[] | null {
    if (this.#returned.length > 0) return null;
    return this.#waiting
      .slice(-count)
      .reverse()
      .map(({ id }) => id);
  }

  /** @param id one of the first; without it the next one */
  take(id?: string): VirtualJob | undefined {
    const returned = this.#returned.shift();
    if (returned !== undefined || id === undefined) return returned ?? this.#waiting.pop();
    const at = this.#waiting.findLastIndex((job) => job.id === id);
    return at === -1 ? undefined : this.#waiting.splice(at, 1)[0];
  }

  /** A job that its worker does not do any more; none where the queue has lost it. */
  giveBack(job: VirtualJob): void {
    if (this.#jobs.has(job.id)) this.#returned.push(job);
  }

  has(id: string): boolean {
    return this.#jobs.has(id);
  }

  remove(id: string): void {
    this.#jobs.delete(id);
  }

  /** As a Redis that is started again without its log. */
  forget(): void {
    this.#jobs.clear();
    this.#returned = [];
    this.#waiting = [];
  }
}
