/**
 * Axes of the tier that `allocator` forces, or of `standard`. An axis that is not set keeps the tier's own value; V8
 * has none of them.
 */
import type { PoolParameter } from '../../images/allocator/pool-parameters.ts';
import { type Axis, defineAxis } from './axis.ts';
import { integer, optional, size, type AxisKind } from './kinds.ts';
import { gib, kib, mib, tib } from './values.ts';

type PoolRow = Pick<Axis<number | null>, 'description' | 'unit' | 'examples' | 'alsoCalled' | 'search'> &
  Readonly<{ kind: AxisKind<number>; draw: readonly (number | null)[] }>;

const pool = <const N extends PoolParameter>(
  name: N,
  { kind, draw, ...row }: PoolRow,
): Axis<number | null, N> =>
  defineAxis({
    name,
    ...row,
    kind: optional(kind, 'default'),
    applies: 'pool',
    default: null,
    core: false,
    since: 2,
    provenBy: '',
    draw: { values: draw },
  });

const count = integer(0, 1_000_000);

export const memories = pool('memories', {
  description: 'total_memories of the pool: slots for linear memories',
  unit: 'memories',
  kind: count,
  examples: ['100'],
  alsoCalled: ['totalMemories', 'total_memories', 'slots'],
  search: { from: 0, to: 4000, step: 1 },
  draw: [null, 1, 16, 100, 4000],
});

export const tables = pool('tables', {
  description: 'total_tables of the pool',
  unit: 'tables',
  kind: count,
  examples: ['100'],
  alsoCalled: ['totalTables', 'total_tables'],
  search: { from: 0, to: 4000, step: 1 },
  draw: [null, 1, 50, 4000],
});

export const tableElements = pool('tableElements', {
  description: 'table_elements of the pool: room of each table, 8 bytes an element',
  unit: 'elements',
  kind: integer(0, 100_000_000),
  examples: ['20000'],
  alsoCalled: ['table_elements', 'elements'],
  search: { from: 0, to: 200_000, step: 100 },
  draw: [null, 5, 20_000, 200_000],
});

export const stacks = pool('stacks', {
  description: 'total_stacks of the pool: 2 MiB each, charged, for asynchronous calls',
  unit: 'stacks',
  kind: count,
  examples: ['0'],
  alsoCalled: ['totalStacks', 'total_stacks'],
  search: { from: 0, to: 4000, step: 1 },
  draw: [null, 0, 1, 300, 3000],
});

export const maxMemory = pool('maxMemory', {
  description: 'max_memory_size of the pool: most that one linear memory may grow to',
  unit: 'bytes',
  // Up to 1 TiB: an engine takes 64 KiB steps, and rounds a size that is none.
  kind: size({ min: 64 * kib, max: tib, step: 64 * kib }),
  examples: ['128M'],
  alsoCalled: ['max_memory_size', 'maxMemorySize', 'memoryPages'],
  search: { from: 64 * kib, to: 8 * gib, step: 64 * kib },
  draw: [null, 64 * kib, 2 * mib, 128 * mib, 4 * gib],
});

export const reservation = pool('reservation', {
  description: 'memory_reservation: address space kept for each linear memory, pooled or not',
  unit: 'bytes',
  kind: size({ min: 0, max: 64 * gib, step: 64 * kib }),
  examples: ['128M'],
  alsoCalled: ['memory_reservation', 'memoryReservation', 'staticMemoryMaximumSize'],
  search: { from: 0, to: 16 * gib, step: 8 * mib },
  draw: [null, 0, 64 * mib, 4 * gib, 8 * gib],
});

export const guard = pool('guard', {
  description: 'memory_guard_size: unmapped space behind each linear memory',
  unit: 'bytes',
  kind: size({ min: 0, max: 64 * gib, step: 64 * kib }),
  examples: ['64K'],
  alsoCalled: ['memory_guard_size', 'guardSize', 'guardRegion'],
  search: { from: 0, to: 8 * gib, step: 8 * mib },
  draw: [null, 0, 64 * kib, 2 * gib],
});
