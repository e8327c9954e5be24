/** One combination of settings, as the matrix asked for it. */
import type { AllocatorChoice, Profile, Tier } from '../../images/allocator/tier.ts';
import type { FieldCase } from './cases.ts';
import type { Measure } from './measure.ts';
import type { Subject } from './subject.ts';

/** Every axis resolved. Sizes in bytes; `null` leaves the guest's own default. */
export type Settings = Readonly<{
  /** RAM of the test machine, bytes, a multiple of 1 MiB. */
  memory: number;
  /** vm.overcommit_memory. */
  overcommit: 0 | 1 | 2;
  /** vm.overcommit_ratio, percent. */
  overcommitRatio: number;
  thp: 'always' | 'madvise' | 'never';
  /** `wasmtime` (the newest pinned), `wasmtime@38.0.0` or `v8`. */
  engine: string;
  /** Release line of Node (`22`) or a whole version (`22.13.0`). */
  node: string;
  /** RLIMIT_AS, bytes, a multiple of 1 KiB. */
  addressSpace: number | null;
  /** RLIMIT_DATA, bytes, a multiple of 1 KiB. */
  dataLimit: number | null;
  /** vm.max_map_count. */
  maxMapCount: number | null;
  /** Row of the kernel table: `bookworm`. */
  kernel: string;
  cpus: number;
  /** QEMU CPU model and flags, `max,pku=off`; null for the accelerator's own. */
  cpu: string | null;
  /** Swap, bytes, a multiple of 1 MiB. */
  swap: number | null;
  /** vm.overcommit_kbytes in bytes; null leaves overcommitRatio in charge. */
  overcommitKbytes: number | null;
  /** vm.nr_hugepages. */
  hugepages: number;
  /** RLIMIT_STACK, soft, bytes. */
  stackLimit: number | 'unlimited' | null;
  /** memory.max of the host's cgroup, bytes, a multiple of 4 KiB. */
  cgroupMemory: number | null;
  /** How memory that is writable and executable is forbidden. */
  mdwe: 'off' | 'prctl' | 'seccomp';
  /** Bits of user addresses; an RLIMIT_AS stands in. */
  addressBits: number | null;
  /** Parameters of the tier asked for: counts and bytes. */
  memories: number | null;
  tables: number | null;
  tableElements: number | null;
  stacks: number | null;
  maxMemory: number | null;
  reservation: number | null;
  guard: number | null;
  /** SPIN_ALLOCATOR. */
  allocator: AllocatorChoice;
  profile: Profile;
  /** Name of what runs: `wasm-host`, or another subject. */
  subject: string;
  /** Environment variables of the wasm host. */
  env: Readonly<Record<string, string>>;
}>;

export type AxisName = keyof Settings;

/**
 * What a cell is expected to do. At most one of `tier`, `atLeast`, `outcome` is set; with `overhead` alone the tier
 * is the one the model predicts.
 */
export type Expectation = Readonly<{
  tier?: Tier;
  atLeast?: Tier;
  outcome?: 'reached' | 'exhausted' | 'crashed' | 'timeout' | 'guest-died';
  /** A pattern that a line of what was written must fit. */
  error?: string;
  /** Most that the tier may cost: 0.2 for 20 %. */
  overhead?: number;
  because: string | null;
  link: string | null;
}>;

export type Cell = Readonly<{
  /**
   * Canonical: equal settings have equal ids in every matrix. The five core axes always, others only
   * when they differ from their default: `memory=512M,overcommit=2,thp=always,engine=wasmtime,node=22`.
   */
  id: string;
  settings: Settings;
  expectation: Expectation | null;
  /** What runs instead of the wasm host; absent for the wasm host. */
  subject?: Subject;
  /** How its overhead is measured; absent where the matrix does not ask for it. */
  measure?: Measure;
  /** 1-based number among repetitions of the same settings; 1 without `repeat`. */
  repetition: number;
}>;

export type Matrix = Readonly<{
  title: string;
  /** Path as given, for messages. */
  file: string;
  /** The text as read, kept in the run's record. */
  text: string;
  /** Number of cells, known without expanding. */
  size: number;
  /** The axes in the order they are shown, with the values the matrix varies. */
  axes: readonly Readonly<{ name: AxisName; values: readonly (string | number | null)[] }>[];
  repeat: number;
  /** Known failures of the field; empty in most matrices. */
  cases: readonly FieldCase[];
  /** Streams the cells; restartable. */
  cells(): Iterable<Cell>;
}>;
