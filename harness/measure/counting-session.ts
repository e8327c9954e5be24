/** A session in a guest that counts: what happens in it is a result, and its messages are kept. */
import { PoolproofError } from '../errors.ts';
import { addSwap } from '../guest/observe.ts';
import { openSession, stopOnAbort } from '../guest/open-session.ts';
import type { Session } from '../guest/session.ts';
import type { Machine } from '../machine/machine.ts';
import type { Settings } from '../axes/table.ts';
import { countingDeadlines } from '../plan/deadlines.ts';

/** Messages exchanged with the guest are added to `protocol`. */
export type CountingGuest = Readonly<{
  start: () => Promise<Machine>;
  settings: Settings;
  signal: AbortSignal;
  protocol: string[];
}>;

/**
 * Starts the machine, adds the cell's swap, works in it and ends it.
 *
 * @throws PoolproofError where the machine does not start, and when the signal says so
 */
export async function workInGuest<End>(
  { start, settings, signal, protocol }: CountingGuest,
  work: (session: Session) => Promise<End>,
): Promise<End | Readonly<{ kind: 'not-measured'; reason: string }>> {
  await using machine = await start();
  using _stop = stopOnAbort(machine, signal);
  let session: Session | null = null;
  try {
    session = await openSession(machine, countingDeadlines);
    await addSwap(session, settings, countingDeadlines);
    return await work(session);
  } catch (error) {
    if (!(error instanceof PoolproofError) || signal.aborted) throw error;
    const panic = machine.console.panic;
    return { kind: 'not-measured', reason: panic === null ? error.message : `kernel panic: ${panic}` };
  } finally {
    protocol.push(...(session?.log ?? []));
  }
}
