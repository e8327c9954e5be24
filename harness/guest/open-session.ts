/** Waiting for a machine to answer, and ending it when nobody waits any longer. */
import { PoolproofError } from '../errors.ts';
import type { Machine } from '../machine/machine.ts';
import type { Deadlines } from '../plan/deadlines.ts';
import { Session } from './session.ts';

/** Ends the machine when the signal fires, or at once where it has fired: while a machine starts nobody listens. */
export function stopOnAbort(machine: Machine, signal: AbortSignal): Disposable {
  const stop = (): void => void machine.stop();
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', stop) };
}

/**
 * Opens the session within the deadlines; a kernel that writes nothing is given up early, because a boot that
 * hangs before its first line never recovers.
 * @throws PoolproofError MACHINE_EXITED, MACHINE_TIMEOUT, MACHINE_STALLED, PROTOCOL; KERNEL_UNFIT for a kernel that
 *   lacks a driver or runs no initramfs: it is told by its own console, within seconds
 */
export async function openSession(machine: Machine, deadlines: Deadlines): Promise<Session> {
  if (machine.start === 'clone') return Session.open(machine, deadlines.cloneReadyMs);
  const { console, time } = machine;
  const opened = Session.open(machine, deadlines.readyMs);
  const first = Promise.race([console.firstLine, opened, machine.exited]);
  const firstLine = time.within(first, { what: 'nothing on the console', ms: deadlines.firstLineMs });
  const unfit = console.unfit.then((why): never => {
    throw new PoolproofError('KERNEL_UNFIT', `the kernel of the guest ${why}`, {
      hint: 'give the folder of its modules with --modules, or turn these options on in its configuration (CONFIG_…)',
    });
  });
  let session: Session;
  try {
    // The line alone opens nothing: only its absence ends the wait.
    session = await Promise.race([unfit, opened, firstLine.then(() => opened)]);
  } catch (error) {
    // The kernel's own words say more than the end of QEMU.
    await Promise.race([unfit, Promise.resolve()]);
    throw error;
  }
  const failures = console.initFailures;
  // A module that none of the disks needs is missed by nobody.
  if (failures.some((what) => what.startsWith('disk ')))
    throw new PoolproofError('PROTOCOL', `the kernel of the guest could not use ${failures.join(', ')}`);
  return session;
}
