/** What the worker reads about itself and its machine from /proc and /sys. */
import { readFileSync } from 'node:fs';
import { factFiles, parseFacts } from '../allocator/parse-facts.ts';
import type { Facts } from '../allocator/facts.ts';
import type { KernelView } from '../allocator/host-report.ts';

/** Bytes and mappings of this process. */
export type Usage = Readonly<{
  virtualBytes: number;
  residentBytes: number;
  /** Private and writable: what strict overcommit charges. */
  chargedBytes: number;
}>;

export function readText(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null; // absent or not ours to read: the fact stays unknown
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

export function countMaps(): number {
  return (readText('/proc/self/maps') ?? '').split('\n').length - 1;
}

/** Mappings of this process by protection, largest first. */
export function sumMaps(maps: string = readText('/proc/self/maps') ?? ''): KernelView['mappings'] {
  const sums = new Map<string, { bytes: number; count: number }>();
  for (const [, start = '', end = '', protection = ''] of maps.matchAll(
    /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) /gm,
  )) {
    const sum = sums.get(protection) ?? { bytes: 0, count: 0 };
    sums.set(protection, sum);
    // Addresses of user space are exact in a number: below 2^47.
    sum.bytes += Number.parseInt(end, 16) - Number.parseInt(start, 16);
    sum.count += 1;
  }
  return [...sums].map(([protection, sum]) => ({ protection, ...sum })).sort((a, b) => b.bytes - a.bytes);
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
