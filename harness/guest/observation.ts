/** Raw facts about one cell: what the guest said and what the machine did. No judgement here. */
import type { Facts } from '../../images/allocator/facts.ts';

/** A subject's run as the session in the guest reported it. */
export type SubjectRun = Readonly<{
  /** Exit code; null when a signal ended it. */
  exitCode: number | null;
  /** `SIGABRT`, `SIGTRAP`, …; null when it exited. */
  signal: string | null;
  /** The session saw that it was up, and ended it: what it exits with says nothing then. */
  ready?: true;
  /** The session ended it because its deadline had passed. */
  timedOut: boolean;
  /** Capped; `stdoutBytes` is the true size. */
  stdout: string;
  stdoutBytes: number;
  stderr: string;
  stderrBytes: number;
  /** Milliseconds by the guest's clock. */
  durationMs: number;
}>;

/** One setting, as asked and as found. */
export type ReadBack = Readonly<{
  axis: string;
  asked: string;
  found: string;
  ok: boolean;
  /** Another limit of the same size was set in its place: what is asked cannot be had on this machine. */
  standIn?: true;
}>;

export type MachineEnd = Readonly<{
  /** How QEMU ended before the harness asked it to; null if it did not. */
  kind:
    | 'clock'
    | 'exited'
    | 'killed'
    | 'no-console'
    | 'not-ready'
    | 'panic'
    | 'reset'
    | 'silent'
    | 'start-failed';
  /** One sentence with the figures. */
  detail: string;
}>;

/** One try at a cell on one machine. */
export type Observation = Readonly<{
  /** How the machine came up: a boot of its own, or a copy-on-write clone of a template. */
  start: 'boot' | 'clone';
  /** Facts of the very child the subject ran in, read just before it started; null if not reached. */
  facts: Facts | null;
  readBack: readonly ReadBack[];
  subject: SubjectRun | null;
  /** Set when the machine ended or never answered. */
  machineEnd: MachineEnd | null;
  /** The kernel's out-of-memory killer spoke on the console during the run. */
  oomKill: boolean;
  /** Last lines of the console, at most 4 KiB. */
  consoleTail: string;
  /** Milliseconds by phase, host's monotonic clock: spawn, ready, settings, subject, teardown. */
  timings: Readonly<Record<string, number>>;
}>;
