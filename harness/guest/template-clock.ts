/** Compares the clock of a machine to be saved with this computer's: every clone would inherit a wrong one. */
import { PoolproofError } from '../errors.ts';
import { samplePeriodMs, type Deadlines } from '../plan/deadlines.ts';
import type { Machine } from '../machine/machine.ts';
import type { Session } from './session.ts';

/** A guest's clock, read between two moments of this computer's monotonic clock; milliseconds. */
export type ClockReading = Readonly<{
  guestMs: number;
  beforeMs: number;
  afterMs: number;
  /** Time the guest had got by then: what it was stopped or waited need not be in its clock. */
  guestTimeMs: number;
}>;

/** A rate that is this much off is no rate to measure by. */
const tolerance = 0.02;
/** /proc/uptime is in hundredths of a second. */
const uptimeStepMs = 20;

/** @throws PoolproofError what {@link Session.request} throws; TEMPLATE_INVALID for a guest without a clock. */
export async function readClock(
  machine: Machine,
  session: Session,
  deadlines: Deadlines,
): Promise<ClockReading> {
  const beforeMs = performance.now();
  const reply = await session.request({ verb: 'read', paths: ['/proc/uptime'] }, deadlines.requestMs);
  const seconds = Number.parseFloat(reply.texts['/proc/uptime'] ?? '');
  if (Number.isNaN(seconds)) throw new PoolproofError('TEMPLATE_INVALID', 'the guest reports no uptime');
  return {
    guestMs: seconds * 1000,
    beforeMs,
    afterMs: performance.now(),
    guestTimeMs: machine.time.estimateMs,
  };
}

/**
 * Why the rate of a clock is wrong, from its machine's start and two readings; null where it is right.
 * @param startedMs when QEMU was started: the guest's kernel began later
 */
export function findWrongRate(startedMs: number, first: ClockReading, last: ClockReading): string | null {
  const spans = [
    { guest: last.guestMs, most: last.afterMs - startedMs, least: 0 },
    {
      guest: last.guestMs - first.guestMs,
      most: last.afterMs - first.beforeMs,
      // Time not sampled yet counts as if the guest had run.
      least: last.guestTimeMs - first.guestTimeMs - (first.afterMs - first.beforeMs) - samplePeriodMs,
    },
  ];
  const wrong = spans.find(
    ({ guest, most, least }) =>
      guest > most * (1 + tolerance) + uptimeStepMs || guest < least * (1 - tolerance) - uptimeStepMs,
  );
  if (wrong === undefined) return null;
  const seconds = (ms: number): string => (ms / 1000).toFixed(2);
  return `its clock went on by ${seconds(wrong.guest)} s in ${seconds(wrong.most)} s`;
}
