/**
 * Defaults of libwasmtime by version (64-bit Linux). Read in the tags v18 to v48 of bytecodealliance/wasmtime
 * (`crates/wasmtime/src/config.rs`, `crates/environ/src/ tunables.rs`, `runtime/vm/instance/allocator/pooling.rs`);
 * sizes checked against /proc/self/maps of 38.0.0 and 50.0.1, and against the bytes in the refusals of 32.0.0, 34.0.0,
 * 44.0.0 and 46.0.1.
 */
import { AllocatorError } from './allocator-error.ts';
import { GiB, KiB, MiB } from './sizes.ts';

export type WasmtimeDefaults = Readonly<{
  /** First major version with this row. */
  since: number;
  /** Address space reserved per memory slot, and per on-demand memory. */
  reservationBytes: number;
  /** Unmapped bytes behind each slot, and once before the first (guard_before_linear_memory). */
  guardBytes: number;
  /** Extra address space when an on-demand memory has to move. */
  growthBytes: number;
  maxMemoryBytes: number;
  tableElements: number;
  memories: number;
  tables: number;
  stacks: number;
  coreInstances: number;
  /** `async_stack_size`; each stack takes one more page as its guard. */
  stackBytes: number;
  /** Pools are mapped MAP_NORESERVE (#9535): mode 0 then never refuses them. */
  noReserve: boolean;
  /** The C API can configure pools at all. */
  poolingInC: boolean;
}>;

const oldest: WasmtimeDefaults = {
  since: 18,
  reservationBytes: 4 * GiB,
  guardBytes: 2 * GiB,
  growthBytes: 2 * GiB,
  maxMemoryBytes: 160 * 64 * KiB,
  tableElements: 10_000,
  memories: 1000,
  tables: 1000,
  stacks: 1000,
  coreInstances: 1000,
  stackBytes: 2 * MiB,
  noReserve: false,
  poolingInC: false,
};
const v21 = { ...oldest, since: 21, tableElements: 20_000 };
const v23 = { ...v21, since: 23, maxMemoryBytes: 4 * GiB };
const v27 = { ...v23, since: 27, noReserve: true };
const v28 = { ...v27, since: 28, guardBytes: 32 * MiB }; // #9606
const v32 = { ...v28, since: 32, poolingInC: true };

/** Newest first. */
const rows: readonly WasmtimeDefaults[] = [v32, v28, v27, v23, v21, oldest];

/** Defaults of one version (`50.0.1`). Throws BAD_VERSION for anything older than 18 or not a version. */
export function resolveDefaults(version: string): WasmtimeDefaults {
  const major = parseMajor(version);
  const row = rows.find((candidate) => candidate.since <= major);
  if (row === undefined) throw new AllocatorError('BAD_VERSION', `wasmtime ${version} is older than 18`);
  return row;
}

/** First number of a dotted version. Throws BAD_VERSION. */
export function parseMajor(version: string): number {
  return parseVersion(version)[0];
}

/** Major and minor number; a bare major (`22`) stands for the newest of its line. Throws BAD_VERSION. */
export function parseVersion(version: string): readonly [major: number, minor: number] {
  const match = /^v?(\d+)(?:\.(\d+)(?:[.\-+].*)?)?$/.exec(version);
  if (match === null) throw new AllocatorError('BAD_VERSION', `not a version: ${JSON.stringify(version)}`);
  return [Number(match[1]), match[2] === undefined ? Infinity : Number(match[2])];
}
