/**
 * Changes that could restore a tier or let a subject succeed, least invasive first, each with the smallest value that
 * the model accepts; and popular recommendations, whether they help or not. Pure: guests decide afterwards.
 */
import type { Tier } from '../../images/allocator/tier.ts';
import { hasTrapHandlerFlag } from '../../images/allocator/v8-rules.ts';
import { architectureOf } from '../../images/architectures.ts';
import { hasNode } from '../../images/definitions.ts';
import { hostSubject } from '../axes/host.ts';
import { axes, defaultSettings, formatValue, type AxisName, type Settings } from '../axes/table.ts';
import { findSubject } from '../outcome/predict-cell.ts';
import { formatCount } from '../report/format-run.ts';
import { rangeOf } from './axis-range.ts';
import { predictThreshold } from './bisect.ts';
import { type Candidate, isBelieved, isUnknown } from './candidate.ts';
import { listPoolSizes } from './pool-candidates.ts';
import { listProcessors } from './processor-candidates.ts';
import { hasTrapHandlerOff, trapHandlerFlag } from './subject-model.ts';

/**
 * The candidates that the model believes in, least invasive first.
 * @param spin release of the Spin to cure; null where it is unknown
 */
export function listCandidates(
  settings: Settings,
  wanted: Tier,
  spin: string | null = null,
): readonly Candidate[] {
  if (isUnknown(settings)) return listGivenUp(settings, wanted);
  const believed = ({ settings: changed }: Candidate): boolean => isBelieved(changed, wanted);
  const own = listChanges(settings, wanted, spin).filter(believed);
  if (own.length > 0) return own;
  // A tier that was forced keeps every other change from helping.
  return listVariables(settings).flatMap((freed) =>
    listChanges(freed.settings, wanted, spin)
      .filter(believed)
      .map((one) => ({ ...one, change: `${freed.change}, ${one.change}` })),
  );
}

/** The model does not know how much of a limit such a program needs, so each limit is lifted altogether. */
const listGivenUp = (settings: Settings, wanted: Tier): readonly Candidate[] => [
  ...listLimits(settings, wanted),
  ...listSysctls(settings, wanted),
  ...listProcessors(settings),
];

const listChanges = (settings: Settings, wanted: Tier, spin: string | null): readonly Candidate[] => [
  ...listVariables(settings),
  ...listPoolSizes(settings, wanted, spin),
  ...listLimits(settings, wanted),
  ...listSysctls(settings, wanted),
  ...listVersions(settings),
  ...listMemory(settings, wanted),
  ...listProcessors(settings),
];

/** Variables of the program that runs: Spin's where it is Spin, Node's flag where it is Node. */
function listVariables(settings: Settings): readonly Candidate[] {
  const { allocator, env, profile, subject, engine, node } = settings;
  const variable = (change: string, cost: string, set: Partial<Settings>): Candidate => ({
    kind: 'variable',
    change,
    cost,
    settings: { ...settings, ...set },
  });
  if (subject !== hostSubject)
    return engine === 'v8' && hasTrapHandlerFlag(node) && !hasTrapHandlerOff(settings)
      ? [
          {
            ...variable(`node ${trapHandlerFlag}`, 'WebAssembly checks its bounds in code, which is slower', {
              env: { ...env, NODE_OPTIONS: [env['NODE_OPTIONS'], trapHandlerFlag].filter(Boolean).join(' ') },
            }),
            also: `NODE_OPTIONS=${trapHandlerFlag}, where the command cannot be changed`,
          },
        ]
      : [];
  if (profile !== 'spin') return [];
  const cost = 'nothing: the best tier that works is taken';
  const { SPIN_WASMTIME_POOLING: pooling, ...others } = env;
  return [
    ...(allocator === 'auto' ? [] : [variable('unset SPIN_ALLOCATOR', cost, { allocator: 'auto' })]),
    ...(pooling === undefined ? [] : [variable('unset SPIN_WASMTIME_POOLING', cost, { env: others })]),
  ];
}

/** The smallest value of an axis that works according to the model, or null. */
function smallest(settings: Settings, axis: AxisName, wanted: Tier): Settings | null {
  const range = rangeOf(axis);
  const index = predictThreshold(range.length, (at) => isBelieved(range.at(settings, at), wanted));
  return index === null ? null : range.at(settings, index);
}

const write = (settings: Settings, axis: AxisName): string => formatValue(axes, axis, settings[axis]);

const kibOf = (bytes: number | null): string => (bytes === null ? 'unlimited' : String(bytes / 1024));

