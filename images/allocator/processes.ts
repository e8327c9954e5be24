/**
 * Costs of the process around an engine, by release line of Node. Measured by halving `ulimit -v` and `ulimit -d`
 * around the real worker until it no longer reached a step (x86-64; 18.20.8, 20.20.2, 22.23.3, 24.21.0, 26.10.0;
 * libwasmtime 38.0.0 and 50.0.1), so these are thresholds, not the usage of an unlimited process. MALLOC_ARENA_MAX=1 is
 * part of it, as the launcher sets it.
 *
 * Precision: repeated runs agree within 20 MiB of address space (once 120) and 8 MiB of private writable memory; 38.0.0
 * needs 8 MiB more of the latter than 50.0.1, and the figure lies between. A limit closer to a threshold than that
 * decides by chance, and so does this model.
 */
import { parseVersion } from './engines.ts';
import type { Facts } from './facts.ts';
import type { Gap, Step } from './limits.ts';
import type { Pool } from './prediction.ts';
import { MiB, TiB } from './sizes.ts';
import type { EngineKind } from './tier.ts';

/** Bytes and mappings; `charged` is private writable memory. */
export type Cost = Readonly<{
  virtual: number;
  charged: number;
  maps: number;
  /** Processes and threads. @default 0 */
  threads?: number;
  gap?: Gap;
}>;

export type ProcessCost = Readonly<{
  /** To the worker's first JavaScript. */
  start: Cost;
  /** From there until the engine is loaded, before any pool. */
  load: Readonly<Record<EngineKind, Cost>>;
  /** Compiling, instantiating and running the canary beyond its own memories. */
  work: Readonly<Record<EngineKind, Cost>>;
}>;

type Row = ProcessCost & Readonly<{ line: number }>;

/** Of MiB of address space, MiB of private writable memory, and mappings. */
export const cost = (virtual: number, charged: number, maps: number): Cost => ({
  virtual: virtual * MiB,
  charged: charged * MiB,
  maps,
});

const load = { wasmtime: cost(25, 7, 20), v8: cost(0, 0, 0) };
const work = { wasmtime: cost(4, 2, 24), v8: cost(0, 1, 24) };

/** V8 collects garbage before it refuses a memory, which frees the young generation. */
const returned = (charged: number): ProcessCost['load'] => ({ ...load, v8: cost(0, -charged, 0) });

/**
 * Young generation of Node 18 and 20. It is counted until an engine is loaded, and V8 may have given it back before a
 * pool is charged: a guest of Node 20 held 22 MiB then, 32 less than at its start.
 */
export const youngGeneration = { lastLine: 20, bytes: 32 * MiB } as const;

/**
 * Charged: 24 and 26 map 512 MiB of code range writable at start. 18 and 20 hold about 32 MiB of young
 * generation more than 22 while the worker loads; by `ulimit -d` all three have room for V8's thousand
 * memories from the same limit on, between 112 and 120 MiB.
 */
const oldest: Row = { line: 18, start: cost(294, 89, 95), load: returned(39), work };

/** Oldest first. */
const rows: readonly Row[] = [
  oldest,
  { line: 20, start: cost(682, 82, 95), load: returned(32), work },
  { line: 22, start: cost(670, 50, 108), load, work },
  { line: 24, start: cost(1056, 564, 117), load, work },
  { line: 26, start: cost(1067, 563, 143), load, work },
];

/**
 * What V8 maps less at start than on x86-64, from Node 24 on: half as much code range. On arm64 `node -e 0` of 24.21.0
 * and 26.10.0 needs 307 and 305 MiB of private writable memory and 794 and 806 MiB of address space. Older lines need
 * what they do on x86-64: guests charge 51 MiB for the worker of 22. On riscv64 the worker of Debian's 24.21.0, before
 * its engine and under 256 GiB of address space, has 805 MiB, 309 of them writable, in 153 mappings, that of npm's on
 * x86-64 has 1054, 562 and 107: Debian's has more libraries.
 */
const smallerCode: Readonly<Partial<Record<NonNullable<Facts['architecture']>, Cost>>> = {
  arm64: cost(256, 255, 0),
  riscv64: cost(249, 253, -46),
};
const firstSmaller = 24;

/** Threads of every Node whose stacks are as large as RLIMIT_STACK: V8's four and one for signals. */
const stackThreads = 5;

/**
 * Threads of a Node that has started: its first, V8's four and the one for delayed work, and one for signals. With
 * fewer than the first six it waits for ever; without the last it says so (`pthread_create`) and goes on. libuv starts
 * four more for the first file that is read: without those the process aborts.
 */
export const nodeThreads = 7;

/**
 * V8 places the pages of its heap at random in the lower 64 TiB, the kernel libraries and stacks at most 1 TiB below
 * the top: the gap between the highest page and those is the largest. Node 18 to 26, 20 runs each: 63.1 to 76.7 TiB,
 * half of them below 66; in guests 78.7 TiB was refused in 11 of 12.
 */
const splitByV8: Gap = { always: 62.9 * TiB, usual: 66 * TiB, most: 96 * TiB, splitBy: 'v8-heap' };

/**
 * A program that may be placed anywhere (PIE) lies at two thirds of the addresses, at most 1 TiB higher: below it is
 * the largest gap. 85.3 TiB are always granted, 86.4 never.
 */
export const splitByProgram: Gap = {
  always: 85.3 * TiB,
  usual: 85.8 * TiB,
  most: 86.4 * TiB,
  splitBy: 'program',
};

/** The wasm host's shell, the one that watches the time, and its `sleep`, beside its Node. */
const hostProcesses = 3;
/** The limit the rows were measured with, and what glibc gives a thread where there is none. */
const [measuredStack, unlimitedStack] = [8 * MiB, 2 * MiB];

/**
 * Row of a Node version; an unknown line counts as the nearest one before it. Throws BAD_VERSION.
 * @param facts RLIMIT_STACK, soft: a thread's stack is mapped whole, private and writable
 */
export function resolveProcessCost(
  node: string,
  { stackLimit, architecture }: Pick<Facts, 'stackLimit'> & Partial<Pick<Facts, 'architecture'>>,
): ProcessCost {
  const [major] = parseVersion(node);
  const row = rows.findLast(({ line }) => line <= major) ?? oldest;
  const more = stackThreads * ((stackLimit ?? unlimitedStack) - measuredStack);
  const less = row.line < firstSmaller ? undefined : smallerCode[architecture ?? 'x86-64'];
  const virtual = row.start.virtual + more - (less?.virtual ?? 0);
  const charged = row.start.charged + more - (less?.charged ?? 0);
  return {
    ...row,
    start: {
      virtual,
      charged,
      maps: row.start.maps - (less?.maps ?? 0),
      threads: nodeThreads + hostProcesses,
      gap: splitByV8,
    },
  };
}

/** A part of a process, so many times, as a step of it. */
export function costStep(pool: Pool, { virtual, charged, maps, threads = 0, gap }: Cost, times = 1): Step {
  return {
    pool,
    virtual: virtual * times,
    writable: charged * times,
    heuristic: 0,
    maps: maps * times,
    ...(threads > 0 && { threads: threads * times }),
    ...(gap !== undefined && { gap }),
  };
}
