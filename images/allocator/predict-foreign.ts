/** Facts + a real host and its command line → how far it comes, in the terms of the wasm host's own prediction. */
import { canaryMemoryBytes, listPools, mappingStep } from './mappings.ts';
import {
  checksOf,
  resolvePooled,
  type PooledConfiguration,
  type WasmtimeConfiguration,
} from './configuration.ts';
import type { Facts } from './facts.ts';
import { hosts, type HostName, type HostRow, type Launch, type Program } from './hosts.ts';
import { lacks, refuseCode, takeSteps, type Step } from './limits.ts';
import type { Prediction, Shortfall, TierPrediction } from './prediction.ts';
import { cost, costStep, splitByProgram } from './processes.ts';
import { TiB } from './sizes.ts';
import type { Tier } from './tier.ts';

export type ForeignInput = Program & Readonly<{ facts: Facts; host: HostName }>;

/** How a host was started, in the settings of its engine. */
export type ResolvedLaunch = Readonly<{
  pooling: Launch['pooling'];
  /** Of its pool. On demand it takes the same settings without one. */
  configuration: PooledConfiguration;
  /** `standard` with the address space of the engine's default pool, `conservative` with less. */
  poolTier: Tier;
}>;

/** @throws AllocatorError for a version, variable or option that the host would refuse */
export function resolveLaunch(host: HostName, program: Program): ResolvedLaunch {
  const row: HostRow = hosts[host];
  const { pooling, sizes } = row.launch(program);
  const own = resolvePooled('standard', {
    engine: { kind: 'wasmtime', version: row.engineOf(program.version) },
    profile: 'wasmtime',
    env: {},
    facts: { addressSpaceLimit: null, addressBits: null },
  });
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
  listPools(configuration).reduce((sum, { pool, bytes }) => (pool === 'memory' ? sum + bytes : sum), 0);

/**
 * Needs of a program with wasmtime in it: smallest `ulimit -v` and `-d` by halving, of wasmtime 49.0.3 on x86-64, at
 * `--version`, `run` and `serve`, with pools of several sizes and without one. They agree within 8 MiB.
 */
const needs = {
  start: { ...cost(50, 1.75, 45), gap: splitByProgram },
  /** Of the engine that the trial is made with: 4 TiB and 158 to 165 MiB are needed in all. */
  trial: cost(48, 1, 4),
  /** Its threads, a compiler, the program. */
  load: cost(7, 3, 25),
  /** Of each processor beyond the first. */
  processor: cost(58, 4.3, 8),
  work: cost(4, 0.5, 4),
  /** Per processor: threads reserve room for malloc before a memory on demand is made, as long as there is any. */
  arenas: cost(128, 2, 4),
} as const;

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

/** What the settings refuse to the first instance on any machine; null where they have room for it. */
function findLacking({ pool, reservationBytes }: ResolvedLaunch['configuration']): Shortfall | null {
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
  const started = takeSteps([costStep('process', needs.start)], facts);
  if (started.shortfall !== null)
    return { outcome: 'crashed', tier: null, checks: null, tiers: [], startup: started.shortfall };
  const loaded = takeSteps(
    [costStep('code', needs.load), costStep('code', needs.processor, processors - 1)],
    facts,
    started,
  );
  const finish = (tier: Tier, steps: readonly Step[], slots: number | null, lacking: Shortfall | null) => {
    const { shortfall, tightest } = loaded.shortfall === null ? takeSteps(steps, facts, loaded) : loaded;
    // Every one compiles, and its code has to become executable.
    const refused = refuseCode('code', facts) ?? shortfall ?? lacking;
    return refused === null
      ? ({ tier, fits: true, checks: configuration.checks, slots, tightest } as const)
      : ({ tier, fits: false, shortfall: refused } as const);
  };
  const work = costStep('code', needs.work);
  const trial = [costStep('probe', needs.trial), probeStep(configuration)];
  const probe = pooling === 'probe' ? takeSteps(trial, facts, started).shortfall : null;
  if (pooling !== 'on-demand' && probe === null) {
    const { memories } = configuration.pool;
    const steps = [...listPools(configuration).map(mappingStep), work];
    return conclude([], finish(poolTier, steps, memories, findLacking(configuration)));
  }
  const arenas = costStep('code', needs.arenas, processors);
  return conclude(
    probe === null ? [] : [{ tier: poolTier, fits: false, shortfall: probe }],
    finish('on-demand', [arenas, memoryStep(configuration), work], null, null),
  );
}

/** The last one tried decides: after the probe nothing is tried again. */
function conclude(before: readonly TierPrediction[], last: TierPrediction): Prediction {
  const tiers = [...before, last];
  return last.fits
    ? { outcome: 'reached', tier: last.tier, checks: last.checks, tiers, startup: null }
    : { outcome: 'exhausted', tier: null, checks: null, tiers, startup: null };
}
