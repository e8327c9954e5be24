/** The messages of a run's workers, as its coordinator takes them out of Redis: in few ways there and back. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { keys } from './connect.ts';

/** Messages per answer. */
const batchSize = 200;

export type Letter = Readonly<{ id: string; bytes: Buffer }>;

/** As Redis has it: the names and values of its fields. */
type StreamEntry = readonly [id: Buffer, fields: readonly Buffer[]];

export class Inbox {
  readonly #redis: Redis;
  /** Waits for messages; a connection that waits can do nothing else. */
  readonly #waiting: Redis;
  readonly #gatherMs: number;
  /** Deleted by the next reading: until then nobody but a coordinator that takes this one's place reads them again. */
  #taken: string[] = [];
  /** How many the last answer had. */
  #last = 0;

  /** @param gatherMs see {@link Timing} */
  constructor(redis: Redis, gatherMs: number) {
    this.#redis = redis;
    this.#waiting = redis.duplicate({ lazyConnect: true });
    // The first connection says what is wrong.
    this.#waiting.on('error', () => undefined);
    this.#gatherMs = gatherMs;
  }

  /**
   * The messages that are there and not taken. With a time to wait: those that have gathered since the last ones came,
   * or, where none came, behind the next one.
   */
  async read(run: string, waitMs: number): Promise<readonly Letter[]> {
    const isFull = this.#last === batchSize;
    if (waitMs > 0 && !isFull && (this.#last > 0 || (await this.#waitForOne(run, waitMs))))
      await sleep(this.#gatherMs);
    const asked = this.#redis.pipeline();
    if (this.#taken.length > 0) asked.xdel(keys.news(run), ...this.#taken);
    asked.xrangeBuffer(keys.news(run), '-', '+', 'COUNT', batchSize);
    const answers = (await asked.exec()) ?? [];
    for (const [error] of answers) if (error !== null) throw error;
    const found = answers.at(-1)?.[1] as readonly StreamEntry[];
    this.#taken = [];
    this.#last = found.length;
    return found.map(([id, [, bytes = Buffer.alloc(0)]]) => ({ id: id.toString(), bytes }));
  }

  /** What was in it is stored. */
  take({ id }: Letter): void {
    this.#taken.push(id);
  }

  close(): void {
    this.#waiting.disconnect();
  }

  /** @returns whether there is one */
  async #waitForOne(run: string, waitMs: number): Promise<boolean> {
    const ms = Math.ceil(waitMs);
    return (await this.#waiting.xread('COUNT', 1, 'BLOCK', ms, 'STREAMS', keys.news(run), '0')) !== null;
  }
}
