/**
 * The time a guest could have run, and the one way to wait for a guest. A deadline that counted elapsed time would take
 * a sleeping laptop, Ctrl-Z or a busy computer for an answer about the environment.
 *
 * {@link countInterval}, a function of two samples, decides which time counts; `process-sample.ts` takes them.
 */
import { uptime } from 'node:os';
import { PoolproofError } from '../errors.ts';
import { elapsedCapMs, samplePeriodMs } from '../plan/deadlines.ts';

/** CPU time of one thread since it started, milliseconds. */
export type ThreadTimes = Readonly<{
  /** On a core. */
  ranMs: number;
  /** Runnable, and waiting for a core. */
  waitedMs: number;
}>;

/** A machine's process at one moment. */
export type Sample = Readonly<{
  /** Monotonic clock, milliseconds: stands still while the computer is suspended. */
  monotonicMs: number;
  /** Clock since the computer's boot, milliseconds: goes on while it is suspended. */
  bootMs: number;
  /** Stopped by a signal or a debugger, or in a frozen cgroup. */
  stopped: boolean;
  /** By thread; null where the kernel does not show it. */
  threads: ReadonlyMap<number, ThreadTimes> | null;
}>;

/** A process that has just been started: nothing of it has run yet. */
export function startSample(): Sample {
  return {
    monotonicMs: performance.now(),
    bootMs: uptime() * 1000,
    stopped: false,
    threads: new Map(),
  };
}

/** More than this between the two clocks is a suspended computer; the boot clock is read in steps of 10 ms. */
const suspendedMs = 250;

/**
 * How much of the time between two samples counts, milliseconds: never more than elapsed, and never less than the
 * busiest thread ran.
 *
 * A guest does not get on while a thread it needs is runnable and waits for a core. Which thread that is changes: a
 * virtual CPU that waits for its disk needs QEMU's main thread. So what all threads waited is subtracted. Where
 * several waited at once that is too much (four virtual CPUs that spin on two cores wait twice the elapsed time),
 * but what one thread ran was certainly time of the guest, and that is the floor: those four are counted half.
 *
 * @param periodMs the longest time between two samples that were taken on time. A sample that comes later means that
 * the harness itself did not run, and nothing is known about the guest meanwhile.
 */
export function countInterval(before: Sample, after: Sample, periodMs: number): number {
  const elapsed = after.monotonicMs - before.monotonicMs;
  const suspended = after.bootMs - before.bootMs - elapsed;
  // A stop began or ended somewhere in the interval; where is not known.
  if (before.stopped || after.stopped || suspended > suspendedMs) return 0;
  const awake = Math.max(0, Math.min(elapsed, periodMs));
  if (before.threads === null || after.threads === null) return awake;
  let waited = 0;
  let ran = 0;
  for (const [id, times] of after.threads) {
    const earlier = before.threads.get(id) ?? { ranMs: 0, waitedMs: 0 };
    waited += Math.max(0, times.waitedMs - earlier.waitedMs);
    ran = Math.max(ran, times.ranMs - earlier.ranMs);
  }
  return Math.min(awake, Math.max(awake - waited, ran));
}

/** One wait for a guest. */
export type Deadline = Readonly<{
  /** The missing event, for the error: `no answer to hello`. */
  what: string;
  /** Time the guest gets, milliseconds, as {@link GuestTime} counts it. */
  ms: number;
}>;

type Wait = Deadline &
  Readonly<{
    startMs: number;
    awakeStartMs: number;
    capMs: number;
    reject: (error: PoolproofError) => void;
  }>;

type Options = Readonly<{
  /** Milliseconds between two samples. */
  periodMs?: number;
  /** Elapsed time after which a wait for a guest that hardly runs is given up, by its deadline; milliseconds. */
  capMs?: (deadlineMs: number) => number;
}>;

/**
 * The clock of one machine. It samples only while something waits, and not before a period has passed: what answers
 * within that costs nothing.
 */
