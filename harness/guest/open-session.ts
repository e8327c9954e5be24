/** Waits for a machine to answer. */
import { PoolproofError } from '../errors.ts';
import type { Machine } from '../machine/machine.ts';
import type { Deadlines } from '../plan/deadlines.ts';
import { Session } from './session.ts';

/**
 * Opens the session within the deadlines; a kernel that writes nothing is given up early, because a boot that
 * hangs before its first line never recovers.
 * @throws PoolproofError MACHINE_EXITED, MACHINE_TIMEOUT, PROTOCOL.
 */
export async function openSession(machine: Machine, deadlines: Deadlines): Promise<Session> {
  if (machine.start === 'clone') return Session.open(machine, deadlines.cloneReadyMs);
  let timer: NodeJS.Timeout | undefined;
  const noLine = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(
        new PoolproofError('MACHINE_TIMEOUT', `nothing on the console within ${deadlines.firstLineMs} ms`),
      );
    }, deadlines.firstLineMs);
  });
  void machine.console.firstLine.then(() => clearTimeout(timer));
  try {
    return await Promise.race([Session.open(machine, deadlines.readyMs), noLine]);
  } finally {
    clearTimeout(timer);
  }
}
