/**
 * Chooses the subject that repeats the failed act of a report, on the engine of the report, and names the facts that
 * decide whether the act fails.
 */
import { parseVersion } from '../../images/allocator/engines.ts';
import type { Act } from '../../images/allocator/known-messages.ts';
import { formatBytes } from '../../images/allocator/sizes.ts';
import { limitAddressSpace } from '../axes/process.ts';
import { axes, type AxisName, rowOf, type Settings } from '../axes/table.ts';
import { factOf } from './captured-rules.ts';
import { axisOf, say, type Rule } from './mapping.ts';
import { derivePool } from './pool-sizes.ts';
import type { FieldReport } from './report.ts';
import { findRuntime } from './runtime.ts';
import { interpretedFlag, spaceOf } from './subject-model.ts';
import { describeAct, symptomOfReport, type Symptom } from './symptom.ts';

/** fetch() is there from this Node on; before it the same parser is an instance like any other. */
const firstFetch = 18;

type SubjectRow = Readonly<{
  subject: string;
  /** Why another act is done instead; absent where it is the act itself. */
  instead?: string;
  env?: (symptom: Symptom) => Readonly<Record<string, string>>;
  /** Releases of Node that can run it. @default every one */
  fits?: (major: number) => boolean;
}>;

const instantiate: SubjectRow = {
  subject: 'node-instance',
  env: ({ words, count }) => ({
    ...(words.startsWith('webassembly.instantiate') && { HOW: 'instantiate' }),
    ...(count !== null && { INSTANCES: String(count + 1) }),
  }),
};

/** Subjects in Node, by the act they do; the first that fits. */
const v8Subjects: Readonly<Partial<Record<Act, readonly SubjectRow[]>>> = {
  start: [{ subject: 'node-start' }],
  heap: [{ subject: 'node-start', instead: 'a heap fills up at run time: the start of Node is tried' }],
  commit: [{ subject: 'node-start', instead: 'a heap grows at run time: the start of Node is tried' }],
  option: [{ subject: 'node-start' }],
  code: [{ subject: 'node-start' }],
  memory: [
    {
      subject: 'node-memories',
      env: ({ count }) => (count === null ? {} : { MEMORIES: String(count + 1) }),
    },
  ],
  instance: [instantiate],
  fetch: [{ subject: 'node-fetch', fits: (major) => major >= firstFetch }, instantiate],
  import: [{ subject: 'node-cjs-import' }],
  instruction: [{ subject: 'node-simd' }],
  thread: [
    {
      subject: 'node-threads',
      env: ({ words }) =>
        /spawn|fork/.test(words) ? { HOW: 'spawn' } : words.includes('worker') ? { HOW: 'worker' } : {},
    },
  ],
};

/** Which of its modules the engine refused, in the subject's word; null where nothing tells, and both are compiled. */
const moduleOf = ({ words }: Symptom): 'simd' | 'floor' | null =>
  words.includes('simd') ? 'simd' : words.includes('floorf64') ? 'floor' : null;

/** The subject that does the act of the report. Acts of pools and memories of Wasmtime are the wasm host's own. */
export const mapAct: Rule = (report, so) => {
  const symptom = symptomOfReport(report);
  if (symptom === null) return { say: [] };
  const { kind } = findRuntime(report);
  if (kind === 'node') {
    const major = parseVersion(so.node)[0];
    const row = v8Subjects[symptom.act]?.find(({ fits }) => fits?.(major) !== false);
    if (row === undefined)
      return {
        say:
          symptom.act === 'unknown'
            ? []
            : [
                say('command.output', describeAct(symptom.act), 'not reproducible', {
                  why: 'no subject does this',
                  decides: true,
                }),
              ],
      };
    const env = { ...so.env, ...row.env?.(symptom) };
    return sayAct(symptom, so, { subject: row.subject, env }, row.instead);
  }
  if (kind === 'other' || kind === 'whole' || kind === null) return { say: [] };
  if (symptom.act === 'instruction') {
    const only = moduleOf(symptom);
    const env = { ...so.env, ...(only !== null && { ONLY: only }) };
    return sayAct(symptom, so, { subject: 'wasmtime-module', env });
  }
  // It compiles on a thread per processor.
  if (symptom.act === 'thread') {
    const count = report.processor.count ?? 1;
    const many = count <= so.cpus ? {} : { RAYON_NUM_THREADS: String(count) };
    const env = { ...so.env, ...many };
    const { set, say: said } = sayAct(symptom, so, { subject: 'wasmtime-module', env });
    const threads = say('processor.count', count, 'approximated', {
      ...axisOf('env', { ...so, env }),
      why: 'as many threads as it has processors, on those of the guest',
      standIn: true,
    });
    return { ...(set !== undefined && { set }), say: [...said, ...(count <= so.cpus ? [] : [threads])] };
  }
  // V8 makes code as well, and would end before Wasmtime is asked.
  if (symptom.act === 'code')
    return sayAct(symptom, so, {
      subject: 'wasmtime-module',
      env: { ...so.env, NODE_OPTIONS: interpretedFlag },
    });
  const derived = derivePool(symptom, so);
  const { set } = derived;
  return { set, say: [...sayAct(symptom, so, set).say, ...derived.say] };
};

