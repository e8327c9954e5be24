/** Figures of a measurement: the cost of one configuration of a tier. Pure. */
import type { Checks, EngineKind, Tier } from '../../images/allocator/tier.ts';

/** Two quantities that are never averaged or compared: time on a named CPU, instructions executed. */
export type Clock = 'time' | 'instructions';

/** A ratio to the baseline: 1.2 is 20 % slower. */
export type Interval = Readonly<{ ratio: number; low: number; high: number }>;

export type OverheadSummary = Interval &
  Readonly<{
    /** A workload's name, or that of a mean: see `means`. */
    workload: string;
    engine: EngineKind;
    tier: Tier;
    /** The bounds checks of the configuration. */
    form: Checks;
    clock: Clock;
    /** The CPU that was timed; null for instructions, which no CPU changes. */
    cpuModel: string | null;
    /** Tier and form that the ratio is to, `standard/elided`. */
    baseline: string;
    /** Sample pairs behind the ratio; 0 where it is proven. */
    pairs: number;
    processes: number;
    /** Both run the same machine code: the ratio is 1 by proof. */
    sameCode: boolean;
    /** False: the baseline differed from itself; no verdict follows. */
    stable: boolean;
  }>;

/** Names of the means over workloads, by the kind of workload they are taken over. */
export const means = {
  memory: 'geometric mean, memory kernels',
  program: 'geometric mean, real programs',
} as const;

/** The serving process of one form of a tier. */
export type TierResources = Readonly<{
  tier: Tier;
  form: Checks;
  /** From the creation of the process to its first call; instructions in an emulated guest, never time. */
  startToFirstCall:
    Readonly<{ clock: 'time'; ms: number }> | Readonly<{ clock: 'instructions'; count: number }>;
  /** VmRSS. */
  residentBytes: number;
  /** Private writable mappings: what counts against a commit limit. */
  committedBytes: number;
  /** VmSize. */
  reservedBytes: number;
}>;
