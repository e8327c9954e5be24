/**
 * Deadlines. Emulation is ten to thirty times slower than hardware, and machines are shared.
 *
 * Deadlines count the time a guest could have run (harness/machine/guest-time.ts), not the time that passed.
 */
import type { Accelerator } from './machine-spec.ts';

/** Milliseconds, of the time a guest could have run. */
export type Deadlines = Readonly<{
  /** From QEMU's start to the kernel's first console line; normally 0.8–1.1 s under emulation. */
  firstLineMs: number;
  /** From QEMU's start to the session's answer. */
  readyMs: number;
  /** A clone's first answer; normally 0.1 s. */
  cloneReadyMs: number;
  /** A small request: settings, facts. */
  requestMs: number;
  /**
   * One tier attempt of the wasm host, which the host itself ends: by the guest's clock, which goes on while the guest
   * is stopped or waits for a core. So it is generous, and an attempt that ends by it is no evidence of its tier; but
   * less than `subjectMs`, because the host reports a Node that neither starts nor ends.
   */
  attemptMs: number;
  /** The whole run of the subject: every tier and its report. */
  subjectMs: number;
}>;

const byAccelerator: Readonly<Record<Accelerator, Deadlines>> = {
  kvm: {
    firstLineMs: 10_000,
    readyMs: 30_000,
    cloneReadyMs: 10_000,
    requestMs: 10_000,
    attemptMs: 100_000,
    subjectMs: 120_000,
  },
  tcg: {
    firstLineMs: 20_000,
    readyMs: 90_000,
    cloneReadyMs: 20_000,
    requestMs: 30_000,
    attemptMs: 180_000,
    subjectMs: 210_000,
  },
};

export function deadlinesFor(accelerator: Accelerator): Deadlines {
  return byAccelerator[accelerator];
}

/**
 * For a machine that counts its instructions: one at a time, on one thread of QEMU's. On a loaded computer 3 of 8 boots
 * took more than the 90 s of other emulated machines.
 */
export const countingDeadlines: Deadlines = {
  ...byAccelerator.tcg,
  firstLineMs: 60_000,
  readyMs: 300_000,
  cloneReadyMs: 60_000,
  requestMs: 60_000,
};

/**
 * Milliseconds between two looks at a machine's process. What a cell waits for mostly comes within one, and then
 * nothing is read at all. A stop or a gap is known to within two of them, which no deadline is as short as.
 */
export const samplePeriodMs = 1000;

/**
 * Elapsed time after which a wait is given up although the guest has not had its time, milliseconds. Ten busy programs
 * to a core leave a guest a tenth of it, and Ctrl-Z is mostly taken back within five minutes.
 */
export function elapsedCapMs(deadlineMs: number): number {
  return Math.max(15 * deadlineMs, deadlineMs + 300_000);
}

/**
 * The session's own end of a run, seconds by the guest's clock: after the harness has given up, so it only ends a
 * subject whose harness no longer speaks.
 */
export function backstopSeconds(deadlineMs: number): number {
  return Math.ceil((elapsedCapMs(deadlineMs) + 60_000) / 1000);
}
