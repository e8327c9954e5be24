/**
 * A worker: takes jobs of every run that this machine fits, as many as keep its guests busy, until it is told to end.
 */
import { randomBytes } from 'node:crypto';
import type { Job } from 'bullmq';
import { plainLine } from '../outcome/plain-text.ts';
import type { Computer, Qemu } from '../plan/computer.ts';
import { formatCount, formatElapsed } from '../report/format-run.ts';
import { chooseFirst, countHolders, noteBoot, readBoot } from './affinity.ts';
import { isRefusal, explain, keys } from './connect.ts';
import { forgetExpiredRun } from './forget-run.ts';
import { type JobInHand, queuesToAsk, wantsJob } from './job-rules.ts';
import { type LaneTools, type OpenLane, openLane } from './machine-lane.ts';
import { type Call, type Lane, parseCall, type Presence, unlessInvalid } from './messages.ts';
import { listWorkers } from './roster.ts';
import { takeJob } from './take-job.ts';
import { missedBeats, waitAtMost } from './timing.ts';

export type WorkerOptions = LaneTools &
  Readonly<{
    computer: Computer;
    qemu: Qemu;
    /** Hears of each cell, by its key. */
    onCell?: (kind: 'started' | 'ended' | 'dropped', cell: string) => void;
    /** Hears what became of each job, in a line for people. */
    onJobEnd: (line: string) => void;
    /** Ends it: cells that have not ended are handed back. */
    signal: AbortSignal;
  }>;

/** Longest that the end waits for a Redis that does not answer, ms. */
const closeMs = 5000;

type Known = { lane: Lane; open: Promise<OpenLane | null> };

