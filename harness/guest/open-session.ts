/** Waits for a machine to answer. */
import type { Machine } from '../machine/machine.ts';
import type { Deadlines } from '../plan/deadlines.ts';
import { Session } from './session.ts';

/**
 * Opens the session within the deadlines; a kernel that writes nothing is given up early, because a boot that
 * hangs before its first line never recovers.
 * @throws PoolproofError MACHINE_EXITED, MACHINE_TIMEOUT, MACHINE_STALLED, PROTOCOL.
 */
export async function openSession(machine: Machine, deadlines: Deadlines): Promise<Session> {
  if (machine.start === 'clone') return Session.open(machine, deadlines.cloneReadyMs);
  const { console, time } = machine;
  const opened = Session.open(machine, deadlines.readyMs);
  const first = Promise.race([console.firstLine, opened, machine.exited]);
  const firstLine = time.within(first, { what: 'nothing on the console', ms: deadlines.firstLineMs });
  // The line alone opens nothing: only its absence ends the wait.
  return Promise.race([opened, firstLine.then(() => opened)]);
}
