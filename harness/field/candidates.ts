/**
 * What could bring back a tier, from least to most invasive, each with the smallest value that the model
 * says is enough; and what people recommend whether it helps or not. Pure: guests decide afterwards.
 */
import { isDeepStrictEqual } from 'node:util';
import { axes, formatValue } from '../axes/table.ts';
import type { AxisName, Settings } from '../axes/table.ts';
import type { Tier } from '../../images/allocator/tier.ts';
import { rangeOf } from './axis-range.ts';
import { predictThreshold } from './bisect.ts';
import { predictSettings, reaches } from './model.ts';

export type Candidate = Readonly<{
  /** Who has to change something. */
  kind: 'variable' | 'pool' | 'limit' | 'sysctl' | 'version' | 'memory';
  /** What to do, ready to paste where it can be. */
  change: string;
  /** What is lost or given. */
  cost: string;
  settings: Settings;
}>;

/** What a guest may differ from the model: a candidate must have that much to spare. */
const slackBytes = 32 * 2 ** 20;

type Draft = Omit<Candidate, 'change' | 'cost'> & Readonly<{ change: string; cost: string }>;

/** The candidates that the model believes in, least invasive first. */
export function listCandidates(settings: Settings, wanted: Tier): readonly Candidate[] {
  const believed = ({ settings: changed }: Draft): boolean =>
    reaches(predictSettings(changed, slackBytes), wanted);
  const own = listChanges(settings, wanted).filter(believed);
  if (own.length > 0) return own;
  // A tier that was forced keeps every other change from helping.
  return listVariables(settings).flatMap((freed) =>
    listChanges(freed.settings, wanted)
      .filter(believed)
      .map((one) => ({ ...one, change: `${freed.change}, ${one.change}` })),
  );
}

function listChanges(settings: Settings, wanted: Tier): readonly Draft[] {
  return [
    ...listVariables(settings),
    ...listPoolSizes(settings, wanted),
    ...listLimits(settings, wanted),
    ...listSysctls(settings, wanted),
    ...listVersions(settings),
    ...listMemory(settings, wanted),
  ];
}

function listVariables(settings: Settings): readonly Draft[] {
  const { SPIN_WASMTIME_POOLING: pooling, ...env } = settings.env;
  return [
    ...(settings.allocator === 'auto'
      ? []
      : [
          {
            kind: 'variable' as const,
            change: 'unset SPIN_ALLOCATOR',
            cost: 'nothing: the best tier that works is taken',
            settings: { ...settings, allocator: 'auto' as const },
          },
        ]),
    ...(pooling === undefined
      ? []
      : [
          {
            kind: 'variable' as const,
            change: 'unset SPIN_WASMTIME_POOLING',
            cost: 'nothing: the best tier that works is taken',
            settings: { ...settings, env },
          },
        ]),
  ];
}

type PoolRow = Readonly<{
  /** Variable of Spin, and its default. */
  spin: Readonly<{ name: string; most: number }>;
  /** Axis, `wasmtime -O` option and default of the engine itself, where it has one of its own. */
  engine?: Readonly<{
    axis: 'stacks' | 'tables' | 'tableElements' | 'memories';
    option: string;
    most: number;
  }>;
  cost: (count: number) => string;
}>;

/** What sizes a pool, by what it costs, cheapest first. */
const poolRows: readonly PoolRow[] = [
  {
    spin: { name: 'SPIN_WASMTIME_TOTAL_STACKS', most: 1000 },
    engine: { axis: 'stacks', option: 'pooling-total-stacks', most: 1000 },
    cost: (n) => `at most ${n} calls into WebAssembly at a time may wait`,
  },
  {
    spin: { name: 'SPIN_WASMTIME_TOTAL_TABLES', most: 2000 },
    engine: { axis: 'tables', option: 'pooling-total-tables', most: 1000 },
    cost: (n) => `at most ${n} tables at a time`,
  },
  {
    spin: { name: 'SPIN_WASMTIME_INSTANCE_TABLE_ELEMENTS', most: 100_000 },
    engine: { axis: 'tableElements', option: 'pooling-table-elements', most: 20_000 },
    cost: (n) => `tables of at most ${n} elements`,
  },
  {
    spin: { name: 'SPIN_WASMTIME_TOTAL_MEMORIES', most: 1000 },
    engine: { axis: 'memories', option: 'pooling-total-memories', most: 1000 },
    cost: (n) => `at most ${n} memories at a time`,
  },
  {
    spin: { name: 'SPIN_MAX_INSTANCE_COUNT', most: 1000 },
    cost: (n) => `at most ${n} instances at a time`,
  },
];

