/** What this computer, the test machine, offers: QEMU, cores, free memory. */
import { access, constants, readFile } from 'node:fs/promises';
import { availableParallelism, cpus as listCpus, release, totalmem } from 'node:os';
import path from 'node:path';
import { defaultArchitecture, type Architecture } from '../../images/architectures.ts';
import { questionBounds, runProgram, type Bounds } from '../../images/run-program.ts';
import { installHint } from '../../images/tools.ts';
import { PoolproofError } from '../errors.ts';

/** The oldest supported, of Debian 12. */
export const oldestQemu = [7, 2] as const;

const mib = 1024 * 1024;

export type Qemu = Readonly<{
  path: string;
  /** `7.2.22`. */
  version: string;
  /** The first line of --version, with the distribution's own number. */
  title: string;
}>;

export type Computer = Readonly<{
  cores: number;
  cpuModel: string;
  memTotalMib: number;
  /** Free for guests: MemAvailable, or less where the harness' own cgroup allows less. */
  memAvailableMib: number;
  /** `uname -r`. */
  kernel: string;
  /** PRETTY_NAME of os-release. */
  os: string;
}>;

/** Whether this user may execute the file. */
export const isExecutable = (file: string): Promise<boolean> =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  );

/** Path of a program in PATH, or null. */
export async function findExecutable(name: string): Promise<string | null> {
  for (const folder of (process.env['PATH'] ?? '').split(path.delimiter)) {
    const candidate = path.join(folder, name);
    if (folder !== '' && (await isExecutable(candidate))) return candidate;
  }
  return null;
}

/** The environment variable that names another binary of an architecture's QEMU. */
export const qemuVariable = ({ name }: Architecture): string =>
  name === defaultArchitecture.name ? 'POOLPROOF_QEMU' : `POOLPROOF_QEMU_${name.toUpperCase()}`;

/**
 * Finds the QEMU of an architecture and asks for its version. `POOLPROOF_QEMU` names another binary for x86-64,
 * `POOLPROOF_QEMU_ARM64` for arm64.
 * @throws PoolproofError QEMU_NOT_FOUND, QEMU_TOO_OLD, QEMU_FAILED.
 */
export async function findQemu(
  bounds: Bounds = questionBounds,
  architecture: Architecture = defaultArchitecture,
): Promise<Qemu> {
  const { program: qemuName } = architecture.qemu;
  const variable = qemuVariable(architecture);
  const hint = `${installHint(qemuName)}, or set ${variable}`;
  const binary = process.env[variable] ?? (await findExecutable(qemuName));
  if (binary === null) throw new PoolproofError('QEMU_NOT_FOUND', `${qemuName} is not installed`, { hint });
  const result = await runProgram(binary, ['--version'], bounds);
  const title = result.stdout.toString('utf8').split('\n', 1)[0]?.slice(0, 200) ?? '';
  const version = /version (\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?/.exec(title);
  if (!result.ok || version === null) {
    throw new PoolproofError(
      result.errorCode === null ? 'QEMU_FAILED' : 'QEMU_NOT_FOUND',
      `${binary} --version ${result.ok ? 'gave no version' : result.why}`,
      {
        command: `${binary} --version`,
        stderr: result.stderr.slice(-2000),
        hint,
      },
    );
  }
  const [major, minor] = [Number(version[1]), Number(version[2])];
  if (major < oldestQemu[0] || (major === oldestQemu[0] && minor < oldestQemu[1])) {
    throw new PoolproofError(
      'QEMU_TOO_OLD',
      `${binary} is ${major}.${minor}; ${oldestQemu.join('.')} is the oldest supported`,
      {
        hint: 'Debian 12 and Ubuntu 23.04 are the first with a new enough QEMU',
      },
    );
  }
  return { path: binary, version: `${major}.${minor}.${version[3] ?? 0}`, title };
}

async function readText(file: string): Promise<string | null> {
  return readFile(file, 'utf8').catch(() => null);
}

type CgroupRoom = Readonly<{
  /** What memory.max still allows, MiB; null without a limit. */
  memoryMib: number | null;
  /** Cores' worth of time that cpu.max allows; null without a limit. */
  cores: number | null;
}>;

/** What the cgroup v2 of this process allows, the smallest up the tree. */
async function readCgroupRoom(): Promise<CgroupRoom> {
  const own = /^0::(.*)$/m.exec((await readText('/proc/self/cgroup')) ?? '')?.[1];
  let room: CgroupRoom = { memoryMib: null, cores: null };
  if (own === undefined) return room;
  for (let folder = own; ; folder = path.dirname(folder)) {
    const [max, current, cpu] = await Promise.all(
      ['memory.max', 'memory.current', 'cpu.max'].map((name) =>
        readText(path.join('/sys/fs/cgroup', folder, name)),
      ),
    );
    const limit = Number(max);
    const quota = /^(\d+) (\d+)$/m.exec(cpu ?? '');
    room = {
      memoryMib:
        max && Number.isFinite(limit)
          ? least(room.memoryMib, (limit - Number(current)) / mib)
          : room.memoryMib,
      cores: quota === null ? room.cores : least(room.cores, Number(quota[1]) / Number(quota[2])),
    };
    if (folder === '/' || folder === '.') return room;
  }
}

const least = (a: number | null, b: number): number => (a === null ? b : Math.min(a, b));

/** Reads what this computer offers now. */
export async function readComputer(): Promise<Computer> {
  const meminfo = (await readText('/proc/meminfo')) ?? '';
  const availableMib = Number(/^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1] ?? 0) / 1024;
  const { memoryMib: cgroupMib, cores } = await readCgroupRoom();
  return {
    // A part of a core still runs a guest.
    cores: Math.min(availableParallelism(), Math.max(1, Math.ceil(cores ?? Infinity))),
    cpuModel: listCpus()[0]?.model.trim() ?? 'unknown',
    memTotalMib: Math.round(totalmem() / mib),
    memAvailableMib: Math.floor(cgroupMib === null ? availableMib : Math.min(availableMib, cgroupMib)),
    kernel: release(),
    os: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec((await readText('/etc/os-release')) ?? '')?.[1] ?? 'unknown',
  };
}
