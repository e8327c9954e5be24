/** Threads and memories for which a server has room in the limits of its process. Pure. */
import { v8StandardMemories } from '../allocator/configuration.ts';
import { takeStep, type Holding, type LimitFacts, type Step } from '../allocator/limits.ts';
import type { Shortfall } from '../allocator/prediction.ts';
import { KiB, MiB } from '../allocator/sizes.ts';

type Sizes = Pick<Step, 'virtual' | 'writable' | 'maps'>;

/**
 * Beyond the proof: connections, and the heap that grows under load. With Node 22 at 64 connections: 50 MiB of address
 * space, 20 MiB writable.
 */
const server: Sizes = { virtual: 64 * MiB, writable: 32 * MiB, maps: 128 };

/** With its heap and its code range. With Node 22: 32 MiB with libwasmtime, 49 MiB with V8; 15 MiB writable. */
const thread: Sizes = { virtual: 48 * MiB, writable: 20 * MiB, maps: 64 };

const toStep = (sizes: Sizes): Step => ({ pool: 'process', heuristic: 0, ...sizes });

/** The process with so many threads. */
const serving = (threads: number, instanceBytes: number): Step =>
  toStep({
    virtual: server.virtual + threads * (thread.virtual + instanceBytes),
    writable: server.writable + threads * thread.writable,
    maps: server.maps + threads * thread.maps,
  });

export type ServingRoom = Readonly<{
  /** At most as many as were wanted; 0: not even one. */
  threads: number;
  /** What refuses the next thread; null where all fit. */
  shortfall: Shortfall | null;
  /** With these threads. */
  held: Holding;
}>;

/**
 * @param held the process as it is, its tier proven
 * @param instanceBytes address space of an instance; 0 where it is reserved already, or is V8's
 */
export function fitThreads(
  wanted: number,
  instanceBytes: number,
  held: Holding,
  facts: LimitFacts,
): ServingRoom {
  let shortfall: Shortfall | null = null;
  for (let threads = wanted; threads > 0; threads -= 1) {
    const step = takeStep(serving(threads, instanceBytes), held, facts);
    if (step.shortfall === null) return { threads, shortfall, held: step.held };
    shortfall = step.shortfall;
  }
  return { threads: 0, shortfall, held };
}

/** Memories of one served module in V8. */
export type MemorySize = Readonly<{
  /** Address space, bytes. */
  reservedBytes: number;
  /** At its start, bytes. */
  initialBytes: number;
  isGuarded: boolean;
}>;

/** Before a memory, itself, and behind it; a fourth where its neighbour's differs. */
const mappingsPerMemory = 4;

/** Without guard regions memories are as large as they may grow: few enough that they are no weight. */
const unguardedPerThread = 64;

/**
 * Memories of V8 that one thread may have, those included that only wait for the collector. A collection costs
 * milliseconds however little there is to collect, so it is rare: garbage takes the room beyond the proven slots too,
 * up to the standard tier's number.
 *
 * @returns at least 1
 */
export function fitMemories(size: MemorySize, { threads, held }: ServingRoom, facts: LimitFacts): number {
  const most = size.isGuarded ? v8StandardMemories : unguardedPerThread * threads;
  for (let count = most; count > threads; count -= 1) {
    const step = toStep({
      virtual: count * size.reservedBytes,
      writable: count * size.initialBytes,
      maps: count * mappingsPerMemory,
    });
    if (takeStep(step, held, facts).shortfall === null) return Math.floor(count / threads);
  }
  return 1;
}

/** Of WebAssembly. */
export const wasmPageBytes = 64 * KiB;
