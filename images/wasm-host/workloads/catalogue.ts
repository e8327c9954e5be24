/**
 * Every workload as a row: program, length, and the kind of work it represents. Pure data, read by guests and the
 * harness.
 */

import type { EngineKind } from '../../allocator/tier.ts';
import { lifeCycleWorkloads } from './life-cycle.ts';

/** Clock of a measurement: seconds of one thread on hardware, or instructions in an emulated guest. */
export const clocks = ['time', 'instructions'] as const;
export type Clock = (typeof clocks)[number];

/** `control` has no memory accesses, `instances` several live memories; the means leave both out. */
export type WorkloadKind = 'control' | 'memory' | 'bulk' | 'instances' | 'program' | 'life-cycle';

export type Workload = Readonly<{
  name: string;
  kind: WorkloadKind;
  /** Module without its extension: in this folder for kernels, on the workloads disk for programs. */
  module: string;
  /** Units of one timed run: some 5 ms on a CPU of 2023, 10 to 30 million instructions. */
  length: number;
  /**
   * Units that every instance runs, in turns, before the first sample. Where runs go on from each other, the
   * one set up last would else still find its data in the cache: seen as 0.96 to 0.985 of itself. Where a unit is
   * a call, the JavaScript that makes it is to be compiled for good: seen as 4 % fewer instructions a sample.
   * @default none
   */
  settle?: number;
  /** Meaning of one unit. */
  unit: string;
  workingSet: string;
  standsFor: string;
  /** Clocks that give a meaningful figure. */
  clocks: readonly Clock[];
  /** Engines that it can be measured in. @default both */
  engines?: readonly EngineKind[];
}>;

const both = clocks;

export const workloads: readonly Workload[] = [
  {
    name: 'register-loop',
    kind: 'control',
    module: 'register-loop',
    length: 2_500_000,
    unit: 'steps',
    workingSet: 'none',
    standsFor: 'arithmetic: the control, equal in every tier',
    clocks: both,
  },
  {
    name: 'random-access',
    kind: 'memory',
    module: 'random-access',
    length: 2_000_000,
    unit: 'steps',
    workingSet: '4 MiB',
    standsFor: 'hash tables, heaps: independent loads and stores anywhere',
    clocks: both,
  },
  {
    name: 'sequential-load',
    kind: 'memory',
    module: 'sequential-load',
    length: 250,
    unit: 'passes',
    workingSet: '256 KiB',
    standsFor: 'scanning a buffer',
    clocks: both,
  },
  {
    name: 'sequential-store',
    kind: 'memory',
    module: 'sequential-store',
    length: 500,
    unit: 'passes',
    workingSet: '256 KiB',
    standsFor: 'filling a buffer word by word',
    clocks: both,
  },
  {
    name: 'pointer-chase-in-cache',
    kind: 'memory',
    module: 'pointer-chase',
    length: 4_000_000,
    unit: 'links',
    workingSet: '16 KiB',
    standsFor: 'lists and trees that fit the first-level cache',
    clocks: both,
  },
  {
    name: 'pointer-chase-out-of-cache',
    kind: 'memory',
    module: 'pointer-chase',
    length: 40_000,
    settle: 524_288, // the whole cycle
    unit: 'links',
    workingSet: '32 MiB',
    standsFor: 'object graphs larger than the caches',
    // The steps are those of pointer-chase-in-cache: counted, they say nothing of waiting for memory.
    clocks: ['time'],
  },
  {
    name: 'bulk-memory',
    kind: 'bulk',
    module: 'bulk-memory',
    length: 2400,
    unit: 'copies and fills of 64 KiB',
    workingSet: '128 KiB',
    standsFor: 'memory.copy and memory.fill: moving strings and buffers',
    // `rep movsb` counts as one instruction a byte under emulation.
    clocks: ['time'],
  },
  {
    name: 'round-robin',
    kind: 'instances',
    module: 'round-robin',
    length: 300,
    unit: 'rounds',
    workingSet: '8 instances x 16 KiB',
    standsFor: 'a server: short calls into many live instances in turn',
    // Most of a round is the JavaScript between the calls, whose own compilation is part of the count.
    clocks: ['time'],
  },
  {
    name: 'argon2id',
    kind: 'program',
    module: 'argon2',
    length: 10,
    unit: 'hashes',
    workingSet: '512 KiB',
    standsFor: 'password hashing: blocks of 1 KiB at computed places',
    clocks: both,
  },
  {
    name: 'sha256',
    kind: 'program',
    module: 'sha256',
    length: 60,
    unit: 'chunks of 16 KiB',
    workingSet: '16 KiB',
    standsFor: 'arithmetic with little memory',
    clocks: both,
  },
  {
    name: 'xxhash64',
    kind: 'program',
    module: 'xxhash64',
    length: 3000,
    settle: 15_000, // a call into wasm each: V8 still improves the caller's code in the first ten thousand
    unit: 'chunks of 16 KiB',
    workingSet: '16 KiB',
    standsFor: 'hashing at the speed of loads',
    clocks: both,
  },
  {
    name: 'lexer',
    kind: 'program',
    module: 'lexer',
    length: 6,
    unit: 'parses of a source file',
    workingSet: '0.6 MiB',
    standsFor: 'parsing: bytes read one after the other, branches on each (cjs-module-lexer)',
    clocks: both,
  },
  {
    name: 'zstd-compress',
    kind: 'program',
    module: 'zstd',
    length: 3,
    unit: 'files',
    workingSet: '2 MiB',
    standsFor: 'compression: hash tables and matches',
    clocks: both,
  },
  {
    name: 'zstd-decompress',
    kind: 'program',
    module: 'zstd',
    length: 10,
    unit: 'files',
    workingSet: '0.4 MiB',
    standsFor: 'decompression: tables of bits, short copies',
    clocks: both,
  },
  {
    name: 'sqlite',
    kind: 'program',
    module: 'sqlite',
    length: 2,
    unit: 'rounds of three queries',
    workingSet: '1 MiB',
    standsFor: 'a database: an interpreter, trees, sorting, formatting (sql.js)',
    clocks: both,
  },
  ...lifeCycleWorkloads,
];

/** The row of a name; undefined when there is none. */
export function findWorkload(name: string): Workload | undefined {
  return workloads.find((row) => row.name === name);
}
