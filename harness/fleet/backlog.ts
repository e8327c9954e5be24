/**
 * Jobs that wait in the coordinator for their turn in the queue. Redis holds so many as keep every guest busy until the
 * next ones come, however many cells a run has: its memory, and what it costs to look after jobs, do not grow with the
 * run. Pure.
 */
import type { Chunk } from './chunk-plans.ts';

/**
 * Jobs in a queue per guest of the fleet. A job keeps all guests of a machine busy for a minute: some minutes of work,
 * longer than a coordinator is ever busy or away.
 */
const jobsPerGuest = 2;
/** Jobs in each queue at least: workers that join find some. */
const fewestJobs = 200;

export class Backlog {
  /** By queue; the next one last. */
  readonly #waiting = new Map<string, Chunk[]>();

  /**
   * @param chunks in the order in which they go
   * @param queueOf the name of a chunk's queue
   */
  constructor(chunks: readonly Chunk[], queueOf: (chunk: Chunk) => string) {
    for (const chunk of [...chunks].reverse()) {
      const queue = queueOf(chunk);
      const known = this.#waiting.get(queue);
      if (known === undefined) this.#waiting.set(queue, [chunk]);
      else known.push(chunk);
    }
  }

  /**
   * Takes the next jobs of the queues that run low: half empty, so that they are filled in few calls.
   * @param unfinished the queue of each job that has not ended
   * @param guests that the fleet runs at a time
   */
  take(unfinished: Iterable<string>, guests: number): readonly Chunk[] {
    if (this.#waiting.size === 0) return [];
    const counts = new Map<string, number>();
    for (const queue of unfinished) counts.set(queue, (counts.get(queue) ?? 0) + 1);
    const most = Math.max(fewestJobs, jobsPerGuest * guests);
    const taken: Chunk[] = [];
    for (const [queue, waiting] of this.#waiting) {
      const count = counts.get(queue) ?? 0;
      if (count > most / 2) continue;
      for (const chunk of waiting.splice(Math.max(0, waiting.length - (most - count))).reverse())
        taken.push(chunk);
      if (waiting.length === 0) this.#waiting.delete(queue);
    }
    return taken;
  }
}
