/** Saves a booted machine's state and RAM, so that clones can start from it. */
import { createWriteStream } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { makeTemporaryFolder } from '../../images/temporary-folder.ts';
import { PoolproofError } from '../errors.ts';
import { channels } from './spec.ts';
import type { Machine } from './machine.ts';
import { templateError } from './template-error.ts';

const commandMs = 20_000;
const saveMs = 60_000;

// 'events': QEMU sends the end of a migration, no polling. RAM that is a shared file is its own copy: only the devices'
// state is written. The capability has carried its x- since QEMU 4.0 and is the same in every version supported.
const capabilities = [
  { capability: 'x-ignore-shared', state: true },
  { capability: 'events', state: true },
];

/**
 * Loads a template's state into a machine started as a clone; it runs on from there. So does its clock: the HPET's
 * counter, kvmclock (KVM_SET_CLOCK), each TSC and arm64's virtual counter are in the state, as they were when the
 * template was stopped. Its time of day is as old as the template until the handshake sets it.
 *
 * The rate of a TSC is measured at each boot of this computer, and may then differ in its last digits from the one in
 * the state. QEMU only warns of it (target/i386/kvm/kvm.c, kvm_arch_set_tsc_khz), and kvm-clock, which the guest goes
 * by, gets its rate anew from KVM when a clone runs. The selftest asks for both: `clock-source`, `clock-rate`.
 * @throws PoolproofError QMP_ERROR when QEMU refuses or ends.
 */
export async function restoreClone(machine: Machine): Promise<void> {
  await machine.qmp.execute('migrate-set-capabilities', { capabilities }, commandMs);
  await machine.qmp.execute('migrate-incoming', { uri: `fd:${channels.state}` }, commandMs);
}

/**
 * Stops a machine that was started as a template and writes its devices' state (about 400 kB) to `stateFile`; the RAM
 * is in the file the machine was started with. QEMU stops the machine at the end; it was running, so clones run on by
 * themselves.
 * @throws PoolproofError TEMPLATE_INVALID or QMP_ERROR; DISK_FULL when the state cannot be written.
 */
export async function saveTemplate(machine: Machine, stateFile: string): Promise<void> {
  const { qmp } = machine;
  await qmp.execute('migrate-set-capabilities', { capabilities }, commandMs);
  // `exec:` is forbidden by the sandbox and `file:` came with QEMU 8.2: a socket in a private folder.
  await using folder = await makeTemporaryFolder();
  const server = createServer();
  try {
    const socketPath = path.join(folder.path, 's');
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(socketPath, resolve);
    });
    const received = new Promise<Socket>((resolve) => server.once('connection', resolve)).then((socket) =>
      pipeline(socket, createWriteStream(stateFile, { mode: 0o600, flags: 'wx', flush: true })),
    );
    // Registered before the command that causes it; a failed migration is an event too.
    let status = '';
    const ended = qmp.waitForEvent(
      'MIGRATION',
      (data) => {
        status = String(data['status']);
        return status === 'completed' || status === 'failed';
      },
      saveMs,
    );
    // A full disk ends the writing, and with it the migration: the first is the reason.
    const unwritten = new Promise<never>((_, reject) => void received.catch(reject));
    const migrated = qmp.execute('migrate', { uri: `unix:${socketPath}` }, commandMs);
    await Promise.race([Promise.all([migrated, ended]), unwritten]);
    if (status !== 'completed')
      throw new PoolproofError('TEMPLATE_INVALID', `saving the machine's state ${status}`);
    await received;
  } catch (error) {
    throw templateError(error, path.dirname(stateFile));
  } finally {
    server.close();
  }
}
