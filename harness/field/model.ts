/** The model's word on settings nobody has booted yet: free, so searches ask it first and guests second. */
import { AllocatorError } from '../../images/allocator/allocator-error.ts';
import { resolveTierConfiguration } from '../../images/allocator/configuration.ts';
import type { Facts } from '../../images/allocator/facts.ts';
import { listMappings, type Mapping } from '../../images/allocator/mappings.ts';
import { predictHost } from '../../images/allocator/predict.ts';
import type { Prediction } from '../../images/allocator/prediction.ts';
import { atLeast, type Tier } from '../../images/allocator/tier.ts';
import { v8VersionOf } from '../../images/allocator/v8-rules.ts';
import type { Settings } from '../matrix/cell.ts';
import { estimateFacts } from '../plan/estimate-facts.ts';
import { resolveEngine } from '../plan/requirements.ts';

/** The newest of a release line, as `poolproof plan` takes it. */
const newestOf = (line: string): string => `${line}.99.0`;

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

/** The same from facts that somebody read. */
export function predictFacts(settings: Settings, facts: Facts): Prediction | null {
  const { kind, version } = resolveEngine(settings.engine);
  const { profile, allocator: choice, env, node } = settings;
  try {
    const engine = { kind, version: version ?? '' };
    return predictHost({ facts, engine, node: newestOf(node), profile, choice, env });
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
  const { profile, env } = settings;
  return listMappings(
    resolveTierConfiguration(tier, { engine, profile, env, facts: facts ?? estimateFacts(settings) }),
  );
}
