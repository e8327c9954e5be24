/** What this computer, the test machine, offers: QEMU, cores, free memory. */
import { access, constants, readFile } from 'node:fs/promises';
import { availableParallelism, cpus as listCpus, release, totalmem } from 'node:os';
import path from 'node:path';
import { defaultArchitecture, type Architecture } from '../../images/architectures.ts';
import { questionBounds, runProgram, type Bounds } from '../../images/run-program.ts';
import { installHint } from '../../images/tools.ts';
import { PoolproofError } from '../errors.ts';
import {
  nameCpu,
  oldestQemu,
  parseAvailableMib,
  parseCgroup,
  parseCgroupRoom,
  parseOsName,
  parsePromisedMib,
  parseQemuVersion,
  type CgroupRoom,
  type QemuVersion,
} from './parse-computer.ts';

const mib = 1024 * 1024;

export type Qemu = Readonly<{ path: string }> & Pick<QemuVersion, 'version' | 'title'>;

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
 * `POOLPROOF_QEMU_ARM64` and `POOLPROOF_QEMU_RISCV64` for these.
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
  const found = parseQemuVersion(result.stdout.toString('utf8'));
  if (!result.ok || found === null) {
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
  const { version, title, isSupported } = found;
  if (isSupported) return { path: binary, version, title };
  throw new PoolproofError(
    'QEMU_TOO_OLD',
    `${binary} is ${version}; ${oldestQemu.join('.')} is the oldest supported`,
    { hint: 'Debian 12 and Ubuntu 23.04 are the first with a new enough QEMU' },
  );
}

/** Empty where it cannot be read. */
const readText = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');

/** A folder and those above it, up to the root. */
const listUpwards = (folder: string): readonly string[] =>
  folder === path.dirname(folder) ? [folder] : [folder, ...listUpwards(path.dirname(folder))];

/** What the cgroup v2 of this process allows, the smallest up the tree. */
async function readCgroupRoom(root: string): Promise<CgroupRoom> {
  const own = parseCgroup(await readText(path.join(root, 'proc/self/cgroup')));
  const rooms: CgroupRoom[] = [];
  for (const folder of own === null ? [] : listUpwards(own)) {
    const read = (name: string): Promise<string> => readText(path.join(root, 'sys/fs/cgroup', folder, name));
    rooms.push(
      parseCgroupRoom({
        memoryMax: await read('memory.max'),
        memoryCurrent: await read('memory.current'),
        cpuMax: await read('cpu.max'),
      }),
    );
  }
  return {
    memoryMib: Math.min(...rooms.map(({ memoryMib }) => memoryMib)),
    cores: Math.min(...rooms.map(({ cores }) => cores)),
  };
}

/** The most memory that a guest can be given now, MiB. `root`: another place of /proc, in tests. */
export const readPromisedMib = async (root = '/'): Promise<number> =>
  parsePromisedMib({
    meminfo: await readText(path.join(root, 'proc/meminfo')),
    overcommit: await readText(path.join(root, 'proc/sys/vm/overcommit_memory')),
  });

/** Reads what this computer offers now. `root`: another place of /proc, /sys and /etc, in tests. */
export async function readComputer(root = '/'): Promise<Computer> {
  const availableMib = parseAvailableMib(await readText(path.join(root, 'proc/meminfo')));
  const { memoryMib, cores } = await readCgroupRoom(root);
  return {
    // A part of a core still runs a guest.
    cores: Math.min(availableParallelism(), Math.max(1, Math.ceil(cores))),
    cpuModel: nameCpu(
      listCpus().map(({ model }) => model),
      await readText(path.join(root, 'proc/cpuinfo')),
    ),
    memTotalMib: Math.round(totalmem() / mib),
    memAvailableMib: Math.floor(Math.min(availableMib, memoryMib)),
    kernel: release(),
    os: parseOsName(await readText(path.join(root, 'etc/os-release'))),
  };
}
