/** An arm64 computer: a guest whose processor has what KVM needs, with the disk of `build-disk.ts` as its root */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { engineDisk, mountPoint } from '../../images/definitions.ts';
import { defaultSettings, type Settings } from '../../harness/axes/table.ts';
import { buildCell } from '../../harness/field/results.ts';
import { type Guest, openCell } from '../../harness/library/open-guest.ts';
import { type StartMachine, startMachine } from '../../harness/machine/machine.ts';
import { countingDeadlines } from '../../harness/plan/deadlines.ts';
import { resolveEngine } from '../../harness/plan/requirements.ts';
import { places } from './build-disk.ts';

/**
 * Its own guests are of 512 MiB, and its cache is in memory. It counts its instructions as its time, which no load of
 * this computer makes longer: whatever it waits for, its own guests above all, comes in time or never.
 */
const settings: Settings = {
  ...defaultSettings(),
  arch: 'arm64',
  kernel: 'trixie',
  memory: 4 * 2 ** 30,
};

/** Room for files. More than the memory has: `doctor` wants to see 4 GiB, and a run takes a tenth of it. */
const roomMib = 5 * 1024;

const diskName = 'computer';
const root = `/disks/${diskName}`;

/** A disk of the guest that the computer is, for what runs on the computer itself. */
export const engine = resolveEngine(settings.engine).version ?? '';
export const libwasmtime = '/mnt/lib/libwasmtime.so';

/** Each command has mounts of its own, but for the contents of /tmp. One line, as words of a request are. */
const enter = [
  `mount -o remount,size=${roomMib}M /tmp`,
  `mount -o bind /tmp ${root}/tmp`,
  `mount -t tmpfs tmpfs ${root}/run`,
  `mount -t proc proc ${root}/proc`,
  `mount -t sysfs sysfs ${root}/sys`,
  `mount -t cgroup2 cgroup2 ${root}/sys/fs/cgroup`,
  `mount -t devtmpfs devtmpfs ${root}/dev`,
  `mount -o bind ${mountPoint(engineDisk(engine))} ${root}/mnt`,
  `exec chroot ${root} /usr/bin/env -i "$@"`,
].join(' && ');

const keptBytes = 768 * 1024;

export type Ended = Readonly<{ exitCode: number | null; stdout: string; stderr: string; seconds: number }>;

export type Computer = AsyncDisposable &
  Readonly<{
    /** Its `uname -r`. */
    kernelRelease: string;
    /** Runs a shell's line, as root in /tmp. @param timeoutMs of the time that the guest could have run */
    run(line: string, timeoutMs: number, env?: Readonly<Record<string, string>>): Promise<Ended>;
  }>;

/**
 * Boots it.
 * @param folder for a file
 * @param disk as `buildDisk` made it
 */
export async function startComputer(folder: string, disk: string, cacheDir: string): Promise<Computer> {
  const own = { name: diskName, path: disk };
  const start: StartMachine = async (spec, kind) => {
    const qemu = await writeWrapper(folder, spec.qemu);
    return startMachine({ ...spec, qemu, icountShift: 0, disks: [...spec.disks, own] }, kind);
  };
  const seams = { startMachine: start, deadlines: countingDeadlines };
  const guest = await openCell(buildCell(settings), { cacheDir }, seams);
  return {
    kernelRelease: guest.kernelRelease,
    run: (line, timeoutMs, env = {}) => runIn(guest, line, timeoutMs, env),
    [Symbol.asyncDispose]: () => guest[Symbol.asyncDispose](),
  };
}

/** QEMU gives the processor a hypervisor's mode when it is asked to, and with it KVM works inside. */
async function writeWrapper(folder: string, qemu: string): Promise<string> {
  const file = path.join(folder, 'qemu');
  await writeFile(file, `#!/bin/sh\nexec '${qemu}' "$@" -machine virtualization=on\n`, { mode: 0o755 });
  return file;
}

async function runIn(
  guest: Guest,
  line: string,
  timeoutMs: number,
  env: Readonly<Record<string, string>>,
): Promise<Ended> {
  const variables = Object.entries({ HOME: '/tmp', PATH: places.path, LC_ALL: 'C.UTF-8', ...env });
  const words = variables.map(([name, value]) => `${name}=${value}`);
  const since = Date.now();
  const command = ['/bin/sh', '-c', enter, 'sh', ...words, '/bin/sh', '-c', `cd /tmp && ${line}`];
  const { exitCode, stdout, stderr } = await guest.exec(command, { timeoutMs, keptBytes });
  return { exitCode, stdout, stderr, seconds: (Date.now() - since) / 1000 };
}
