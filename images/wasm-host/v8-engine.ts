/** Proves a tier of Node's own engine: guard regions for many memories, for few, or explicit checks. */
import type { V8Configuration } from '../allocator/configuration.ts';
import { canaryInstances } from '../allocator/configuration.ts';
import { GiB } from '../allocator/sizes.ts';
import { checkApart, checkCanary, checkGrowth, type CanaryInstance } from './canary.ts';
import { readUsage } from './proc.ts';
import { ProofError } from './proof-error.ts';
import type { Stopwatch } from './stopwatch.ts';
import { webAssembly } from './webassembly.ts';

/** Kept reachable for the life of the worker: these are the live memories the tier has room for. */
const live: object[] = [];

/** More than any unguarded canary memory takes (its maximum is 4 MiB), less than any guard region. */
const guardEvidenceBytes = 2 * GiB;

/** Proves the tier; returns the instances proven side by side. Throws ProofError. */
export function proveV8(configuration: V8Configuration, wasm: Uint8Array, stopwatch: Stopwatch): number {
  const module = new webAssembly.Module(Uint8Array.from(wasm));
  stopwatch.lap('compile');

  const before = readUsage().virtualBytes;
  const first = instantiate(module);
  const taken = readUsage().virtualBytes - before;
  const guarded = taken >= guardEvidenceBytes;
  if (configuration.checks === 'elided' && !guarded) {
    throw new ProofError('guards-disabled', `a memory took ${taken} bytes of address space: no guard region`);
  }
  if (configuration.checks === 'explicit' && guarded) {
    throw new ProofError(
      'verification',
      `a memory took ${taken} bytes of address space: guard regions are on`,
    );
  }
  checkCanary(first);
  stopwatch.lap('canary');
  const second = instantiate(module);
  checkCanary(second);
  checkApart(first, second);
  stopwatch.lap('second');
  checkGrowth(first);
  stopwatch.lap('grow');
  if (configuration.checks === 'elided')
    fillRoom(configuration.memories - canaryInstances, configuration.cageBytes);
  stopwatch.lap('room');
  return canaryInstances;
}

/** Makes the rest of the live memories and checks that every one has its guard region. */
function fillRoom(count: number, cageBytes: number): void {
  const before = readUsage().virtualBytes;
  for (let index = 0; index < count; index += 1) {
    try {
      // One page: a memory without any would be no memory a program uses, and would merge with its neighbour.
      live.push(new webAssembly.Memory({ initial: 1, maximum: 64 }));
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new ProofError('v8-memory', `memory ${canaryInstances + index + 1}: ${text}`, { cause: error });
    }
  }
  const taken = readUsage().virtualBytes - before;
  // One memory without its guard region takes a whole cage less; what V8 gives back meanwhile (code space, young
  // generation) is far from half of one.
  if (taken < (count - 0.5) * cageBytes) {
    throw new ProofError('guards-disabled', `${count} memories took ${taken} bytes of address space`);
  }
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
    trapsAt: (address) => {
      try {
        call('load', address);
      } catch (error) {
        if (error instanceof webAssembly.RuntimeError && /out of bounds/.test(error.message)) return true;
        throw error;
      }
      return false;
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
