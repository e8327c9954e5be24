/** Rules for limits that need more than the fact of one axis: the cgroup, and memory both writable and executable. */
import { factOf, mapCaptured } from './captured-rules.ts';
import { axisOf, say, type Rule } from './mapping.ts';
import type { FieldReport } from './report.ts';
import { listKernels } from './machine-rules.ts';

/** A limit of cgroup version 2 takes the place of one of version 1. */
export const mapCgroup: Rule = (report, so, known) => {
  const { set, say: said } = mapCaptured('cgroupMemory')(report, so, known);
  const { version } = report.cgroup;
  const why = 'a limit of the same size in cgroup version 2';
  return {
    ...(set !== undefined && { set }),
    say: said.map((one) =>
      one.how === 'exact' && one.found !== 'unlimited' && version !== 2
        ? { ...one, how: 'approximated' as const, why }
        : one,
    ),
  };
};

/** memory.high; the soft limit of version 1 slows nobody down. */
export const mapHigh: Rule = (report, so, known) =>
  report.cgroup.version === 2 && typeof factOf(report, 'cgroup.levels.memoryHigh') === 'number'
    ? mapCaptured('cgroupHigh')(report, so, known)
    : { say: [] };

/** First kernel with PR_SET_MDWE, as `listKernels` orders them. */
const mdweSince = 6003;

export function confinementOf({ process }: FieldReport): 'prctl' | 'seccomp' | 'other' | 'off' | null {
  if (process.memoryDenyWriteExecute === 'yes') return 'prctl';
  if (process.writableToExecutable === 'yes') return 'off';
  if (process.writableToExecutable === null) return null;
  return process.seccomp === 'filter' ? 'seccomp' : 'other';
}

export const mapWriteExecute: Rule = (report, so, known) => {
  const found = confinementOf(report);
  const fact = found === 'prctl' ? 'process.memoryDenyWriteExecute' : 'process.writableToExecutable';
  if (found === null) {
    const why = 'capture.sh could not try it';
    return { say: [say(fact, null, 'approximated', { ...axisOf('mdwe', so), why, decides: true })] };
  }
  if (found === 'off') return { say: [say(fact, 'yes', 'exact', { ...axisOf('mdwe', so), decides: true })] };
  const order = listKernels(known, so.arch).find(({ name }) => name === so.kernel)?.order ?? 0;
  const mdwe = found === 'prctl' && order >= mdweSince ? 'prctl' : 'seccomp';
  const why =
    found === mdwe
      ? null
      : found === 'prctl'
        ? "a seccomp filter forbids the same; the guest's kernel has no PR_SET_MDWE"
        : 'a seccomp filter forbids the same; the report does not say what forbids it there';
  return {
    set: { mdwe },
    say: [
      say(fact, found === 'prctl' ? 'yes' : 'no', why === null ? 'exact' : 'approximated', {
        ...axisOf('mdwe', { ...so, mdwe }),
        why,
        decides: true,
      }),
    ],
  };
};
