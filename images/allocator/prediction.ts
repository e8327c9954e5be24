/** The model's prediction for one tier, and for a whole host. */
import type { Checks, Tier } from './tier.ts';

/** The owner of a mapping: a pool of the engine or the trial before it, or the process around them. */
export type Pool =
  'probe' | 'memory' | 'table' | 'stack' | 'stack-guards' | 'linear-memory' | 'code' | 'process';

/** The limit that decides. */
export type LimitName =
  | 'CommitLimit' // vm.overcommit_memory=2
  | 'overcommit heuristic' // vm.overcommit_memory=0 and a charged mapping larger than RAM + swap
  | 'RLIMIT_AS'
  | 'RLIMIT_DATA'
  | 'max_map_count'
  | 'address width'
  | 'free gap' // other mappings of the process split its address space
  | 'RLIMIT_NPROC' // processes and threads of the user
  | 'pids.max' // processes and threads of the cgroup
  | 'write-execute' // PR_SET_MDWE or a filter: no memory both writable and executable
  | 'memory' // RAM or cgroup: pages that are really touched
  | 'feature'; // the engine or Node version lacks what the tier needs

/** Mappings in the middle of the address space: pages of V8's heap, or those of the program's own file. */
export type Splitter = 'v8-heap' | 'program';

/** Bytes, mappings (VMAs) for max_map_count, or processes and threads. */
export type Shortfall = Readonly<{
  pool: Pool;
  limit: LimitName;
  needed: number;
  available: number;
  unit: 'bytes' | 'maps' | 'threads';
  /** Where the process and the kernel place other mappings decides: another run may end otherwise. */
  chance?: true;
  /** Of `free gap`: the mappings that split the address space. */
  splitBy?: Splitter;
}>;

export type TierPrediction = Readonly<
  | {
      tier: Tier;
      fits: true;
      checks: Checks;
      slots: number | null;
      /** The scarcest limit, for the explanation. */ tightest: Shortfall | null;
    }
  | { tier: Tier; fits: false; shortfall: Shortfall }
>;

/** The prediction for a whole host. */
export type Prediction = Readonly<{
  outcome: 'reached' | 'exhausted' | 'crashed';
  /** The tier reached; null unless `outcome` is `reached`. */
  tier: Tier | null;
  checks: Checks | null;
  /** In the order tried; tiers after the reached one are present too, for explanations and searches. */
  tiers: readonly TierPrediction[];
  /** The limit that keeps the process itself from starting (outcome `crashed`). */
  startup: Shortfall | null;
}>;

/** What chance decided until a tier was reached: the model names the likelier end. Null where it is sure. */
export function decidedByChance({ tiers, startup }: Prediction): Shortfall | null {
  if (startup !== null) return null;
  for (const tier of tiers) {
    const deciding = tier.fits ? tier.tightest : tier.shortfall;
    if (deciding?.chance === true) return deciding;
    if (tier.fits) return null;
  }
  return null;
}
