/** Boot plans → jobs: parts of a plan that keep all guests of a worker busy for about a minute. Pure. */
import { estimateCell, type Durations } from '../plan/shard-durations.ts';
import type { BootPlan } from '../run/boot-plan.ts';

export type Chunk = Readonly<{
  plan: BootPlan;
  estimatedMs: number;
  /** In the order of all. */
  place: number;
}>;

/** What a fleet can do at a time, as far as is known. */
export type FleetSize = Readonly<{ guests: number; workers: number }>;

/** Long enough that the boot of a template is worth it. */
const busyMs = 60_000;
const mostCells = 256;
/** So many jobs per guest of the fleet, where there are cells enough: the last ones end together. */
const jobsPerGuest = 3;
/** A machine that is so many times slower than the others are on average ends its last job when they do. */
const slowest = 8;
/** Shorter parts of a minute would be boots more than cells. */
const smallest = 0.1;

/** The cells of a plan that are in no job yet. */
type Rest = { readonly plan: BootPlan; readonly cells: readonly Timed[]; at: number };
type Timed = Readonly<{ cell: BootPlan['cells'][number]; ms: number }>;

/**
 * @returns boots by their longest cell, and longest cells first. All jobs of a boot are together, so that a machine
 * does one after the other from one template; at the end, where jobs get smaller, boots take turns, so that each
 * machine still has one of its own.
 */
export function chunkPlans(
  plans: readonly BootPlan[],
  durations: Durations,
  size: FleetSize,
): readonly Chunk[] {
  const guests = Math.max(1, size.guests);
  const workers = Math.max(1, size.workers);
  const count = plans.reduce((sum, plan) => sum + plan.cells.length, 0);
  const limit = Math.max(1, Math.min(mostCells, Math.ceil(count / (jobsPerGuest * guests))));
  const usualMs = busyMs * (guests / workers);
  const rests = plans.map((plan) => sortCells(plan, durations)).sort(longestFirst);
  let leftMs = rests.reduce((sum, { cells }) => sum + cells.reduce((ms, cell) => ms + cell.ms, 0), 0);
  const chunks: Chunk[] = [];
  for (let rest = rests.shift(); rest !== undefined; rest = rests.shift()) {
    const chunkMs = Math.max(usualMs * smallest, Math.min(usualMs, leftMs / (slowest * workers)));
    const chunk = takeChunk(rest, limit, chunkMs);
    leftMs -= chunk.estimatedMs;
    chunks.push({ ...chunk, place: chunks.length });
    if (rest.at === rest.cells.length) continue;
    if (chunkMs < usualMs) rests.push(rest);
    else rests.unshift(rest);
  }
  return chunks;
}

const sortCells = (plan: BootPlan, durations: Durations): Rest => ({
  plan,
  cells: plan.cells.map((cell) => ({ cell, ms: estimateCell(cell, durations) })).sort((a, b) => b.ms - a.ms),
  at: 0,
});

const longestFirst = ({ cells: [a] }: Rest, { cells: [b] }: Rest): number => (b?.ms ?? 0) - (a?.ms ?? 0);

/** One cell at least. */
function takeChunk(rest: Rest, limit: number, chunkMs: number): Omit<Chunk, 'place'> {
  const from = rest.at;
  let estimatedMs = 0;
  for (let next = rest.cells[from]; next !== undefined; next = rest.cells[rest.at]) {
    const isFull = rest.at - from >= limit || estimatedMs + next.ms > chunkMs;
    if (rest.at > from && isFull) break;
    estimatedMs += next.ms;
    rest.at += 1;
  }
  const cells = rest.cells.slice(from, rest.at).map(({ cell }) => cell);
  return { plan: { ...rest.plan, cells }, estimatedMs };
}
