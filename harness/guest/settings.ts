/** How each setting gets into a guest, and which fact proves that it did. One row per axis. */
import { isReleaseOf } from '../../images/definitions.ts';
import type { Facts } from '../../images/allocator/facts.ts';
import { parseCpu } from '../axes/cpu-kind.ts';
import { cpuFlags, cpuModels } from '../axes/cpu-models.ts';
import type { AxisName, Settings } from '../matrix/cell.ts';
import { limitAddressSpace } from '../plan/stand-in.ts';
import type { ReadBack } from './observation.ts';

const kib = 1024;
const mib = 1024 * 1024;

type Row = Readonly<{
  axis: AxisName;
  /** Kernel files to write, in order. */
  writes?: (settings: Settings) => readonly Readonly<{ path: string; value: string }>[];
  /** ulimit letters of the host process. */
  limits?: (settings: Settings) => Readonly<Record<string, string>>;
  /** Null when the cell leaves the guest's own default and there is nothing to compare. */
  asked: (settings: Settings) => string | null;
  found: (facts: Facts) => string;
  /** Where equality of the texts is not the rule. */
  matches?: (settings: Settings, facts: Facts) => boolean;
  /** Another limit stands in for what the axis asks. */
  standIn?: true;
}>;

const bytes = (value: number | null): string => (value === null ? 'unlimited' : String(value));
const known = (value: string | number | null): string => (value === null ? 'unknown' : String(value));

/** `ulimit` counts address space and data in KiB. */
const limitKib = (value: number | null): string =>
  value === null ? 'unlimited' : String(Math.floor(value / kib));

export const rows: readonly Row[] = [
  {
    axis: 'memory',
    asked: ({ memory }) => `${memory / mib} MiB of RAM`,
    found: ({ memTotal }) =>
      `MemTotal ${memTotal === null ? 'unknown' : `${Math.round(memTotal / mib)} MiB`}`,
    // The kernel keeps some for itself: 31 MiB of 512 MiB, 169 MiB of 4 GiB (measured, 6.1).
    matches: ({ memory }, { memTotal }) =>
      memTotal !== null && memTotal <= memory && memTotal >= memory * 0.94 - 48 * mib,
  },
  {
    axis: 'kernel',
    asked: ({ kernel }) => kernel,
    found: ({ kernelRelease }) => known(kernelRelease),
    matches: ({ kernel }, { kernelRelease }) => kernelRelease !== null && isReleaseOf(kernel, kernelRelease),
  },
  {
    axis: 'cpus',
    asked: ({ cpus }) => String(cpus),
    found: ({ cpus }) => known(cpus),
  },
  {
    axis: 'cpu',
    asked: ({ cpu }) => cpu,
    found: ({ cpuModel }) => known(cpuModel),
    matches: ({ cpu }, facts) => isCpu(cpu ?? '', facts),
  },
  {
    // The kernel keeps the first page for the signature.
    axis: 'swap',
    asked: ({ swap }) => (swap === null ? null : `${swap / mib} MiB of swap`),
    found: ({ swapTotal }) => `SwapTotal ${known(swapTotal)}`,
    matches: ({ swap }, { swapTotal }) => swapTotal === (swap ?? 0) - 4 * kib,
  },
  {
    axis: 'hugepages',
    writes: ({ hugepages }) =>
      hugepages === 0 ? [] : [{ path: '/proc/sys/vm/nr_hugepages', value: String(hugepages) }],
    asked: ({ hugepages }) => String(hugepages),
    found: ({ hugePages }) => known(hugePages),
  },
  {
    axis: 'overcommitRatio',
    writes: ({ overcommitRatio, overcommitKbytes }) =>
      overcommitKbytes === null
        ? [{ path: '/proc/sys/vm/overcommit_ratio', value: String(overcommitRatio) }]
        : [],
    // The kernel knows one of the two: writing one clears the other.
    asked: ({ overcommitRatio, overcommitKbytes }) =>
      overcommitKbytes === null ? String(overcommitRatio) : null,
    found: ({ overcommitRatio }) => known(overcommitRatio),
  },
  {
    axis: 'overcommitKbytes',
    writes: ({ overcommitKbytes }) =>
      overcommitKbytes === null
        ? []
        : [{ path: '/proc/sys/vm/overcommit_kbytes', value: String(overcommitKbytes / kib) }],
    asked: ({ overcommitKbytes }) => (overcommitKbytes === null ? null : String(overcommitKbytes)),
    found: ({ overcommitKbytes }) => known(overcommitKbytes),
  },
  {
    axis: 'maxMapCount',
    writes: ({ maxMapCount }) =>
      maxMapCount === null ? [] : [{ path: '/proc/sys/vm/max_map_count', value: String(maxMapCount) }],
    asked: ({ maxMapCount }) => (maxMapCount === null ? null : String(maxMapCount)),
    found: ({ maxMapCount }) => known(maxMapCount),
  },
  {
    // Linux ignores transparent_hugepage= on the command line of a guest with less than 512 MiB usable.
    axis: 'thp',
    writes: ({ thp }) => [{ path: '/sys/kernel/mm/transparent_hugepage/enabled', value: thp }],
    asked: ({ thp }) => thp,
    found: ({ thp }) => known(thp),
  },
  {
    // Last of the kernel's own: from here on every mapping of the session counts against the limit.
    axis: 'overcommit',
    writes: ({ overcommit }) => [{ path: '/proc/sys/vm/overcommit_memory', value: String(overcommit) }],
    asked: ({ overcommit }) => String(overcommit),
    found: ({ overcommitMemory }) => known(overcommitMemory),
  },
  {
    // First of the process: what it does from here on counts in its group.
    axis: 'cgroupMemory',
    limits: ({ cgroupMemory }): Record<string, string> =>
      cgroupMemory === null ? {} : { cgroup: String(cgroupMemory) },
    asked: ({ cgroupMemory }) => (cgroupMemory === null ? null : String(cgroupMemory)),
    found: ({ cgroupMemoryMax }) => bytes(cgroupMemoryMax),
  },
  {
    axis: 'mdwe',
    limits: ({ mdwe }): Record<string, string> => (mdwe === 'off' ? {} : { confine: mdwe }),
    asked: ({ mdwe }) => (mdwe === 'off' ? null : mdwe),
    found: ({ mdwe }) => known(mdwe),
  },
  {
    axis: 'stackLimit',
    limits: ({ stackLimit }): Record<string, string> =>
      stackLimit === null ? {} : { s: limitKib(stackLimit === 'unlimited' ? null : stackLimit) },
    asked: ({ stackLimit }) => (stackLimit === null ? null : String(stackLimit)),
    found: ({ stackLimit }) => bytes(stackLimit),
  },
  {
    axis: 'dataLimit',
    limits: ({ dataLimit }): Record<string, string> => (dataLimit === null ? {} : { d: limitKib(dataLimit) }),
    asked: ({ dataLimit }) => bytes(dataLimit),
    found: ({ dataLimit }) => bytes(dataLimit),
  },
  {
    // Last of the limits: a small address space must not keep the shell from setting the others.
    axis: 'addressSpace',
    limits: (settings): Record<string, string> => {
      const limit = limitAddressSpace(settings);
      return limit === null ? {} : { v: limitKib(limit) };
    },
    asked: (settings) => bytes(limitAddressSpace(settings)),
    found: ({ addressSpaceLimit }) => bytes(addressSpaceLimit),
  },
  {
    axis: 'addressBits',
    asked: ({ addressBits }) => (addressBits === null ? null : `${addressBits} bits`),
    found: ({ addressBits, addressSpaceLimit }) =>
      `${known(addressBits)} bits, RLIMIT_AS ${bytes(addressSpaceLimit)}`,
    matches: ({ addressBits }, { addressSpaceLimit }) =>
      addressSpaceLimit !== null && addressSpaceLimit <= 2 ** (addressBits ?? 0),
    standIn: true,
  },
];

