/** Smaller pools: the settings for them, as the program takes them, and their cost. */
import { isDeepStrictEqual } from 'node:util';
import { fewestSlots } from '../../images/allocator/conservative.ts';
import { firstSpinWith, isSpinSince } from '../../images/allocator/hosts.ts';
import type { Tier } from '../../images/allocator/tier.ts';
import { hostSubject } from '../axes/host.ts';
import type { Settings } from '../axes/table.ts';
import { findSubject } from '../outcome/predict-cell.ts';
import { listWords } from '../plan/subject-host.ts';
import { asWashVariables } from './advised-hosts.ts';
import { type Candidate, isBelieved } from './candidate.ts';

type PoolRow = Readonly<{
  /** Variable of Spin, and its default. */
  spin: Readonly<{ name: string; most: number }>;
  /** Axis, `wasmtime -O pooling-` option and default of the engine itself, where it has one of its own. */
  engine?: Readonly<{
    axis: 'stacks' | 'tables' | 'tableElements' | 'memories';
    option: string;
    most: number;
  }>;
  /** Variable of wash; its defaults are the engine's. */
  wash?: string;
  /** The address space of the pool depends on it: with few enough, it fits where the trial for 4 TiB fails. */
  sizesSpace?: true;
  cost: (count: number) => string;
}>;

const costOfInstances = (count: number): string => `at most ${count} instances at a time`;

/** What sizes a pool, by what it costs, cheapest first. */
const poolRows: readonly PoolRow[] = [
  {
    spin: { name: 'SPIN_WASMTIME_TOTAL_STACKS', most: 1000 },
    engine: { axis: 'stacks', option: 'total-stacks', most: 1000 },
    wash: 'WASMTIME_POOLING_TOTAL_STACKS',
    cost: (n) => `at most ${n} calls into WebAssembly at a time may wait`,
  },
  {
    spin: { name: 'SPIN_WASMTIME_TOTAL_TABLES', most: 2000 },
    engine: { axis: 'tables', option: 'total-tables', most: 1000 },
    wash: 'WASMTIME_POOLING_TOTAL_TABLES',
    cost: (n) => `at most ${n} tables at a time`,
  },
  {
    spin: { name: 'SPIN_WASMTIME_INSTANCE_TABLE_ELEMENTS', most: 100_000 },
    engine: { axis: 'tableElements', option: 'table-elements', most: 20_000 },
    wash: 'WASMTIME_POOLING_TABLE_ELEMENTS',
    cost: (n) => `tables of at most ${n} elements`,
  },
  {
    spin: { name: 'SPIN_WASMTIME_TOTAL_MEMORIES', most: 1000 },
    engine: { axis: 'memories', option: 'total-memories', most: 1000 },
    wash: 'WASMTIME_POOLING_TOTAL_MEMORIES',
    sizesSpace: true,
    cost: (n) => `at most ${n} memories at a time`,
  },
  {
    spin: { name: 'SPIN_MAX_INSTANCE_COUNT', most: 1000 },
    sizesSpace: true,
    cost: costOfInstances,
  },
];

/** As a shell takes them before a command. */
const formatVariables = (variables: Readonly<Record<string, string>>): string =>
  Object.entries(variables)
    .map((pair) => pair.join('='))
    .join(' ');

/** How one pool is sized in a cell. */
type Knob = Readonly<{
  write: (count: number) => string;
  change: (count: number) => Settings;
  most: number;
  cost: PoolRow['cost'];
  also?: string;
}>;

/** The program whose settings size the pool; null where none do. */
function wordsOf(settings: Settings): 'spin' | 'engine' | 'wash' | null {
  if (settings.subject === hostSubject)
    return settings.engine === 'v8' ? null : settings.profile === 'spin' ? 'spin' : 'engine';
  const host = findSubject(settings)?.host;
  if (host === undefined) return null;
  const words = { spin: 'spin', 'spin-sizes': 'spin', wash: 'wash' } as const;
  return host === 'wasmtime-run' || host === 'wasmtime-serve' ? 'engine' : words[host];
}

const withVariables = (settings: Settings, variables: Readonly<Record<string, string>>): Settings => ({
  ...settings,
  env: { ...settings.env, ...variables },
});

/**
 * Only Spin's profile reads Spin's variables; without it there are the engine's own parameters. Never both at once.
 * @param spin release of the Spin to cure; null where it is unknown
 */
function listKnobs(settings: Settings, spin: string | null): readonly Knob[] {
  switch (wordsOf(settings)) {
    case null:
      return [];
    case 'spin':
      return poolRows.flatMap((row) => listSpinKnobs(row, settings, spin));
    case 'wash':
      return listWashKnobs(settings);
    case 'engine':
      return poolRows.flatMap((row) => listEngineKnobs(row, settings));
  }
}

