/** The measured values that an engine's proof contributes to the report. */
import type { KernelStep, Layout, TierForm } from '../allocator/host-report.ts';
import type { Maps } from './address-space.ts';
import type { KernelMoment } from './proc.ts';

export type Measured = TierForm &
  Readonly<{
    /** Instances proven side by side. */
    instances: number;
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
