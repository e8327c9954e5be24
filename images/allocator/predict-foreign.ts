/** Facts + a real host and its command line → how far it comes, in the terms of the wasm host's own prediction. */
import { canaryMemoryBytes, listPools, mappingStep } from './mappings.ts';
import {
  checksOf,
  resolveTierConfiguration,
  type PoolSettings,
  type WasmtimeConfiguration,
} from './configuration.ts';
import type { Facts } from './facts.ts';
import { hosts, type HostName, type HostRow, type Launch, type Program } from './hosts.ts';
import { takeStep, type Holding, type Step } from './limits.ts';
import type { Pool, Prediction, Shortfall, TierPrediction } from './prediction.ts';
import { MiB, TiB } from './sizes.ts';
import type { Tier } from './tier.ts';

export type ForeignInput = Program & Readonly<{ facts: Facts; host: HostName }>;

/** How a host was started, in the settings of its engine. */
export type ResolvedLaunch = Readonly<{
  pooling: Launch['pooling'];
  /** Of its pool. On demand it takes the same settings without one. */
  configuration: WasmtimeConfiguration & Readonly<{ pool: PoolSettings }>;
  /** `standard` with the address space of the engine's default pool, `conservative` with less. */
  poolTier: Tier;
}>;

/** @throws AllocatorError for a version, variable or option that the host would refuse */
export function resolveLaunch(host: HostName, program: Program): ResolvedLaunch {
  const row: HostRow = hosts[host];
  const { pooling, sizes } = row.launch(program);
  const own = resolveTierConfiguration('standard', {
    engine: { kind: 'wasmtime', version: row.engineOf(program.version) },
    profile: 'wasmtime',
    env: {},
    facts: { addressSpaceLimit: null, addressBits: null },
  });
  if (own.kind !== 'wasmtime' || own.pool === null) throw new RangeError('the engine has a pool by default');
  const { reservationBytes, guardBytes, growthBytes, ...counts } = sizes;
  const memory = {
    reservationBytes: reservationBytes ?? own.reservationBytes,
    guardBytes: guardBytes ?? own.guardBytes,
    growthBytes: growthBytes ?? own.growthBytes,
  };
  const set = Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== null));
  const configuration = { ...own, ...memory, pool: { ...own.pool, ...set } };
  const tier = slabBytes(configuration) < slabBytes(own) ? 'conservative' : 'standard';
  return {
    pooling,
    configuration: { ...configuration, tier, checks: checksOf(configuration) },
    poolTier: tier,
  };
}

const slabBytes = (configuration: WasmtimeConfiguration): number =>
  listPools(configuration).find(({ pool }) => pool === 'memory')?.bytes ?? 0;

type Need = Readonly<{ virtual: number; charged: number; maps: number }>;

const need = (virtual: number, charged: number, maps: number): Need => ({
  virtual: virtual * MiB,
  charged: charged * MiB,
  maps,
});

/**
 * Needs of a program with wasmtime in it: smallest `ulimit -v` and `-d` by halving, of wasmtime 49.0.3 on x86-64, at
 * `--version`, `run` and `serve`, with pools of several sizes and without one. They agree within 8 MiB.
 */
const needs = {
  start: need(50, 1.75, 45),
  /** Its threads, a compiler, the program. */
  load: need(7, 3, 25),
  /** Of each processor beyond the first. */
  processor: need(58, 4.3, 8),
  work: need(4, 0.5, 4),
  /** Per processor: threads reserve room for malloc before a memory on demand is made, as long as there is any. */
  arenas: need(128, 2, 4),
} as const;

function toStep(pool: Pool, { virtual, charged, maps }: Need, times = 1): Step {
  return { pool, virtual: virtual * times, writable: charged * times, heuristic: 0, maps: maps * times };
}

/** The trial: an empty 64-bit memory with that much reserved, guards around it. */
const probeBytes = 4 * TiB;

function probeStep({ guardBytes }: WasmtimeConfiguration): Step {
  return { pool: 'probe', virtual: probeBytes + 2 * guardBytes, writable: 0, heuristic: 0, maps: 2 };
}

