/** What a request costs a server in a guest, in executed instructions: its requests, and their figures. Pure. */
import { servingWorks, type ServingWork } from './serving-plan.ts';
import type { Interval } from './figures.ts';

/** The price of one kind of request. */
export type RequestPrice = Readonly<{
  /** What a request does: see `servingWorks`. */
  work: string;
  /** Instructions per request of all threads of the server, kernel included. */
  instructions: number;
  /** Of the baseline's server. */
  baseline: number;
  /** One to the other; `low` and `high` are the extremes of the slopes, not a confidence interval. */
  ratio: Interval;
  /** Requests behind both figures, without those that came before. */
  requests: number;
  /** False: the slopes of one server lie further apart than the precision. */
  stable: boolean;
}>;

/** So many requests of a page, all answered as they should be. */
export type Batch = Readonly<{
  requests: number;
  /** Connections opened for them. */
  connections: number;
  /** Of the server's process, all threads. */
  instructions: number;
}>;

/** Requests to one server process. */
export type ServerLoad = Readonly<{
  component: string;
  works: readonly ServingWork[];
  /** What is sent of each: the first do not count, then a short and a long batch, twice. */
  requests: readonly number[];
}>;

/** Requests of the short batch, by work; as many as it takes for two boots to agree within 0.5 %. */
const shortBatches: Readonly<Record<string, number>> = { hello: 96, loop: 2, sleep: 24 };
const usualBatch = 48;

/** A long batch is so many times as long as the short one; the slope is between them. */
const growth = 3;

const planRequests = (short: number, before: number): readonly number[] => [
  before,
  ...[1, growth, 1, growth].map((factor) => factor * short),
];

/**
 * One server for each component and length of batches: an order of works that is always the same.
 *
 * @param works names; all where there are none
 * @param settling requests before the first one that counts: a server in JavaScript is compiled while it serves
 */
export function planLoads(works: readonly string[], settling: number): readonly ServerLoad[] {
  const chosen = servingWorks.filter(({ name }) => works.length === 0 || works.includes(name));
  const loads = new Map<string, ServerLoad>();
  for (const work of chosen) {
    const short = shortBatches[work.name] ?? usualBatch;
    const before = Math.max(1, Math.round(settling * Math.min(1, short / usualBatch)));
    const key = `${work.component} ${short}`;
    const others = loads.get(key)?.works ?? [];
    loads.set(key, {
      component: work.component,
      works: [...others, work],
      requests: planRequests(short, before),
    });
  }
  return [...loads.values()];
}

/** Both slopes of a page's batches, instructions per request. */
export type Slopes = readonly [number, number];

/**
 * The batches of a page: each a line `COUNT RIGHT CONNECTIONS INSTRUCTIONS STATUS` (images/guest/programs).
 *
 * @returns a sentence where an answer was wrong or missing: then there is no figure
 */
export function readBatches(text: string | undefined, wanted: readonly number[]): readonly Batch[] | string {
  const lines = (text ?? '').split('\n').filter((line) => line !== '');
  const batches: Batch[] = [];
  for (const [at, requests] of wanted.entries()) {
    const line = lines[at];
    if (line === undefined || !/^\d+( \d+){4}$/.test(line))
      return `${batches.length} of ${wanted.length} batches of requests were counted`;
    const [count = NaN, right = NaN, connections = NaN, instructions = NaN, status = NaN] = line
      .split(' ')
      .map(Number);
    if (count !== requests) return `a batch had ${count} requests instead of ${requests}`;
    if (right !== count)
      return `request ${right + 1} of ${count} was answered with ${status === 0 ? 'no status' : `status ${status}`}`;
    batches.push({ requests, connections, instructions });
  }
  return batches;
}

/** Of batches as {@link planLoads} has them. */
export function findSlopes(batches: readonly Batch[]): Slopes {
  const [, ...counted] = batches;
  const slope = (short: Batch | undefined, long: Batch | undefined): number =>
    short === undefined || long === undefined
      ? NaN
      : (long.instructions - short.instructions) / (long.requests - short.requests);
  return [slope(counted[0], counted[1]), slope(counted[2], counted[3])];
}

const mean = ([a, b]: Slopes): number => (a + b) / 2;
const spread = ([a, b]: Slopes): number => Math.abs(a - b) / mean([a, b]);

/**
 * The figure of one work.
 *
 * @param requests of the plan, of one server
 * @param precision how far two slopes of a server may lie apart, 0.01 for 1 %
 */
export function priceRequest(
  work: string,
  own: Slopes,
  baseline: Slopes,
  { requests, precision }: Readonly<{ requests: readonly number[]; precision: number }>,
): RequestPrice {
  const counted = requests.slice(1).reduce((sum, count) => sum + count, 0);
  return {
    work,
    instructions: mean(own),
    baseline: mean(baseline),
    ratio: {
      ratio: mean(own) / mean(baseline),
      low: Math.min(...own) / Math.max(...baseline),
      high: Math.max(...own) / Math.min(...baseline),
    },
    requests: own === baseline ? counted : 2 * counted,
    stable: [own, baseline].every((slopes) => spread(slopes) <= precision),
  };
}
