/** The workers of a fleet, as they describe themselves. */
import type { Redis } from 'ioredis';
import type { FleetSize } from './chunk-plans.ts';
import { keys } from './connect.ts';
import { parsePresence, type Lane, type Presence, unlessInvalid } from './messages.ts';

/** Those that live, by name; what none of ours wrote is left out. */
export async function listWorkers(redis: Redis): Promise<readonly Presence[]> {
  const ids = await redis.smembers(keys.workers);
  if (ids.length === 0) return [];
  const texts = await redis.mget(ids.map(keys.worker));
  const gone = ids.filter((_, index) => texts[index] == null);
  if (gone.length > 0) await redis.srem(keys.workers, gone);
  const found = texts.flatMap((text) =>
    text === null ? [] : (unlessInvalid(() => parsePresence(text)) ?? []),
  );
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Null without a worker. */
export const measureFleet = (workers: readonly Presence[]): FleetSize | null =>
  workers.length === 0
    ? null
    : { guests: workers.reduce((sum, { jobs }) => sum + jobs, 0), workers: workers.length };

/**
 * Why no worker takes cells of a lane; null where one does, or makes its images ready.
 *
 * @param address of the fleet's Redis
 */
export function explainIdle(workers: readonly Presence[], { queue }: Lane, address: string): string | null {
  if (workers.length === 0)
    return `there is no worker: start some with \`poolproof work --fleet ${address}\``;
  if (workers.some(({ refuses }) => refuses[queue] === undefined)) return null;
  return workers.map(({ name, refuses }) => `${name}: ${refuses[queue] ?? ''}`).join('; ');
}
