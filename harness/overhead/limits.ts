/** Under which limits a process of a pair must run in a guest, and whether it did. Pure. */
import type { Facts } from '../../images/allocator/facts.ts';
import type { Settings } from '../matrix/cell.ts';

const limitNames = [
  'overcommitMemory',
  'overcommitRatio',
  'overcommitKbytes',
  'maxMapCount',
  'addressSpaceLimit',
  'dataLimit',
  'cgroupMemoryMax',
] as const;

/** What decides a tier and can be switched for one process, or between two. Bytes; null is unlimited. */
export type Limits = Pick<Facts, (typeof limitNames)[number]>;

/** As the baseline needs them: mode 1 charges nothing, 262,144 mappings are room for Spin's pools a hundred times. */
export const lifted = {
  overcommitMemory: 1,
  maxMapCount: 262_144,
  addressSpaceLimit: null,
  dataLimit: null,
  cgroupMemoryMax: null,
} as const satisfies Partial<Limits>;

/** Which of the two a process was meant to run under. */
export type LimitState = 'lifted' | 'cell';

/** The lifted limits as a cell would write them. */
const liftedSettings = {
  overcommit: lifted.overcommitMemory,
  maxMapCount: lifted.maxMapCount,
  addressSpace: null,
  dataLimit: null,
} as const satisfies Partial<Settings>;

/**
 * What to write into the guest before a process runs under such limits. Everything that the other state
 * changes is written, also what the cell leaves at the guest's own default.
 */
export function settingsUnder(state: LimitState, settings: Settings, cell: Limits): Settings {
  if (state === 'lifted') return { ...settings, ...liftedSettings };
  return { ...settings, maxMapCount: settings.maxMapCount ?? cell.maxMapCount };
}

/**
 * Compares what a measuring process read about itself with what it was to run under.
 *
 * @param cell limits of the cell, as its wasm host read them
 * @returns the first difference in a sentence; null when there is none
 */
export function findLimitProblem(state: LimitState, found: Limits, cell: Limits): string | null {
  const wanted: Partial<Limits> = state === 'lifted' ? lifted : cell;
  for (const name of limitNames) {
    if (!(name in wanted) || found[name] === wanted[name]) continue;
    const subject = state === 'lifted' ? 'the limits were not lifted' : "the cell's limits were not in force";
    return `${subject}: ${name} was ${tell(found[name])} instead of ${tell(wanted[name])}`;
  }
  return null;
}

const tell = (value: number | null | undefined): string => (value == null ? 'unlimited' : String(value));
