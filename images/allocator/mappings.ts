/** The mappings of a tier in the engine's order: the first that does not fit names the limit. */
import type { TierConfiguration, WasmtimeConfiguration } from './configuration.ts';
import type { TierForm } from './host-report.ts';
import type { Step } from './limits.ts';
import type { Pool } from './prediction.ts';
import { KiB, MiB } from './sizes.ts';

export type Mapping = Readonly<{
  pool: Pool;
  /** Address space of one mapping. */
  bytes: number;
  /** The private writable part, now or by a later mprotect: RLIMIT_DATA and overcommit mode 2 count it. */
  writableBytes: number;
  count: number;
  protection: 'none' | 'read-write';
  /** MAP_NORESERVE: never charged, except under vm.overcommit_memory=2, which ignores it. */
  noReserve: boolean;
  /** VMAs added by all `count` together. */
  maps: number;
}>;

export const usualPageBytes = 4 * KiB;
/** NOMINAL_MAX_TABLE_ELEM_SIZE: a pooled table takes this much per element. */
const tableElementBytes = 8;

/** Instances proven side by side, hence the memories an on-demand tier must have room for. */
export const canaryInstances = 2;

/** canary.wat: 16 pages at first, one more by growth where the pool allows it. */
export const canaryMemoryBytes = 1 * MiB;
const canaryGrownBytes = canaryMemoryBytes + 64 * KiB;
/** V8 takes the declared maximum where guard regions are off: 64 pages. */
const canaryMaximumBytes = 4 * MiB;
/** One wasm page: each of the live memories that fill V8's room holds one. */
const v8PageBytes = 64 * KiB;

/** Pools first, then the canary's memories. */
export function listMappings(configuration: TierConfiguration): readonly Mapping[] {
  if (configuration.kind === 'v8') return listV8(configuration);
  return [...listPools(configuration), ...listMemories(configuration)].filter(
    ({ bytes, maps }) => bytes > 0 || maps > 0,
  );
}

/** A mapping as a step of the process that makes it. */
export function mappingStep({ pool, bytes, writableBytes, count, noReserve, maps }: Mapping): Step {
  return {
    pool,
    virtual: bytes * count,
    writable: writableBytes * count,
    heuristic: noReserve ? 0 : writableBytes,
    maps,
    single: bytes,
  };
}

/** The model's configuration and bytes of a tier, for comparison with the measured ones. */
export function describeForm(configuration: TierConfiguration): TierForm {
  const { tier, checks } = configuration;
  const mappings = listMappings(configuration);
  const onDemand = tier === 'on-demand';
  const slots = configuration.kind === 'v8' ? configuration.memories : (configuration.pool?.memories ?? null);
  return {
    checks,
    slots: onDemand ? null : slots,
    // On demand, each memory is a mapping of its own: that of one.
    reservedBytes: mappings.reduce((sum, { bytes, count }) => sum + bytes * (onDemand ? 1 : count), 0),
    chargedBytes: mappings
      .filter(({ pool }) => pool !== 'linear-memory')
      .reduce((bytes, mapping) => bytes + mapping.writableBytes * mapping.count, 0),
  };
}

/** Mappings made when the engine is built. */
export function listPools({
  pool,
  pageBytes = usualPageBytes,
  ...settings
}: WasmtimeConfiguration): readonly Mapping[] {
  if (pool === null) return [];
  const { noReserve } = settings;
  const slot = Math.max(settings.reservationBytes, pool.maxMemoryBytes) + settings.guardBytes;
  const slab = pool.memories * slot + settings.guardBytes;
  const roundUp = (bytes: number): number => Math.ceil(bytes / pageBytes) * pageBytes;
  const table = roundUp(pool.tableElements * tableElementBytes) * pool.tables;
  const stacks = (roundUp(pool.stackBytes) + pageBytes) * pool.stacks;
  const one = { count: 1, noReserve } as const;
  const pools: readonly Mapping[] = [
    { ...one, pool: 'memory', bytes: slab, writableBytes: 0, protection: 'none', maps: 1 },
    {
      ...one,
      pool: 'table',
      bytes: table,
      writableBytes: table,
      protection: 'read-write',
      maps: table > 0 ? 1 : 0,
    },
    {
      ...one,
      pool: 'stack',
      bytes: stacks,
      writableBytes: stacks,
      protection: 'read-write',
      maps: stacks > 0 ? 1 : 0,
    },
    // A guard page before every stack: one mapping becomes two per stack.
    {
      ...one,
      pool: 'stack-guards',
      bytes: 0,
      writableBytes: 0,
      protection: 'none',
      maps: Math.max(0, 2 * pool.stacks - 1),
    },
  ];
  return pools.filter(({ bytes, maps }) => bytes > 0 || maps > 0);
}

function listMemories(configuration: WasmtimeConfiguration): readonly Mapping[] {
  const { pool, reservationBytes, guardBytes, growthBytes, noReserve } = configuration;
  const touched: Mapping = {
    pool: 'linear-memory',
    bytes: 0,
    writableBytes: Math.min(canaryGrownBytes, pool?.maxMemoryBytes ?? Infinity),
    count: canaryInstances,
    protection: 'read-write',
    noReserve,
    // Initial pages, then the image over their start.
    maps: 2 * canaryInstances,
  };
  // In a slot or a reservation pages only change their protection: no address space beyond the pool's.
  if (pool !== null) return [touched];
  // A reservation smaller than the memory is replaced by its size and the growth reserve: the canary
  // then grows in place (`mmap failed to reserve 0x1120000 bytes` = 1 MiB + 16 MiB + two guards).
  const room = reservationBytes >= canaryMemoryBytes ? reservationBytes : canaryMemoryBytes + growthBytes;
  return [
    {
      pool: 'linear-memory',
      bytes: room + 2 * guardBytes,
      writableBytes: 0,
      count: canaryInstances,
      protection: 'none',
      noReserve,
      maps: canaryInstances,
    },
    touched,
  ];
}

function listV8({ checks, memories, cageBytes }: TierConfiguration & { kind: 'v8' }): readonly Mapping[] {
  return [
    {
      pool: 'linear-memory',
      bytes: checks === 'elided' ? cageBytes : canaryMaximumBytes,
      writableBytes: v8PageBytes,
      count: memories,
      protection: 'none',
      noReserve: true,
      // The accessible part and the rest; the rest merges with the next memory's.
      maps: 2 * memories,
    },
    // The canary's two memories are larger than the others.
    {
      pool: 'linear-memory',
      bytes: 0,
      writableBytes: canaryGrownBytes - v8PageBytes,
      count: canaryInstances,
      protection: 'read-write',
      noReserve: true,
      maps: 0,
    },
  ];
}
