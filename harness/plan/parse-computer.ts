/** What this computer says of itself as text → values. Pure; `computer.ts` reads the text. */

import { readCpuModel, readCpuPart, readMeminfo } from '../../images/allocator/kernel-files.ts';

/** The oldest supported, of Debian 12. */
export const oldestQemu = [7, 2] as const;

const mib = 1024 * 1024;

export type QemuVersion = Readonly<{
  /** `7.2.22`. */
  version: string;
  /** The first line of --version, with the distribution's own number. */
  title: string;
  /** At least {@link oldestQemu}. */
  isSupported: boolean;
}>;

/** @param text what `--version` prints; null where its first line has no version */
export function parseQemuVersion(text: string): QemuVersion | null {
  const title = text.replace(/\n[^]*/, '').slice(0, 200);
  const [, major, minor, patch = '0'] = /version (\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?/.exec(title) ?? [];
  if (major === undefined) return null;
  const [oldestMajor, oldestMinor] = oldestQemu;
  const isSupported =
    Number(major) > oldestMajor || (Number(major) === oldestMajor && Number(minor) >= oldestMinor);
  return { version: `${Number(major)}.${Number(minor)}.${patch}`, title, isSupported };
}

/** MemAvailable of /proc/meminfo, MiB; 0 where there is none. */
export const parseAvailableMib = (meminfo: string): number =>
  (readMeminfo(meminfo, 'MemAvailable') ?? 0) / mib;

/**
 * The most memory that the kernel promises to one mapping of a process, MiB. A guest's memory is one, whether it is
 * used or not: linux mm/util.c __vm_enough_memory.
 */
export function parsePromisedMib({
  meminfo,
  overcommit,
}: Readonly<{ meminfo: string; overcommit: string }>): number {
  const mibOf = (name: string): number => (readMeminfo(meminfo, name) ?? NaN) / mib;
  const byMode: Readonly<Record<string, number>> = {
    '0': mibOf('MemTotal') + mibOf('SwapTotal'),
    '2': mibOf('CommitLimit') - mibOf('Committed_AS'),
  };
  const most = byMode[overcommit.trim()] ?? NaN;
  return Number.isNaN(most) ? Infinity : most;
}

/** PRETTY_NAME of os-release. */
export const parseOsName = (osRelease: string): string =>
  /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1] ?? 'unknown';

/**
 * The name of a CPU, from those that Node has of all its cores. Node knows a few designs of arm64 cores, and says
 * `unknown` of others: then it is the board or the core's number, as the kernel knows them.
 *
 * @param cpuinfo text of /proc/cpuinfo
 */
export function nameCpu([model = 'unknown']: readonly string[], cpuinfo: string): string {
  const known = model.trim();
  if (known !== 'unknown') return known;
  const core = readCpuPart(cpuinfo);
  const numbers = core === null ? known : `implementer ${core.implementer}, part ${core.part}`;
  return readCpuModel(cpuinfo) ?? numbers;
}

/** The cgroup v2 of a process, from /proc/self/cgroup; null where it is in none. */
export const parseCgroup = (text: string): string | null => /^0::(.*)$/m.exec(text)?.[1] ?? null;

/** What one cgroup or more allow. */
export type CgroupRoom = Readonly<{
  /** What memory.max still allows, MiB; Infinity without a limit. */
  memoryMib: number;
  /** Cores' worth of time that cpu.max allows; Infinity without a limit. */
  cores: number;
}>;

/** Texts of the files of one cgroup; empty where there is no such file. */
export type CgroupTexts = Readonly<{ memoryMax: string; memoryCurrent: string; cpuMax: string }>;

/** The root has no such files, and `max` is no number: no limit. */
export function parseCgroupRoom({ memoryMax, memoryCurrent, cpuMax }: CgroupTexts): CgroupRoom {
  const limit = /^\d+$/m.exec(memoryMax);
  const quota = /^(\d+) (\d+)$/m.exec(cpuMax);
  return {
    memoryMib: limit === null ? Infinity : (Number(limit[0]) - Number(memoryCurrent)) / mib,
    cores: quota === null ? Infinity : Number(quota[1]) / Number(quota[2]),
  };
}
