/** Finds the accelerator that works here. /dev/kvm may exist and not work: only a booted guest proves it. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { openPrivateFolder } from '../../images/cache/private-folder.ts';
import { errnoOf, PoolproofError } from '../errors.ts';
import type { Accelerator, MachineSpec } from '../plan/machine-spec.ts';
import { startMachine } from './machine.ts';

export type AcceleratorChoice = Readonly<{
  accelerator: Accelerator;
  /** One line: why. */
  reason: string;
}>;

// A boot to user space takes 1 s on hardware. Nested virtualisation that is offered but does not work
// crawls: 86 s without reaching it were measured.
const probeMs = 15_000;

/** Null: the guest hardly got to run, so nothing was learnt. */
async function bootsWithin(spec: MachineSpec, ms: number): Promise<boolean | null> {
  await using machine = await startMachine(
    { ...spec, accelerator: 'kvm', cpuModel: 'host' },
    { kind: 'boot' },
  );
  const booted = Promise.race([machine.console.userSpace.then(() => true), machine.exited.then(() => false)]);
  try {
    return await machine.time.within(booted, { what: 'no user space', ms });
  } catch (error) {
    if (error instanceof PoolproofError && error.code === 'MACHINE_TIMEOUT') return false;
    if (error instanceof PoolproofError && error.code === 'MACHINE_STALLED') return null;
    throw error;
  }
}

/** The answer holds until the computer reboots or QEMU changes: both are in the file's name. */
async function memoryFile(cacheDir: string, qemuTitle: string): Promise<string> {
  const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  const key = createHash('sha256').update(`${bootId}${qemuTitle}`).digest('hex').slice(0, 16);
  return path.join(cacheDir, 'accelerator', `${key}.json`);
}

export type KvmAccess = 'open' | 'refused' | 'absent';

/** Whether this user may open /dev/kvm. `device`: another file, in tests. */
export async function readKvmAccess(device = '/dev/kvm'): Promise<KvmAccess> {
  return access(device, constants.R_OK | constants.W_OK).then(
    () => 'open',
    (error: unknown) => (errnoOf(error) === 'ENOENT' ? 'absent' : 'refused'),
  );
}

const kvmReasons: Readonly<Record<Exclude<KvmAccess, 'open'>, string>> = {
  absent: 'there is no /dev/kvm',
  refused: 'this user may not open /dev/kvm; see poolproof doctor',
};

/**
 * KVM when a guest boots with it in time, else TCG. `POOLPROOF_ACCEL=kvm|tcg` decides without trying.
 * The answer is remembered in `cacheDir`.
 */
export async function chooseAccelerator(
  spec: MachineSpec,
  qemuTitle: string,
  cacheDir: string,
): Promise<AcceleratorChoice> {
  const forced = process.env['POOLPROOF_ACCEL'];
  if (forced === 'kvm' || forced === 'tcg') return { accelerator: forced, reason: 'POOLPROOF_ACCEL says so' };
  const kvm = await readKvmAccess();
  if (kvm !== 'open') return { accelerator: 'tcg', reason: kvmReasons[kvm] };
  const file = await memoryFile(cacheDir, qemuTitle);
  await openPrivateFolder(cacheDir);
  const known = await readFile(file, 'utf8')
    .then(parseChoice)
    .catch(() => null);
  if (known !== null) return known;
  const boots = await bootsWithin(spec, probeMs);
  if (boots === null)
    return { accelerator: 'tcg', reason: 'this computer is too busy to try a guest with KVM' };
  const choice: AcceleratorChoice = boots
    ? { accelerator: 'kvm', reason: 'a guest booted with KVM' }
    : {
        accelerator: 'tcg',
        reason: `/dev/kvm is there, but a guest did not reach user space in ${probeMs / 1000} s`,
      };
  // Without the record the next run tries again.
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
    .then(() => writeFileAtomic(file, `${JSON.stringify(choice)}\n`))
    .catch(() => undefined);
  return choice;
}

function parseChoice(text: string): AcceleratorChoice | null {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || !('accelerator' in value) || !('reason' in value))
    return null;
  const { accelerator, reason } = value;
  const valid = (accelerator === 'kvm' || accelerator === 'tcg') && typeof reason === 'string';
  return valid ? { accelerator, reason } : null;
}