type LimitRow = Readonly<{
  axis: 'addressSpace' | 'dataLimit' | 'cgroupMemory' | 'pidsMax' | 'processes';
  change: (bytes: number | null) => string;
  also: (bytes: number | null) => string;
  /** What it bounds; null for processes and threads. */
  names: string | null;
}>;

const word = (bytes: number | null, otherwise: string): string =>
  bytes === null ? otherwise : String(bytes);

/** Docker has no option for RLIMIT_AS: a container inherits the daemon's. */
export const limitRows: readonly LimitRow[] = [
  {
    axis: 'addressSpace',
    change: (bytes) => `ulimit -v ${kibOf(bytes)}`,
    also: (bytes) => `systemd: LimitAS=${word(bytes, 'infinity')} (of docker.service for a container)`,
    names: 'address space',
  },
  {
    axis: 'dataLimit',
    change: (bytes) => `ulimit -d ${kibOf(bytes)}`,
    also: (bytes) =>
      `systemd: LimitDATA=${word(bytes, 'infinity')}; Docker: --ulimit data=${word(bytes, '-1')}`,
    names: 'private writable memory',
  },
  {
    axis: 'cgroupMemory',
    change: (bytes) => `memory.max ${word(bytes, 'max')}`,
    also: (bytes) =>
      `systemd: MemoryMax=${word(bytes, 'infinity')}; Docker: --memory ${word(bytes, '0')}; Kubernetes: resources.limits.memory ${word(bytes, 'left out')}`,
    names: 'memory',
  },
  {
    axis: 'pidsMax',
    change: (count) => `pids.max ${word(count, 'max')}`,
    also: (count) =>
      `systemd: TasksMax=${word(count, 'infinity')}; Docker: --pids-limit ${word(count, '-1')}; Kubernetes: podPidsLimit of the kubelet`,
    names: null,
  },
  {
    axis: 'processes',
    change: (count) => `ulimit -u ${word(count, 'unlimited')}`,
    also: (count) =>
      `systemd: LimitNPROC=${word(count, 'infinity')}; Docker: --ulimit nproc=${word(count, '-1')}`,
    names: null,
  },
];

const ofThreads = (count: number | null): string =>
  count === null ? 'any number of threads' : formatCount(count, 'thread');

/** Settings that are lifted altogether. */
const givenUp: readonly Readonly<
  { axis: AxisName } & Pick<Candidate, 'kind' | 'change' | 'also' | 'cost'>
>[] = [
  {
    axis: 'stackLimit',
    kind: 'limit',
    change: 'ulimit -s 8192',
    also: 'systemd: LimitSTACK=8M; Docker: --ulimit stack=8388608',
    cost: 'threads have stacks of 8 MiB',
  },
  {
    axis: 'mdwe',
    kind: 'limit',
    change: 'MemoryDenyWriteExecute=no',
    cost: 'this service may generate code at run time, as every WebAssembly compiler does',
  },
];

function listLimits(settings: Settings, wanted: Tier): readonly Candidate[] {
  const plain = defaultSettings();
  const single = limitRows.flatMap(({ axis, change, also, names }): Candidate[] => {
    const now = settings[axis];
    if (now === null) return [];
    const enough = smallest(settings, axis, wanted);
    const found = enough !== null && (enough[axis] ?? 0) > now ? [enough] : [];
    return [...found, { ...settings, [axis]: null }].map((changed) => ({
      kind: 'limit',
      change: change(changed[axis]),
      also: also(changed[axis]),
      cost:
        names === null
          ? `${ofThreads(changed[axis])} for this program, in addition to those of others`
          : changed[axis] === null
            ? `no bound on the ${names} of this process`
            : `${write(changed, axis)} of ${names} for this process`,
      settings: changed,
    }));
  });
  const whole = givenUp
    .filter(({ axis }) => settings[axis] !== plain[axis])
    .map(({ axis, ...row }) => ({ ...row, settings: { ...settings, [axis]: plain[axis] } }));
  if (settings.addressSpace === null || settings.dataLimit === null) return [...single, ...whole];
  const both: Candidate = {
    kind: 'limit',
    change: 'ulimit -v unlimited -d unlimited',
    also: 'systemd: LimitAS=infinity LimitDATA=infinity',
    cost: 'no bound on the memory of this process',
    settings: { ...settings, addressSpace: null, dataLimit: null },
  };
  return [...single, ...whole, both];
}

type SysctlRow = Readonly<{
  axis: 'overcommitBytes' | 'maxMapCount' | 'overcommitRatio';
  name: string;
  cost: string;
  value: (settings: Settings) => string;
  /** Whether it counts in these settings: of ratio and size, writing one clears the other. */
  counts: (settings: Settings) => boolean;
}>;

const more = 'the machine may commit more memory than before';

