/** Rows of the axis table: parameters of the tier that is asked for. What is not set stays the tier's own. */
import type { PoolParameter } from '../../images/allocator/pool-parameters.ts';
import type { Axis } from './axis.ts';
import { integer, optional, size } from '../axes/kinds.ts';

const [kib, gib, tib] = [2 ** 10, 2 ** 30, 2 ** 40];

type Words = Pick<
  Axis<number | null>,
  'description' | 'unit' | 'examples' | 'alsoCalled' | 'expects' | 'schema' | 'format' | 'suggest'
>;

const row = (name: PoolParameter, words: Words): Axis<number | null> => ({
  name,
  ...words,
  applies: 'process',
  default: null,
  core: false,
  provenBy: [],
});

const count = (): ReturnType<typeof optional<number>> => optional(integer(0, 1_000_000), 'default');

/** Up to 1 TiB: an engine takes 64 KiB steps, and rounds a size that is none. */
const bytes = (min: number): ReturnType<typeof optional<number>> =>
  optional(size({ min, max: tib, step: 64 * kib }), 'default');

/** They shape the tier that `allocator` forces, or `standard`; V8 has none of them. */
export const poolAxes: Readonly<Record<PoolParameter, Axis<number | null>>> = {
  memories: row('memories', {
    description: 'total_memories of the pool: slots for linear memories',
    unit: 'memories',
    ...count(),
    examples: ['100'],
    alsoCalled: ['totalMemories', 'total_memories', 'slots'],
  }),
  tables: row('tables', {
    description: 'total_tables of the pool',
    unit: 'tables',
    ...count(),
    examples: ['100'],
    alsoCalled: ['totalTables', 'total_tables'],
  }),
  tableElements: row('tableElements', {
    description: 'table_elements of the pool: room of each table, 8 bytes an element',
    unit: 'elements',
    ...optional(integer(0, 100_000_000), 'default'),
    examples: ['20000'],
    alsoCalled: ['table_elements', 'elements'],
  }),
  stacks: row('stacks', {
    description: 'total_stacks of the pool: 2 MiB each, charged, for asynchronous calls',
    unit: 'stacks',
    ...count(),
    examples: ['0'],
    alsoCalled: ['totalStacks', 'total_stacks'],
  }),
  maxMemory: row('maxMemory', {
    description: 'max_memory_size of the pool: most that one linear memory may grow to',
    unit: 'bytes',
    ...bytes(64 * kib),
    examples: ['128M'],
    alsoCalled: ['max_memory_size', 'maxMemorySize', 'memoryPages'],
  }),
  reservation: row('reservation', {
    description: 'memory_reservation: address space kept for each linear memory, pooled or not',
    unit: 'bytes',
    ...optional(size({ min: 0, max: 64 * gib, step: 64 * kib }), 'default'),
    examples: ['128M'],
    alsoCalled: ['memory_reservation', 'memoryReservation', 'staticMemoryMaximumSize'],
  }),
  guard: row('guard', {
    description: 'memory_guard_size: unmapped space behind each linear memory',
    unit: 'bytes',
    ...optional(size({ min: 0, max: 64 * gib, step: 64 * kib }), 'default'),
    examples: ['64K'],
    alsoCalled: ['memory_guard_size', 'guardSize', 'guardRegion'],
  }),
};