function sayAct(
  symptom: Symptom,
  so: Settings,
  set: Partial<Settings>,
  instead: string | null = null,
): ReturnType<Rule> {
  const met = say('command.output', describeAct(symptom.act), instead === null ? 'exact' : 'approximated', {
    ...axisOf('subject', { ...so, ...set }),
    why: instead,
    decides: true,
  });
  return { set, say: [met] };
}

type Decider = Readonly<{
  fact: string;
  shownBy: string;
  axis: AxisName;
  /** Whether it can differ on such a machine. @default always */
  differs?: (report: FieldReport) => boolean;
}>;

const decide = (axis: AxisName): Decider => {
  const { captured } = rowOf(axes, axis);
  if (captured === undefined) throw new RangeError(`no fact of a report is the value of ${axis}`);
  return { axis, ...captured };
};
const writeExecute: Decider = {
  axis: 'mdwe',
  fact: 'process.writableToExecutable',
  shownBy: 'systemctl show <service> -p MemoryDenyWriteExecute',
};
const flags: Decider = {
  axis: 'cpu',
  fact: 'processor.flags',
  shownBy: 'grep -m 1 -E "flags|Features" /proc/cpuinfo',
};
const space = decide('addressSpace');
const width: Decider = {
  axis: 'addressBits',
  fact: 'processor.processBits',
  shownBy: 'grep stack /proc/self/maps',
  // Every kernel of x86-64 gives a process 47 bits.
  differs: ({ kernel }) => kernel.architecture !== 'x86_64',
};

/** Facts that decide whether an act fails, the likeliest first. */
const deciders: Readonly<Record<Act, readonly Decider[]>> = {
  start: [space, decide('dataLimit'), decide('overcommit'), writeExecute],
  memory: [space, width],
  growth: [space, decide('dataLimit'), decide('overcommit')],
  instance: [space, width],
  fetch: [space, width],
  import: [space, width],
  pool: [space, decide('overcommit'), width],
  instruction: [flags],
  code: [writeExecute],
  heap: [],
  commit: [space, decide('dataLimit'), decide('overcommit')],
  thread: [
    { axis: 'pidsMax', fact: 'cgroup.levels.pidsMax', shownBy: 'cat /sys/fs/cgroup/pids.max' },
    { axis: 'processes', fact: 'resourceLimits.processes', shownBy: 'ulimit -u' },
  ],
  option: [],
  unknown: [],
};

/** Facts that decide about the failure and are unknown in the report, each with the command that shows it. */
export function listUnknown(report: FieldReport, { act }: Symptom): readonly string[] {
  return deciders[act]
    .filter(({ fact, differs }) => factOf(report, fact) === null && differs?.(report) !== false)
    .map(({ fact, shownBy }) => `${fact} is unknown and decides: \`${shownBy}\` shows it`);
}

/** Whether a value of the axis decides about the failure: a limit of its act, or what fails. */
export const isDecisive = (axis: AxisName, { act }: Symptom): boolean =>
  ['engine', 'node', 'subject'].includes(axis) || deciders[act].some((decider) => decider.axis === axis);

/** Whether a guest with these settings has any limit that could make the act fail. */
export const hasLimit = (settings: Settings, { act }: Symptom): boolean =>
  deciders[act].some(({ axis }) => settings[axis] !== rowOf(axes, axis).default);

const v8Acts: readonly Act[] = ['memory', 'instance', 'fetch', 'import'];

/** The limits that may have refused memory to a heap that was below its own limit. */
function describeRefusal(settings: Settings): string {
  const space = limitAddressSpace(settings);
  const suspects = [
    space === null
      ? []
      : `RLIMIT_AS, ${formatBytes(space)} (\`ulimit -v ${Math.floor(space / 1024)}\`), of which Node takes ${formatBytes(spaceOf(settings).start)} to start`,
    settings.dataLimit === null ? [] : `RLIMIT_DATA, ${formatBytes(settings.dataLimit)}`,
    settings.overcommit === 2 ? 'vm.overcommit_memory=2, which bounds what all programs may commit' : [],
  ].flat();
  const refused = 'the kernel refused memory to a heap that was below its own limit';
  return suspects.length === 0
    ? `${refused}: the report has neither RLIMIT_AS nor RLIMIT_DATA nor strict overcommit, so the whole machine was short of memory`
    : `${refused}: suspected ${suspects.length === 1 ? 'is' : 'are'} ${suspects.join('; and ')}`;
}

/** The threshold below which an act fails that did not fail in the guest; null where there is no figure. */
export function describeThreshold(settings: Settings, { act }: Symptom): string | null {
  if (act === 'heap')
    return 'no limit of the machine is part of it: the heap has a limit of its own (`node --max-old-space-size`)';
  if (act === 'commit') return describeRefusal(settings);
  if (settings.engine !== 'v8' || !v8Acts.includes(act)) return null;
  const { memory, start, guarded } = spaceOf(settings);
  if (!guarded)
    return `Node ${settings.node} leaves the guards off with this limit: a memory takes its own size`;
  const needed = start + memory;
  const first = `${describeAct(act)} needs ${formatBytes(needed)} of address space (\`ulimit -v ${Math.ceil(needed / 1024)}\`): it fails with less`;
  const limit = limitAddressSpace(settings);
  if (limit === null) return first;
  const room = Math.max(0, Math.floor((limit - start) / memory));
  return `${first}; this limit has room for ${room} memories at a time`;
}
