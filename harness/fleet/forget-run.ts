/** Removes a run from Redis that nobody will resume. */
import type { Redis } from 'ioredis';
import { PoolproofError } from '../errors.ts';
import { keys } from './connect.ts';
import { runId } from './messages.ts';

/** Keys per call to Redis. */
const batchSize = 1000;

/**
 * Removes every key of a run: its call, messages, images, and queues, also where the call has expired and nothing says
 * what its queues are called. @returns how many there were
 */
export async function forgetRun(redis: Redis, run: string): Promise<number> {
  let removed = 0;
  // What is no id could be a pattern that fits the keys of others.
  if (runId.safeParse(run).success)
    for (const pattern of [`poolproof:run:${run}`, `poolproof:run:${run}:*`, `bull:poolproof-${run}-*`])
      for await (const found of redis.scanStream({ match: pattern, count: batchSize })) {
        const some = found as readonly string[];
        if (some.length > 0) removed += await redis.unlink(...some);
      }
  await redis.srem(keys.runs, run);
  return removed;
}

/**
 * As {@link forgetRun}, for a run whose call has expired. Name and call are asked for at once: a Redis that has just
 * lost everything has neither, and its coordinator is about to queue the jobs again.
 */
export async function forgetExpiredRun(redis: Redis, run: string): Promise<void> {
  const answers = await redis.multi().sismember(keys.runs, run).exists(keys.call(run)).exec();
  const [isNamed, hasCall] = answers?.map(([, answer]) => answer) ?? [];
  if (isNamed === 1 && hasCall === 0) await forgetRun(redis, run);
}

/**
 * As {@link forgetRun}, for a user.
 * @throws PoolproofError USAGE where there is no such run, or its coordinator lives
 */
export async function forgetLeftRun(redis: Redis, run: string): Promise<number> {
  const runs = await redis.smembers(keys.runs);
  if (!runs.includes(run))
    throw new PoolproofError('USAGE', `there is no run ${run} in this Redis`, {
      hint: runs.length === 0 ? 'it has no runs' : `it has ${[...runs].sort().join(', ')}`,
    });
  if ((await redis.exists(keys.alive(run))) === 1)
    throw new PoolproofError('USAGE', `the coordinator of run ${run} lives`, {
      hint: 'end it with Ctrl-C: it removes its run itself; one that was killed counts as alive for half a minute',
    });
  return forgetRun(redis, run);
}