/** The model by the name it has in /proc/cpuinfo, and every flag that was asked for. */
function isCpu(text: string, { cpuModel, cpuFlags: found, emulated }: Facts): boolean {
  const cpu = parseCpu(text);
  if (cpu === null || cpuModel === null) return false;
  const { title } = cpuModels[cpu.model] ?? {};
  // Under KVM `max` is this computer's own.
  const isModel = cpuModel.replace(/\s+/g, ' ') === title || (cpu.model === 'max' && !emulated);
  return (
    isModel && Object.entries(cpu.flags).every(([flag, on]) => found.includes(cpuFlags[flag] ?? '') === on)
  );
}

/** Kernel files to write for a cell, in the order in which they must be written. */
export function buildWrites(settings: Settings): Readonly<{ path: string; value: string }>[] {
  return rows.flatMap((row) => row.writes?.(settings) ?? []);
}

/** ulimit letters and values of the host process. Core files off: one of a 4 TiB process would be attempted. */
export function buildLimits(settings: Settings): Record<string, string> {
  return rows.reduce<Record<string, string>>((limits, row) => ({ ...limits, ...row.limits?.(settings) }), {
    c: '0',
  });
}

/** Asked beside found, for every setting a fact can prove. */
export function compareSettings(settings: Settings, facts: Facts): ReadBack[] {
  return rows.flatMap((row) => {
    const asked = row.asked(settings);
    if (asked === null) return [];
    const found = row.found(facts);
    const ok = row.matches?.(settings, facts) ?? asked === found;
    return [{ axis: row.axis, asked, found, ok, ...(row.standIn && { standIn: row.standIn }) }];
  });
}