/** How one pool is sized in a cell. */
type Knob = Readonly<{
  write: (count: number) => string;
  change: (count: number) => Settings;
  most: number;
  cost: PoolRow['cost'];
}>;

/** Only Spin's profile reads Spin's variables; without it there are the engine's own parameters. Never both at once. */
function listKnobs(settings: Settings): readonly Knob[] {
  if (settings.engine === 'v8') return [];
  return poolRows.flatMap(({ spin, engine, cost }): readonly Knob[] => {
    if (settings.profile === 'spin') {
      const { name, most } = spin;
      const change = (count: number): Settings => ({
        ...settings,
        env: { ...settings.env, [name]: String(count) },
      });
      return [{ write: (count) => `${name}=${count}`, change, most, cost }];
    }
    if (engine === undefined) return [];
    const { axis, option, most } = engine;
    const change = (count: number): Settings => ({ ...settings, [axis]: count });
    return [{ write: (count) => `-O ${option}=${count}`, change, most: settings[axis] ?? most, cost }];
  });
}

function listPoolSizes(settings: Settings, wanted: Tier): readonly Draft[] {
  return listKnobs(settings).flatMap(({ write: writeCount, change, most, cost }) => {
    const count = largestCount(most, (some) => reaches(predictSettings(change(some), slackBytes), wanted));
    if (count === null || count === most || isDeepStrictEqual(change(count), settings)) return [];
    return [{ kind: 'pool' as const, change: writeCount(count), cost: cost(count), settings: change(count) }];
  });
}

/** The largest count up to `most` that works, as two digits; null when none does. */
function largestCount(most: number, works: (count: number) => boolean): number | null {
  let [low, high] = [-1, most + 1];
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2);
    if (works(middle)) low = middle;
    else high = middle;
  }
  if (low < 0) return null;
  // Two digits are easier to remember and leave something to spare.
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, low))) - 1);
  const round = Math.floor(low / unit) * unit;
  return works(round) ? round : low;
}

/** The smallest value of an axis that works according to the model, or null. */
function smallest(settings: Settings, axis: AxisName, wanted: Tier): Settings | null {
  const range = rangeOf(axis);
  const index = predictThreshold(range.length, (at) =>
    reaches(predictSettings(range.at(settings, at), slackBytes), wanted),
  );
  return index === null ? null : range.at(settings, index);
}

const write = (settings: Settings, axis: AxisName): string => formatValue(axes, axis, settings[axis]);

const kibOf = (bytes: number | null): string => (bytes === null ? 'unlimited' : String(bytes / 1024));

function listLimits(settings: Settings, wanted: Tier): readonly Draft[] {
  const rows = [
    { axis: 'addressSpace', letter: 'v', names: 'address space' },
    { axis: 'dataLimit', letter: 'd', names: 'private writable memory' },
  ] as const;
  const single = rows.flatMap(({ axis, letter, names }): Draft[] => {
    if (settings[axis] === null) return [];
    const enough = smallest(settings, axis, wanted);
    const found = enough !== null && (enough[axis] ?? 0) > settings[axis] ? [enough] : [];
    return [...found, { ...settings, [axis]: null }].map((changed) => ({
      kind: 'limit',
      change: `ulimit -${letter} ${kibOf(changed[axis])}`,
      cost:
        changed[axis] === null
          ? `no bound on the ${names} of this process`
          : `${write(changed, axis)} of ${names} for this process`,
      settings: changed,
    }));
  });
  const both = { ...settings, addressSpace: null, dataLimit: null };
  const others: readonly Draft[] = [
    ...(settings.stackLimit === null
      ? []
      : [
          {
            kind: 'limit' as const,
            change: 'ulimit -s 8192',
            cost: 'threads have stacks of 8 MiB',
            settings: { ...settings, stackLimit: null },
          },
        ]),
    ...(settings.mdwe === 'off'
      ? []
      : [
          {
            kind: 'limit' as const,
            change: 'MemoryDenyWriteExecute=no',
            cost: 'this service may make code at run time, as every compiler of WebAssembly does',
            settings: { ...settings, mdwe: 'off' as const },
          },
        ]),
  ];
  return settings.addressSpace === null || settings.dataLimit === null
    ? [...single, ...others]
    : [
        ...single,
        ...others,
        {
          kind: 'limit',
          change: 'ulimit -v unlimited -d unlimited',
          cost: 'no bound on the memory of this process',
          settings: both,
        },
      ];
}

