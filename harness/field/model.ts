/** The model's word on settings nobody has booted yet: free, so searches ask it first and guests second. */
import { AllocatorError } from '../../images/allocator/allocator-error.ts';
import { resolveTierConfiguration } from '../../images/allocator/configuration.ts';
import type { Facts } from '../../images/allocator/facts.ts';
import { listMappings, type Mapping } from '../../images/allocator/mappings.ts';
import { parametersFor } from '../../images/allocator/pool-parameters.ts';
import { predictHost } from '../../images/allocator/predict.ts';
import type { Prediction } from '../../images/allocator/prediction.ts';
import { resolveChoice } from '../../images/allocator/spin-variables.ts';
import { atLeast, type Tier } from '../../images/allocator/tier.ts';
import { v8VersionOf } from '../../images/allocator/v8-rules.ts';
import type { Settings } from '../matrix/cell.ts';
import { estimateFacts } from '../plan/estimate-facts.ts';
import { parametersOf } from '../plan/parameters.ts';
import { resolveEngine } from '../plan/requirements.ts';

/** The newest of a release line, as `poolproof plan` takes it; a whole version is itself. */
const newestOf = (node: string): string => (node.includes('.') ? node : `${node}.99.0`);

const mib = 2 ** 20;
/** Within this of a threshold chance decides (images/allocator/README.md): address space, other bytes, mappings. */
const blur = { space: 128 * mib, bytes: 24 * mib, maps: 40 } as const;

/**
 * @param slackBytes taken from every limit in bytes: what a guest may differ from its estimate
 * @returns null for variables that the host refuses
 */
export function predictSettings(settings: Settings, slackBytes = 0): Prediction | null {
  const facts = estimateFacts(settings);
  const less = (limit: number | null): number | null => (limit === null ? null : limit - slackBytes);
  return predictFacts(settings, {
    ...facts,
    commitLimit: less(facts.commitLimit),
    addressSpaceLimit: less(facts.addressSpaceLimit),
    dataLimit: less(facts.dataLimit),
  });
}

/** Whether a limit is so near to what is needed that the model cannot tell: other limits, other words. */
export function isClose(settings: Settings): boolean {
  const facts = estimateFacts(settings);
  const [fewer, more] = [-1, 1].map((sign) => {
    const shift = (limit: number | null, by: number): number | null =>
      limit === null ? null : Math.max(0, limit + sign * by);
    return predictFacts(settings, {
      ...facts,
      commitLimit: shift(facts.commitLimit, blur.bytes),
      addressSpaceLimit: shift(facts.addressSpaceLimit, blur.space),
      dataLimit: shift(facts.dataLimit, blur.bytes),
      cgroupMemoryMax: shift(facts.cgroupMemoryMax, blur.bytes),
      maxMapCount: shift(facts.maxMapCount, blur.maps),
    });
  });
  return summarize(fewer) !== summarize(more);
}

const summarize = (prediction: Prediction | null | undefined): string =>
  prediction == null
    ? 'refused'
    : `${prediction.outcome} ${prediction.tier ?? ''} ${prediction.checks ?? ''}`;

/** The same from facts that somebody read. */
export function predictFacts(settings: Settings, facts: Facts): Prediction | null {
  const { kind, version } = resolveEngine(settings.engine);
  const { profile, allocator: choice, env } = settings;
  const parameters = parametersOf(settings);
  const node = newestOf(settings.node);
  try {
    const engine = { kind, version: version ?? '' };
    return predictHost({ facts, engine, node, profile, choice, env, parameters });
  } catch (error) {
    if (error instanceof AllocatorError) return null;
    throw error;
  }
}

/** Whether the model says that a tier or a better one is reached. */
export function reaches(prediction: Prediction | null, wanted: Tier): boolean {
  return prediction?.tier != null && atLeast(prediction.tier, wanted);
}

/**
 * What a tier maps, in the engine's order.
 * @throws AllocatorError for a variable or version nobody can read
 */
export function mappingsOf(tier: Tier, settings: Settings, facts: Facts | null): readonly Mapping[] {
  const { kind, version } = resolveEngine(settings.engine);
  const engine = { kind, version: version ?? v8VersionOf(newestOf(settings.node)) };
  const { profile, env, allocator } = settings;
  const parameters = parametersFor(tier, resolveChoice(allocator, env), parametersOf(settings));
  const known = facts ?? estimateFacts(settings);
  return listMappings(resolveTierConfiguration(tier, { engine, profile, env, parameters, facts: known }));
}
