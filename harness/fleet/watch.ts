/** Tells the user of a run who comes and goes, and why nobody takes what waits. */
import { explainIdle } from './roster.ts';
import type { Lane, Presence } from './messages.ts';
import type { Round } from './round.ts';

export type WatchOptions = Readonly<{
  lanes: readonly Lane[];
  /** How long there may be no worker before that is told, ms. */
  patienceMs: number;
  /** Of the fleet's Redis. */
  address: string;
}>;

export class Watch {
  readonly #round: Round;
  readonly #options: WatchOptions;
  /** By lane: since when no worker takes its jobs, and what was said about it. */
  readonly #idle: ReadonlyMap<Lane, { since: number; said: string | null }>;
  #seen: ReadonlySet<string> = new Set();

  constructor(round: Round, options: WatchOptions) {
    this.#round = round;
    this.#options = options;
    this.#idle = new Map(options.lanes.map((lane) => [lane, { since: performance.now(), said: null }]));
  }

  look(workers: readonly Presence[]): void {
    this.#tellWorkers(workers);
    const { patienceMs, address } = this.#options;
    const now = performance.now();
    for (const [lane, idle] of this.#idle) {
      const why = this.#round.pending.needsKernel(lane.kernel) ? explainIdle(workers, lane, address) : null;
      if (why === null) idle.since = now;
      // Workers that are there and refuse do not change their mind; the first one may still be on its way.
      const isEarly = workers.length === 0 && now - idle.since < patienceMs;
      if (why === null || why === idle.said || isEarly) continue;
      this.#round.notice(`no worker takes the cells of ${lane.kernel}: ${why}`);
      idle.said = why;
    }
  }

  #tellWorkers(workers: readonly Presence[]): void {
    const names = new Set(workers.map(({ name }) => name));
    for (const { name, jobs } of workers)
      if (!this.#seen.has(name))
        this.#round.notice(`worker ${name}: ${jobs === 1 ? 'one guest' : `${jobs} guests`} at a time`);
    for (const name of this.#seen) if (!names.has(name)) this.#round.notice(`worker ${name} is gone`);
    this.#seen = names;
  }
}
