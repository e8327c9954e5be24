/** The threads of a server and the queue before them: short requests in batches, and a thread for each that is lost. */
import { BatchClaims, maxBatchJobs, type Batch } from './serve-batch.ts';
import type { Done, Outcome } from './serve-instance.ts';
import type { Job } from './serve-message.ts';

/** A thread as the pool sees it; node:worker_threads' Worker is one. */
export type Thread = Readonly<{
  postMessage: (batch: Batch | null) => void;
  terminate: () => unknown;
  on: ((event: 'message', listener: (value: unknown) => void) => unknown) &
    ((event: 'error', listener: (error: Error) => void) => unknown) &
    ((event: 'exit', listener: () => void) => unknown);
}>;

export type PoolOptions = Readonly<{
  /** Running at a time. */
  threads: number;
  /** Waiting at a time. */
  queue: number;
  /** That a request may wait, and an instance run. */
  limitMs: number;
  /** More time for an engine that interrupts its instances itself, before a thread is given up. */
  graceMs: number;
  /**
   * True: a thread can be ended while its instance runs. Otherwise it stays until its instance ends, and another takes
   * its place as long as there are fewer than `maxThreads`.
   */
  canTerminate: boolean;
  maxThreads: number;
  /** @param claims of BatchClaims, for the thread */
  startThread: (claims: SharedArrayBuffer) => Thread;
  /** Called every `tickMs` while an instance runs. */
  onTick: () => void;
  tickMs: number;
  now: () => number;
}>;

/** No place in the queue, no thread in time, or a client that left meanwhile. */
export type Refused = Readonly<{ kind: 'full' | 'waited-too-long' | 'gone' }>;

export type PoolState = Readonly<{
  threads: number;
  inUse: number;
  inUseHighWater: number;
  queued: number;
  queuedHighWater: number;
  /** Threads whose instance was given up and still runs. */
  stuck: number;
}>;

type Waiting = Readonly<{
  job: Job;
  isGone: () => boolean;
  resolve: (outcome: Outcome | Refused) => void;
  since: number;
}>;

/** A thread. */
type Member = {
  readonly thread: Thread;
  readonly claims: BatchClaims;
  /** Its batch, as far as it has no answer, in order. Null: given up, and its answer may still come. */
  batch: (Waiting | null)[];
  /** Jobs of the batch that were answered. */
  answered: number;
  /** The time at which the first of `batch` began, as far as is known here. */
  since: number;
  isReady: boolean;
  isStuck: boolean;
};

/**
 * To wake a thread that sleeps takes longer than a short request: tens of microseconds in a virtual machine. So a batch
 * is what takes about this long, and one request where that takes longer.
 */
const batchMs = 0.25;

/** The weight of the newest request in the mean of their times. */
const newestWeight = 1 / 8;