/** A real Spin tries for 4 TiB whatever its pool takes: below that it must be told to pool. */
function listSpinKnobs({ spin, sizesSpace, cost }: PoolRow, settings: Settings, release: string | null) {
  const { name, most } = spin;
  const since = firstSpinWith(name);
  if (since !== null && release !== null && !isSpinSince(release, since)) return [];
  const knob = (switches: Readonly<Record<string, string>>): Knob => ({
    write: (count) => formatVariables({ ...switches, [name]: String(count) }),
    change: (count) => withVariables(settings, { ...switches, [name]: String(count) }),
    most,
    cost,
    ...(since !== null && release === null && { also: `Spin before ${since} ignores ${name}` }),
  });
  const isReal = settings.subject !== hostSubject;
  return [knob({}), ...(isReal && sizesSpace ? [knob({ SPIN_WASMTIME_POOLING: '1' })] : [])];
}

/** One pool at a time, then all of them for a number of instances. */
function listWashKnobs(settings: Settings): readonly Knob[] {
  const knob = (set: (count: number) => Readonly<Record<string, string>>) => ({
    write: (count: number) => formatVariables(set(count)),
    change: (count: number) => withVariables(settings, set(count)),
  });
  const single = poolRows.flatMap(({ wash: name, engine, cost }): readonly Knob[] =>
    name === undefined || engine === undefined
      ? []
      : [{ ...knob((count) => ({ [name]: String(count) })), most: engine.most, cost }],
  );
  const most = 1000;
  return [...single, { ...knob((count) => asWashVariables(count).env), most, cost: costOfInstances }];
}

function listEngineKnobs({ engine, sizesSpace, cost }: PoolRow, settings: Settings): readonly Knob[] {
  if (engine === undefined) return [];
  const { axis, option, most } = engine;
  const isReal = settings.subject !== hostSubject;
  const knob = (set: Partial<Settings>, before: string): Knob => ({
    write: (count) =>
      `-O ${before}pooling-${option}=${count}${isReal ? '' : ` (${camel(option)} of its pool)`}`,
    change: (count) => ({ ...settings, ...set, [axis]: count }),
    most: settings[axis] ?? most,
    cost,
  });
  return [
    knob({}, ''),
    ...(isReal && sizesSpace ? [knob({ allocator: 'standard' }, 'pooling-allocator=y,')] : []),
  ];
}

/** The conservative tier of the wasm host, as one list of options. */
function listOptionLists(settings: Settings): readonly Candidate[] {
  const subject = findSubject(settings);
  if (subject === null || wordsOf(settings) !== 'engine' || settings.allocator === 'conservative') return [];
  const changed: Settings = { ...settings, allocator: 'conservative' };
  const options = listWords(subject, changed).filter((word) => !subject.run.includes(word));
  return [
    {
      kind: 'pool',
      change: options.join(' '),
      cost: 'fewer instances at a time, and memories that may grow less where address space is scarce',
      settings: changed,
    },
  ];
}

/** How an embedder's own configuration calls it: `PoolingAllocationConfig::total_stacks`. */
const camel = (option: string): string => option.replaceAll('-', '_');

/** Memories on demand that keep no address space beyond their own size. */
function listReservations(settings: Settings): readonly Candidate[] {
  if (settings.allocator !== 'on-demand' || wordsOf(settings) !== 'engine') return [];
  const [reservation, guard] = [64 * 2 ** 20, 64 * 2 ** 10];
  return [
    {
      kind: 'pool',
      change: `-O memory-reservation=${reservation},memory-guard-size=${guard} (memory_reservation and memory_guard_size of its Config)`,
      cost: 'bounds are checked in code, and memories that grow are moved',
      settings: { ...settings, reservation, guard },
    },
  ];
}

/** @param spin release of the Spin to cure; null where it is unknown */
export function listPoolSizes(
  settings: Settings,
  wanted: Tier,
  spin: string | null = null,
): readonly Candidate[] {
  // A server with fewer slots is of no use: other changes are preferred.
  const least = settings.subject === hostSubject ? 0 : fewestSlots;
  const sizes = listKnobs(settings, spin).flatMap(({ write: writeCount, change, most, cost, also }) => {
    const count = largestCount(most, (some) => isBelieved(change(some), wanted));
    if (count === null || count === most || count < least || isDeepStrictEqual(change(count), settings))
      return [];
    const named = { change: writeCount(count), ...(also !== undefined && { also }), cost: cost(count) };
    return [{ kind: 'pool' as const, ...named, settings: change(count) }];
  });
  return [...sizes, ...listOptionLists(settings), ...listReservations(settings)];
}

/** The largest count up to `most` that works, as two digits; null when none does. */
export function largestCount(most: number, works: (count: number) => boolean): number | null {
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
