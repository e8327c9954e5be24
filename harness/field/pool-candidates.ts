/** Smaller pools: what they cost, in the words of the program that reads them. */
import { isDeepStrictEqual } from 'node:util';
import type { Tier } from '../../images/allocator/tier.ts';
import { hostSubject } from '../axes/host.ts';
import type { Settings } from '../axes/table.ts';
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
  cost: (count: number) => string;
}>;

/** What sizes a pool, by what it costs, cheapest first. */
const poolRows: readonly PoolRow[] = [
  {
    spin: { name: 'SPIN_WASMTIME_TOTAL_STACKS', most: 1000 },
    engine: { axis: 'stacks', option: 'total-stacks', most: 1000 },
    cost: (n) => `at most ${n} calls into WebAssembly at a time may wait`,
  },
  {
    spin: { name: 'SPIN_WASMTIME_TOTAL_TABLES', most: 2000 },
    engine: { axis: 'tables', option: 'total-tables', most: 1000 },
    cost: (n) => `at most ${n} tables at a time`,
  },
  {
    spin: { name: 'SPIN_WASMTIME_INSTANCE_TABLE_ELEMENTS', most: 100_000 },
    engine: { axis: 'tableElements', option: 'table-elements', most: 20_000 },
    cost: (n) => `tables of at most ${n} elements`,
  },
  {
    spin: { name: 'SPIN_WASMTIME_TOTAL_MEMORIES', most: 1000 },
    engine: { axis: 'memories', option: 'total-memories', most: 1000 },
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
  if (settings.engine === 'v8' || settings.subject !== hostSubject) return [];
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
    const write = (count: number): string => `-O pooling-${option}=${count} (${camel(option)} of its pool)`;
    return [{ write, change, most: settings[axis] ?? most, cost }];
  });
}

/** How an embedder's own configuration calls it: `PoolingAllocationConfig::total_stacks`. */
const camel = (option: string): string => option.replaceAll('-', '_');

/** Memories on demand that keep no address space beyond their own size. */
function listReservations(settings: Settings): readonly Candidate[] {
  if (settings.allocator !== 'on-demand' || settings.profile === 'spin') return [];
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

export function listPoolSizes(settings: Settings, wanted: Tier): readonly Candidate[] {
  const sizes = listKnobs(settings).flatMap(({ write: writeCount, change, most, cost }) => {
    const count = largestCount(most, (some) => isBelieved(change(some), wanted));
    if (count === null || count === most || isDeepStrictEqual(change(count), settings)) return [];
    return [{ kind: 'pool' as const, change: writeCount(count), cost: cost(count), settings: change(count) }];
  });
  return [...sizes, ...listReservations(settings)];
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
