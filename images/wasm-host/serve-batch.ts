/** Requests that a thread gets in one message, and the count of those it has begun, which both sides share. */
import type { Job } from './serve-message.ts';

export type Batch = Readonly<{ number: number; jobs: readonly Job[] }>;

/** More could not be counted below; the time of a batch bounds it long before. */
export const maxBatchJobs = 8;

/** Numbers of batches begin anew after this many, so that a number and a count fit into 31 bits. */
const batchNumbers = 2 ** 24;

const closed = -1;

/** What of the newest batch of one thread is begun. What is not can be taken back, and then never begins. */
export class BatchClaims {
  readonly shared: SharedArrayBuffer;
  readonly #cell: Int32Array;
  #number = 0;

  constructor(shared = new SharedArrayBuffer(4)) {
    this.shared = shared;
    this.#cell = new Int32Array(shared);
  }

  /** The pool's side: a new batch, of which nothing is begun. Of the ones before it, nothing begins any more. */
  open(jobs: readonly Job[]): Batch {
    this.#number = (this.#number + 1) % batchNumbers;
    Atomics.store(this.#cell, 0, this.#number * (maxBatchJobs + 1));
    return { number: this.#number, jobs };
  }

  /** The thread's side. @returns false: the pool has taken this job back */
  begin({ number }: Batch, index: number): boolean {
    const before = number * (maxBatchJobs + 1) + index;
    return Atomics.compareExchange(this.#cell, 0, before, before + 1) === before;
  }

  /** The pool's side: no more jobs of the batch begin. @returns how many have, or null where it was closed before */
  close(): number | null {
    const found = Atomics.exchange(this.#cell, 0, closed);
    return found === closed ? null : found - this.#number * (maxBatchJobs + 1);
  }
}
