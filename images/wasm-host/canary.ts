/** The checks that the canary must pass in every engine. */
import { ProofError } from './proof-error.ts';

/** The mechanism that stopped a load beyond the end of a memory. */
export type Stop = 'guard' | 'compare' | 'unknown';

/** One live instance of canary.wasm. Numbers are i32 as the module returns them. */
export type CanaryInstance = Readonly<{
  call: (
    name: 'answer' | 'data' | 'touch' | 'store' | 'load' | 'grow' | 'size',
    ...values: number[]
  ) => number;
  /**
   * Loads at an address and returns the mechanism that stopped it as out of bounds: a guard region, a compare
   * instruction, or a trap of an engine that does not report which; null where nothing did. Any other trap throws.
   */
  loadBeyond: (address: number) => Stop | null;
}>;

const pageBytes = 65536;
const initialPages = 16;
const maximumPages = 64;
/** 'pool', little-endian. */
const dataWord = 0x6c6f6f70;

/** The last address a 32-bit index can have: a load there is unchecked only where a guard covers all of it. */
const lastAddress = -1;

/**
 * Proves one instance: table, data, every page touched, both ends written and read, out of bounds traps. Returns the
 * mechanism that stopped the load that only the largest guard can stop.
 */
export function checkCanary(instance: CanaryInstance): Stop {
  const end = initialPages * pageBytes;
  expect('memory.size', instance.call('size'), initialPages);
  expect('a call through the table', instance.call('answer'), 42);
  expect('the data segment', instance.call('data'), dataWord);
  expect('words read back from every page', instance.call('touch'), end / 4096);
  for (const [address, value] of [
    [0, 0x1234_5678],
    [end - 4, 0x0765_4321],
  ] as const) {
    instance.call('store', address, value);
    expect(`the word written at ${address}`, instance.call('load', address), value);
  }
  // Just past the end; across it; far beyond, where only the guard region or the check can catch it.
  const stops = [end, end - 2, 0x7fff_fff0, lastAddress].map((address) => {
    const stop = instance.loadBeyond(address);
    if (stop === null) {
      throw new ProofError('verification', `a load at ${address >>> 0}, out of bounds, did not trap`);
    }
    return stop;
  });
  expect('the instance after its traps', instance.call('answer'), 42);
  return stops.at(-1) ?? 'unknown';
}

/** Proves that two live instances do not share their memory. */
export function checkApart(one: CanaryInstance, other: CanaryInstance): void {
  one.call('store', 128, 1);
  other.call('store', 128, 2);
  expect('a word written in one instance after the other wrote there', one.call('load', 128), 1);
}

/**
 * Proves growth, by one page and to the maximum; earlier writes stay.
 *
 * @param mostBytes of a memory in this engine; where that is the canary's first size, its growth has to be refused
 */
export function checkGrowth(instance: CanaryInstance, mostBytes = Infinity): void {
  const end = initialPages * pageBytes;
  const canGrow = mostBytes >= end + pageBytes;
  instance.call('store', end - 4, 77);
  expect('memory.grow by one page', instance.call('grow', 1), canGrow ? initialPages : -1);
  expect('the last word after memory.grow', instance.call('load', end - 4), 77);
  if (!canGrow) return;
  instance.call('store', end, 78);
  expect('the first word after growth', instance.call('load', end), 78);
  expect('memory.grow past the maximum', instance.call('grow', maximumPages), -1);
}

function expect(what: string, found: number, wanted: number): void {
  if (found !== wanted) throw new ProofError('verification', `${what}: ${found} instead of ${wanted}`);
}
