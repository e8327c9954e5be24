/**
 * Runs boot plans on the machines of a fleet: the coordinator. Jobs go into queues of Redis, results come back through
 * a stream, and only here it is decided what counts.
 */
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { GuestMeasureRequest, GuestOverhead } from '../measure/measure-guest.ts';
import type { GuestServing } from '../measure/measure-serving.ts';
import type { Cell } from '../matrix/cell.ts';
import type { Durations } from '../plan/shard-durations.ts';
import { formatCount } from '../report/format-run.ts';
import type { BootPlan } from '../run/boot-plan.ts';
import type { Prepared } from '../run/prepare.ts';
import type { Runner, RunnerEvent, ServingRequest } from '../run/runner.ts';
import { cellKey } from '../store/read-run.ts';
import { nameJobId } from './affinity.ts';
import { renewArchives, removeArchives } from './archive-store.ts';
import { Backlog } from './backlog.ts';
import { chunkPlans, type FleetSize } from './chunk-plans.ts';
import { explain, keys, type Link, openQueue } from './connect.ts';
import { priorityOf, urgentPriority } from './job-rules.ts';
import { Inbox } from './inbox.ts';
import { buildLanes, queueName } from './lanes.ts';
import {
  type Archive,
  type Call,
  type FleetJob,
  InvalidMessage,
  type Lane,
  parseJob,
  unlessInvalid,
  unpackMessage,
} from './messages.ts';
import { type LeftCell, rejoin, separate } from './pending-cells.ts';
import { listWorkers, measureFleet } from './roster.ts';
import { Round } from './round.ts';
import { type Timing, missedBeats, waitAtMost } from './timing.ts';
import { Watch } from './watch.ts';

export type FleetRunnerOptions = Readonly<{
  link: Link;
  prepared: Prepared;
  tool: string;
  title: string;
  /** See {@link collectSamples}. */
  samples: ReadonlyMap<string, readonly Cell[]>;
  /** How long cells took before. */
  durations: Durations;
  timing: Timing;
  /** Puts images into Redis, for workers that lack them. */
  publishImages?: (redis: Redis, run: string) => Promise<ReadonlyMap<string, Archive>>;
  /** Opens what measures; one machine, so that figures of a run are of one CPU. */
  openLocal: () => Promise<Runner>;
}>;

/** A fleet whose workers are still to come. */
const expected: FleetSize = { guests: 8, workers: 2 };
/** Jobs per call to Redis. */
const batchSize = 200;
/** For how long a run without its coordinator can be resumed from what the queue has. */
const callSeconds = 7 * 24 * 3600;
/** Longest that the end of a run waits for a Redis that does not answer, ms. */
const closeMs = 5000;

/** One call of `run`. */
type Batch = Readonly<{
  run: string;
  round: Round;
  signal: AbortSignal;
  /** Of each job. */
  places: Map<string, Readonly<{ queue: string; priority: number }>>;
}>;

type Addition = Readonly<{ plan: BootPlan; priority: number; lost: number }>;

export class FleetRunner implements Runner {
  readonly #options: FleetRunnerOptions;
  readonly #redis: Redis;
  readonly #inbox: Inbox;
  readonly #queues = new Map<string, Queue>();
  #call: Call | null = null;
  #local: Promise<Runner> | null = null;

  constructor(options: FleetRunnerOptions) {
    this.#options = options;
    this.#redis = options.link.redis;
    this.#inbox = new Inbox(this.#redis, options.timing.gatherMs);
  }

  /** Guests are on other computers. */
  readonly peakMib = 0;

  async run(
    plans: readonly BootPlan[],
    onEvent: (event: RunnerEvent) => void,
    signal: AbortSignal,
    run: string,
  ): Promise<void> {
    const { link, prepared, samples } = this.#options;
    const alike = new Map(buildLanes(run, prepared, samples).map((lane) => [lane.kernel, lane]));
    const round = new Round(plans, alike, onEvent);
    const ended = new AbortController();
    try {
      const work = this.#work({ run, round, signal, places: new Map() });
      // Behind an abort nobody waits for a Redis that may never answer.
      work.catch(() => undefined);
      await Promise.race([work, whenAborted(signal, ended.signal)]);
    } catch (error) {
      throw explain(error, link.address);
    } finally {
      ended.abort();
    }
    const shares = [...round.byMachine].sort().map(([name, count]) => `${name} ${count}`);
    if (shares.length > 0) round.notice(`cells by machine: ${shares.join(', ')}`);
  }

