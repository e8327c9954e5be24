/** How long things take in a fleet before somebody acts, and a wait that is no longer. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds. */
export type Timing = Readonly<{
  /** A job whose worker has not renewed its lock for so long becomes another's. */
  lockMs: number;
  /** Between two looks of an idle worker for jobs. */
  lookMs: number;
  /** Between two signs of life, and two checks of what became of the jobs. */
  beatMs: number;
  /** From one reading of messages to the next, and from the first one after none: one by one they cost more to read. */
  gatherMs: number;
  /** A job is left for so long to a machine that has its template. */
  preferMs: number;
  /** A run without any worker for so long says so. */
  patienceMs: number;
}>;

export const defaultTiming: Timing = {
  lockMs: 20_000,
  lookMs: 1000,
  beatMs: 5000,
  // Nobody misses a second of progress, and each reading costs the coordinator 3 ms of CPU before its first message.
  gatherMs: 1000,
  // Emulated, a boot and its template take about as long.
  preferMs: 10_000,
  patienceMs: 30_000,
};

/** Signs of life that may be missing before something counts as dead: a busy computer is late. */
export const missedBeats = 6;

/** Waits until work has ended, well or not, but no longer than so many ms. */
export async function waitAtMost(ms: number, work: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  const late = sleep(ms, undefined, { signal: timer.signal }).catch(() => undefined);
  await Promise.race([work.catch(() => undefined), late]);
  timer.abort();
}
