/**
 * Rules for limits of processes and threads: RLIMIT_NPROC and pids.max are axes; limits of the whole machine also count
 * its other programs, which no report lists.
 */
import { nodeThreads } from '../../images/allocator/processes.ts';
import { axes, rowOf, type Settings } from '../axes/table.ts';
import { factOf } from './captured-rules.ts';
import { axisOf, say, type FactMapping, type Rule } from './mapping.ts';
import type { FieldReport } from './report.ts';
import { findRuntime } from './runtime.ts';
import { symptomOfReport, type Symptom } from './symptom.ts';

/** No subject starts so many; each processor gives a runtime a few more. */
const plenty = ({ processor }: FieldReport): number => Math.max(1000, 40 * (processor.count ?? 1));

const wholeMachine =
  'it counts the threads of the whole machine, and no report says how many others there were';
const machineLimits: readonly string[] = ['kernelLimits.threadsMax', 'kernelLimits.pidMax'];

type ThreadAxis = 'pidsMax' | 'processes';
const facts: readonly (readonly [axis: ThreadAxis, fact: string, whose: string])[] = [
  ['pidsMax', 'cgroup.levels.pidsMax', 'of the group'],
  ['processes', 'resourceLimits.processes', 'of the user'],
];

/** Both come from the size of the machine: the kernel gives a user as many processes as pending signals. */
const isKernelDefault = ({ resourceLimits: { processes, pendingSignals } }: FieldReport): boolean =>
  typeof processes.soft === 'number' && processes.soft === pendingSignals.soft;

/** The limit that binds the process of the report; null where it is none, or so large that it never does. */
function limitOf(report: FieldReport, [axis, fact]: (typeof facts)[number]): number | null {
  const found = factOf(report, fact);
  if (typeof found !== 'number' || found >= plenty(report)) return null;
  const bindsNobody = axis === 'processes' && (isKernelDefault(report) || report.process.sysAdmin === 'yes');
  return bindsNobody ? null : found;
}

/** Number of threads with which the reported act fails in Node, as the words of the report imply. */
function roomOf(report: FieldReport, { words }: Symptom): number | null {
  if (findRuntime(report).kind !== 'node') return null;
  // The thread that listens for SIGUSR1 is the last that a start has: Node says so, and goes on without it.
  const isPool = !/spawn|worker|fork/.test(words);
  return isPool ? nodeThreads - 1 : nodeThreads;
}

/**
 * What bounds processes and threads. Where one was refused, others in the group or of the user had the rest of the
 * limit: the guest gets as many threads as the words of the failure imply.
 */
export const mapThreads: Rule = (report, so) => {
  const symptom = symptomOfReport(report);
  const failed = symptom?.act === 'thread';
  const room = failed ? roomOf(report, symptom) : null;
  const set: { -readonly [Name in ThreadAxis]?: Settings[Name] } = {};
  const met = facts.flatMap((row): FactMapping[] => {
    const [axis, fact, whose] = row;
    const limit = limitOf(report, row);
    if (limit === null) {
      const found = factOf(report, fact);
      const isRoot = axis === 'processes' && typeof found === 'number' && found < plenty(report);
      return isRoot && !isKernelDefault(report)
        ? [say(fact, found, 'not reproducible', { why: 'processes with CAP_SYS_ADMIN are exempt from it' })]
        : [];
    }
    const value = Math.min(limit, room ?? limit);
    set[axis] = Math.max(1, value);
    const shown = axisOf(axis, { ...so, ...set });
    const others = `others ${whose} had at least ${limit - value}, as the words of the failure imply`;
    return [
      value === limit
        ? say(fact, limit, 'exact', { ...shown, decides: true })
        : say(fact, limit, 'approximated', { ...shown, why: others, decides: true }),
    ];
  });
  const rest = machineLimits.flatMap((fact): FactMapping[] => {
    const found = factOf(report, fact);
    return typeof found === 'number' && found < plenty(report)
      ? [say(fact, found, 'not reproducible', { why: wholeMachine, decides: failed && met.length === 0 })]
      : [];
  });
  return { set, say: [...met, ...rest] };
};

/** The limits in these settings that bound threads, each with its value. */
export const describeThreadLimits = (settings: Settings): readonly string[] =>
  facts.flatMap(([axis, , whose]) => {
    const limit = settings[axis];
    return limit === null ? [] : [`${axis} bounds the processes and threads ${whose}: ${limit}`];
  });

/** Whether any limit in these settings bounds threads. */
export const boundsThreads = (settings: Settings): boolean =>
  facts.some(([axis]) => settings[axis] !== rowOf(axes, axis).default);
