/** Rules for what a process may have: resource limits, its cgroup, memory both writable and executable. */
import type { Settings } from '../axes/table.ts';
import { formatSize } from '../axes/size.ts';
import { axisOf, say, type FactMapping, type Rule } from './mapping.ts';
import type { FieldLimit, FieldReport } from './report.ts';
import { listKernels } from './machine-rules.ts';

const [kib, mib, pib] = [2 ** 10, 2 ** 20, 2 ** 50];

function mapLimit(fact: string, axis: 'addressSpace' | 'dataLimit', soft: FieldLimit): ReturnType<Rule> {
  if (soft === null || soft === 'unlimited') {
    const how = soft === null ? 'approximated' : 'exact';
    const why = soft === null ? 'no limit' : null;
    return { say: [say(fact, soft, how, { axis, value: 'unlimited', why, decides: true })] };
  }
  const value = Math.floor(soft / kib) * kib;
  if (value < 16 * mib)
    return { say: [say(fact, soft, 'not reproducible', { why: 'not even a shell starts', decides: true })] };
  const capped = Math.min(value, pib);
  const exact = value === soft && capped === value;
  const why = exact ? null : value === soft ? 'no process has more' : 'rounded down to KiB';
  return {
    set: { [axis]: capped },
    say: [
      say(fact, soft, exact ? 'exact' : 'approximated', {
        axis,
        value: formatSize(capped),
        why,
        decides: true,
      }),
    ],
  };
}

const mapStack: Rule = ({ resourceLimits: { stack } }, so) => {
  const { soft } = stack;
  const fact = 'resourceLimits.stack';
  if (soft === null)
    return {
      say: [say(fact, soft, 'approximated', { ...axisOf('stackLimit', so), why: "the kernel's default" })],
    };
  // What a guest comes up with.
  if (soft === 8 * mib) return { say: [say(fact, soft, 'exact', axisOf('stackLimit', so))] };
  if (soft === 'unlimited') {
    const set = { stackLimit: soft };
    return {
      set,
      say: [say(fact, soft, 'exact', { ...axisOf('stackLimit', { ...so, ...set }), decides: true })],
    };
  }
  if (soft < 128 * kib) {
    const why = 'no Node starts with so small a stack';
    return { say: [say(fact, soft, 'not reproducible', { why, decides: true })] };
  }
  const set = { stackLimit: Math.min(Math.floor(soft / kib) * kib, 2 ** 40) };
  const exact = set.stackLimit === soft;
  return {
    set,
    say: [
      say(fact, soft, exact ? 'exact' : 'approximated', {
        ...axisOf('stackLimit', { ...so, ...set }),
        why: exact ? null : 'rounded down to KiB',
        decides: true,
      }),
    ],
  };
};

export const mapLimits: Rule = (report, so, known) => {
  const { addressSpace, data } = report.resourceLimits;
  const parts = [
    mapLimit('resourceLimits.addressSpace', 'addressSpace', addressSpace.soft),
    mapLimit('resourceLimits.data', 'dataLimit', data.soft),
    mapStack(report, so, known),
  ];
  const set = parts.reduce<Partial<Settings>>((all, part) => ({ ...all, ...part.set }), {});
  return { set, say: parts.flatMap((part) => part.say) };
};

const smallest = (values: readonly (FieldLimit | undefined)[]): number | null =>
  values.reduce<number | null>(
    (least, value) => (typeof value === 'number' && value < (least ?? Infinity) ? value : least),
    null,
  );

/** The smallest limit up the tree is the one that counts. */
export const mapCgroup: Rule = ({ cgroup: { version, levels } }, so) => {
  const limit = smallest((levels ?? []).map(({ memoryMax }) => memoryMax));
  const throttle = smallest((levels ?? []).map(({ memoryHigh }) => memoryHigh));
  const fact = 'cgroup.levels.memoryMax';
  const throttled: readonly FactMapping[] =
    version === 2 && throttle !== null && throttle < (limit ?? Infinity)
      ? [
          say('cgroup.levels.memoryHigh', throttle, 'not reproducible', {
            why: 'there is no such axis; it slows a process down and refuses nothing',
          }),
        ]
      : [];
  if (limit === null) {
    const unknown = levels === null || levels.some(({ memoryMax }) => memoryMax === null);
    return {
      say: [
        say(fact, unknown ? null : 'unlimited', unknown ? 'approximated' : 'exact', {
          ...axisOf('cgroupMemory', so),
          why: unknown ? 'no limit' : null,
        }),
        ...throttled,
      ],
    };
  }
  const pages = Math.floor(limit / (4 * kib)) * 4 * kib;
  if (pages < 8 * mib) {
    const why = 'not even a shell lives in so small a group';
    return { say: [say(fact, limit, 'not reproducible', { why, decides: true }), ...throttled] };
  }
  const set = { cgroupMemory: Math.min(pages, 2 ** 40) };
  const exact = version === 2 && set.cgroupMemory === limit;
  return {
    set,
    say: [
      say(fact, limit, exact ? 'exact' : 'approximated', {
        ...axisOf('cgroupMemory', { ...so, ...set }),
        why: exact ? null : version === 1 ? 'a limit of version 2 of the same size' : 'whole pages',
        decides: true,
      }),
      ...throttled,
    ],
  };
};

/** First kernel with PR_SET_MDWE, as `listKernels` orders them. */
const mdweSince = 6003;

function confinementOf({ process }: FieldReport): 'prctl' | 'seccomp' | 'other' | 'off' | null {
  if (process.memoryDenyWriteExecute === 'yes') return 'prctl';
  if (process.writableToExecutable === 'yes') return 'off';
  if (process.writableToExecutable === null) return null;
  return process.seccomp === 'filter' ? 'seccomp' : 'other';
}

export const mapWriteExecute: Rule = (report, so, known) => {
  const found = confinementOf(report);
  const fact = found === 'prctl' ? 'process.memoryDenyWriteExecute' : 'process.writableToExecutable';
  if (found === null) {
    const why = 'nobody could try there';
    return { say: [say(fact, null, 'approximated', { ...axisOf('mdwe', so), why, decides: true })] };
  }
  if (found === 'off') return { say: [say(fact, 'yes', 'exact', { ...axisOf('mdwe', so), decides: true })] };
  const order = listKernels(known).find(({ name }) => name === so.kernel)?.order ?? 0;
  const mdwe = found === 'prctl' && order >= mdweSince ? 'prctl' : 'seccomp';
  const why =
    found === mdwe
      ? null
      : found === 'prctl'
        ? "the filter of before forbids the same; the guest's kernel has no PR_SET_MDWE"
        : 'the filter forbids the same, whoever does there';
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
