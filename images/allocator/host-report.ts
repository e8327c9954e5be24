/** The JSON line a wasm host logs at start-up: `{"poolproof":"wasm-host","schema":1,…}`. */
import type { Facts } from './facts.ts';
import type { PoolParameters } from './pool-parameters.ts';
import type { TierPrediction } from './prediction.ts';
import type { AllocatorChoice, Checks, EngineId, Tier } from './tier.ts';

/** The reason for a failed attempt. `text` fields carry the engine's own message. */
export type FailureClass =
  | 'pool-mapping' // libwasmtime aborted: a pool could not be mapped
  | 'stack-guard' // max_map_count: the guard pages of the stack pool
  | 'instance-mapping' // mapping a linear memory failed at instantiation
  | 'engine' // any other abort or error of the engine
  | 'v8-memory' // V8: RangeError, memory could not be allocated
  | 'v8-fatal' // V8: fatal error, process ended
  | 'thread' // the kernel refused a process or a thread: EAGAIN
  | 'guards-disabled' // the runtime came up without guard regions although the tier needs them
  | 'unsupported' // this Node or engine version lacks what the tier needs
  | 'verification' // the canary gave a wrong answer or the out-of-bounds access did not trap
  | 'library' // libwasmtime or koffi could not be loaded
  | 'timeout' // no answer within the deadline
  | 'killed' // SIGKILL, e.g. the kernel's out-of-memory killer
  | 'crashed'; // any other exit or signal

export type AttemptFailure = Readonly<{
  class: FailureClass;
  /** One sentence for an operator. */
  message: string;
  pool: 'memory' | 'table' | 'stack' | null;
  /** Bytes of the mapping that was refused, from the engine's message. */
  bytes: number | null;
  errno: 'ENOMEM' | 'EINVAL' | 'EAGAIN' | 'EACCES' | 'EPERM' | null;
  exitCode: number | null;
  signal: string | null;
  /** Last lines of the worker's standard error, at most 4 KiB. */
  stderr: string;
}>;

export type Attempt = Readonly<{
  tier: Tier;
  ok: boolean;
  failure: AttemptFailure | null;
  /** The model's prediction for this attempt, from facts that the worker read; null if no worker got that far. */
  predicted: TierPrediction | null;
  durationMs: number | null;
}>;

/** Layout of the canary's memories, as /proc/self/maps shows it; bytes. */
export type Layout = Readonly<{
  /**
   * The mapping that holds the first memory: the pool's slab, there since the engine was; without a pool the memory's
   * own, there since its instance was, guards included.
   */
  mappingBytes: number;
  /** From one memory to the next in a pool; null without a pool, and where there was room for one only. */
  strideBytes: number | null;
  /** Slots of `strideBytes` in the mapping; null without a pool. For V8: guarded memories that were really made. */
  slots: number | null;
  /** Inaccessible before the first memory. */
  guardBeforeBytes: number;
  /** Inaccessible bytes behind a memory, up to the next slot or the end of the mapping. */
  behindBytes: number;
  /** Private writable memory that appeared with the engine, its heap left out: the pools of tables and stacks. */
  writableBytes: number;
}>;

/** The worker at one moment, from /proc/self/statm and /proc/self/maps. */
export type KernelStep = Readonly<{
  step: 'before' | 'engine' | 'canary';
  /** VmSize, bytes. */
  virtualBytes: number;
  /** Private and writable (VmData and VmStk), bytes: what strict overcommit charges. */
  writableBytes: number;
  /** Mappings (VMAs). */
  maps: number;
}>;

/** The kernel's figures about the worker around and after the proof. */
export type KernelView = Readonly<{
  /** Committed_AS before the engine was built and with its instances live, bytes; of the whole machine. */
  committedBefore: number | null;
  committedAfter: number | null;
  /**
   * /proc/self/maps by protection (`---p`, `rw-p`), largest first: bytes and number of mappings; empty where there are
   * thousands.
   */
  mappings: readonly Readonly<{ protection: string; bytes: number; count: number }>[];
  /** Before the engine, with it, and after the canary. Absent in reports of older hosts, as is `memory`. */
  steps?: readonly KernelStep[];
  memory?: Layout;
}>;

/** The form and the bytes of a tier. */
export type TierForm = Readonly<{
  checks: Checks;
  /** Live linear memories the tier has room for; null where it is not bounded by slots. */
  slots: number | null;
  /** Address space the tier reserves for its pools (or for one memory, on-demand), bytes. */
  reservedBytes: number;
  /** The part that counts against a commit limit, bytes; without guard pages of stacks, 4 KiB each. */
  chargedBytes: number;
}>;

/**
 * The proof; null unless a tier was reached. Its configuration and bytes are measured: by the mechanism that stopped a
 * load beyond the end, and by the kernel's own files. In reports of older hosts, which have no `model`, they are the
 * model's.
 */
export type Proof = TierForm &
  Readonly<{
    tier: Tier;
    /** Instances verified side by side. */
    instances: number;
    /** Memory of the serving worker after the proof, bytes, from /proc/self/status and Committed_AS. */
    virtualBytes: number;
    residentBytes: number;
    /** Mappings (VMAs). */
    maps: number;
    /** The model's numbers for this tier, from the settings alone. Absent in reports of older hosts. */
    model?: TierForm;
    /** Absent in reports of older hosts. */
    kernel?: KernelView;
  }>;

/**
 * The library that ran, as far as it can be told from itself. With a digest, the version of the engine is that of the
 * pinned build with this digest, or else `saysVersion`; without one it is the version asked for, which fits
 * `saysVersion`.
 */
export type EngineLibrary = Readonly<{
  /** The version it writes into serialized modules: the whole version or, since 38, only the major number (`50`). */
  saysVersion: string;
  /** Of the file, if the host was started with `--digest`. In a guest the image's lock pins it. */
  sha256: string | null;
}>;

/** The engine that ran. `library` is absent for V8, where no tier was proven, and in reports of older hosts. */
export type RunEngine = EngineId & Readonly<{ library?: EngineLibrary }>;

export type HostReport = Readonly<{
  poolproof: 'wasm-host';
  schema: 1;
  outcome: 'reached' | 'exhausted';
  tier: Tier | null;
  /** SPIN_ALLOCATOR, alias resolved. */
  choice: AllocatorChoice;
  /** One sentence: why this tier. */
  why: string;
  engine: RunEngine;
  /** Changes to the requested tier, as the host understood them. */
  parameters: PoolParameters;
  /** process.versions.node of the worker. */
  node: string;
  attempts: readonly Attempt[];
  proof: Proof | null;
  /** Read by the last worker before it built its engine. */
  facts: Facts | null;
  /** Milliseconds by phase: start, engine, compile, canary, … (wall clock of that machine). */
  timings: Readonly<Record<string, number>>;
  warnings: readonly string[];
}>;
