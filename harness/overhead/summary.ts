/** What is known of the cost of one form of a tier for one workload. */
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
    /** How the form checks memory accesses. */
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

export type OverheadVerdict = 'met' | 'broken' | 'undecided';

/** Whether an overhead of at most `bound` (0.2 for 20 %) is shown, disproven, or neither. */
export function judgeOverhead({ low, high, stable }: OverheadSummary, bound: number): OverheadVerdict {
  if (!stable) return 'undecided';
  if (high <= 1 + bound) return 'met';
  return low > 1 + bound ? 'broken' : 'undecided';
}
