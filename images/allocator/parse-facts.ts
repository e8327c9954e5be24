/** Kernel files → facts. Pure; what is missing or unreadable stays null. */
import type { Facts, Limit } from './facts.ts';
import { KiB } from './sizes.ts';

/** No path: the errno that memory both writable and executable met, 0 for none. */
const writeExecuteFile = 'poolproof/write-execute';

/** What to read, for whoever reads: the wasm host itself, or a session on behalf of a child. */
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
  'cgroup/memory.max',
  writeExecuteFile,
];

/** CAP_SYS_ADMIN, bit 21 of CapEff: no such process has vm.admin_reserve_kbytes kept from it. */
const sysAdminBit = 1n << 21n;

/**
 * `files`: path → text, null when it could not be read. `cgroup/memory.max` is no path: it holds the
 * memory.max texts of the own cgroup and its parents, one a line (or the smallest, worked out already).
 */
export function parseFacts(files: Readonly<Record<string, string | null>>): Facts {
  const text = (path: string) => files[path] ?? '';
  const meminfo = text('/proc/meminfo');
  const cpuinfo = text('/proc/cpuinfo');
  const limits = text('/proc/self/limits');
  const mode = readNumber(text('/proc/sys/vm/overcommit_memory'));
  const kbytes = (name: string) => scale(readNumber(text(`/proc/sys/vm/${name}`)));
  const cpuModel = /^(?:model name|Model|uarch)\s*:\s*(.+)$/m.exec(cpuinfo)?.[1]?.trim() ?? null;
  const cpuFlags = /^(?:flags|Features)\s*:\s*(.+)$/m.exec(cpuinfo)?.[1]?.trim().split(/\s+/) ?? [];
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(text('/proc/self/status'))?.[1];
  const release = text('/proc/sys/kernel/osrelease').trim();
  return {
    kernelRelease: release === '' ? null : release,
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
    hugePages: readCount(meminfo, 'HugePages_Total'),
    maxMapCount: readNumber(text('/proc/sys/vm/max_map_count')),
    thp: readThp(text('/sys/kernel/mm/transparent_hugepage/enabled')),
    addressSpaceLimit: readLimit(limits, 'Max address space'),
    dataLimit: readLimit(limits, 'Max data size'),
    stackLimit: readLimit(limits, 'Max stack size'),
    cgroupMemoryMax: readSmallest(text('cgroup/memory.max')),
    mdwe: confinements[text(writeExecuteFile).trim()] ?? null,
    addressBits: readAddressBits(cpuinfo, text('/proc/self/stat')),
    pageSize: 4096, // every kernel of the image table; others differ only in rounding
    cpus: cpuinfo.match(/^processor\s*:/gm)?.length ?? null,
    cpuModel,
    cpuFlags,
    virtualised: cpuFlags.includes('hypervisor'),
    emulated: /\bQEMU\b/.test(cpuModel ?? ''),
    sysAdmin: capabilities === undefined ? null : (BigInt(`0x${capabilities}`) & sysAdminBit) !== 0n,
  };
}

/** EPERM is the filter's answer, EACCES the kernel's. */
const confinements: Readonly<Record<string, Facts['mdwe']>> = { '0': 'off', '1': 'seccomp', '13': 'prctl' };

function readCount(meminfo: string, name: string): number | null {
  const found = new RegExp(`^${name}:\\s+(\\d+)$`, 'm').exec(meminfo)?.[1];
  return found === undefined ? null : Number(found);
}

function readNumber(text: string): number | null {
  return /^\s*\d+\s*$/.test(text) ? Number(text) : null;
}

function scale(kib: number | null): number | null {
  return kib === null ? null : kib * KiB;
}

function readMeminfo(meminfo: string, name: string): number | null {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(meminfo)?.[1];
  return found === undefined ? null : Number(found) * KiB;
}

function readThp(text: string): Facts['thp'] {
  const word = /\[(\w+)\]/.exec(text)?.[1];
  return (['always', 'madvise', 'never'] as const).find((candidate) => candidate === word) ?? null;
}

/** Soft limit. A file that could not be read gives null as `unlimited` does: no limit is known. */
function readLimit(limits: string, name: string): Limit {
  const soft = new RegExp(`^${name}\\s+(\\d+)\\s`, 'm').exec(limits)?.[1];
  return soft === undefined ? null : Number(soft);
}

function readSmallest(text: string): Limit {
  const numbers = text
    .split('\n')
    .map(readNumber)
    .filter((value) => value !== null);
  return numbers.length === 0 ? null : Math.min(...numbers);
}

/**
 * Bits of address a process gets unasked. x86-64 gives the lower half, and 47 bits even where the CPU
 * has 57 (the rest only to those who hint at it); riscv likewise halves sv39 and sv48. Elsewhere the
 * stack tells: it is mapped just below the end of the address space (field 28 of /proc/self/stat).
 */
function readAddressBits(cpuinfo: string, stat: string): number | null {
  const x86 = /^address sizes\s*:.*?(\d+) bits virtual/m.exec(cpuinfo)?.[1];
  if (x86 !== undefined) return Math.min(Number(x86), 48) - 1;
  const riscv = /^mmu\s*:\s*sv(\d+)/m.exec(cpuinfo)?.[1];
  if (riscv !== undefined) return Math.min(Number(riscv), 48) - 1;
  const stack = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[25] ?? 0);
  return stack > 1 ? Math.floor(Math.log2(stack)) + 1 : null;
}