export class GuestTime {
  readonly #takeSample: () => Sample;
  readonly #periodMs: number;
  readonly #capMs: (deadlineMs: number) => number;
  readonly #waits = new Set<Wait>();
  #last = startSample();
  #countedMs = 0;
  /** Elapsed time without the gaps in which the harness itself did not run. */
  #awakeMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #dueMs = Infinity;

  constructor(takeSample: () => Sample, { periodMs = samplePeriodMs, capMs = elapsedCapMs }: Options = {}) {
    this.#takeSample = takeSample;
    this.#periodMs = periodMs;
    this.#capMs = capMs;
  }

  /** Time the guest has got so far, milliseconds; without taking a sample, so up to a period too much. */
  get estimateMs(): number {
    return this.#countedMs + this.#sinceSample();
  }

  /**
   * Waits for something a guest or its QEMU does.
   * @throws PoolproofError MACHINE_TIMEOUT when the guest could have run for `ms`; MACHINE_STALLED when it could not,
   * and far more time than that has passed; what `work` rejects with.
   */
  within<T>(work: Promise<T>, deadline: Deadline): Promise<T> {
    return new Promise((resolve, reject) => {
      const wait: Wait = {
        ...deadline,
        // Rounded up: what may have been the time before this wait is not counted as part of it.
        startMs: this.estimateMs,
        awakeStartMs: this.#awakeMs + this.#sinceSample(),
        capMs: this.#capMs(deadline.ms),
        reject,
      };
      const done = (): void => {
        this.#waits.delete(wait);
        this.#schedule();
      };
      work.then(resolve, reject).finally(done);
      this.#waits.add(wait);
      this.#schedule();
    });
  }

  #sinceSample(): number {
    return Math.max(0, Math.min(performance.now() - this.#last.monotonicMs, this.#periodMs));
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    this.#dueMs = Infinity;
    if (this.#waits.size === 0) return;
    const left = [...this.#waits].map(({ startMs, ms }) => startMs + ms - this.estimateMs);
    // A guest that gets no time must not be sampled continuously.
    const delay = Math.min(this.#periodMs, Math.max(this.#periodMs / 10, Math.min(...left)));
    this.#dueMs = performance.now() + delay;
    this.#timer = setTimeout(() => this.#tick(), delay);
  }

  #tick(): void {
    const late = performance.now() - this.#dueMs > this.#periodMs / 2;
    const before = this.#last;
    this.#last = this.#takeSample();
    this.#countedMs += countInterval(before, this.#last, this.#periodMs);
    this.#awakeMs += Math.min(this.#last.monotonicMs - before.monotonicMs, this.#periodMs);
    for (const wait of this.#waits) this.#check(wait, late);
    this.#schedule();
  }

  /** @param late the harness itself did not run: an answer may lie in the socket, or half of it, and more is to come */
  #check(wait: Wait, late: boolean): void {
    const { what, ms } = wait;
    const got = this.#countedMs - wait.startMs;
    const passed = this.#awakeMs - wait.awakeStartMs;
    if (got >= ms && !late) {
      this.#giveUp(wait, new PoolproofError('MACHINE_TIMEOUT', `${what} within ${ms} ms`));
    } else if (passed >= wait.capMs) {
      const seconds = (value: number): string => (Math.max(0, value) / 1000).toFixed(1);
      const message = `${what}: of ${seconds(passed)} s the guest could run for ${seconds(got)}`;
      this.#giveUp(wait, new PoolproofError('MACHINE_STALLED', message));
    }
  }

  /** Data that has arrived by now is read first: two rounds of the event loop, each of which looks at the sockets. */
  #giveUp(wait: Wait, error: PoolproofError): void {
    setImmediate(() =>
      setImmediate(() => {
        if (this.#waits.has(wait)) wait.reject(error);
        this.#waits.delete(wait);
      }),
    );
  }
}
