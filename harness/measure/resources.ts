/** Start and memory of a process in one configuration, before it has done any work. Pure. */
import { median } from 'simple-statistics';
import type { TierResources } from './figures.ts';
import type { Measurement } from './measurement.ts';

/** Of one process. Time only where the CPU is real; of an emulated one the instructions. */
export function describeResources({ subjects, clock, start }: Measurement): TierResources {
  const [subject] = subjects;
  if (subject === undefined) throw new RangeError('a measurement without a subject');
  const { wallMs, cpuNs, usage } = start;
  return {
    tier: subject.tier,
    form: subject.checks,
    startToFirstCall: clock === 'time' ? { clock, ms: wallMs } : { clock, count: cpuNs },
    residentBytes: usage.residentBytes,
    committedBytes: usage.chargedBytes,
    reservedBytes: usage.virtualBytes,
  };
}

/** Medians over processes of the same form, in the order in which the forms first appear. */
export function summarizeResources(all: readonly TierResources[]): readonly TierResources[] {
  const groups = new Map<string, TierResources[]>();
  for (const one of all) {
    const key = `${one.tier}/${one.form} ${one.startToFirstCall.clock}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const middle = (pick: (one: TierResources) => number): number => median(group.map(pick));
    const start = middle(({ startToFirstCall: one }) => (one.clock === 'time' ? one.ms : one.count));
    return [
      {
        tier: first.tier,
        form: first.form,
        startToFirstCall:
          first.startToFirstCall.clock === 'time'
            ? { clock: 'time', ms: start }
            : { clock: 'instructions', count: start },
        residentBytes: middle((one) => one.residentBytes),
        committedBytes: middle((one) => one.committedBytes),
        reservedBytes: middle((one) => one.reservedBytes),
      } as const,
    ];
  });
}
