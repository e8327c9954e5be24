/**
 * The address space of this process, as lines of /proc/self/maps. The standard tier has 2100 of them, and reading each
 * in JavaScript was a quarter of all that a worker executes under emulation: lines stay text, split by V8 itself, and
 * only those that a search by address looks at are parsed.
 */
import type { KernelView } from '../allocator/host-report.ts';

/** In the order of addresses, as proc_pid_maps(5) has them. */
export type Maps = readonly string[];

/** `end` is the first address after it. Addresses of user space are exact in a number: below 2^47. */
export type Range = Readonly<{ start: number; end: number }>;

export type Mapping = Range & Readonly<{ protection: string }>;

/** Protection of inaccessible memory: a reservation, or a guard. */
export const inaccessible = '---p';

export function parseMaps(text: string): Maps {
  const lines = text.split('\n');
  lines.pop();
  return lines;
}

export function parseLine(line: string): Mapping {
  const dash = line.indexOf('-');
  const space = line.indexOf(' ', dash);
  return {
    start: Number.parseInt(line.slice(0, dash), 16),
    end: Number.parseInt(line.slice(dash + 1, space), 16),
    protection: line.slice(space + 1, space + 5),
  };
}

/** Index of the first mapping that ends after the address: the one that holds it, or the next one. */
export function indexAt(maps: Maps, address: number): number {
  let [low, high] = [0, maps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (parseLine(maps[middle] ?? '').end > address) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The mapping that holds the address; null where nothing is mapped. */
export function mappingAt(maps: Maps, address: number): Mapping | null {
  const line = maps[indexAt(maps, address)];
  const found = line === undefined ? null : parseLine(line);
  return found !== null && found.start <= address ? found : null;
}

/**
 * The range without the parts at its ends that `before` had mapped: the kernel merges a new mapping with an equal
 * neighbour. Null where `before` had the address itself mapped.
 */
export function withoutOld(range: Range, address: number, before: Maps): Range | null {
  let { start, end } = range;
  for (let index = indexAt(before, start); index < before.length; index += 1) {
    const old = parseLine(before[index] ?? '');
    if (old.start >= end) break;
    if (old.start <= address && address < old.end) return null;
    if (old.end <= address) start = old.end;
    else end = Math.min(end, old.start);
  }
  return { start, end };
}

/** More mappings than this are not summed. */
const summedMaps = 1000;

/** Bytes and number of mappings by protection, largest first; empty where there are thousands. */
export function sumByProtection(maps: Maps): KernelView['mappings'] {
  if (maps.length > summedMaps) return [];
  const sums = new Map<string, { bytes: number; count: number }>();
  for (const line of maps) {
    const { start, end, protection } = parseLine(line);
    const sum = sums.get(protection) ?? { bytes: 0, count: 0 };
    sums.set(protection, sum);
    sum.bytes += end - start;
    sum.count += 1;
  }
  return [...sums].map(([protection, sum]) => ({ protection, ...sum })).sort((a, b) => b.bytes - a.bytes);
}

/** Bytes of the C library's heap, which grows while an engine is built. */
export function heapBytes(maps: Maps): number {
  // Among the first mappings: it follows the program.
  const line = maps.find((candidate) => candidate.endsWith('[heap]'));
  if (line === undefined) return 0;
  const { start, end } = parseLine(line);
  return end - start;
}
