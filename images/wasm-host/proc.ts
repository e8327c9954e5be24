/** Reads the worker's process and its machine from /proc and /sys. */
import { closeSync, openSync, readSync } from 'node:fs';
import { factFiles, groupFiles, parseFacts } from '../allocator/parse-facts.ts';
import type { Facts } from '../allocator/facts.ts';
import { KiB } from '../allocator/sizes.ts';
import { heapBytes, parseMaps, type Maps } from './address-space.ts';

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
  for (const name of groupFiles) files[`cgroup/${name}`] = readCgroupLimits(name);
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

/** The kernel's figures about this process at one moment of a proof. */
export type KernelMoment = Readonly<{
  /** VmSize, bytes. */
  virtualBytes: number;
  /** Private and writable (VmData and VmStk), bytes: what strict overcommit charges. */
  writableBytes: number;
  heapBytes: number;
  maps: Maps;
}>;

/** /proc/self/statm and /proc/self/maps. */
export function readMoment(): KernelMoment {
  const [size = 0, , , , , data = 0] = (readText('/proc/self/statm') ?? '').split(' ').map(Number);
  const maps = parseMaps(readText('/proc/self/maps') ?? '');
  return {
    virtualBytes: size * readPageBytes(),
    writableBytes: data * readPageBytes(),
    heapBytes: heapBytes(maps),
    maps,
  };
}

/** VmSize of this process, bytes. */
export function readVirtualBytes(): number {
  return Number.parseInt(readText('/proc/self/statm') ?? '0', 10) * readPageBytes();
}

let pageBytes: number | null = null;

/** Read once: it is of the kernel. */
const readPageBytes = (): number =>
  (pageBytes ??= parseFacts({
    '/proc/meminfo': readText('/proc/meminfo'),
    '/proc/cpuinfo': readText('/proc/cpuinfo'),
  }).pageSize);

/** Committed_AS of the machine, bytes. */
export function readCommitted(): number | null {
  return parseFacts({ '/proc/meminfo': readText('/proc/meminfo') }).committedAs;
}

/** This file of the own cgroup and every parent, one a line; null where there is no cgroup v2. */
function readCgroupLimits(name: string): string | null {
  const own = /^0::(\/.*)$/m.exec(readText('/proc/self/cgroup') ?? '')?.[1];
  if (own === undefined) return null;
  const limits: string[] = [];
  for (let path = own; path !== '' && path !== '/'; path = path.slice(0, path.lastIndexOf('/'))) {
    const text = readText(`/sys/fs/cgroup${path}/${name}`);
    if (text !== null) limits.push(text.trim());
  }
  return limits.length === 0 ? null : limits.join('\n');
}
