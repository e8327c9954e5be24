/** How long things may take. Emulation is ten to thirty times slower than hardware, and machines are shared. */
import type { Accelerator } from './machine-spec.ts';

/** Milliseconds. */
export type Deadlines = Readonly<{
  /** From QEMU's start to the kernel's first console line; normally 0.8–1.1 s under emulation. */
  firstLineMs: number;
  /** From QEMU's start to the session's answer. */
  readyMs: number;
  /** A clone's first answer; normally 0.1 s. */
  cloneReadyMs: number;
  /** A small request: settings, facts. */
  requestMs: number;
  /** One tier attempt of the wasm host. */
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
    attemptMs: 20_000,
    subjectMs: 70_000,
  },
  tcg: {
    firstLineMs: 20_000,
    readyMs: 90_000,
    cloneReadyMs: 20_000,
    requestMs: 30_000,
    attemptMs: 60_000,
    subjectMs: 200_000,
  },
};

export function deadlinesFor(accelerator: Accelerator): Deadlines {
  return byAccelerator[accelerator];
}