/** One instance on demand. A memory that has to grow takes its size and the growth reserve, with guards around it. */
function memoryStep({ reservationBytes, growthBytes, guardBytes }: WasmtimeConfiguration): Step {
  const room = reservationBytes >= canaryMemoryBytes ? reservationBytes : canaryMemoryBytes + growthBytes;
  return {
    pool: 'linear-memory',
    virtual: room + 2 * guardBytes,
    writable: canaryMemoryBytes,
    heuristic: 0,
    maps: 3,
  };
}

type Taken = Readonly<{ held: Holding; shortfall: Shortfall | null; tightest: Shortfall | null }>;

const nothing: Taken = { held: { virtual: 0, writable: 0, maps: 0 }, shortfall: null, tightest: null };

const ratio = (check: Shortfall | null): number =>
  check === null ? Infinity : check.available / check.needed;

/** Takes steps after others, up to the first that is refused. */
function take(before: Taken, steps: readonly Step[], facts: Facts): Taken {
  let { held, tightest } = before;
  for (const step of steps) {
    const result = takeStep(step, held, facts);
    if (result.shortfall !== null) return { held, shortfall: result.shortfall, tightest };
    if (ratio(result.tightest) < ratio(tightest)) tightest = result.tightest;
    held = result.held;
  }
  return { held, shortfall: null, tightest };
}

/** What the settings refuse to the first instance on any machine; null where they have room for it. */
function findLacking({ pool, reservationBytes }: ResolvedLaunch['configuration']): Shortfall | null {
  const lacks = (name: Pool, needed: number, available: number): Shortfall => ({
    pool: name,
    limit: 'feature',
    needed,
    available,
    unit: 'maps',
  });
  // Every call runs on a stack of its own, that of `run` too.
  if (pool.stacks < 1) return lacks('stack', 1, pool.stacks);
  if (pool.memories < 1 || pool.coreInstances < 1) return lacks('memory', 1, 0);
  return pool.maxMemoryBytes > reservationBytes
    ? lacks('memory', pool.maxMemoryBytes, reservationBytes)
    : null;
}

/** Throws AllocatorError for what the host would refuse. */
export function predictForeign({ facts, host, ...program }: ForeignInput): Prediction {
  const { pooling, configuration, poolTier } = resolveLaunch(host, program);
  const processors = facts.cpus ?? 1;
  const started = take(nothing, [toStep('process', needs.start)], facts);
  if (started.shortfall !== null)
    return { outcome: 'crashed', tier: null, checks: null, tiers: [], startup: started.shortfall };
  const loaded = take(
    started,
    [toStep('code', needs.load), toStep('code', needs.processor, processors - 1)],
    facts,
  );
  const finish = (tier: Tier, steps: readonly Step[], slots: number | null, lacking: Shortfall | null) => {
    const { shortfall, tightest } = loaded.shortfall === null ? take(loaded, steps, facts) : loaded;
    const refused = findCodeRefusal(facts) ?? shortfall ?? lacking;
    return refused === null
      ? ({ tier, fits: true, checks: configuration.checks, slots, tightest } as const)
      : ({ tier, fits: false, shortfall: refused } as const);
  };
  const work = toStep('code', needs.work);
  const probe = pooling === 'probe' ? take(started, [probeStep(configuration)], facts).shortfall : null;
  if (pooling !== 'on-demand' && probe === null) {
    const { memories } = configuration.pool;
    return conclude([
      finish(
        poolTier,
        [...listPools(configuration).map(mappingStep), work],
        memories,
        findLacking(configuration),
      ),
    ]);
  }
  const arenas = toStep('code', needs.arenas, processors);
  return conclude([
    ...(probe === null ? [] : [{ tier: poolTier, fits: false, shortfall: probe } as const]),
    finish('on-demand', [arenas, memoryStep(configuration), work], null, null),
  ]);
}

/** Every one compiles, and its code has to become executable. */
const findCodeRefusal = ({ mdwe }: Facts): Shortfall | null =>
  mdwe === 'prctl' || mdwe === 'seccomp'
    ? { pool: 'code', limit: 'write-execute', needed: 1, available: 0, unit: 'maps' }
    : null;

/** The last one tried decides: after the probe nothing is tried again. */
function conclude(tiers: readonly TierPrediction[]): Prediction {
  const last = tiers.at(-1);
  return last?.fits === true
    ? { outcome: 'reached', tier: last.tier, checks: last.checks, tiers, startup: null }
    : { outcome: 'exhausted', tier: null, checks: null, tiers, startup: null };
}
