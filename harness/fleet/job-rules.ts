/**
 * What decides which job goes first, who takes one, and what becomes of one whose worker was lost. Pure: the simulation
 * of a fleet (`scripts/fleet`) decides with the same functions.
 */

/** Lower ones go first. What waited longest is not to end last: before all others go jobs whose worker was lost. */
export const urgentPriority = 1;
/** The largest that BullMQ takes. */
const lastPriority = 2 ** 21;

/** @param place in the order of the jobs of a run, from 0 */
export const priorityOf = (place: number): number => Math.min(lastPriority, urgentPriority + 1 + place);

/** A job of a worker: cells that have not ended, and whether its worker runs nothing else beside it. */
export type JobInHand = Readonly<{ cells: number; isAlone: boolean }>;

/** A worker takes the next job when it has fewer cells than guests at a time: no guest waits for one. */
export const wantsJob = (jobs: Iterable<JobInHand>, guests: number): boolean => {
  let all = 0;
  for (const { cells, isAlone } of jobs) {
    if (isAlone) return false;
    all += cells;
  }
  return all < guests;
};

/**
 * The queues a worker asks for a job, in turn. Each lane counts memory by itself: two at a time would give out the same
 * twice.
 * @param busy the queues of the jobs it has
 */
export const queuesToAsk = (ready: Iterable<string>, busy: readonly string[]): readonly string[] =>
  [...ready].filter((queue) => busy.every((other) => other === queue));

/** The first loss of a cell may be another's fault. Then it runs alone, and two more are its own. */
export const mostLosses = 3;

/** What is known of a job whose worker was lost, or that has cells of such a one. */
export type JobHistory = Readonly<{
  /** Workers lost with its cells in earlier jobs. */
  lost: number;
  /** A worker has begun to run it alone. */
  begun?: boolean;
  /** Times that its worker was not heard of. */
  stalls: number;
  cells: number;
}>;

/** Workers lost with a job, and whether it goes back to the coordinator instead of being run, or is run alone. */
export type JobFate = Readonly<{ lost: number; isGivenUp: boolean; isAlone: boolean }>;

/**
 * A guest may take its worker down, with whatever else runs there. Which one did is found by running each alone. A
 * worker that is lost before it has begun with a suspect is lost to another cell.
 */
export function judgeJob({ lost, begun, stalls, cells }: JobHistory): JobFate {
  const isSuspect = lost > 0;
  const more = isSuspect ? begun === true : stalls > 0;
  const all = lost + (more ? 1 : 0);
  return { lost: all, isGivenUp: all >= mostLosses || (all > 0 && cells > 1), isAlone: all > 0 };
}
