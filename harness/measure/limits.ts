/** The limits for each process of a pair in a guest, and the check of its own. Pure. */
import type { Facts } from '../../images/allocator/facts.ts';
import type { Settings } from '../axes/table.ts';
import { limitAddressSpace } from '../axes/process.ts';

const limitNames = [
  'overcommitMemory',
  'overcommitRatio',
  'overcommitKbytes',
  'maxMapCount',
  'addressSpaceLimit',
  'dataLimit',
  'stackLimit',
  'cgroupMemoryMax',
] as const;

/** Limits that decide a tier and can be switched for one process, or between two. Bytes; null is unlimited. */
export type Limits = Pick<Facts, (typeof limitNames)[number]>;

/** As the baseline needs them: mode 1 charges nothing, 262,144 mappings are room for Spin's pools a hundred times. */
const lifted = {
  overcommitMemory: 1,
  maxMapCount: 262_144,
  dataLimit: null,
  cgroupMemoryMax: null,
} as const satisfies Partial<Limits>;

/** The limits that a process was meant to run under. */
export type LimitState = 'lifted' | 'cell';

/** The limits that a process must have read about itself; absent ones are free. */
export type WantedLimits = Readonly<Record<LimitState, Partial<Limits>>>;

/** The lifted limits as a cell would write them. */
const liftedSettings = {
  overcommit: lifted.overcommitMemory,
  maxMapCount: lifted.maxMapCount,
  addressSpace: null,
  dataLimit: null,
  cgroupMemory: null,
} as const satisfies Partial<Settings>;

/**
 * The files to write in the guest before a process runs under such limits. Everything that the other state changes is
 * written, also settings that the cell leaves at the guest's own default. A narrow address space stays: it belongs to
 * the machine and cannot be lifted.
 */
export function settingsUnder(state: LimitState, settings: Settings, cell: Limits): Settings {
  if (state === 'lifted') return { ...settings, ...liftedSettings };
  return { ...settings, maxMapCount: settings.maxMapCount ?? cell.maxMapCount };
}

/** @param cell limits of the cell, as its wasm host read them */
export function wantLimits(settings: Settings, cell: Limits): WantedLimits {
  const addressSpaceLimit = limitAddressSpace({ ...settings, ...liftedSettings });
  return { lifted: { ...lifted, addressSpaceLimit }, cell };
}

/**
 * Compares what a measuring process read about itself with what it was to run under.
 *
 * @returns the first difference in a sentence; null when there is none
 */
export function findLimitProblem(state: LimitState, found: Limits, wanted: WantedLimits): string | null {
  const own = wanted[state];
  for (const name of limitNames) {
    if (!(name in own) || found[name] === own[name]) continue;
    const subject = state === 'lifted' ? 'the limits were not lifted' : "the cell's limits were not in force";
    return `${subject}: ${name} was ${tell(found[name])} instead of ${tell(own[name])}`;
  }
  return null;
}

const tell = (value: number | null | undefined): string => (value == null ? 'unlimited' : String(value));
