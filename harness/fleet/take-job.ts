/** One job on a worker: its cells run here, and each result goes to the coordinator the moment it is there. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from 'bullmq';
import type { Redis } from 'ioredis';
import { cellKey } from '../store/read-run.ts';
import { keys } from './connect.ts';
import { judgeJob, type JobInHand } from './job-rules.ts';
import type { OpenLane } from './machine-lane.ts';
import { type FleetJob, type Message, packMessage, parseJob, unlessInvalid } from './messages.ts';
import type { Timing } from './timing.ts';

export type JobTools = Readonly<{
  redis: Redis;
  timing: Timing;
  /** Of this worker: the lock of a job is bound to it. */
  token: string;
  /** Fires when the worker is to end: cells that have not ended are handed back. */
  signal: AbortSignal;
  /** Hears of the job before anything of it runs. */
  onJob: (job: JobInHand) => void;
  /** Resolves when nothing but this job is on the worker. */
  whenAlone: () => Promise<unknown>;
  /** Hears which cells are running, and which have ended. */
  onCell: (kind: 'started' | 'ended' | 'dropped', cell: string) => void;
  onNotice: (text: string) => void;
}>;

/** Between two tries to write into a Redis that refuses, ms: it may be full for a while. */
const againMs = 500;

/**
 * Runs a job. When it resolves, its cells have ended, or belong to somebody else again.
 * @throws the failure of the harness that kept the cells from being run; they are given up then
 */
export async function takeJob(open: OpenLane, job: Job, tools: JobTools): Promise<void> {
  const news = new News(open, tools);
  const data = unlessInvalid(() => parseJob(job.data));
  if (data?.run !== open.run)
    return giveUp(job, news, 'the job is not valid', Number.MAX_SAFE_INTEGER, tools);
  const cells = data.plan.cells.length;
  const { lost, isGivenUp, isAlone } = judgeJob({ ...data, stalls: job.stalledCounter, cells });
  if (isGivenUp)
    return giveUp(job, news, 'the job stalled: its worker ended, or was not heard of', lost, tools);
  const left = new Set(data.plan.cells.map(cellKey));
  tools.onJob({ cells, isAlone });
  await using lock = keepLock(job, tools);
  const signal = AbortSignal.any([tools.signal, lock.lost]);
  try {
    if (isAlone) await tools.whenAlone();
    if (isAlone) await noteBegun(job, { ...data, lost }, signal);
    await runCells(open, data, left, news, signal, tools);
  } catch (error) {
    await giveUp(job, news, `its harness failed: ${String(error)}`, lost + 1, tools);
    throw error;
  }
  // Not ours any more: what has ended here counts, if nobody else was faster.
  if (lock.lost.aborted) return;
  await settle(() => finish(job, { ...data, lost }, left, tools.token), tools);
}

/** Of a guest that takes this worker down at once nothing else is left. */
async function noteBegun(job: Job, data: FleetJob, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await job.updateData({ ...data, begun: true });
      return;
    } catch {
      // Redis takes nothing for a while, or the job is gone, which its lock tells.
      await sleep(againMs);
    }
  }
}

async function runCells(
  { runner }: OpenLane,
  { plan }: FleetJob,
  left: Set<string>,
  news: News,
  signal: AbortSignal,
  { onCell }: JobTools,
): Promise<void> {
  try {
    await runner.run(
      [plan],
      (event) => {
        if (event.kind === 'started') onCell('started', event.cell);
        if (event.kind === 'ended') {
          const key = cellKey(event.result);
          left.delete(key);
          onCell('ended', key);
        }
        news.send(event);
      },
      signal,
    );
    await news.written();
  } finally {
    for (const key of left) onCell('dropped', key);
  }
}

/** Ends a job, or hands it back with the cells that have not ended here. */
async function finish(job: Job, data: FleetJob, left: ReadonlySet<string>, token: string): Promise<void> {
  if (left.size === 0) {
    await job.moveToCompleted(null, token, false);
    return;
  }
  const cells = data.plan.cells.filter((cell) => left.has(cellKey(cell)));
  const { begun: _ended, ...rest } = data;
  await job.updateData({ ...rest, plan: { ...data.plan, cells } });
  await job.moveToWait(token);
}

/** The coordinator decides about the cells. */
async function giveUp(job: Job, news: News, reason: string, lost: number, tools: JobTools): Promise<void> {
  news.send({ kind: 'given-up', job: job.id ?? '', reason: reason.slice(0, 1000), lost });
  await news.written();
  await settle(() => job.moveToFailed(new Error(reason), tools.token, false), tools);
}

/** Words of BullMQ where the run is over, or the job has become another's: the queue knows all there is to know. */
const notOurs = /^(?:Missing (?:key|lock)|Lock mismatch) for job\b/;

async function settle(action: () => Promise<unknown>, { onNotice }: JobTools): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (error instanceof Error && notOurs.test(error.message)) return;
    onNotice(`a job could not be ended in the queue: ${String(error)}`);
  }
}

/** Renews the lock of a job until disposed of; `lost` fires when the job is another's, or there no more. */
function keepLock(job: Job, { timing, token }: JobTools): AsyncDisposable & Readonly<{ lost: AbortSignal }> {
  const lost = new AbortController();
  let renewing: Promise<void> = Promise.resolve();
  const renew = async (): Promise<void> => {
    try {
      if ((await job.extendLock(token, timing.lockMs)) !== 1) lost.abort();
    } catch {
      // No answer, or a refusal: the next one tells.
    }
  };
  const timer = setInterval(() => void (renewing = renew()), timing.lockMs / 3);
  return {
    lost: lost.signal,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      // A process that ends does not wait for it.
      await Promise.race([renewing, sleep(timing.lockMs, undefined, { ref: false })]);
    },
  };
}

/** Messages to the coordinator, in order; each is tried until Redis takes it. */
class News {
  readonly #tools: JobTools;
  readonly #open: OpenLane;
  #last: Promise<void> = Promise.resolve();

  constructor(open: OpenLane, tools: JobTools) {
    this.#open = open;
    this.#tools = tools;
  }

  send(event: Message['event']): void {
    const bytes = packMessage({ machine: this.#open.machine, event });
    this.#last = this.#last.then(() => this.#write(bytes));
  }

  /** Resolves when everything that was sent is in Redis, or the run is over. */
  written(): Promise<void> {
    return this.#last;
  }

  async #write(bytes: Buffer): Promise<void> {
    const { redis, onNotice } = this.#tools;
    for (let tries = 0; ; tries += 1) {
      try {
        await redis.xadd(keys.news(this.#open.run), 'NOMKSTREAM', '*', 'm', bytes);
        return;
      } catch (error) {
        if (tries === 0) onNotice(`Redis does not take a result; trying again: ${String(error)}`);
        await sleep(againMs);
      }
    }
  }
}