  async measure(
    request: GuestMeasureRequest,
    onStart: () => void,
    signal: AbortSignal,
  ): Promise<GuestOverhead> {
    return (await this.#openLocal()).measure(request, onStart, signal);
  }

  async measureServing(
    request: ServingRequest,
    onStart: () => void,
    signal: AbortSignal,
  ): Promise<GuestServing> {
    return (await this.#openLocal()).measureServing(request, onStart, signal);
  }

  /** Ends the run for the fleet too: workers drop what they still do for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    const call = this.#call;
    const forget = async (): Promise<void> => {
      if (call === null) return;
      for (const queue of this.#queues.values()) {
        await queue.obliterate({ force: true });
        // What its pause wrote stays otherwise.
        await this.#redis.del(queue.toKey('meta'));
      }
      await removeArchives(this.#redis, call);
      await this.#redis.del(keys.call(call.run), keys.alive(call.run), keys.news(call.run));
      await this.#redis.srem(keys.runs, call.run);
    };
    await waitAtMost(closeMs, forget());
    this.#inbox.close();
    this.#redis.disconnect();
    await (await this.#local)?.[Symbol.asyncDispose]();
  }

  #openLocal(): Promise<Runner> {
    return (this.#local ??= this.#options.openLocal());
  }

  async #work(batch: Batch): Promise<void> {
    const { run, round, signal } = batch;
    const { timing, durations, link } = this.#options;
    const { lanes } = await this.#publish(run);
    const watch = new Watch(round, { lanes, patienceMs: timing.patienceMs, address: link.address });
    await this.#adopt(batch, lanes);
    // Results that came while nobody coordinated: their cells need no job any more.
    while (!signal.aborted && (await this.#receive(batch, 0)) > 0);
    let size = measureFleet(await listWorkers(this.#redis)) ?? expected;
    const chunks = chunkPlans(round.pending.unassigned(), durations, size);
    const backlog = new Backlog(chunks, ({ plan }) => queueOf(run, plan));
    let beatAt = performance.now();
    while (round.pending.size > 0 && !signal.aborted) {
      const unfinished = round.pending.jobs().map((job) => batch.places.get(job)?.queue ?? '');
      const next = backlog.take(unfinished, size.guests);
      const added = next.map(({ plan, place }) => ({ plan, priority: priorityOf(place), lost: 0 }));
      await this.#add(batch, added);
      await this.#receive(batch, Math.min(1000, timing.beatMs));
      if (performance.now() - beatAt < timing.beatMs) continue;
      beatAt = performance.now();
      await this.#publish(run);
      await this.#addLost(batch);
      const workers = await listWorkers(this.#redis);
      size = measureFleet(workers) ?? expected;
      watch.look(workers);
    }
  }

  /** Tells the fleet of the run, and that its coordinator lives. */
  async #publish(run: string): Promise<Call> {
    const call = (this.#call ??= await this.#makeCall(run));
    const aliveMs = this.#options.timing.beatMs * missedBeats;
    await renewArchives(this.#redis, call);
    // A Redis without memory takes no new value, but renews these.
    await this.#redis.expire(keys.call(run), callSeconds);
    const isAlive = (await this.#redis.pexpire(keys.alive(run), aliveMs)) === 1;
    if (isAlive && (await this.#redis.sismember(keys.runs, run)) === 1) return call;
    await this.#redis.set(keys.call(run), JSON.stringify(call), 'EX', callSeconds);
    // Workers write only into a stream that is there: what is too late leaves nothing.
    const made = this.#redis.xgroup('CREATE', keys.news(run), 'coordinator', '0', 'MKSTREAM');
    await made.catch((error: unknown) => {
      if (!String(error).includes('BUSYGROUP')) throw error;
    });
    await this.#redis.sadd(keys.runs, run);
    await this.#redis.set(keys.alive(run), '1', 'PX', aliveMs);
    return call;
  }

  async #makeCall(run: string): Promise<Call> {
    const { prepared, tool, title, samples, publishImages } = this.#options;
    const archives = await publishImages?.(this.#redis, run);
    const lanes = [...buildLanes(run, prepared, samples, archives)];
    return { schema: 1, run, title: title.slice(0, 200), tool, lanes };
  }

  #queue(name: string): Queue {
    const known = this.#queues.get(name);
    if (known !== undefined) return known;
    const queue = openQueue(this.#options.link, name);
    this.#queues.set(name, queue);
    return queue;
  }

  /** Jobs of the run from before `--resume` go on: their cells are not queued again. */
  async #adopt({ run, round, places }: Batch, lanes: readonly Lane[]): Promise<void> {
    let cells = 0;
    for (const { queue } of lanes) {
      const jobs = await this.#queue(queue).getJobs(['active', 'prioritized', 'waiting', 'delayed']);
      for (const { id, data, priority } of jobs) {
        const job = unlessInvalid(() => parseJob(data));
        if (id === undefined || job?.run !== run) continue;
        places.set(id, { queue, priority });
        round.pending.assign(id, job.plan.cells.map(cellKey), job.lost);
        cells += round.pending.countCells(id);
      }
    }
    if (cells > 0)
      round.notice(
        `${formatCount(cells, 'cell')} of the run ${cells === 1 ? 'is' : 'are'} in the queue already`,
      );
  }

  async #add({ run, round, places }: Batch, additions: readonly Addition[]): Promise<void> {
    const options = { removeOnComplete: true, removeOnFail: true };
    for (let at = 0; at < additions.length; at += batchSize) {
      const byQueue = new Map<string, BulkJob[]>();
      for (const { plan, priority, lost } of additions.slice(at, at + batchSize)) {
        const name = queueOf(run, plan);
        const jobId = nameJobId(plan, priority === urgentPriority);
        round.pending.assign(jobId, plan.cells.map(cellKey), lost);
        places.set(jobId, { queue: name, priority });
        const job = {
          name: nameJob(plan),
          data: { schema: 1, run, plan, lost } satisfies FleetJob,
          opts: { ...options, jobId, priority },
        };
        byQueue.set(name, [...(byQueue.get(name) ?? []), job]);
      }
      for (const [name, jobs] of byQueue) await this.#queue(name).addBulk(jobs);
    }
  }

  /** Takes the messages that are there, or waits for some. @returns how many there were */
  async #receive(batch: Batch, waitMs: number): Promise<number> {
    const { run, round, signal } = batch;
    const letters = await this.#inbox.read(run, waitMs);
    const again: LeftCell[] = [];
    for (const letter of letters) {
      if (signal.aborted) break;
      again.push(...hear(round, letter.bytes));
      this.#inbox.take(letter);
    }
    await this.#add(
      batch,
      separate(again).map((left) => ({ ...left, priority: urgentPriority })),
    );
    return letters.length;
  }

  /** Jobs that are gone although cells of theirs have not ended: Redis lost them, or their results. */
  async #addLost(batch: Batch): Promise<void> {
    const { round, places } = batch;
    const jobs = round.pending.jobs();
    const gone: string[] = [];
    for (let at = 0; at < jobs.length; at += batchSize) {
      const some = jobs.slice(at, at + batchSize);
      const asked = this.#redis.pipeline();
      for (const job of some) asked.exists(this.#queue(places.get(job)?.queue ?? '').toKey(job));
      const answers = (await asked.exec()) ?? [];
      for (const [index, [error, count]] of answers.entries()) {
        if (error !== null) throw error;
        const job = some[index];
        if (count === 0 && job !== undefined) gone.push(job);
      }
    }
    if (gone.length === 0) return;
    // Results are written before their job ends: what is not among them now does not come any more.
    while ((await this.#receive(batch, 0)) > 0);
    const again = gone.flatMap((job) => {
      const { priority = urgentPriority } = places.get(job) ?? {};
      return rejoin(round.lose(job)).map((lost) => ({ ...lost, priority }));
    });
    if (again.length === 0) return;
    const cells = again.reduce((sum, { plan }) => sum + plan.cells.length, 0);
    round.notice(`the queue lost ${cells} cells that had not ended: they are queued again`);
    await this.#add(batch, again);
  }
}

/** @param ended fires when nobody waits any more */
const whenAborted = (signal: AbortSignal, ended: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true, signal: ended });
  });

type BulkJob = Parameters<Queue['addBulk']>[0][number];

const queueOf = (run: string, { images }: BootPlan): string => queueName(run, images.kernel, images.digest);

/** @returns cells to queue again */
function hear(round: Round, bytes: Buffer): readonly LeftCell[] {
  try {
    return round.hear(unpackMessage(bytes));
  } catch (error) {
    if (!(error instanceof InvalidMessage)) throw error;
    round.notice(`a message of a worker is not valid: ${error.message}`);
    return [];
  }
}

/** `8 cells: memory=512M,overcommit=2,…` */
function nameJob({ cells }: BootPlan): string {
  const [first] = cells;
  return `${cells.length === 1 ? '' : `${cells.length} cells: `}${first?.id ?? ''}`;
}
