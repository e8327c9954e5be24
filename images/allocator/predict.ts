/** Facts + engine + Node → the tier a wasm host will reach, and the limit that stops the better ones. */
import {
  formFacts,
  resolveTierConfiguration,
  type ConfigurationInput,
  type TierConfiguration,
} from './configuration.ts';
import type { Facts } from './facts.ts';
import { lacks, refuseCode, takeSteps, type Step } from './limits.ts';
import { canaryMemoryBytes, listMappings, mappingStep } from './mappings.ts';
import type { Prediction, Shortfall, TierPrediction } from './prediction.ts';
import { parametersFor, type PoolParameters } from './pool-parameters.ts';
import { costStep, resolveProcessCost } from './processes.ts';
import { resolveChoice, type Environment } from './spin-variables.ts';
import { tiers, type AllocatorChoice, type EngineId, type Profile, type Tier } from './tier.ts';
import { guardedFromBytes, hasTrapHandlerFlag, startsGuarded, v8VersionOf } from './v8-rules.ts';

export type PredictionInput = Readonly<{
  /** Of the process that becomes the wasm host, before it starts: Committed_AS without it. */
  facts: Facts;
  /** For v8 the version may be empty: it follows from Node's release line. */
  engine: EngineId;
  /** Version of Node, `22.23.3`. */
  node: string;
  profile: Profile;
  /** SPIN_ALLOCATOR, alias resolved. */
  choice: AllocatorChoice;
  /** Spin's variables. */
  env: Environment;
  /** Changes to the requested tier. @default nothing */
  parameters?: PoolParameters | undefined;
}>;

/** Predicts the outcome of a whole host. Throws AllocatorError for an unreadable variable or version. */
export function predictHost(input: PredictionInput): Prediction {
  const choice = resolveChoice(input.choice, input.env);
  const order: readonly Tier[] = choice === 'auto' ? tiers : [choice];
  const startup = predictStart(input);
  const predictions = order.map((tier) => predictTier(tier, input));
  const first = predictions.find(({ fits }) => fits);
  if (startup !== null || first?.fits !== true) {
    const outcome = startup === null ? 'exhausted' : 'crashed';
    return { outcome, tier: null, checks: null, tiers: predictions, startup };
  }
  return { outcome: 'reached', tier: first.tier, checks: first.checks, tiers: predictions, startup: null };
}

/** The limit that keeps Node from starting at all, or null. */
export function predictStart({ facts, node }: PredictionInput): Shortfall | null {
  // V8 makes its first code writable and executable in turn, in every version: 16 to 26 die in its checks.
  const refusal = refuseCode('process', facts);
  if (refusal !== null) return refusal;
  const { start } = resolveProcessCost(node, facts);
  return takeSteps([costStep('process', start)], facts).shortfall;
}

/** Predicts whether one tier will be proven, in a process of its own. Throws AllocatorError. */
export function predictTier(tier: Tier, input: PredictionInput): TierPrediction {
  const { facts, node } = input;
  const engine =
    input.engine.kind === 'v8' ? ({ kind: 'v8', version: v8VersionOf(node) } as const) : input.engine;
  const choice = resolveChoice(input.choice, input.env);
  const parameters = parametersFor(tier, choice, input.parameters ?? {});
  const { configuration, pools } = resolveOnce(tier, { ...input, engine, parameters });
  const lacking = findLacking(configuration, input);
  if (lacking !== null) return { tier, fits: false, shortfall: lacking };

  const { start, load, work } = resolveProcessCost(node, facts);
  const { shortfall, tightest } = takeSteps(
    [
      costStep('process', start),
      costStep('code', load[engine.kind]),
      ...pools,
      costStep('code', work[engine.kind]),
    ],
    facts,
  );
  if (shortfall !== null) return { tier, fits: false, shortfall };
  const { checks } = configuration;
  const slots = configuration.kind === 'v8' ? configuration.memories : (configuration.pool?.memories ?? null);
  return { tier, fits: true, checks, slots: tier === 'on-demand' ? null : slots, tightest };
}

type Resolved = Readonly<{ configuration: TierConfiguration; pools: readonly Step[] }>;

/** By everything a configuration is made of. Most cells of a matrix share configurations. */
const resolved = new Map<string, Resolved>();
const resolvedLimit = 1000;

function resolveOnce(tier: Tier, input: ConfigurationInput): Resolved {
  const { engine, profile, env, parameters, facts, node } = input;
  const key = JSON.stringify([
    tier,
    engine,
    profile,
    env,
    parameters,
    node,
    formFacts.map((name) => facts[name]),
  ]);
  const before = resolved.get(key);
  if (before !== undefined) return before;
  if (resolved.size >= resolvedLimit) resolved.clear();
  const configuration = resolveTierConfiguration(tier, input);
  const pools = listMappings(configuration).map(mappingStep);
  resolved.set(key, { configuration, pools });
  return { configuration, pools };
}

/** The canary's needs of a pool, whatever the machine offers: settings can request less. */
const canaryNeeds = {
  memories: 1,
  tables: 1,
  coreInstances: 1,
  tableElements: 10,
  maxMemoryBytes: canaryMemoryBytes,
} as const;

/** A shortfall of this version or these settings on any machine; null without one. */
function findLacking(configuration: TierConfiguration, { facts, node }: PredictionInput): Shortfall | null {
  if (configuration.kind === 'v8') {
    if (configuration.checks === 'explicit') return hasTrapHandlerFlag(node) ? null : lacks('process', 1, 0);
    const limit = facts.addressSpaceLimit;
    if (limit === null || startsGuarded(node, limit)) return null;
    return {
      pool: 'linear-memory',
      limit: 'RLIMIT_AS',
      needed: guardedFromBytes,
      available: limit,
      unit: 'bytes',
    };
  }
  if (configuration.pool === null) return null;
  if (!configuration.poolingInC) return lacks('memory', 1, 0);
  for (const [field, needed] of Object.entries(canaryNeeds)) {
    const available = configuration.pool[field as keyof typeof canaryNeeds];
    const pool = field === 'memories' || field === 'maxMemoryBytes' ? 'memory' : 'table';
    if (available < needed) return lacks(pool, needed, available);
  }
  // `maximum memory size of 0x… bytes exceeds the configured memory reservation of 0x… bytes`
  const { maxMemoryBytes } = configuration.pool;
  if (maxMemoryBytes > configuration.reservationBytes)
    return lacks('memory', maxMemoryBytes, configuration.reservationBytes);
  return null;
}