const sysctlRows: readonly SysctlRow[] = [
  {
    axis: 'overcommitBytes',
    name: 'vm.overcommit_kbytes',
    cost: more,
    value: ({ overcommitBytes }) => kibOf(overcommitBytes),
    counts: ({ overcommit, overcommitBytes }) => overcommit === 2 && overcommitBytes !== null,
  },
  {
    axis: 'maxMapCount',
    name: 'vm.max_map_count',
    cost: 'some kernel memory per mapping',
    value: (settings) => write(settings, 'maxMapCount'),
    counts: ({ maxMapCount }) => maxMapCount !== null,
  },
  {
    axis: 'overcommitRatio',
    name: 'vm.overcommit_ratio',
    cost: more,
    value: (settings) => write(settings, 'overcommitRatio'),
    counts: ({ overcommit, overcommitBytes }) => overcommit === 2 && overcommitBytes === null,
  },
];

/** Of the whole machine: in a container they are set on its host, in Kubernetes on the node. */
function listSysctls(settings: Settings, wanted: Tier): readonly Candidate[] {
  const also = 'of the whole machine: for a container or a pod, on its host';
  const values = sysctlRows.flatMap(({ axis, name, cost, value, counts }): Candidate[] => {
    const enough = counts(settings) ? smallest(settings, axis, wanted) : null;
    return enough === null
      ? []
      : [{ kind: 'sysctl', change: `sysctl ${name}=${value(enough)}`, also, cost, settings: enough }];
  });
  if (settings.overcommit !== 2) return values;
  const loose: Candidate = {
    kind: 'sysctl',
    change: 'sysctl vm.overcommit_memory=0',
    also,
    cost: 'the whole machine gives up strict accounting',
    settings: { ...settings, overcommit: 0 },
  };
  return [...values, loose];
}

/** Whether another Node could change anything; of a subject that does not come along with poolproof nobody knows. */
function runsNode(settings: Settings): boolean {
  const subject = settings.subject === hostSubject ? null : findSubject(settings);
  return subject === null || subject.run.includes('{node}');
}

/** Whether there is such a Node for the architecture. */
const isThere = ({ node, arch }: Settings): boolean => hasNode(node, architectureOf(arch));

function listVersions(settings: Settings): readonly Candidate[] {
  const range = rangeOf('node');
  const all = Array.from({ length: range.length }, (_, index) => range.at(settings, index));
  const nodes = (runsNode(settings) ? all : [])
    .filter((changed) => changed.node !== settings.node && isThere(changed))
    .reverse()
    .map((changed): Candidate => ({
      kind: 'version',
      change: `Node ${changed.node} instead of ${settings.node}`,
      cost: 'another Node',
      settings: changed,
    }));
  if (settings.addressBits === null) return nodes;
  const wide: Candidate = {
    kind: 'version',
    change: `a kernel with 47 or 48 bits of addresses instead of ${settings.addressBits}`,
    cost: 'another kernel',
    settings: { ...settings, addressBits: null },
  };
  return [...nodes, wide];
}

function listMemory(settings: Settings, wanted: Tier): readonly Candidate[] {
  const enough = smallest(settings, 'memory', wanted);
  return enough === null || enough.memory <= settings.memory
    ? []
    : [
        {
          kind: 'memory',
          change: `${write(enough, 'memory')} of RAM instead of ${write(settings, 'memory')}`,
          cost: 'a larger machine',
          settings: enough,
        },
      ];
}

/** Cures recommended in public threads, useful here or not. Those that would change nothing are left out. */
export function listPopular(settings: Settings): readonly Candidate[] {
  const newest = rangeOf('node');
  const node = runsNode(settings) ? newest.text(newest.length - 1) : settings.node;
  const popular: readonly (Pick<Candidate, 'kind' | 'change'> & Readonly<{ set: Partial<Settings> }>)[] = [
    { kind: 'sysctl', change: 'sysctl vm.overcommit_memory=1', set: { overcommit: 1 } },
    { kind: 'sysctl', change: 'sysctl vm.max_map_count=262144', set: { maxMapCount: 262_144 } },
    { kind: 'sysctl', change: 'transparent huge pages off', set: { thp: 'never' } },
    { kind: 'version', change: 'the newest Node', set: { node } },
    { kind: 'memory', change: 'twice the RAM', set: { memory: settings.memory * 2 } },
    { kind: 'limit', change: 'ulimit -v unlimited', set: { addressSpace: null } },
  ];
  return popular
    .map(({ kind, change, set }) => ({ kind, change, cost: '', settings: { ...settings, ...set } }))
    .filter(
      ({ settings: changed }) => isThere(changed) && JSON.stringify(changed) !== JSON.stringify(settings),
    );
}
