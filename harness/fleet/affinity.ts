/** A machine that has the template of a job is preferred for a while: another boot costs more than a cell. */
import { createHash, randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { bootKey } from '../plan/order.ts';
import type { BootPlan } from '../run/boot-plan.ts';
import type { OpenLane } from './machine-lane.ts';

/**
 * A worker chooses among the first jobs of a queue: more than the boots that a lane of a large fleet is at have left,
 * so that its own are among them.
 */
export const windowJobs = 512;

/** Templates that a cache of the usual size keeps: some 250 MiB each. */
const mostTemplates = 16;

/**
 * Names the boot of a job, so that a worker can choose without reading jobs.
 * @param isUrgent it goes before all others, whoever has a template of it
 */
export function nameJobId({ cells: [first], images, cold }: BootPlan, isUrgent = false): string {
  const key = first === undefined ? '' : bootKey(first.settings);
  const boot = createHash('sha256')
    .update(JSON.stringify([images, key]))
    .digest('hex')
    .slice(0, 12);
  return `job-${cold ? 'cold' : boot}-${isUrgent ? 'again-' : ''}${randomBytes(6).toString('hex')}`;
}

/** @returns null where each cell boots */
export const readBoot = (jobId: string): string | null => /^job-([0-9a-f]{12})-/.exec(jobId)?.[1] ?? null;

const isUrgent = (jobId: string): boolean => /^job-[^-]+-again-/.test(jobId);

/** Notes that the template of a boot was used; the one used last is last, and those that a cache drops are left out. */
export function noteBoot(boots: Set<string>, boot: string): void {
  boots.delete(boot);
  boots.add(boot);
  const [oldest] = boots;
  if (oldest !== undefined && boots.size > mostTemplates) boots.delete(oldest);
}

/** Machines that have the template of a boot. */
export function countHolders(workers: Iterable<Iterable<string>>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const boots of workers) for (const boot of boots) counts.set(boot, (counts.get(boot) ?? 0) + 1);
  return counts;
}

/** What a worker has seen at the head of a queue. Its own clock alone counts: those of other machines may differ. */
export class Preference {
  readonly #preferMs: number;
  readonly #place: number;
  #head = '';
  #since = 0;

  /** @param place from 0 to 1: machines that begin at the same moment are to begin with different boots */
  constructor(preferMs: number, place: number) {
    this.#preferMs = preferMs;
    this.#place = place;
  }

  /**
   * @param waiting ids of jobs, the next one first
   * @param own boots whose templates this machine has
   * @param holders of each boot, this machine among them
   * @param nowMs of a monotonic clock
   * @returns the job to take; null: those that wait are left to others for now
   */
  choose(
    waiting: readonly string[],
    own: ReadonlySet<string>,
    holders: ReadonlyMap<string, number>,
    nowMs: number,
  ): string | null {
    const [head] = waiting;
    if (head === undefined) return null;
    if (isUrgent(head) || readBoot(head) === null) return head;
    if (head !== this.#head) {
      this.#head = head;
      this.#since = nowMs;
    }
    const mine = waiting.find((job) => own.has(readBoot(job) ?? ''));
    if (mine !== undefined) return mine;
    const firsts = new Map<string, { job: string; left: number }>();
    for (const job of waiting) {
      const boot = readBoot(job) ?? '';
      const found = firsts.get(boot);
      if (found === undefined) firsts.set(boot, { job, left: 1 - (holders.get(boot) ?? 0) });
      else found.left += 1;
    }
    const fresh = [...firsts].filter(([boot]) => !holders.has(boot));
    const free = fresh[Math.floor(this.#place * fresh.length)]?.[1];
    // Of several jobs a holder is at the first one for long: waiting for it takes longer than a boot.
    const more = free ?? [...firsts.values()].find(({ left }) => left > 0);
    if (more !== undefined) return more.job;
    return nowMs - this.#since >= this.#preferMs ? head : null;
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
  holders: ReadonlyMap<string, number>,
): Promise<boolean> {
  // Jobs of workers that were lost come back here, before all others.
  if ((await redis.llen(jobs.toKey('wait'))) > 0) return true;
  const waiting = await redis.zrange(jobs.toKey('prioritized'), '0', String(windowJobs - 1));
  const chosen = preference.choose(waiting, own, holders, performance.now());
  if (chosen === null) return false;
  if (chosen === waiting[0]) return true;
  const job = await queue.getJob(chosen);
  // Somebody else's by now.
  await job?.changePriority({ priority: 1 }).catch(() => undefined);
  return true;
}