function listSysctls(settings: Settings, wanted: Tier): readonly Draft[] {
  const maps = settings.maxMapCount === null ? null : smallest(settings, 'maxMapCount', wanted);
  const strict = settings.overcommit === 2;
  // Writing one of the two clears the other.
  const ratio =
    strict && settings.overcommitBytes === null ? smallest(settings, 'overcommitRatio', wanted) : null;
  const size =
    strict && settings.overcommitBytes !== null ? smallest(settings, 'overcommitBytes', wanted) : null;
  return [
    ...(size === null
      ? []
      : [
          {
            kind: 'sysctl' as const,
            change: `sysctl vm.overcommit_kbytes=${kibOf(size.overcommitBytes)}`,
            cost: 'the machine may promise more memory than before',
            settings: size,
          },
        ]),
    ...(maps === null
      ? []
      : [
          {
            kind: 'sysctl' as const,
            change: `sysctl vm.max_map_count=${write(maps, 'maxMapCount')}`,
            cost: 'some kernel memory a mapping',
            settings: maps,
          },
        ]),
    ...(ratio === null
      ? []
      : [
          {
            kind: 'sysctl' as const,
            change: `sysctl vm.overcommit_ratio=${write(ratio, 'overcommitRatio')}`,
            cost: 'the machine may promise more memory than before',
            settings: ratio,
          },
        ]),
    ...(strict
      ? [
          {
            kind: 'sysctl' as const,
            change: 'sysctl vm.overcommit_memory=0',
            cost: 'the whole machine gives up strict accounting',
            settings: { ...settings, overcommit: 0 as const },
          },
        ]
      : []),
  ];
}

function listVersions(settings: Settings): readonly Draft[] {
  const range = rangeOf('node');
  return Array.from({ length: range.length }, (_, index) => range.at(settings, index))
    .filter(({ node }) => node !== settings.node)
    .reverse()
    .map((changed) => ({
      kind: 'version',
      change: `Node ${changed.node} instead of ${settings.node}`,
      cost: 'another Node',
      settings: changed,
    }));
}

function listMemory(settings: Settings, wanted: Tier): readonly Draft[] {
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

/** Cures of public threads, whatever they are worth here. Those that would change nothing are left out. */
export function listPopular(settings: Settings): readonly Candidate[] {
  const popular: readonly (Omit<Candidate, 'cost' | 'settings'> & Readonly<{ set: Partial<Settings> }>)[] = [
    { kind: 'sysctl', change: 'sysctl vm.overcommit_memory=1', set: { overcommit: 1 } },
    { kind: 'sysctl', change: 'sysctl vm.max_map_count=262144', set: { maxMapCount: 262_144 } },
    { kind: 'sysctl', change: 'transparent huge pages off', set: { thp: 'never' } },
    {
      kind: 'version',
      change: 'the newest Node',
      set: { node: [...axisValues('node')].at(-1) ?? settings.node },
    },
    { kind: 'memory', change: 'twice the RAM', set: { memory: settings.memory * 2 } },
    { kind: 'limit', change: 'ulimit -v unlimited', set: { addressSpace: null } },
  ];
  return popular
    .map(({ kind, change, set }) => ({ kind, change, cost: '', settings: { ...settings, ...set } }))
    .filter(({ settings: changed }) => JSON.stringify(changed) !== JSON.stringify(settings));
}

function axisValues(axis: AxisName): readonly string[] {
  const range = rangeOf(axis);
  return Array.from({ length: range.length }, (_, index) => range.text(index));
}
