/** Proves a tier of Node's own engine: guard regions for many memories, for few, or explicit checks. */
import type { V8Configuration } from '../allocator/configuration.ts';
import { canaryInstances } from '../allocator/mappings.ts';
import type { Layout } from '../allocator/host-report.ts';
import { GiB, KiB } from '../allocator/sizes.ts';
import type { Checks } from '../allocator/tier.ts';
import { inaccessible, parseLine, withoutOld, type Maps } from './address-space.ts';
import { checkApart, checkCanary, checkGrowth, type CanaryInstance } from './canary.ts';
import { describeSteps, type Measured } from './measured.ts';
import { readMoment, readVirtualBytes } from './proc.ts';
import { ProofError } from './proof-error.ts';
import type { Stopwatch } from './stopwatch.ts';
import { webAssembly } from './webassembly.ts';

/** Kept reachable for the life of the worker: these are the live memories the tier has room for. */
const live: object[] = [];

/** More than any unguarded canary memory takes (its maximum is 4 MiB), less than any guard region. */
const guardEvidenceBytes = 2 * GiB;

const wasmPageBytes = 64 * KiB;

/** Proves the tier. Throws ProofError. */
export function proveV8(configuration: V8Configuration, wasm: Uint8Array, stopwatch: Stopwatch): Measured {
  const module = new webAssembly.Module(Uint8Array.from(wasm));
  stopwatch.lap('compile');

  const before = readMoment();
  const first = instantiate(module);
  const alone = readMoment();
  const memory = measureCage(before.maps, alone.maps, first.call('size') * wasmPageBytes);
  const checks = toChecks(configuration, memory);
  checkCanary(first);
  stopwatch.lap('canary');
  const second = instantiate(module);
  checkCanary(second);
  checkApart(first, second);
  stopwatch.lap('second');
  checkGrowth(first);
  stopwatch.lap('grow');
  const made =
    checks === 'elided' ? fillRoom(configuration.memories - canaryInstances, memory.mappingBytes) : 0;
  const last = readMoment();
  stopwatch.lap('room');
  const slots = checks === 'elided' ? canaryInstances + made : null;
  return {
    checks,
    slots,
    reservedBytes: memory.mappingBytes * (slots ?? 1),
    chargedBytes: 0,
    instances: canaryInstances,
    proven: { engine: null, release: () => void (live.length = 0) },
    version: null,
    memory: { ...memory, slots },
    steps: describeSteps({ before, engine: alone, canary: last }),
    maps: last.maps,
  };
}

/**
 * The first memory among what the kernel shows anew: as large as the memory, writable, and inaccessible behind. V8
 * gives no address; nothing else it maps while it makes an instance looks so.
 */
function measureCage(before: Maps, after: Maps, bytes: number): Layout {
  const old = new Set(before);
  const found = after
    .map((line, index) => (old.has(line) ? null : findCage(before, after, index, bytes)))
    .filter((cage) => cage !== null)
    .sort((a, b) => b.mappingBytes - a.mappingBytes)[0];
  return found ?? refuse('the kernel shows no new mapping that holds the memory');
}

/** The cage whose accessible part is the mapping at `index`; null where that is no memory of so many bytes. */
function findCage(before: Maps, after: Maps, index: number, bytes: number): Layout | null {
  const inside = parseLine(after[index] ?? '');
  const behind = parseLine(after[index + 1] ?? '');
  const base = inside.end - bytes;
  const isMemory = inside.protection === 'rw-p' && base >= inside.start && behind.start === inside.end;
  if (!isMemory || behind.protection !== inaccessible) return null;
  const previous = index === 0 ? null : parseLine(after[index - 1] ?? '');
  const isGuarded = base === inside.start && previous?.end === base && previous.protection === inaccessible;
  const own = withoutOld({ start: isGuarded ? previous.start : base, end: behind.end }, base, before);
  return own === null
    ? null
    : {
        mappingBytes: own.end - own.start,
        strideBytes: null,
        slots: null,
        guardBeforeBytes: base - own.start,
        behindBytes: own.end - inside.end,
        writableBytes: 0,
      };
}

/** Guard regions are there, of the whole size, or there are none. */
function toChecks({ checks, cageBytes }: V8Configuration, { mappingBytes }: Layout): Checks {
  const guarded = mappingBytes >= guardEvidenceBytes;
  if (checks === 'elided' && !guarded) {
    throw new ProofError('guards-disabled', `a memory's mapping has ${mappingBytes} bytes: no guard region`);
  }
  if (checks === 'explicit' && guarded) {
    return refuse(`a memory's mapping has ${mappingBytes} bytes: guard regions are on`);
  }
  if (guarded && mappingBytes !== cageBytes) {
    return refuse(`a memory's mapping has ${mappingBytes} bytes, not ${cageBytes} as this V8 takes`);
  }
  return guarded ? 'elided' : 'explicit';
}

/** Makes the rest of the live memories; returns how many of them have their guard region. */
function fillRoom(count: number, cageBytes: number): number {
  const before = readVirtualBytes();
  for (let index = 0; index < count; index += 1) {
    try {
      // One page: a memory without any would be no memory a program uses, and would merge with its neighbour.
      live.push(new webAssembly.Memory({ initial: 1, maximum: 64 }));
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new ProofError('v8-memory', `memory ${canaryInstances + index + 1}: ${text}`, { cause: error });
    }
  }
  const taken = readVirtualBytes() - before;
  // One memory without its guard region takes a whole cage less; what V8 gives back meanwhile (code space, young
  // generation) is far from half of one.
  const guarded = Math.round(taken / cageBytes);
  if (guarded < count) {
    throw new ProofError('guards-disabled', `${count} memories took ${taken} bytes of address space`);
  }
  return guarded;
}

function refuse(text: string): never {
  throw new ProofError('verification', text);
}

function instantiate(module: object): CanaryInstance {
  const { exports } = createInstance(module);
  const call: CanaryInstance['call'] = (name, ...values) => {
    const target = exports[name];
    if (typeof target !== 'function')
      throw new ProofError('verification', `the canary has no export ${name}`);
    return Number((target as (...values: number[]) => unknown)(...values));
  };
  return {
    call,
    loadBeyond: (address) => {
      try {
        call('load', address);
      } catch (error) {
        if (error instanceof webAssembly.RuntimeError && /out of bounds/.test(error.message))
          return 'unknown';
        throw error;
      }
      return null;
    },
  };
}

function createInstance(module: object): InstanceType<typeof webAssembly.Instance> {
  try {
    return new webAssembly.Instance(module);
  } catch (error) {
    throw new ProofError('v8-memory', error instanceof Error ? error.message : String(error), {
      cause: error,
    });
  }
}
