/** Finds the largest pool that a host can have on a machine, the settings for it, and what stays out of reach. Pure. */
import { mapsPerSlot } from '../../images/allocator/conservative.ts';
import { describeShortfall } from '../../images/allocator/explain.ts';
import type { Facts } from '../../images/allocator/facts.ts';
import type { Prediction, TierPrediction } from '../../images/allocator/prediction.ts';
import { MiB } from '../../images/allocator/sizes.ts';
import type { Checks, Tier } from '../../images/allocator/tier.ts';
import { advisedHosts, noSetup, type AdvisedHost, type AdvisedName, type Setup } from './advised-hosts.ts';
import { largestCount } from './pool-candidates.ts';
import { firstShortfall, listRaises, slack, type RaisedLimit } from './raised-limits.ts';

/** How a host comes up; `slots` null without a pool. */
export type Reached = Readonly<{
  tier: Tier | null;
  slots: number | null;
  checks: Checks | null;
  why: string;
}>;

export type Advice = Readonly<{
  host: AdvisedName;
  version: string;
  /** Without any setting. */
  byDefault: Reached;
  /** `whole`: the default pool; `smaller`: one of fewer slots; `none`: memories on demand, or nothing at all. */
  fits: 'whole' | 'smaller' | 'none';
  /** What to add to the start of the host; nothing where it needs nothing. */
  setup: Setup;
  /** With it. */
  reached: Reached;
  /** What is given up, in words. */
  costs: readonly string[];
  /** For the whole pool; of no use where it fits. */
  raises: readonly RaisedLimit[];
}>;

/** A pool of fewer slots slows a busy host down: a pool with checks in code, or none, is then preferred. */
const worthwhile = 16;

/** Memory that every slot shall have room for, as in the conservative tier. */
const slotBytes = 2 * MiB;

/** The facts with something to spare, and with what instances need in their slots. */
function tighten(facts: Facts, slots: number): Facts {
  const less = (value: number | null, by: number): number | null =>
    value === null ? null : Math.max(0, value - by);
  const kept = slack.bytes + slots * slotBytes;
  return {
    ...facts,
    commitLimit: less(facts.commitLimit, kept),
    dataLimit: less(facts.dataLimit, kept),
    addressSpaceLimit: less(facts.addressSpaceLimit, slack.space),
    maxMapCount: less(facts.maxMapCount, slack.maps + slots * mapsPerSlot),
  };
}

const reachedTier = ({ tier, tiers }: Prediction): (TierPrediction & { fits: true }) | null =>
  tiers.find((one): one is TierPrediction & { fits: true } => one.tier === tier && one.fits) ?? null;

const describe = (prediction: Prediction): Reached => {
  const { tier, checks } = prediction;
  const stop = firstShortfall(prediction);
  return {
    tier,
    checks,
    slots: reachedTier(prediction)?.slots ?? null,
    why: stop === null ? 'nothing is in the way' : describeShortfall(stop),
  };
};

type Found = Readonly<{ slots: number; setup: Setup; cost: string | null }>;

/** The most slots of each shape; the first shape with a worthwhile pool, otherwise the one with the most slots. */
function findPool(host: AdvisedHost, version: string, facts: Facts): Found | null {
  const found = host.shapes(version).flatMap(({ setup, cost }): Found[] => {
    const works = (slots: number, force: boolean): boolean => {
      if (slots === 0) return true; // where the search begins
      const prediction = host.predict(tighten(facts, slots), version, setup(slots, force));
      // A host that adapts takes a smaller pool by itself, so only its whole pool counts here.
      return host.adapts ? prediction.tier === 'standard' : (reachedTier(prediction)?.slots ?? null) !== null;
    };
    return [false, true].flatMap((force) => {
      const slots = largestCount(host.wholeSlots, (count) => works(count, force));
      return slots === null || slots === 0 ? [] : [{ slots, setup: setup(slots, force), cost }];
    });
  });
  const most = found.reduce<Found | null>((a, b) => (a === null || b.slots > a.slots ? b : a), null);
  return found.find(({ slots }) => slots >= worthwhile) ?? most;
}

/**
 * @param version of the host; of Node for `node`
 * @throws AllocatorError for a version that is none
 */
export function advise(name: AdvisedName, version: string, facts: Facts): Advice {
  const host: AdvisedHost = advisedHosts[name];
  const ask = (setup: Setup, of = facts): Prediction => host.predict(of, version, setup);
  const byDefault = ask(noSetup);
  const isWhole = (prediction: Prediction): boolean => prediction.tier === 'standard';
  const advice = { host: name, version, byDefault: describe(byDefault) };
  if (isWhole(byDefault))
    return { ...advice, fits: 'whole', setup: noSetup, reached: advice.byDefault, costs: [], raises: [] };
  const raises = listRaises(facts, (raised) => ask(noSetup, raised), isWhole);
  const own = reachedTier(byDefault)?.slots ?? 0;
  const pool = findPool(host, version, facts);
  if (pool !== null && pool.slots > own && (pool.slots >= worthwhile || byDefault.tier === null)) {
    const reached = describe(ask(pool.setup));
    const costs = [limitCost(pool.slots, host), ...(pool.cost === null ? [] : [pool.cost])];
    return { ...advice, fits: 'smaller', setup: pool.setup, reached, costs, raises };
  }
  if (own > 0) {
    const costs = [limitCost(own, host)];
    return { ...advice, fits: 'smaller', setup: noSetup, reached: advice.byDefault, costs, raises };
  }
  const ways = byDefault.tier === null ? host.withoutPool(version) : [];
  const setup = ways.find((way) => ask(way).tier !== null) ?? noSetup;
  const reached = describe(ask(setup));
  const costs = reached.tier === null ? [] : ['a request costs more processor time: each maps memory anew'];
  return { ...advice, fits: 'none', setup, reached, costs, raises };
}

const limitCost = (slots: number, { queues }: AdvisedHost): string =>
  `at most ${slots} instances at a time; a request beyond ${queues ? 'waits' : 'is refused'}`;
