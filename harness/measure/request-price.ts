/** What a request costs a server in a guest, in executed instructions: its requests, and their figures. Pure. */
import { mean, median } from 'simple-statistics';
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
  /** One to the other; `low` and `high` are the extremes of its halves and processes, not a confidence interval. */
  ratio: Interval;
  /** Requests behind both figures, without those that came before. */
  requests: number;
  /** False: the figures of one server lie further apart than the precision. */
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

/** Where requests go: V8 compiles and collects garbage between those of the wasm host, and a component has neither. */
export type ServerKind = 'component' | 'wasm-host';

export type PlannedWork = ServingWork &
  Readonly<{
    /** Batches: the first does not count. */
    requests: readonly number[];
  }>;

/** So many requests of a page, whose cost nobody wants to know. */
export type Settling = Readonly<{ path: string; requests: number }>;

/** Requests to one server process: those that settle it, then those that count. */
export type ServerLoad = Readonly<{
  component: string;
  settling: readonly Settling[];
  works: readonly PlannedWork[];
}>;

type Counting = Readonly<{
  /** Of the cell, and as many of the baseline. */
  processes: number;
  /** @param works of the server's component, all there are */
  planSettling: (works: readonly ServingWork[]) => readonly Settling[];
  planRequests: (work: string) => readonly number[];
  /** Two figures of a request, from one half of the batches each. */
  evaluate: (counted: readonly Batch[]) => Pair;
}>;

/** Requests of a short batch, by work; as many as it takes for two boots to agree within 0.5 %. */
const shortBatches: Readonly<Record<string, number>> = { hello: 96, loop: 2 };
const usualBatch = 48;

/**
 * To a component's first page. With a pool the first requests are dearer, by 160,000 to 220,000 instructions in all.
 * Behind 10 requests `sleep` still had 60,000 of these, and the slope from there was 0.8 % below the next.
 */
const componentSettling = 100;

/** A long batch is so many times as long as the short one; the slope is between them. */
const growth = 3;

/**
 * JavaScript is compiled in several steps while it serves: a function that each request calls once is optimized after
 * thousands of calls. By V8's own account (`--trace-opt`) some 220 functions are in the first 6000 requests, and no
 * more than 4 in the next 6000. Of six boots three had the last of them between the 7000th and the 8000th request,
 * which made `hello` 1.6 % cheaper; behind the 9600th none changed.
 */
const hostSettling = 9600;

/**
 * All pages of a module take part, in turn: V8 compiles for the values that it has seen. When `touch-1` had settled the
 * host alone, the first other page undid that; `touch-16` began a third dearer than it is when settled, and two boots
 * differed by up to 2.5 %.
 */
const hostSettlingRounds = 8;

/** Of the wasm host, by work: requests of a round that settles, and those before the ones that count. */
const hostCounts: Readonly<Record<string, Readonly<{ round: number; before: number; counted: number }>>> = {
  loop: { round: 1, before: 4, counted: 32 },
  // Each takes 20 ms of real time.
  sleep: { round: 800, before: 80, counted: 240 },
};

function planHostSettling(works: readonly ServingWork[]): readonly Settling[] {
  const { length } = works.filter(({ name }) => hostCounts[name] === undefined);
  const usual = Math.ceil(hostSettling / hostSettlingRounds / length);
  const round = works.map(({ name, path }) => ({ path, requests: hostCounts[name]?.round ?? usual }));
  return Array.from({ length: hostSettlingRounds }, () => round).flat();
}

const countings: Readonly<Record<ServerKind, Counting>> = {
  component: {
    // In one boot of 20 `hello` took 6 % more on demand, for a reason that is not known.
    processes: 2,
    planSettling: ([first]) =>
      first === undefined ? [] : [{ path: first.path, requests: componentSettling }],
    planRequests: (work) => {
      const short = shortBatches[work] ?? usualBatch;
      const before = Math.max(1, Math.round(20 * Math.min(1, short / usualBatch)));
      return [before, short, growth * short, short, growth * short];
    },
    evaluate: ([short, long, short2, long2]) => [slope(short, long), slope(short2, long2)],
  },
  'wasm-host': {
    processes: 1,
    // One request in 20 comes with a burst of V8's compiler or its collector, of up to 16 times a request; the others
    // are alike within 1 %, and their median is what a request takes without bursts. Of 960 requests 120 in a row took
    // 5 % more: a median of 240 has that in one half, if not in both, and one of 960 hardly.
    planSettling: planHostSettling,
    planRequests: (work) => {
      const { before, counted } = hostCounts[work] ?? { before: 80, counted: 960 };
      return [before, ...Array<number>(counted).fill(1)];
    },
    evaluate: (counted) => {
      const middle = counted.length / 2;
      return [medianOf(counted.slice(0, middle)), medianOf(counted.slice(middle))];
    },
  },
};

