/** What the worker reads about itself and its machine from /proc and /sys. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { factFiles, parseFacts } from '../allocator/parse-facts.ts';
import type { Facts } from '../allocator/facts.ts';
import { KiB } from '../allocator/sizes.ts';
import type { KernelView } from '../allocator/host-report.ts';

/** Bytes and mappings of this process. */
export type Usage = Readonly<{
  virtualBytes: number;
  residentBytes: number;
  /** Private and writable: what strict overcommit charges. */
  chargedBytes: number;
}>;

/** One for all files: readFileSync takes 64 KiB anew for each file whose size nobody knows beforehand, as in /proc. */
const buffer = Buffer.alloc(16 * KiB);

export function readText(path: string): string | null {
  let file: number | null = null;
  try {
    file = openSync(path, 'r');
    let text = '';
    for (let size; (size = readSync(file, buffer)) > 0;) text += buffer.toString('latin1', 0, size);
    return text;
  } catch {
    return null; // absent or not ours to read: the fact stays unknown
  } finally {
    if (file !== null) closeSync(file);
  }
}

/** Facts about this very process. */
export function readFacts(): Facts {
  const files: Record<string, string | null> = {};
  for (const path of factFiles) files[path] = path.startsWith('/') ? readText(path) : null;
  files['cgroup/memory.max'] = readCgroupLimits();
  return parseFacts(files);
}

export function readUsage(): Usage {
  const status = readText('/proc/self/status') ?? '';
  const field = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
  return {
    virtualBytes: field('VmSize'),
    residentBytes: field('VmRSS'),
    chargedBytes: field('VmData') + field('VmStk'),
  };
}

/** More mappings than this are counted and not summed. */
const summedMaps = 1000;

/**
 * Mappings of this process: how many, and by protection, largest first. The standard tier has 2100, one by one enough
 * for V8 to compile the loop that sums them: a quarter of all that a worker executes under emulation, in every cell.
 */
export function readMaps(): Readonly<{ count: number; mappings: KernelView['mappings'] }> {
  const maps = readBytes('/proc/self/maps');
  let count = 0;
  for (let at = maps.indexOf(newline); at >= 0; at = maps.indexOf(newline, at + 1)) count += 1;
  return { count, mappings: count > summedMaps ? [] : sumMapLines(maps) };
}

/** Sums lines of proc_pid_maps(5) by protection. */
export function sumMapLines(maps: Buffer): KernelView['mappings'] {
  const sums = new Map<string, { bytes: number; count: number }>();
  let last: { bytes: number; count: number } | undefined;
  let lastWord = -1;
  for (let at = 0; at < maps.length; at = maps.indexOf(newline, at) + 1 || maps.length) {
    const dash = maps.indexOf(dashByte, at);
    const space = maps.indexOf(spaceByte, dash);
    // Four letters, such as `rw-p`, as one number: lines of one kind follow each other.
    const word = maps.readUInt32LE(space + 1);
    if (word !== lastWord || last === undefined) {
      const protection = maps.toString('latin1', space + 1, space + 5);
      last = sums.get(protection) ?? { bytes: 0, count: 0 };
      sums.set(protection, last);
      lastWord = word;
    }
    // Addresses of user space are exact in a number: below 2^47.
    last.bytes +=
      Number.parseInt(maps.toString('latin1', dash + 1, space), 16) -
      Number.parseInt(maps.toString('latin1', at, dash), 16);
    last.count += 1;
  }
  return [...sums].map(([protection, sum]) => ({ protection, ...sum })).sort((a, b) => b.bytes - a.bytes);
}

const [newline, spaceByte, dashByte] = [0x0a, 0x20, 0x2d];

/** A file of /proc whole: no bytes where it cannot be read. */
function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}

/** Committed_AS of the machine, bytes. */
export function readCommitted(): number | null {
  return parseFacts({ '/proc/meminfo': readText('/proc/meminfo') }).committedAs;
}

/** memory.max of the own cgroup and every parent, one a line; null where there is no cgroup v2. */
function readCgroupLimits(): string | null {
  const own = /^0::(\/.*)$/m.exec(readText('/proc/self/cgroup') ?? '')?.[1];
  if (own === undefined) return null;
  const limits: string[] = [];
  for (let path = own; path !== '' && path !== '/'; path = path.slice(0, path.lastIndexOf('/'))) {
    const text = readText(`/sys/fs/cgroup${path}/memory.max`);
    if (text !== null) limits.push(text.trim());
  }
  return limits.length === 0 ? null : limits.join('\n');
}