export class FleetWorker {
  readonly #options: WorkerOptions;
  readonly #id = randomBytes(8).toString('hex');
  /** By queue. */
  readonly #lanes = new Map<string, Known>();
  readonly #refuses = new Map<string, string>();
  readonly #ready = new Map<string, OpenLane>();
  /** Cells that run, or wait here for their turn, by job. */
  readonly #jobs = new Map<string, JobInHand & { queue: string; cells: number; done: Promise<void> }>();
  readonly #running = new Set<string>();
  /** Those whose templates are here; the one used last is last. */
  readonly #boots = new Set<string>();
  /** Machines by the boots whose templates they have, this one among them. */
  #holders: ReadonlyMap<string, number> = new Map();
  #ended = 0;
  #failure: unknown = null;
  /** Wakes the loop: a cell or a job has ended. */
  #wake: () => void = () => undefined;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  /**
   * Works until the signal fires.
   * @returns cells that ended here
   * @throws PoolproofError for what keeps this machine from running any cell; FLEET_REFUSED
   */
  async work(): Promise<number> {
    const { signal, link, timing } = this.#options;
    const beat = setInterval(() => void this.#sayPresent(), timing.beatMs);
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    try {
      await this.#sayPresent();
      while (!signal.aborted && this.#failure === null) {
        const took = await this.#look().catch((error: unknown) => this.#noteTrouble(error));
        if (!took) await this.#rest();
      }
    } finally {
      clearInterval(beat);
      await this.#end();
    }
    if (this.#failure !== null) throw explain(this.#failure, link.address);
    return this.#ended;
  }

  /** @returns false: nothing was taken */
  #noteTrouble(error: unknown): false {
    if (!isRefusal(error)) throw explain(error, this.#options.link.address);
    this.#options.onNotice(error.message.split('\n', 1)[0] ?? '');
    return false;
  }

  async #rest(): Promise<void> {
    await waitAtMost(this.#options.timing.lookMs, new Promise<void>((resolve) => (this.#wake = resolve)));
  }

  /** Looks through the lanes for one job. @returns whether it took one */
  async #look(): Promise<boolean> {
    const { capacity, signal } = this.#options;
    if (!wantsJob(this.#jobs.values(), capacity.jobs)) return false;
    for (const call of await this.#readCalls()) for (const lane of call.lanes) this.#meet(call, lane);
    const busy = [...this.#jobs.values()].map(({ queue }) => queue);
    for (const queue of queuesToAsk(this.#ready.keys(), busy)) {
      const open = this.#ready.get(queue);
      if (signal.aborted) return false;
      if (open === undefined) continue;
      const job = await this.#fetch(open);
      if (job === undefined) continue;
      // The next look begins with the others: a long run is not to keep a short one waiting.
      this.#ready.delete(queue);
      this.#ready.set(queue, open);
      this.#start(open, job);
      return true;
    }
    return false;
  }

  async #fetch(open: OpenLane): Promise<Job | undefined> {
    const isMine = await chooseFirst(open, this.#options.link.redis, this.#boots, this.#holders);
    return isMine ? fetchJob(open, this.#id) : undefined;
  }

  async #readCalls(): Promise<readonly Call[]> {
    const { redis } = this.#options.link;
    const runs = await redis.smembers(keys.runs);
    if (runs.length === 0) return this.#forget([]);
    const [calls, alive] = await Promise.all([
      redis.mget(runs.map(keys.call)),
      redis.mget(runs.map(keys.alive)),
    ]);
    for (const [index, run] of runs.entries()) if (calls[index] == null) await forgetExpiredRun(redis, run);
    const texts = calls.filter((text, index) => text !== null && alive[index] !== null);
    // Where one is not valid, its coordinator sees that nobody takes its jobs.
    return this.#forget(texts.flatMap((text) => unlessInvalid(() => parseCall(text ?? '')) ?? []));
  }

  /** Closes the lanes of runs that are over. */
  #forget(calls: readonly Call[]): readonly Call[] {
    const named = new Set(calls.flatMap(({ lanes }) => lanes.map(({ queue }) => queue)));
    for (const [queue, { open }] of this.#lanes) {
      const isUsed = [...this.#jobs.values()].some((job) => job.queue === queue);
      if (named.has(queue) || isUsed) continue;
      this.#lanes.delete(queue);
      this.#ready.delete(queue);
      this.#refuses.delete(queue);
      void open.then((lane) => lane?.[Symbol.asyncDispose]());
    }
    return calls;
  }

  /** Makes a lane ready that is new, beside the work. */
  #meet(call: Call, lane: Lane): void {
    if (this.#lanes.has(lane.queue)) return;
    const refuse = (why: string): null => {
      this.#refuses.set(lane.queue, why);
      this.#options.onNotice(`no cells of ${call.title || call.run} with ${lane.kernel}: ${why}`);
      return null;
    };
    const open = openLane(call, lane, this.#options).then(
      (opened) => {
        if (typeof opened === 'string') return refuse(opened);
        this.#ready.set(lane.queue, opened);
        this.#wake();
        return opened;
      },
      (error: unknown) => refuse(error instanceof Error ? error.message : String(error)),
    );
    this.#lanes.set(lane.queue, { lane, open: open.finally(() => void this.#sayPresent()) });
  }

  #start(open: OpenLane, job: Job): void {
    const { link, timing, signal, onNotice, onCell, onJobEnd } = this.#options;
    const id = job.id ?? '';
    const boot = readBoot(id);
    const entry = { queue: open.lane.queue, cells: 1, isAlone: false, done: Promise.resolve() };
    const others = [...this.#jobs.values()].map((other) => other.done);
    const startedAt = performance.now();
    const count = { ended: 0, dropped: 0 };
    this.#jobs.set(id, entry);
    const done = takeJob(open, job, {
      redis: link.redis,
      timing,
      token: this.#id,
      signal,
      onNotice,
      onJob: (taken) => Object.assign(entry, taken),
      whenAlone: () => Promise.all(others),
      onCell: (kind, cell) => {
        if (kind === 'started') {
          this.#running.add(cell);
          // Cells start when their template is there.
          if (boot !== null) noteBoot(this.#boots, boot);
        } else this.#running.delete(cell);
        if (kind === 'ended') this.#ended += 1;
        if (kind !== 'started') {
          count[kind] += 1;
          entry.cells -= 1;
        }
        onCell?.(kind, cell);
        this.#wake();
      },
    });
    entry.done = done
      .catch((error: unknown) => void (this.#failure ??= error))
      .finally(() => {
        this.#jobs.delete(id);
        onJobEnd(formatJob(open.title, count, performance.now() - startedAt));
        this.#wake();
      });
  }

  async #sayPresent(): Promise<void> {
    const { link, name, tool, computer, qemu, architectures, capacity, timing } = this.#options;
    const presence: Presence = {
      schema: 1,
      name,
      tool,
      qemu: qemu.version,
      architectures: [...architectures],
      cpuModel: computer.cpuModel.slice(0, 200),
      cores: computer.cores,
      kernel: computer.kernel,
      memoryMib: capacity.budgetMib,
      jobs: capacity.jobs,
      images: [...this.#ready.values()].map(({ lane }) => `${lane.kernel} ${lane.digest}`),
      boots: [...this.#boots],
      cells: [...this.#running].slice(0, 64),
      ended: this.#ended,
      refuses: Object.fromEntries([...this.#refuses].map(([queue, why]) => [queue, why.slice(0, 1000)])),
    };
    try {
      await link.redis
        .multi()
        .set(keys.worker(this.#id), JSON.stringify(presence), 'PX', timing.beatMs * missedBeats)
        .sadd(keys.workers, this.#id)
        .exec();
      this.#holders = countHolders((await listWorkers(link.redis)).map(({ boots }) => boots));
    } catch {
      // The connection says what is wrong; the next beat comes.
    }
  }

  /** Hands back what has not ended, and leaves. */
  async #end(): Promise<void> {
    const { link } = this.#options;
    const leave = async (): Promise<void> => {
      await Promise.all([...this.#jobs.values()].map(({ done }) => done));
      await link.redis.multi().del(keys.worker(this.#id)).srem(keys.workers, this.#id).exec();
    };
    await waitAtMost(closeMs, leave());
    await Promise.all([...this.#ready.values()].map((open) => open[Symbol.asyncDispose]()));
    link.redis.disconnect();
  }
}

/** `nightly: 4 cells in 1m 20s, 1 not run here` */
function formatJob(
  title: string,
  { ended, dropped }: Readonly<{ ended: number; dropped: number }>,
  ms: number,
): string {
  const others = dropped === 0 ? '' : `, ${dropped} not run here`;
  return `${plainLine(title)}: ${formatCount(ended, 'cell')} in ${formatElapsed(ms)}${others}`;
}

/** None where the queue is empty, which the types of BullMQ do not say. */
const fetchJob = (open: OpenLane, token: string): Promise<Job | undefined> =>
  open.jobs.getNextJob(token, { block: false });
