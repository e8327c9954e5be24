/**
 * What decides which job goes first, who takes one, and what becomes of one whose worker was lost. Pure: the simulation
 * of a fleet (`scripts/fleet`) decides with the same functions.
 */

/** Priority of the shortest job: a number that BullMQ still takes. Lower ones go first. */
export const lastPriority = 2_000_000;

/** Longest first. */
export const priorityOf = (estimatedMs: number): number =>
  Math.max(1, lastPriority - Math.round(estimatedMs));

/** A worker takes the next job when it has fewer cells than guests at a time: no guest waits for one. */
export const wantsJob = (cells: number, guests: number): boolean => cells < guests;

/**
 * The queues a worker asks for a job, in turn. Each lane counts memory by itself: two at a time would give out the same
 * twice.
 * @param busy the queues of the jobs it has
 */
export const queuesToAsk = (ready: Iterable<string>, busy: readonly string[]): readonly string[] =>
  [...ready].filter((queue) => busy.every((other) => other === queue));

/** Workers lost with a job, and whether it goes back to the coordinator instead of being run. */
export type JobFate = Readonly<{ lost: number; isGivenUp: boolean }>;

/**
 * A guest may take its worker down. Which of several did is found one by one; one that did it twice is not tried.
 * @param lost workers lost with its cells in earlier jobs
 * @param stalls times that its worker was not heard of
 */
export function judgeStalls(lost: number, stalls: number, cells: number): JobFate {
  const all = lost + stalls;
  return { lost: all, isGivenUp: all >= 2 || (stalls > 0 && cells > 1) };
}