export class ServePool {
  readonly #options: PoolOptions;
  readonly #members = new Set<Member>();
  readonly #idle: Member[] = [];
  readonly #queue: Waiting[] = [];
  #clock: NodeJS.Timeout | null = null;
  #isFilling = false;
  /** Of a request in its thread; null before the first. */
  #meanMs: number | null = null;
  /** Threads with a batch, but for those given up. */
  #inUse = 0;
  /** In batches, and neither answered nor given up. */
  #held = 0;
  #inUseHighWater = 0;
  #queuedHighWater = 0;
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Starts all threads and waits for them. @returns the reason why one did not start, or null */
  async start(): Promise<string | null> {
    const results = await Promise.all(
      Array.from({ length: this.#options.threads }, async () => this.#startThread()),
    );
    return results.find((result) => result !== null) ?? null;
  }

  get state(): PoolState {
    const members = [...this.#members];
    return {
      threads: members.filter(({ isReady, isStuck }) => isReady && !isStuck).length,
      inUse: this.#inUse,
      inUseHighWater: this.#inUseHighWater,
      queued: this.#queued,
      queuedHighWater: this.#queuedHighWater,
      stuck: members.filter(({ isStuck }) => isStuck).length,
    };
  }

  /** Without a thread, or behind another request in a thread's batch. */
  get #queued(): number {
    return this.#queue.length + this.#held - this.#inUse;
  }

  /** @param isGone true once nobody waits for the answer: the request is not begun any more; one that runs goes on */
  async run(job: Job, isGone: () => boolean): Promise<Outcome | Refused> {
    if (this.#queued >= this.#options.queue + this.#idle.length) return { kind: 'full' };
    return new Promise((resolve) => {
      this.#queue.push({ job, isGone, resolve, since: this.#options.now() });
      // Here, since a thread may come free before the queue is looked at next; less those that threads will take.
      this.#queuedHighWater = Math.max(this.#queuedHighWater, this.#queued - this.#idle.length);
      this.#fillSoon();
    });
  }

  /** Ends the threads; requests that still run or wait get no answer. */
  close(): void {
    this.#isClosed = true;
    if (this.#clock !== null) clearInterval(this.#clock);
    for (const { thread } of this.#members) void thread.terminate();
  }

  /** Once everything that has arrived is read: what arrives together can go in one batch. */
  #fillSoon(): void {
    if (this.#isFilling) return;
    this.#isFilling = true;
    setImmediate(() => {
      this.#isFilling = false;
      this.#fill();
    });
  }

  /** Gives waiting requests to idle threads. */
  #fill(): void {
    while (this.#idle.length > 0) {
      const batch = this.#takeBatch();
      const member = batch.length > 0 ? this.#idle.pop() : undefined;
      if (member === undefined) break;
      member.batch = batch;
      member.answered = 0;
      member.since = this.#options.now();
      this.#held += batch.length;
      this.#inUse += 1;
      this.#inUseHighWater = Math.max(this.#inUseHighWater, this.#inUse);
      member.thread.postMessage(member.claims.open(batch.map(({ job }) => job)));
    }
    if (this.#held + this.#queue.length > 0)
      this.#clock ??= setInterval(() => this.#tick(), this.#options.tickMs);
  }

  #takeBatch(): Waiting[] {
    const mean = this.#meanMs ?? batchMs;
    const size = Math.min(maxBatchJobs, Math.max(1, Math.floor(batchMs / mean)));
    const batch: Waiting[] = [];
    while (batch.length < size) {
      const next = this.#queue.shift();
      if (next === undefined) break;
      if (next.isGone()) next.resolve({ kind: 'gone' });
      else batch.push(next);
    }
    return batch;
  }

  /** Nothing runs, nothing ticks. */
  #tick(): void {
    this.#options.onTick();
    const { now, limitMs, graceMs } = this.#options;
    const time = now();
    for (const member of [...this.#members]) {
      const [current] = member.batch;
      if (current === undefined) continue;
      if (time - member.since >= this.#options.tickMs) this.#takeBack(member);
      // It was not even awake.
      if (member.batch.length === 0) this.#idle.push(member);
      if (current !== null && time - member.since > limitMs + graceMs) this.#giveUp(member, current);
    }
    while (this.#queue[0] !== undefined && time - this.#queue[0].since > limitMs)
      this.#queue.shift()?.resolve({ kind: 'waited-too-long' });
    // An instance that was given up goes on until a tick ends it.
    const isBusy = this.#held + this.#queue.length + this.state.stuck > 0;
    if (!isBusy && this.#clock !== null) {
      clearInterval(this.#clock);
      this.#clock = null;
    }
  }

  /** Another thread may take what waits behind a request that takes long. */
  #takeBack(member: Member): void {
    const begun = member.claims.close();
    if (begun === null) return;
    const unbegun = member.batch.splice(begun - member.answered).filter((waiting) => waiting !== null);
    if (unbegun.length === 0) return;
    this.#held -= unbegun.length;
    if (member.batch.length === 0) this.#inUse -= 1;
    this.#queue.unshift(...unbegun);
    this.#fillSoon();
  }

  #giveUp(member: Member, current: Waiting): void {
    this.#held -= 1;
    this.#inUse -= 1;
    member.batch[0] = null;
    member.isStuck = true;
    current.resolve({ kind: 'late', reason: `nothing within ${this.#options.limitMs / 1000} s` });
    if (this.#options.canTerminate) {
      this.#members.delete(member);
      this.#fail(member, 'the request before it took too long');
      void member.thread.terminate();
    }
    if (this.#members.size < this.#options.maxThreads) void this.#startThread();
  }

  /** Null once the thread is ready. */
  async #startThread(): Promise<string | null> {
    return new Promise((resolve) => {
      const claims = new BatchClaims();
      const thread = this.#options.startThread(claims.shared);
      const member: Member = {
        thread,
        claims,
        batch: [],
        answered: 0,
        since: 0,
        isReady: false,
        isStuck: false,
      };
      this.#members.add(member);
      let words = 'it ended';
      thread.on('message', (value) => {
        if (member.isReady) this.#finish(member, value as Done);
        else this.#welcome(member);
        resolve(null);
      });
      thread.on('error', (error) => void (words = error.message));
      thread.on('exit', () => {
        this.#lose(member, words);
        resolve(words);
      });
    });
  }

  #finish(member: Member, { outcome, ms }: Done): void {
    const first = member.batch.shift();
    member.answered += 1;
    member.since = this.#options.now();
    this.#meanMs = this.#meanMs === null ? ms : this.#meanMs + (ms - this.#meanMs) * newestWeight;
    if (first !== null && first !== undefined) {
      this.#held -= 1;
      if (member.batch.length === 0 && !member.isStuck) this.#inUse -= 1;
      first.resolve(outcome);
    }
    if (member.batch.length === 0) this.#welcome(member);
  }

  /** A thread that has nothing to do, new or again. */
  #welcome(member: Member): void {
    member.isReady = true;
    // A late answer of an instance that was given up: its thread is of use again, unless another has its place.
    if (member.isStuck && this.state.threads >= this.#options.threads) {
      this.#members.delete(member);
      member.thread.postMessage(null);
      return;
    }
    member.isStuck = false;
    this.#idle.push(member);
    this.#fillSoon();
  }

  #lose(member: Member, words: string): void {
    if (!this.#members.delete(member)) return;
    const at = this.#idle.indexOf(member);
    if (at !== -1) this.#idle.splice(at, 1);
    this.#takeBack(member);
    this.#fail(member, `its thread ended: ${words}`);
    // One that could not even start would not start again.
    if (!this.#isClosed && member.isReady) void this.#startThread();
  }

  /** For what a thread has begun and will not answer. */
  #fail(member: Member, reason: string): void {
    const lost = member.batch.splice(0).filter((waiting) => waiting !== null);
    this.#held -= lost.length;
    if (lost.length > 0 && !member.isStuck) this.#inUse -= 1;
    for (const waiting of lost) waiting.resolve({ kind: 'failed', reason });
  }
}
