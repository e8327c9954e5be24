/** The model's prediction for settings that have not been booted; searches ask it before they boot a guest. */
import { resolveTierConfiguration } from '../../images/allocator/configuration.ts';
import { parseVersion } from '../../images/allocator/engines.ts';
import type { Facts } from '../../images/allocator/facts.ts';
import { listMappings, type Mapping } from '../../images/allocator/mappings.ts';
import { parametersFor } from '../../images/allocator/pool-parameters.ts';
import { decidedByChance, type Prediction } from '../../images/allocator/prediction.ts';
import { youngGeneration } from '../../images/allocator/processes.ts';
import { resolveChoice } from '../../images/allocator/spin-variables.ts';
import { atLeast, type Tier } from '../../images/allocator/tier.ts';
import { v8VersionOf } from '../../images/allocator/v8-rules.ts';
import type { Settings } from '../axes/table.ts';
import { predictCell } from '../outcome/predict-cell.ts';
import { estimateFacts } from '../plan/estimate-facts.ts';
import { parametersOf } from '../axes/guest-settings.ts';
import { resolveEngine } from '../plan/requirements.ts';

const mib = 2 ** 20;
/** Within this of a threshold chance decides (images/allocator/README.md); space: of addresses. */
const blur = { space: 128 * mib, bytes: 24 * mib, maps: 40, threads: 4 } as const;

/**
 * @param slackBytes taken from every limit in bytes: what a guest may differ from its estimate
 * @returns null for another subject, and for variables that the host refuses
 */
export function predictSettings(settings: Settings, slackBytes = 0): Prediction | null {
  const facts = estimateFacts(settings);
  const less = (limit: number | null): number | null => (limit === null ? null : limit - slackBytes);
  return predictCell(settings, {
    ...facts,
    commitLimit: less(facts.commitLimit),
    addressSpaceLimit: less(facts.addressSpaceLimit),
    dataLimit: less(facts.dataLimit),
  });
}

/** Whether a limit is so close to the need that the prediction changes within the model's precision. */
export function isClose(settings: Settings): boolean {
  const facts = estimateFacts(settings);
  const [line] = parseVersion(settings.node);
  const bytes = blur.bytes + (line <= youngGeneration.lastLine ? youngGeneration.bytes : 0);
  const plain = predictCell(settings, facts);
  if (plain !== null && decidedByChance(plain) !== null) return true;
  const [fewer, more] = [-1, 1].map((sign) => {
    const shift = (limit: number | null, by: number): number | null =>
      limit === null ? null : Math.max(0, limit + sign * by);
    return predictCell(settings, {
      ...facts,
      commitLimit: shift(facts.commitLimit, bytes),
      addressSpaceLimit: shift(facts.addressSpaceLimit, blur.space),
      dataLimit: shift(facts.dataLimit, bytes),
      cgroupMemoryMax: shift(facts.cgroupMemoryMax, blur.bytes),
      maxMapCount: shift(facts.maxMapCount, blur.maps),
      pidsMax: shift(facts.pidsMax ?? null, blur.threads),
      processLimit: shift(facts.processLimit ?? null, blur.threads),
    });
  });
  return summarize(fewer) !== summarize(more);
}

export const summarize = (prediction: Prediction | null | undefined): string =>
  prediction == null
    ? 'refused'
    : `${prediction.outcome} ${prediction.tier ?? ''} ${prediction.checks ?? ''}`;

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
  const engine = { kind, version: version ?? v8VersionOf(settings.node) };
  const { profile, env, allocator, node } = settings;
  const parameters = parametersFor(tier, resolveChoice(allocator, env), parametersOf(settings));
  const known = facts ?? estimateFacts(settings);
  return listMappings(
    resolveTierConfiguration(tier, { engine, profile, env, parameters, node, facts: known }),
  );
}
