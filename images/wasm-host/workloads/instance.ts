/** The interface between workloads and engines. */
import type { LifeCycle } from './life-cycle.ts';

/** A live instance of a module. Values are i32, as wasm returns them (signed). */
export type Instance = Readonly<{
  /** Calls an export; 0 where it returns nothing. */
  call: (name: string, ...values: readonly number[]) => number;
  /** The whole memory. A view: not to be kept across a call that may grow it. */
  memory: () => Uint8Array;
  /** Adds pages of 64 KiB from outside. */
  grow: (pages: number) => void;
  /** Gives the instance's memory back. */
  drop: () => void;
}>;

export type InstanceOptions = Readonly<{
  /** Name of the exported memory; minifiers rename it. @default 'memory' */
  memory?: string;
}>;

/** A compiled module of one engine. Imported functions exist and return zero. */
export type Loaded = Readonly<{
  instantiate: (options?: InstanceOptions) => Instance;
  /** Whole lives of instances; absent where an engine does not end them itself. */
  cycle?: (cycle: LifeCycle) => Running;
}>;

/** Everything a workload may use. */
export type Parts = Readonly<{
  /** Compiled module by its name in the catalogue. */
  load: (module: string) => Loaded;
  /** Input file on the workloads disk. */
  read: (file: string) => Uint8Array;
}>;

/** A workload set up and warm enough to run. */
export type Running = Readonly<{
  /** Does `length` units; returns a checksum that must not depend on engine and tier. */
  run: (length: number) => number;
  /** The output as the package's own API would give it; absent for kernels. Called after a run. */
  output?: () => string;
  drop: () => void;
}>;

export type Start = (parts: Parts) => Running;
