/** Kernel files → facts. Pure; a missing or unreadable value stays null. */
import type { Facts, Limit } from './facts.ts';
import {
  countCpus,
  readArchitecture,
  readAddressBits,
  readCapability,
  readChoice,
  readCpuFlags,
  readCpuModel,
  readLimit,
  readMeminfo,
  readMeminfoCount,
  readNumber,
  readPageSize,
  type KernelFiles,
} from './kernel-files.ts';
import { KiB } from './sizes.ts';

/** Not a path: the errno of a request for memory both writable and executable, 0 for success. */
export const writeExecuteFile = 'poolproof/write-execute';

/** Limits of a cgroup (v2), by its files. */
export const groupFiles = ['memory.max', 'memory.high', 'pids.max'] as const;

/** The files to read, by the wasm host about itself or by a session about a child. */
export const factFiles: readonly string[] = [
  '/proc/meminfo',
  '/proc/sys/vm/overcommit_memory',
  '/proc/sys/vm/overcommit_ratio',
  '/proc/sys/vm/overcommit_kbytes',
  '/proc/sys/vm/user_reserve_kbytes',
  '/proc/sys/vm/admin_reserve_kbytes',
  '/proc/sys/vm/max_map_count',
  '/sys/kernel/mm/transparent_hugepage/enabled',
  '/proc/cpuinfo',
  '/proc/self/limits',
  '/proc/self/status',
  '/proc/self/stat',
  '/proc/sys/kernel/osrelease',
  '/proc/cmdline',
  ...groupFiles.map((name) => `cgroup/${name}`),
  writeExecuteFile,
];

/** Behind this word and its number a guest's command line has the words of its cell. Other machines lack it. */
export const lastOwnArgument = 'poolproof.disks';

/** CAP_SYS_ADMIN: such a process may use vm.admin_reserve_kbytes too. */
export const sysAdminBit = 21;

/**
 * `files`: path → text, null when it could not be read. `cgroup/<file>` is not a path: it holds the texts
 * of this file in the own cgroup and its parents, one per line (or the smallest of them).
 */
export function parseFacts(files: KernelFiles): Facts {
  const text = (path: string) => files[path] ?? '';
  const meminfo = text('/proc/meminfo');
  const cpuinfo = text('/proc/cpuinfo');
  const limits = text('/proc/self/limits');
  const mode = readNumber(text('/proc/sys/vm/overcommit_memory'));
  const kbytes = (name: string) => scale(readNumber(text(`/proc/sys/vm/${name}`)));
  const cpuModel = readCpuModel(cpuinfo);
  const cpuFlags = readCpuFlags(cpuinfo);
  const architecture = readArchitecture(cpuinfo);
  const release = text('/proc/sys/kernel/osrelease').trim();
  return {
    kernelRelease: release === '' ? null : release,
    architecture,
    kernelArguments: readKernelArguments(text('/proc/cmdline')),
    memTotal: readMeminfo(meminfo, 'MemTotal'),
    memAvailable: readMeminfo(meminfo, 'MemAvailable'),
    swapTotal: readMeminfo(meminfo, 'SwapTotal'),
    commitLimit: readMeminfo(meminfo, 'CommitLimit'),
    committedAs: readMeminfo(meminfo, 'Committed_AS'),
    overcommitMemory: mode === 0 || mode === 1 || mode === 2 ? mode : null,
    overcommitRatio: readNumber(text('/proc/sys/vm/overcommit_ratio')),
    overcommitKbytes: kbytes('overcommit_kbytes'),
    userReserve: kbytes('user_reserve_kbytes'),
    adminReserve: kbytes('admin_reserve_kbytes'),
    hugePages: readMeminfoCount(meminfo, 'HugePages_Total'),
    maxMapCount: readNumber(text('/proc/sys/vm/max_map_count')),
    thp: readThp(text('/sys/kernel/mm/transparent_hugepage/enabled')),
    addressSpaceLimit: softLimit(limits, 'Max address space'),
    dataLimit: softLimit(limits, 'Max data size'),
    stackLimit: softLimit(limits, 'Max stack size'),
    cgroupMemoryMax: readSmallest(text('cgroup/memory.max')),
    cgroupMemoryHigh: readSmallest(text('cgroup/memory.high')),
    pidsMax: readSmallest(text('cgroup/pids.max')),
    processLimit: softLimit(limits, 'Max processes'),
    mdwe: confinements[text(writeExecuteFile).trim()] ?? null,
    addressBits: readAddressBits(cpuinfo, text('/proc/self/stat')),
    pageSize: readPageSize(meminfo, architecture),
    cpus: countCpus(cpuinfo),
    cpuModel,
    cpuFlags,
    virtualised: cpuFlags.includes('hypervisor'),
    emulated: isEmulated(cpuModel, cpuinfo),
    sysAdmin: readCapability(text('/proc/self/status'), sysAdminBit),
  };
}

/** By its name on x86-64; the implementer 0 of arm64 and vendor 0 of riscv64 are for software, and QEMU has them. */
const isEmulated = (cpuModel: string | null, cpuinfo: string): boolean =>
  /\bQEMU\b/.test(cpuModel ?? '') || /^(?:CPU implementer\s*: 0x00|mvendorid\s*: 0x0)$/m.test(cpuinfo);

/** EPERM is the filter's answer, EACCES the kernel's. */
const confinements: Readonly<Record<string, Facts['mdwe']>> = { '0': 'off', '1': 'seccomp', '13': 'prctl' };

const ownArguments = new RegExp(String.raw`^.*\s${lastOwnArgument}=\d+\s*`);

/** Null on a machine that the harness did not boot. */
const readKernelArguments = (commandLine: string): string | null =>
  ownArguments.test(commandLine) ? commandLine.replace(ownArguments, '').trim() : null;

function scale(kib: number | null): number | null {
  return kib === null ? null : kib * KiB;
}

function readThp(text: string): Facts['thp'] {
  const word = readChoice(text);
  return (['always', 'madvise', 'never'] as const).find((candidate) => candidate === word) ?? null;
}

/** An unreadable file gives null, as `unlimited` does: no limit is known. */
function softLimit(limits: string, name: string): Limit {
  const { soft } = readLimit(limits, name);
  return soft === 'unlimited' ? null : soft;
}

function readSmallest(text: string): Limit {
  const numbers = text
    .split('\n')
    .map(readNumber)
    .filter((value) => value !== null);
  return numbers.length === 0 ? null : Math.min(...numbers);
}