const slope = (short: Batch | undefined, long: Batch | undefined): number =>
  short === undefined || long === undefined
    ? NaN
    : (long.instructions - short.instructions) / (long.requests - short.requests);

const medianOf = (batches: readonly Batch[]): number =>
  batches.length === 0 ? NaN : median(batches.map(({ instructions, requests }) => instructions / requests));

/**
 * One server for each component, in an order of works that is always the same, and settled alike whichever are wanted.
 *
 * @param wanted names; all where there are none
 */
export function planLoads(wanted: readonly string[], kind: ServerKind): readonly ServerLoad[] {
  const components = new Set(servingWorks.map(({ component }) => component));
  return [...components].flatMap((component): readonly ServerLoad[] => {
    const all = servingWorks.filter((work) => work.component === component);
    const works = all
      .filter(({ name }) => wanted.length === 0 || wanted.includes(name))
      .map((work) => ({ ...work, requests: countings[kind].planRequests(work.name) }));
    return works.length === 0 ? [] : [{ component, settling: countings[kind].planSettling(all), works }];
  });
}

/** What the server is sent, in this order. */
export const listRequests = ({
  settling,
  works,
}: ServerLoad): readonly Readonly<{ page: string; requests: readonly number[] }>[] =>
  [...settling, ...works].map(({ path, requests }) => ({ page: path, requests: [requests].flat() }));

/**
 * The batches of a work by its page's text, those that settle the server left out.
 *
 * @returns a sentence where an answer was wrong or missing: then there is no figure
 */
export function readWork(
  { settling }: ServerLoad,
  { path, requests }: PlannedWork,
  text: string | undefined,
): readonly Batch[] | string {
  const before = settling.flatMap((one) => (one.path === path ? [one.requests] : []));
  const batches = readBatches(text, [...before, ...requests]);
  return typeof batches === 'string' ? batches : batches.slice(before.length);
}

/** Both figures of a page's batches, instructions per request. */
export type Pair = readonly [number, number];

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

/** Of batches as {@link planLoads} has them; NaN where there are too few. */
export const evaluateBatches = ([, ...counted]: readonly Batch[], kind: ServerKind): Pair =>
  countings[kind].evaluate(counted);

/** Figures of the server processes that count, and of all that were counted. */
type Figures = readonly number[];

const spread = (figures: Figures): number =>
  (Math.max(...figures) - Math.min(...figures)) / mean([...figures]);

/**
 * Figures of a request in several processes of one server: of three, the two that are closest to each other count.
 */
export function pickProcesses(pairs: readonly Pair[]): Figures {
  const sorted = pairs.toSorted((a, b) => mean([...a]) - mean([...b]));
  const [low, middle, high] = sorted;
  if (low === undefined || middle === undefined || high === undefined) return sorted.flat();
  return spread([...low, ...middle]) <= spread([...middle, ...high])
    ? [...low, ...middle]
    : [...middle, ...high];
}

/** How many processes there are of a server, and one more where those differ by more than the precision. */
export const wantProcesses = (kind: ServerKind, figures: readonly Figures[], precision: number): number => {
  const { processes } = countings[kind];
  return processes > 1 && figures.some((own) => spread(own) > precision) ? processes + 1 : processes;
};

/**
 * The figure of one work.
 *
 * @param requests of the plan, of one server
 * @param precision how far the figures of a server may lie apart, 0.01 for 1 %
 */
export function priceRequest(
  work: string,
  own: Figures,
  baseline: Figures,
  { requests, precision }: Readonly<{ requests: readonly number[]; precision: number }>,
): RequestPrice {
  const counted = requests.slice(1).reduce((sum, count) => sum + count, 0);
  const figures = own === baseline ? own : [...own, ...baseline];
  const instructions = mean([...own]);
  return {
    work,
    instructions,
    baseline: mean([...baseline]),
    ratio: {
      ratio: instructions / mean([...baseline]),
      low: Math.min(...own) / Math.max(...baseline),
      high: Math.max(...own) / Math.min(...baseline),
    },
    requests: (counted * figures.length) / 2,
    stable: [own, baseline].every((one) => spread(one) <= precision),
  };
}
