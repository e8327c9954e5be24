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
  const chunks = plans.flatMap((plan) => cutPlan(plan, durations, limit, chunkMs));
  return chunks.sort((a, b) => b.estimatedMs - a.estimatedMs);
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
