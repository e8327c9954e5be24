/**
 * The layout of the canary's memories as the kernel shows it: their mapping, their distance, and the guards behind
 * them. Nothing here is taken from the model; a layout that differs from the configuration does not prove its tier.
 */
import type { WasmtimeConfiguration } from '../allocator/configuration.ts';
import type { Layout } from '../allocator/host-report.ts';
import { listMappings, listPools, usualPageBytes } from '../allocator/mappings.ts';
import { KiB, MiB } from '../allocator/sizes.ts';
import {
  inaccessible,
  mappingAt,
  parseLine,
  withoutOld,
  indexAt,
  type Maps,
  type Range,
} from './address-space.ts';
import type { KernelMoment } from './proc.ts';
import { ProofError } from './proof-error.ts';

/** A live memory: where it begins, and its size, bytes. */
export type PlacedMemory = Readonly<{ base: number; bytes: number }>;

export type Moments = Readonly<{
  /** Before the engine, with it, and with the first instance alone. */
  before: KernelMoment;
  engine: KernelMoment;
  first: KernelMoment;
  /** With all instances, after growth. */
  last: KernelMoment;
}>;

/** An engine rounds each part of a layout up to pages, at most of 64 KiB. */
const roundingBytes = 64 * KiB;

/**
 * Memory that the process itself may take or give back while an engine is built: V8's pages, arenas of its threads.
 * Smaller than any pool of another size than configured: 1000 tables of the default size have 153 MiB.
 */
const processSlackBytes = 16 * MiB;

/** The canary's memories: the first while it was alone, and all after growth, in the order they were made. */
export type Placed = Readonly<{ alone: PlacedMemory; last: readonly PlacedMemory[] }>;

/** @throws ProofError `verification` where the kernel shows another layout than the configured one */
export function measureLayout(
  configuration: WasmtimeConfiguration,
  moments: Moments,
  placed: Placed,
): Layout {
  const layout =
    configuration.pool === null
      ? measureOwn(configuration, moments, placed.alone)
      : measurePool(configuration, moments, placed.last);
  checkWritable(configuration, layout);
  for (const memory of placed.last) checkBehind(configuration, layout, moments.last.maps, memory);
  return layout;
}

/** A pool's slab: it held the memories' addresses when the engine was there, and not before. */
function measurePool(
  configuration: WasmtimeConfiguration,
  { before, engine }: Moments,
  memories: readonly PlacedMemory[],
): Layout {
  const [first, second] = memories.map(({ base }) => base);
  const slots = configuration.pool?.memories ?? 0;
  const found = first === undefined ? null : mappingAt(engine.maps, first);
  const slab = found === null ? null : withoutOld(found, first ?? 0, before.maps);
  if (first === undefined || slab === null || found?.protection !== inaccessible) {
    return refuse(
      `a pool of ${slots} slots was configured, but no mapping of the new engine holds the memory`,
    );
  }
  const configured = slotBytes(configuration);
  // Slots are given out one after the other, so the second lies behind the first.
  const strideBytes = second === undefined ? null : second - first;
  const guardBeforeBytes = first - slab.start;
  const measured = Math.floor((slab.end - slab.start - guardBeforeBytes) / (strideBytes ?? configured));
  expectAbout('the slots of the pool are apart', strideBytes ?? configured, configured);
  expectAbout('the guard before the pool has', guardBeforeBytes, configuration.guardBytes);
  if (measured !== slots) {
    return refuse(`the pool's mapping of ${slab.end - slab.start} bytes has ${measured} slots, not ${slots}`);
  }
  return {
    mappingBytes: slab.end - slab.start,
    strideBytes,
    slots: measured,
    guardBeforeBytes,
    behindBytes: (strideBytes ?? configured) - (memories[0]?.bytes ?? 0),
    writableBytes: grownBytes(before, engine),
  };
}

/** On-demand: each memory is a mapping of its own, made with its instance. */
function measureOwn(
  configuration: WasmtimeConfiguration,
  { before, engine, first: alone }: Moments,
  memory: PlacedMemory,
): Layout {
  const { base } = memory;
  if (mappingAt(engine.maps, base) !== null) {
    return refuse('no pool was configured, but the engine mapped the memory before there was an instance');
  }
  const around = findAround(alone.maps, memory);
  const own = around === null ? null : withoutOld(around, base, engine.maps);
  if (own === null) return refuse('the memory is in no mapping of its own');
  const guardBeforeBytes = base - own.start;
  const mappingBytes = own.end - own.start;
  expectAbout('the guard before the memory has', guardBeforeBytes, configuration.guardBytes);
  expectAbout('the mapping of a memory has', mappingBytes, listMappings(configuration)[0]?.bytes ?? 0);
  return {
    mappingBytes,
    strideBytes: null,
    slots: null,
    guardBeforeBytes,
    behindBytes: own.end - base - memory.bytes,
    writableBytes: grownBytes(before, engine),
  };
}

/** A memory with the inaccessible ranges on both sides. */
function findAround(maps: Maps, { base, bytes }: PlacedMemory): Range | null {
  const index = indexAt(maps, base);
  const inside = mappingAt(maps, base);
  if (inside?.start !== base) return null; // something accessible lies before it
  const before = index === 0 ? null : parseLine(maps[index - 1] ?? '');
  const behind = mappingAt(maps, base + bytes);
  const isGuarded = before?.end === base && before.protection === inaccessible;
  return {
    start: isGuarded ? before.start : base,
    end: behind?.protection === inaccessible ? behind.end : base + bytes,
  };
}

/** The guard that code relies on is really there, behind the memory as it is now. */
function checkBehind(
  configuration: WasmtimeConfiguration,
  { mappingBytes, guardBeforeBytes, strideBytes }: Layout,
  maps: Maps,
  { base, bytes }: PlacedMemory,
): void {
  const length =
    configuration.pool === null ? mappingBytes - guardBeforeBytes : (strideBytes ?? slotBytes(configuration));
  const behind = mappingAt(maps, base + bytes);
  if (length <= bytes) return; // no guard was configured
  if (behind?.protection !== inaccessible || behind.end < base + length) {
    refuse(`behind the memory ${length - bytes} bytes must be inaccessible, and are not`);
  }
}

function checkWritable(configuration: WasmtimeConfiguration, { writableBytes }: Layout): void {
  const configured = listPools(configuration).reduce((sum, mapping) => sum + mapping.writableBytes, 0);
  // A guard page of each stack is mapped writable, charged, and made inaccessible.
  const guards = (configuration.pool?.stacks ?? 0) * (configuration.pageBytes ?? usualPageBytes);
  if (
    writableBytes < configured - guards - processSlackBytes ||
    writableBytes > configured + processSlackBytes
  ) {
    refuse(`tables and stacks of ${configured} bytes were configured, the engine mapped ${writableBytes}`);
  }
}

/** Private writable bytes that appeared with the engine: its pools of tables and stacks. */
function grownBytes(before: KernelMoment, engine: KernelMoment): number {
  const heap = engine.heapBytes - before.heapBytes;
  return Math.max(0, engine.writableBytes - before.writableBytes - heap);
}

function slotBytes({ pool, reservationBytes, guardBytes }: WasmtimeConfiguration): number {
  return Math.max(reservationBytes, pool?.maxMemoryBytes ?? 0) + guardBytes;
}

function expectAbout(what: string, found: number, configured: number): void {
  if (found < configured || found >= configured + roundingBytes) {
    refuse(`${what} ${found} bytes, not ${configured} as configured`);
  }
}

function refuse(text: string): never {
  throw new ProofError('verification', text);
}
