/** A machine that has the template of a job is preferred for a while: another boot costs more than a cell. */
import { createHash, randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { bootKey } from '../plan/order.ts';
import type { BootPlan } from '../run/boot-plan.ts';
import type { OpenLane } from './machine-lane.ts';

/** A worker chooses among the first jobs of a queue. */
export const windowJobs = 32;

/** Templates that a cache of the usual size keeps: some 250 MiB each. */
const mostTemplates = 16;

/** Names the boot of a job, so that a worker can choose without reading jobs. */
export function nameJobId({ cells: [first], images, cold }: BootPlan): string {
  const key = first === undefined ? '' : bootKey(first.settings);
  const boot = createHash('sha256')
    .update(JSON.stringify([images, key]))
    .digest('hex')
    .slice(0, 12);
  return `job-${cold ? 'cold' : boot}-${randomBytes(6).toString('hex')}`;
}

/** @returns null where each cell boots */
export const readBoot = (jobId: string): string | null => /^job-([0-9a-f]{12})-/.exec(jobId)?.[1] ?? null;

/** Notes that the template of a boot was used; the one used last is last, and those that a cache drops are left out. */
export function noteBoot(boots: Set<string>, boot: string): void {
  boots.delete(boot);
  boots.add(boot);
  const [oldest] = boots;
  if (oldest !== undefined && boots.size > mostTemplates) boots.delete(oldest);
}

/** What a worker has seen at the head of a queue. Its own clock alone counts: those of other machines may differ. */
export class Preference {
  readonly #preferMs: number;
  #head = '';
  #since = 0;

  constructor(preferMs: number) {
    this.#preferMs = preferMs;
  }

  /**
   * @param waiting ids of jobs, the next one first
   * @param own boots whose templates this machine has
   * @param held boots whose templates any machine has
   * @param nowMs of a monotonic clock
   * @returns the job to take; null: those that wait are left to others for now
   */
  choose(
    waiting: readonly string[],
    own: ReadonlySet<string>,
    held: ReadonlySet<string>,
    nowMs: number,
  ): string | null {
    const [head] = waiting;
    if (head === undefined) return null;
    if (head !== this.#head) {
      this.#head = head;
      this.#since = nowMs;
    }
    if (nowMs - this.#since >= this.#preferMs) return head;
    const has = (boots: ReadonlySet<string>, job: string): boolean => boots.has(readBoot(job) ?? '');
    return waiting.find((job) => has(own, job)) ?? waiting.find((job) => !has(held, job)) ?? null;
  }
}

/**
 * Puts the job that this machine is to take before all others. Another worker may be faster and take it: then the next
 * one comes, and that is no harm.
 *
 * @returns whether there is a job for this machine
 */
export async function chooseFirst(
  { jobs, queue, preference }: Pick<OpenLane, 'jobs' | 'queue' | 'preference'>,
  redis: Redis,
  own: ReadonlySet<string>,
  held: ReadonlySet<string>,
): Promise<boolean> {
  // Jobs of workers that were lost come back here, before all others.
  if ((await redis.llen(jobs.toKey('wait'))) > 0) return true;
  const waiting = await redis.zrange(jobs.toKey('prioritized'), '0', String(windowJobs - 1));
  const chosen = preference.choose(waiting, own, held, performance.now());
  if (chosen === null) return false;
  if (chosen === waiting[0]) return true;
  const job = await queue.getJob(chosen);
  // Somebody else's by now.
  await job?.changePriority({ priority: 1 }).catch(() => undefined);
  return true;
}
