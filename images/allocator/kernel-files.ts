/** Readers of the kernel's files: text → value. Pure; null if a value is missing or has another form. */
import { KiB } from './sizes.ts';

/** Path → text; null or missing when it could not be read. */
export type KernelFiles = Readonly<Record<string, string | null>>;

/** A limit as the kernel states it: bytes or a count, or none at all. */
export type StatedLimit = number | 'unlimited';

/** A file that holds one whole number, such as those of /proc/sys. */
export function readNumber(text: string): number | null {
  return /^\s*\d+\s*$/.test(text) ? Number(text) : null;
}

/** A file of one line of text. */
export function readLine(text: string): string | null {
  const line = text.trim();
  return line === '' || line.includes('\n') ? null : line;
}

/** `MemTotal:  995744 kB` in /proc/meminfo, bytes. */
export function readMeminfo(meminfo: string, name: string): number | null {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB\\s*$`, 'm').exec(meminfo)?.[1];
  return found === undefined ? null : Number(found) * KiB;
}

/** `HugePages_Total:  12` in /proc/meminfo. */
export function readMeminfoCount(meminfo: string, name: string): number | null {
  const found = new RegExp(`^${name}:\\s+(\\d+)\\s*$`, 'm').exec(meminfo)?.[1];
  return found === undefined ? null : Number(found);
}

/** The word in brackets of `always [madvise] never`. */
export function readChoice(text: string): string | null {
  return /\[([\w+]+)\]/.exec(text)?.[1] ?? null;
}

/** Written as a number, "no limit" is 2^63 or 2^64, less one or less a page: nothing on a machine is that large. */
const leastUnlimited = 2 ** 62;

function statedLimit(text: string | undefined): StatedLimit | null {
  if (text === 'unlimited' || text === 'max' || text === '-1') return 'unlimited';
  const value = readNumber(text ?? '');
  return value !== null && value >= leastUnlimited ? 'unlimited' : value;
}

/** A row of /proc/<pid>/limits: `Max data size  unlimited  unlimited  bytes`; in the kernel's own unit. */
export function readLimit(
  limits: string,
  name: string,
): Readonly<{ soft: StatedLimit | null; hard: StatedLimit | null }> {
  const row = new RegExp(`^${name}\\s+(\\d+|unlimited)\\s+(\\d+|unlimited)(?:\\s|$)`, 'm').exec(limits);
  return { soft: statedLimit(row?.[1]), hard: statedLimit(row?.[2]) };
}

/** A limit of a cgroup, or its present use: bytes or a count; `max` and `-1` are none. */
export const readCgroupValue = (text: string): StatedLimit | null => statedLimit(text.trim());

/** A field of /proc/cpuinfo by any of its names; the first processor's. */
export function readCpuField(cpuinfo: string, ...names: readonly string[]): string | null {
  return new RegExp(`^(?:${names.join('|')})\\s*:\\s*(.+)$`, 'm').exec(cpuinfo)?.[1]?.trim() ?? null;
}

export const readCpuModel = (cpuinfo: string): string | null =>
  readCpuField(cpuinfo, 'model name', 'Model', 'uarch');

/** Who made the first core of an arm64 processor, and its number there: that file has no model. */
export function readCpuPart(cpuinfo: string): Readonly<{ implementer: string; part: string }> | null {
  const implementer = readCpuField(cpuinfo, 'CPU implementer');
  const part = readCpuField(cpuinfo, 'CPU part');
  return implementer === null || part === null ? null : { implementer, part };
}

/** By the fields that an architecture's file has. */
export function readArchitecture(cpuinfo: string): 'x86-64' | 'arm64' | 'riscv64' | null {
  if (readCpuField(cpuinfo, 'vendor_id') !== null) return 'x86-64';
  if (readCpuField(cpuinfo, 'CPU implementer') !== null) return 'arm64';
  return /^rv64/.test(readCpuField(cpuinfo, 'isa') ?? '') ? 'riscv64' : null;
}

/**
 * Bytes of a page. No text file states it; the default size of a huge page on arm64 follows from it: as many pages as
 * fit into one page of their table, whose entries have 8 bytes.
 */
export function readPageSize(meminfo: string, architecture: string | null): number {
  const huge = readMeminfo(meminfo, 'Hugepagesize');
  return architecture === 'arm64' && huge !== null ? Math.sqrt(huge * 8) : 4 * KiB;
}

/** Flags of the first processor; `isa` is riscv's single one. */
export function readCpuFlags(cpuinfo: string): readonly string[] {
  return readCpuField(cpuinfo, 'flags', 'Features', 'isa')?.split(/\s+/) ?? [];
}

/** Processors of /proc/cpuinfo. */
export function countCpus(cpuinfo: string): number | null {
  return cpuinfo.match(/^processor\s*:/gm)?.length ?? null;
}

/** Processors of a list as /sys/devices/system/cpu/online has it: `0-3,8`. */
export function countCpuList(list: string): number | null {
  if (!/^\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*\s*$/.test(list)) return null;
  return list.split(',').reduce((sum, range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return sum + Math.max(0, last - first + 1);
  }, 0);
}

/** A capability of `CapEff` in /proc/<pid>/status, by its bit. */
export function readCapability(status: string, bit: number): boolean | null {
  const effective = /^CapEff:\s*([0-9a-f]{1,16})$/m.exec(status)?.[1];
  return effective === undefined ? null : ((BigInt(`0x${effective}`) >> BigInt(bit)) & 1n) === 1n;
}

/** A number of /proc/<pid>/status: `Seccomp:	2`. */
export function readStatusNumber(status: string, name: string): number | null {
  const found = new RegExp(`^${name}:\\s*(\\d+)\\s*$`, 'm').exec(status)?.[1];
  return found === undefined ? null : Number(found);
}

/** Address width from /proc/cpuinfo; x86-64 and riscv state it. */
export function readCpuBits(cpuinfo: string): Readonly<{ physical: number | null; virtual: number | null }> {
  const bits = (kind: string): number | null => {
    const found = new RegExp(`^address sizes\\s*:.*?(\\d+) bits ${kind}`, 'm').exec(cpuinfo)?.[1];
    return found === undefined ? null : Number(found);
  };
  return { physical: bits('physical'), virtual: bits('virtual') };
}

/**
 * A field of /proc/<pid>/stat from the third on, by its number in proc_pid_stat(5). The second, the name of the
 * program, may hold blanks and parentheses.
 */
export const readStatField = (stat: string, number: number): string | undefined =>
  stat.slice(stat.lastIndexOf(')') + 2).split(' ')[number - 3];

/**
 * Bits of address that a process gets, from /proc/<pid>/stat: its stack (field 28) is mapped just below the end of
 * the address space. Null where it is hidden from the reader.
 */
export function readStackBits(stat: string): number | null {
  const field = readStatField(stat, 28);
  const stack = field !== undefined && /^\d+\s*$/.test(field) ? Number(field) : 0;
  return stack > 1 ? Math.floor(Math.log2(stack)) + 1 : null;
}

/**
 * Bits of address that a process gets by default. x86-64 gives the lower half, and 47 bits even where the CPU has 57
 * (more only with a hint address). riscv gives half of sv39, sv48 and sv57: with the last the stack is below 47 bits
 * all the same, and mappings go on above where there is no more room (arch_get_mmap_end). Elsewhere the stack shows it.
 */
export function readAddressBits(cpuinfo: string, stat: string): number | null {
  const { virtual } = readCpuBits(cpuinfo);
  if (virtual !== null) return Math.min(virtual, 48) - 1;
  const mode = /^sv(\d+)/.exec(readCpuField(cpuinfo, 'mmu') ?? '')?.[1];
  return mode === undefined ? readStackBits(stat) : Number(mode) - 1;
}
