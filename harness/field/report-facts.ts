/** A field report → the facts by which the model predicts. Null is unknown or, for limits, unlimited, as in `Facts`. */
import type { Facts } from '../../images/allocator/facts.ts';
import { parseFacts } from '../../images/allocator/parse-facts.ts';
import { architectureOfReport } from './architecture-rules.ts';
import { confinementOf } from './limit-rules.ts';
import type { FieldReport } from './report.ts';

const kib = (value: number | null): number | null => (value === null ? null : value * 1024);
const yes = (value: 'yes' | 'no' | null): boolean | null => (value === null ? null : value === 'yes');
const limit = (value: number | 'unlimited' | null): number | null => (value === 'unlimited' ? null : value);

export function factsOf(report: FieldReport): Facts {
  const { memory, overcommit, kernelLimits, resourceLimits, cgroup, processor, process } = report;
  const confinement = confinementOf(report);
  const memoryMax = (cgroup.levels ?? [])
    .map(({ memoryMax: max }) => limit(max))
    .filter((max) => max !== null);
  return {
    ...parseFacts({}),
    kernelRelease: report.kernel.release,
    architecture: architectureOfReport(report)?.name ?? null,
    ...(report.kernel.pageSize !== null && { pageSize: report.kernel.pageSize }),
    memTotal: kib(memory.totalKib),
    memAvailable: kib(memory.availableKib),
    swapTotal: kib(memory.swapTotalKib),
    commitLimit: kib(memory.commitLimitKib),
    committedAs: kib(memory.committedKib),
    overcommitMemory: overcommit.mode,
    overcommitRatio: overcommit.ratio,
    overcommitKbytes: kib(overcommit.kib),
    userReserve: kib(overcommit.userReserveKib),
    adminReserve: kib(overcommit.adminReserveKib),
    hugePages: memory.hugePages,
    maxMapCount: kernelLimits.maxMapCount,
    thp: report.transparentHugePages.enabled,
    addressSpaceLimit: limit(resourceLimits.addressSpace.soft),
    dataLimit: limit(resourceLimits.data.soft),
    stackLimit: limit(resourceLimits.stack.soft),
    cgroupMemoryMax: memoryMax.length === 0 ? null : Math.min(...memoryMax),
    mdwe: confinement === 'other' ? 'seccomp' : confinement,
    addressBits: processor.processBits ?? processor.virtualBits,
    cpus: processor.count,
    sysAdmin: yes(process.sysAdmin),
  };
}

/** Deciding facts that a report does not have: without them no pool can be said to fit. */
export function listUnknown({
  memory,
  overcommit,
  kernelLimits,
  resourceLimits,
}: FieldReport): readonly string[] {
  const facts = {
    'overcommit.mode': overcommit.mode,
    ...(overcommit.mode === 2 && {
      'memory.commitLimitKib': memory.commitLimitKib,
      'memory.committedKib': memory.committedKib,
    }),
    'kernelLimits.maxMapCount': kernelLimits.maxMapCount,
    'resourceLimits.addressSpace': resourceLimits.addressSpace.soft,
    'resourceLimits.data': resourceLimits.data.soft,
  };
  return Object.entries(facts).flatMap(([name, value]) => (value === null ? [name] : []));
}
