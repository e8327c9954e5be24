/** Compares two field reports in every fact that can decide a tier. */
import type { FieldReport } from '../harness/field/report.ts';

/** One fact of a report. Numbers may differ by `within`, as two boots of one machine do. */
type Fact = Readonly<{ name: string; read: (report: FieldReport) => unknown; within?: number }>;

/** The limit of a cgroup: the smallest of its levels. */
const limitOf =
  (name: 'memoryMax' | 'memoryHigh' | 'pidsMax') =>
  ({ cgroup }: FieldReport): number | null =>
    (cgroup.levels ?? []).reduce<number | null>((least, { [name]: limit }) => {
      return typeof limit === 'number' && limit < (least ?? Infinity) ? limit : least;
    }, null);

/** The memory that strict overcommit leaves, KiB; nothing depends on it in other modes. */
const leftKib = ({ overcommit, memory }: FieldReport): number | null =>
  overcommit.mode === 2 ? (memory.commitLimitKib ?? 0) - (memory.committedKib ?? 0) : null;

const facts: readonly Fact[] = [
  { name: 'kernel.release', read: ({ kernel }) => kernel.release },
  { name: 'kernel.architecture', read: ({ kernel }) => kernel.architecture },
  { name: 'kernel.pageSize', read: ({ kernel }) => kernel.pageSize },
  { name: 'memory.totalKib', read: ({ memory }) => memory.totalKib, within: 2048 },
  { name: 'memory.swapTotalKib', read: ({ memory }) => memory.swapTotalKib },
  { name: 'memory.hugePages', read: ({ memory }) => memory.hugePages },
  { name: 'memory.hugePageKib', read: ({ memory }) => memory.hugePageKib },
  { name: 'overcommit.mode', read: ({ overcommit }) => overcommit.mode },
  // The memory of other processes changes by some MiB from one moment to the next.
  { name: 'what may be committed, KiB', read: leftKib, within: 8192 },
  { name: 'overcommit.userReserveKib', read: ({ overcommit }) => overcommit.userReserveKib, within: 2048 },
  { name: 'overcommit.adminReserveKib', read: ({ overcommit }) => overcommit.adminReserveKib },
  { name: 'transparentHugePages.enabled', read: (report) => report.transparentHugePages.enabled },
  { name: 'kernelLimits.maxMapCount', read: ({ kernelLimits }) => kernelLimits.maxMapCount },
  { name: 'resourceLimits.addressSpace', read: ({ resourceLimits }) => resourceLimits.addressSpace.soft },
  { name: 'resourceLimits.data', read: ({ resourceLimits }) => resourceLimits.data.soft },
  { name: 'resourceLimits.stack', read: ({ resourceLimits }) => resourceLimits.stack.soft },
  // Without a limit of its own it follows from the machine's memory.
  {
    name: 'resourceLimits.processes',
    read: ({ resourceLimits }) => resourceLimits.processes.soft,
    within: 16,
  },
  { name: 'cgroup, smallest memory.max', read: limitOf('memoryMax') },
  { name: 'cgroup, smallest memory.high', read: limitOf('memoryHigh') },
  { name: 'cgroup, smallest pids.max', read: limitOf('pidsMax') },
  { name: 'processor.count', read: ({ processor }) => processor.count },
  { name: 'processor.model', read: ({ processor }) => processor.model },
  { name: 'processor.flags', read: ({ processor }) => processor.flags },
  { name: 'processor.processBits', read: ({ processor }) => processor.processBits },
  { name: 'process.seccomp', read: ({ process }) => process.seccomp },
  { name: 'process.sysAdmin', read: ({ process }) => process.sysAdmin },
  { name: 'process.memoryDenyWriteExecute', read: ({ process }) => process.memoryDenyWriteExecute },
  { name: 'process.writableToExecutable', read: ({ process }) => process.writableToExecutable },
  { name: 'programs.node', read: ({ programs }) => programs.node },
  { name: 'command.exit', read: ({ command }) => command?.exit },
  { name: 'command.signal', read: ({ command }) => command?.signal },
];

const isNear = (a: unknown, b: unknown, within: number): boolean =>
  typeof a === 'number' && typeof b === 'number' && Math.abs(a - b) <= within;

/**
 * A line per fact that differs. `ofNode`: Node is the report's runtime; else another one may stand beside the engine.
 */
export function compareReports(first: FieldReport, second: FieldReport, ofNode: boolean): readonly string[] {
  return facts
    .filter(({ name }) => ofNode || name !== 'programs.node')
    .flatMap(({ name, read, within = 0 }) => {
      const [was, is] = [read(first), read(second)];
      // A Node that did not answer in time, on a busy machine: unknown.
      const untold = name === 'programs.node' && (was === null || is === null);
      const same = untold || JSON.stringify(was) === JSON.stringify(is) || isNear(was, is, within);
      return same ? [] : [`${name}: ${JSON.stringify(was)} there, ${JSON.stringify(is)} here`];
    });
}
