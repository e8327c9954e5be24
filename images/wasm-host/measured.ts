/** The measured values that an engine's proof contributes to the report. */
import type { KernelStep, Layout, TierForm } from '../allocator/host-report.ts';
import type { Maps } from './address-space.ts';
import type { Pointer } from './libwasmtime.ts';
import type { KernelMoment } from './proc.ts';

/** What is left of a proof in its process. */
export type Proven = Readonly<{
  /** Null for V8, whose engine is the process. */
  engine: Pointer;
  /** Ends the instances of the proof: their slots are for requests. */
  release: () => void;
}>;

export type Measured = TierForm &
  Readonly<{
    /** Instances proven side by side. */
    instances: number;
    proven: Proven;
    /** As the library reports it; null for V8. */
    version: string | null;
    memory: Layout;
    steps: readonly KernelStep[];
    /** After the canary. */
    maps: Maps;
  }>;

export function describeSteps(
  moments: Readonly<Record<KernelStep['step'], KernelMoment>>,
): readonly KernelStep[] {
  return (['before', 'engine', 'canary'] as const).map((step) => {
    const { virtualBytes, writableBytes, maps } = moments[step];
    return { step, virtualBytes, writableBytes, maps: maps.length };
  });
}
