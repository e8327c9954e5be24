/** What the kernel's files show of a subject's process: while it runs, and when it has ended. */
import type { Reply } from '../../images/guest/protocol.ts';
import { readStatField } from '../../images/allocator/kernel-files.ts';
import { parseFacts } from '../../images/allocator/parse-facts.ts';

/** One mapping. `name` is that of its file, `[heap]` and the like, or empty for memory without one. */
export type ProcessMapping = Readonly<{ bytes: number; protection: string; name: string }>;

/** The largest process of a subject (by VmSize) at one moment. */
export type ProcessView = Readonly<{
  /** The kernel's name of it: the first 15 bytes of its program's. */
  name: string;
  /** Processes of the subject at that moment. */
  processes: number;
  /** VmSize, bytes. */
  virtualBytes: number;
  /** VmData: private and writable, what strict overcommit charges, its stack left out; bytes. */
  writableBytes: number;
  /** VmRSS and VmHWM, its peak; bytes. */
  residentBytes: number;
  peakResidentBytes: number;
  /** Mappings (VMAs), and the largest of them, 8 at most, largest first. */
  maps: number;
  largest: readonly ProcessMapping[];
  /** Page faults of the process so far, without and with reading from a disk. */
  minorFaults: number;
  majorFaults: number;
  /** Committed_AS of the whole guest, bytes. */
  committedBytes: number;
}>;

/** The kernel's account of a process that has ended and of those it waited for. */
export type ProcessEnd = Readonly<{
  /** The largest peak of resident memory of any of them, bytes. */
  peakResidentBytes: number;
  minorFaults: number;
  majorFaults: number;
}>;

export type SubjectProcess = Readonly<{
  /** When it was up, or had answered wrongly often enough; null where neither was seen, or it ended in that moment. */
  up: ProcessView | null;
  /** Null where the session did not say. */
  end: ProcessEnd | null;
}>;

const fieldOf = (status: string, name: string): number | null => {
  const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  return kib === undefined ? null : Number(kib) * 1024;
};

/** A line of /proc/<pid>/maps: `start-end rwxp offset dev inode   name`. */
function parseMapping(line: string): ProcessMapping[] {
  const match = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \d+ *(.*)$/.exec(line);
  if (match === null) return [];
  const [, start = '', end = '', protection = '', name = ''] = match;
  return [{ bytes: Number.parseInt(end, 16) - Number.parseInt(start, 16), protection, name }];
}

/** Minor and major faults. */
function parseFaults(stat: string): Pick<ProcessView, 'minorFaults' | 'majorFaults'> | null {
  const [minorFaults = NaN, majorFaults = NaN] = [10, 12].map((field) => Number(readStatField(stat, field)));
  return Number.isFinite(minorFaults + majorFaults) ? { minorFaults, majorFaults } : null;
}

/** Texts of the process that was looked at have two slashes before `proc`. */
function readView({ texts }: Reply): ProcessView | null {
  const text = (name: string): string =>
    Object.entries(texts).find(([path]) => path.startsWith('//proc/') && path.endsWith(`/${name}`))?.[1] ??
    '';
  const status = text('status');
  const [maps = NaN, processes = NaN] = (texts['process/count'] ?? '').split(' ').map(Number);
  const faults = parseFaults(text('stat'));
  const sizes = ['VmSize', 'VmData', 'VmRSS', 'VmHWM'].map((name) => fieldOf(status, name));
  const [virtualBytes, writableBytes, residentBytes, peakResidentBytes] = sizes;
  const committedBytes = parseFacts({ '/proc/meminfo': text('meminfo') }).committedAs;
  if (virtualBytes == null || writableBytes == null || residentBytes == null || peakResidentBytes == null)
    return null;
  if (faults === null || committedBytes === null || Number.isNaN(maps + processes)) return null;
  return {
    name: /^Name:\t(.*)$/m.exec(status)?.[1] ?? '',
    processes,
    virtualBytes,
    writableBytes,
    residentBytes,
    peakResidentBytes,
    maps,
    largest: (texts['process/maps'] ?? '')
      .split('\n')
      .flatMap(parseMapping)
      .sort((a, b) => b.bytes - a.bytes),
    ...faults,
    committedBytes,
  };
}

function readEnd({ values }: Reply): ProcessEnd | null {
  const [peak = NaN, minorFaults = NaN, majorFaults = NaN] = ['peak', 'minor', 'major'].map((name) =>
    Number.parseInt(values[name] ?? '', 10),
  );
  if (values['lost'] === '1' || Number.isNaN(peak + minorFaults + majorFaults)) return null;
  return { peakResidentBytes: peak * 1024, minorFaults, majorFaults };
}

/** The process in the reply to a run; null where the reply says nothing of it. */
export function readSubjectProcess(reply: Reply): SubjectProcess | null {
  const [up, end] = [readView(reply), readEnd(reply)];
  return up === null && end === null ? null : { up, end };
}
