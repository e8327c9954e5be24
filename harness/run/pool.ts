/** The one level of concurrency of a run: job slots and memory for guests, for templates, cells and measurements alike. */
import pLimit from 'p-limit';
import { Budget, type Capacity } from '../plan/admission.ts';

export class Pool {
  readonly #limit: ReturnType<typeof pLimit>;
  readonly #memory: Budget;

  constructor({ jobs, budgetMib }: Capacity) {
    this.#limit = pLimit(jobs);
    this.#memory = new Budget(budgetMib);
  }

  /** Runs a job once a slot is free, in the order of the calls. */
  run<T>(job: () => Promise<T>): Promise<T> {
    return this.#limit(job);
  }

  /** Resolves when `costMib` of memory are granted, with the function that gives them back. */
  acquireMemory(costMib: number): Promise<() => void> {
    return this.#memory.acquire(costMib);
  }

  /** The most memory that was granted at a time, MiB. */
  get peakMib(): number {
    return this.#memory.peakMib;
  }
}
