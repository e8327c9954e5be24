/** Boot plans → jobs: parts of a plan that keep all guests of a worker busy for about a minute. Pure. */
import { estimateCell, type Durations } from '../plan/shard-durations.ts';
import type { BootPlan } from '../run/boot-plan.ts';

export type Chunk = Readonly<{ plan: BootPlan; estimatedMs: number }>;

/** What a fleet can do at a time, as far as is known. */
export type FleetSize = Readonly<{ guests: number; workers: number }>;

/** Long enough that the boot of a template is worth it, short enough that the end of a run has no long tail. */
const busyMs = 60_000;
const mostCells = 256;
/** So many jobs per guest of the fleet, where there are cells enough: the last ones end together. */
const jobsPerGuest = 3;

/** A machine that is slow, or has few guests, is not to begin a long job when the others have none left. */
const lastShare = 0.15;
const smallerAtEnd = 6;

/** @returns longest first; equally long ones in the order of their plans */
export function chunkPlans(
  plans: readonly BootPlan[],
  durations: Durations,
  size: FleetSize,
): readonly Chunk[] {
  const guests = Math.max(1, size.guests);
  const cells = plans.reduce((sum, plan) => sum + plan.cells.length, 0);
  const limit = Math.max(1, Math.min(mostCells, Math.ceil(cells / (jobsPerGuest * guests))));
  const chunkMs = busyMs * (guests / Math.max(1, size.workers));
  const chunks = plans.flatMap((plan) => cutPlan(plan, durations, limit, chunkMs)).sort(longestFirst);
  const [early, last] = splitEnd(chunks, lastShare);
  const small = last.flatMap(({ plan }) => cutPlan(plan, durations, limit, chunkMs / smallerAtEnd));
  return [...early, ...small.sort(longestFirst)];
}

const longestFirst = (a: Chunk, b: Chunk): number => b.estimatedMs - a.estimatedMs;

/** @returns the last jobs, of no more than this share of the time, behind those before them */
function splitEnd(chunks: readonly Chunk[], share: number): readonly [readonly Chunk[], readonly Chunk[]] {
  let left = share * chunks.reduce((sum, { estimatedMs }) => sum + estimatedMs, 0);
  const at = chunks.findLastIndex(({ estimatedMs }) => (left -= estimatedMs) < 0) + 1;
  return [chunks.slice(0, at), chunks.slice(at)];
}

function cutPlan(plan: BootPlan, durations: Durations, limit: number, chunkMs: number): readonly Chunk[] {
  const chunks: { cells: BootPlan['cells'][number][]; ms: number }[] = [];
  for (const cell of plan.cells) {
    const ms = estimateCell(cell, durations);
    const last = chunks.at(-1);
    if (last === undefined || last.cells.length >= limit || last.ms + ms > chunkMs)
      chunks.push({ cells: [cell], ms });
    else {
      last.cells.push(cell);
      last.ms += ms;
    }
  }
  return chunks.map(({ cells, ms }) => ({ plan: { ...plan, cells }, estimatedMs: ms }));
}
