/** Raw facts about one cell: what the guest said and what the machine did. No judgement here. */
import type { Facts } from '../../images/allocator/facts.ts';
import type { ReadBack } from '../axes/guest-settings.ts';
import type { Answer } from './answer.ts';
import type { SubjectProcess } from './subject-process.ts';

/** A subject's run as the session in the guest reported it. */
export type SubjectRun = Readonly<{
  /** Exit code; null when a signal ended it. */
  exitCode: number | null;
  /** `SIGABRT`, `SIGTRAP`, …; null when it exited. */
  signal: string | null;
  /** The session saw that it was up, and ended it: what it exits with says nothing then. */
  ready?: true;
  /** The session ended it because it had answered often enough, and never with the status that was waited for. */
  answeredWrong?: true;
  /** The last answer, where one was waited for and there was one. */
  answer?: Answer;
  /** What the kernel showed of its process; absent in older observations. */
  process?: SubjectProcess;
  /** The session ended it before it had ended by itself or was up. */
  timedOut: boolean;
  /** Who wanted that: the harness, or the session's own generous backstop; null when it was not ended so. */
  stopped: 'request' | 'backstop' | null;
  /** The beginning; all of it where `stdoutDropped` is 0. */
  stdout: string;
  /** The end, where bytes between were dropped. */
  stdoutTail: string;
  /** Bytes it wrote in all. */
  stdoutBytes: number;
  /** Bytes between `stdout` and `stdoutTail` that were not kept: what they said is unknown. */
  stdoutDropped: number;
  stderr: string;
  stderrTail: string;
  stderrBytes: number;
  stderrDropped: number;
  /** Bytes of lines so long that the session did not look for the line it waited for in them. */
  unwatchedBytes: number;
  /** Processes the kernel killed for want of memory during the run, by its own counter. */
  oomKills: number;
  /** A process of the session itself vanished: the rest of the report says nothing about the subject. */
  helperLost: boolean;
  /** Milliseconds by the guest's clock, which goes on while the guest is stopped or waits for a core. */
  durationMs: number;
  /** Milliseconds of it in which the guest could have run, by the harness' account; absent in older observations. */
  guestTimeMs?: number;
}>;

export const machineEndKinds = [
  'clock',
  'exited',
  'killed',
  'no-console',
  'not-ready',
  'panic',
  'reset',
  'silent',
  'stalled',
  'start-failed',
] as const;

export type MachineEnd = Readonly<{
  /** How QEMU ended although the harness had not ended it. */
  kind: (typeof machineEndKinds)[number];
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
  /**
   * The kernel killed something for want of memory during the run, by its own counter; by its log where the guest never
   * said.
   */
  oomKill: boolean;
  /** Last lines of the console, at most 4 KiB. */
  consoleTail: string;
  /** Milliseconds by phase, host's monotonic clock: spawn, ready, settings, subject, teardown. */
  timings: Readonly<Record<string, number>>;
}>;
