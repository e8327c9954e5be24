/** The limits that keep a host from a pool, the smallest value that is enough for each, and how to set it. */
import type { Facts } from '../../images/allocator/facts.ts';
import type { LimitName, Prediction, Shortfall } from '../../images/allocator/prediction.ts';
import { MiB } from '../../images/allocator/sizes.ts';
import { atLeast, type Tier } from '../../images/allocator/tier.ts';
import { predictCell } from '../outcome/predict-cell.ts';
import type { Result } from '../store/result.ts';
import { limitRows } from './candidates.ts';

export type RaisedLimit = Readonly<{
  limit: LimitName;
  /** What it stops. */
  shortfall: Shortfall;
  /** Enough of it: bytes, mappings or bits; null where it is given up whole. */
  enough: number | null;
  /** What to do, ready to paste where it can be; null where nothing on this machine helps. */
  change: string | null;
  /** The same for what starts the program: systemd, Docker, Kubernetes. */
  also: string | null;
}>;

type Row = Readonly<{
  /** The facts with more of it. `more`: what is lacking, in its unit. */
  raise: (facts: Facts, more: number) => Facts | null;
  enough: (facts: Facts) => number | null;
  change: (facts: Facts) => string;
  also: (facts: Facts) => string | null;
}>;

const machineWide = 'of the whole machine: for a container or a pod, on its host';
const pods = 'Kubernetes: of the container runtime on the node';

/** What a machine may differ from the model (images/allocator/README.md). */
export const slack = { space: 128 * MiB, bytes: 32 * MiB, maps: 40, threads: 16 } as const;

const roundUp = (amount: number, step = MiB): number => Math.ceil(amount / step) * step;
const kib = (bytes: number | null): string => String(Math.ceil((bytes ?? 0) / 1024));

/** A limit of the process, with the words that cures have for it. */
function ofProcess(
  name: 'addressSpaceLimit' | 'dataLimit' | 'processLimit' | 'pidsMax',
  axis: 'addressSpace' | 'dataLimit' | 'processes' | 'pidsMax',
  spare: number,
  step = MiB,
): Row {
  const words = limitRows.find((row) => row.axis === axis);
  return {
    raise: (facts, more) => ({ ...facts, [name]: roundUp((facts[name] ?? 0) + more + spare, step) }),
    enough: (facts) => facts[name] ?? null,
    change: (facts) =>
      `${words?.change(facts[name] ?? null) ?? ''} (or ${words?.change(null).split(' ').at(-1) ?? ''})`,
    also: (facts) => `${words?.also(facts[name] ?? null) ?? ''}; ${pods}`,
  };
}

const rows: Readonly<Record<LimitName, Row | null>> = {
  RLIMIT_AS: ofProcess('addressSpaceLimit', 'addressSpace', slack.space),
  RLIMIT_DATA: ofProcess('dataLimit', 'dataLimit', slack.bytes),
  CommitLimit: {
    raise: (facts, more) => ({
      ...facts,
      commitLimit: roundUp((facts.commitLimit ?? 0) + more + slack.bytes),
    }),
    enough: ({ commitLimit }) => commitLimit,
    // Swap counts on top of it, huge pages are taken off; without either it is the size itself.
    change: ({ commitLimit, swapTotal }) =>
      `sysctl vm.overcommit_kbytes=${kib((commitLimit ?? 0) - (swapTotal ?? 0))} (or vm.overcommit_memory=0)`,
    also: () => machineWide,
  },
  max_map_count: {
    raise: (facts, more) => ({
      ...facts,
      maxMapCount: Math.ceil(((facts.maxMapCount ?? 0) + more + slack.maps) / 100) * 100,
    }),
    enough: ({ maxMapCount }) => maxMapCount,
    change: ({ maxMapCount }) => `sysctl vm.max_map_count=${String(maxMapCount)}`,
    also: () => machineWide,
  },
  RLIMIT_NPROC: ofProcess('processLimit', 'processes', slack.threads, 1),
  'pids.max': ofProcess('pidsMax', 'pidsMax', slack.threads, 1),
  'overcommit heuristic': {
    raise: (facts) => ({ ...facts, overcommitMemory: 1 }),
    enough: () => null,
    change: () => 'sysctl vm.overcommit_memory=1',
    also: () => machineWide,
  },
  'write-execute': {
    raise: (facts) => ({ ...facts, mdwe: 'off' }),
    enough: () => null,
    change: () => 'MemoryDenyWriteExecute=no',
    also: () => 'of the service or the filter that forbids memory both writable and executable',
  },
  'address width': {
    raise: (facts) => ((facts.addressBits ?? 47) < 47 ? { ...facts, addressBits: 47 } : null),
    enough: ({ addressBits }) => addressBits,
    change: () => 'a kernel with 47 or 48 bits of addresses',
    also: () => null,
  },
  'free gap': null,
  memory: null,
  feature: null,
};

/** More limits than that are not in the way of one pool. */
const mostLimits = 12;

/** What stops a host first: its own start, or the best that it tried. */
export const firstShortfall = ({ startup, tiers }: Prediction): Shortfall | null =>
  startup ?? tiers.flatMap((tier) => (tier.fits ? [] : [tier.shortfall]))[0] ?? null;

/**
 * Every limit that has to be raised until the prediction is as wanted, each with the last value it needed.
 * @param predict pure, of the facts alone
 */
export function listRaises(
  facts: Facts,
  predict: (facts: Facts) => Prediction,
  isWanted: (prediction: Prediction) => boolean,
): readonly RaisedLimit[] {
  const stops = new Map<LimitName, Shortfall>();
  let now = facts;
  for (let tries = 0; tries < mostLimits; tries += 1) {
    const prediction = predict(now);
    if (isWanted(prediction)) break;
    const stop = firstShortfall(prediction);
    if (stop === null) break;
    if (!stops.has(stop.limit)) stops.set(stop.limit, stop);
    const raised = rows[stop.limit]?.raise(now, stop.needed - stop.available);
    if (raised == null) break;
    now = raised;
  }
  return [...stops].map(([limit, shortfall]): RaisedLimit => {
    const row = rows[limit];
    if (row?.raise(facts, 0) == null) return { limit, shortfall, enough: null, change: null, also: null };
    return { limit, shortfall, enough: row.enough(now), change: row.change(now), also: row.also(now) };
  });
}

/**
 * What keeps a result from a tier, and what to raise for it: the cell's program as it is, on a machine with more. None
 * where the tier is reached, where the model knows nothing of the program, and where the guest told no facts.
 */
export function listRaisesOf({ settings, facts, tier }: Result, wanted: Tier): readonly RaisedLimit[] {
  const now = predictCell(settings, facts);
  if (facts === null || now === null || (tier !== null && atLeast(tier, wanted))) return [];
  // Its settings are the same in every step: what the host refuses, it refuses at once.
  const predict = (raised: Facts): Prediction => predictCell(settings, raised) ?? now;
  return listRaises(facts, predict, (found) => found.tier !== null && atLeast(found.tier, wanted));
}
