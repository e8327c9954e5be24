/** The threads of a server and the queue before them: one request per thread, and a thread for each that is lost. */
import type { Outcome } from './serve-instance.ts';
import type { Job } from './serve-message.ts';

/** A thread as the pool sees it; node:worker_threads' Worker is one. */
export type Thread = Readonly<{
  postMessage: (job: Job | null) => void;
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
  startThread: () => Thread;
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
type Member = { thread: Thread; current: Waiting | null; isReady: boolean; isStuck: boolean };

export class ServePool {
  readonly #options: PoolOptions;
  readonly #members = new Set<Member>();
  readonly #idle: Member[] = [];
  readonly #queue: Waiting[] = [];
  #clock: NodeJS.Timeout | null = null;
  #inUse = 0;
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
      queued: this.#queue.length,
      queuedHighWater: this.#queuedHighWater,
      stuck: members.filter(({ isStuck }) => isStuck).length,
    };
  }

  /** @param isGone true once nobody waits for the answer: the request is not begun any more; one that runs goes on */
  async run(job: Job, isGone: () => boolean): Promise<Outcome | Refused> {
    if (this.#idle.length === 0 && this.#queue.length >= this.#options.queue) return { kind: 'full' };
    return new Promise((resolve) => {
      this.#queue.push({ job, isGone, resolve, since: this.#options.now() });
      this.#fill();
      this.#queuedHighWater = Math.max(this.#queuedHighWater, this.#queue.length);
    });
  }

  /** Ends the threads; requests that still run or wait get no answer. */
  close(): void {
    this.#isClosed = true;
    if (this.#clock !== null) clearInterval(this.#clock);
    for (const { thread } of this.#members) void thread.terminate();
  }

  /** Gives waiting requests to idle threads. */
  #fill(): void {
    while (this.#queue.length > 0 && this.#idle.length > 0) {
      const next = this.#queue.shift();
      if (next?.isGone() !== false) {
        next?.resolve({ kind: 'gone' });
        continue;
      }
      const member = this.#idle.pop();
      if (member === undefined) break;
      member.current = { ...next, since: this.#options.now() };
      this.#inUse += 1;
      this.#inUseHighWater = Math.max(this.#inUseHighWater, this.#inUse);
      member.thread.postMessage(next.job);
    }
    if (this.#inUse + this.#queue.length > 0)
      this.#clock ??= setInterval(() => this.#tick(), this.#options.tickMs);
  }

  /** Nothing runs, nothing ticks. */
  #tick(): void {
    this.#options.onTick();
    const { now, limitMs, graceMs } = this.#options;
    const time = now();
    for (const member of [...this.#members]) {
      const { current } = member;
      if (current !== null && time - current.since > limitMs + graceMs) this.#giveUp(member, current);
    }
    while (this.#queue[0] !== undefined && time - this.#queue[0].since > limitMs)
      this.#queue.shift()?.resolve({ kind: 'waited-too-long' });
    // An instance that was given up goes on until a tick ends it.
    const isBusy = this.#inUse + this.#queue.length + this.state.stuck > 0;
    if (!isBusy && this.#clock !== null) {
      clearInterval(this.#clock);
      this.#clock = null;
    }
  }

  #giveUp(member: Member, current: Waiting): void {
    this.#end(member, { kind: 'late', reason: `nothing within ${this.#options.limitMs / 1000} s` }, current);
    member.isStuck = true;
    if (this.#options.canTerminate) {
      this.#members.delete(member);
      void member.thread.terminate();
    }
    if (this.#members.size < this.#options.maxThreads) void this.#startThread();
  }

  #end(member: Member, outcome: Outcome, current: Waiting): void {
    member.current = null;
    this.#inUse -= 1;
    current.resolve(outcome);
  }

  /** Null once the thread is ready. */
  async #startThread(): Promise<string | null> {
    return new Promise((resolve) => {
      const thread = this.#options.startThread();
      const member: Member = { thread, current: null, isReady: false, isStuck: false };
      this.#members.add(member);
      let words = 'it ended';
      thread.on('message', (value) => {
        if (member.current !== null) this.#end(member, value as Outcome, member.current);
        this.#welcome(member);
        resolve(null);
      });
      thread.on('error', (error) => void (words = error.message));
      thread.on('exit', () => {
        this.#lose(member, words);
        resolve(words);
      });
    });
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
    this.#fill();
  }

  #lose(member: Member, words: string): void {
    if (!this.#members.delete(member)) return;
    const at = this.#idle.indexOf(member);
    if (at !== -1) this.#idle.splice(at, 1);
    if (member.current !== null)
      this.#end(member, { kind: 'failed', reason: `its thread ended: ${words}` }, member.current);
    // One that could not even start would not start again.
    if (!this.#isClosed && member.isReady) void this.#startThread();
  }
}
