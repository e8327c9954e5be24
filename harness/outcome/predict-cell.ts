/**
 * Settings in the model's terms: the prediction for a cell, and the request to its host. Every command predicts here,
 * so that none leaves out an axis that another one uses.
 */
import { AllocatorError } from '../../images/allocator/allocator-error.ts';
import { resolveTierConfiguration } from '../../images/allocator/configuration.ts';
import type { Facts } from '../../images/allocator/facts.ts';
import { listMappings, listPools, type Mapping } from '../../images/allocator/mappings.ts';
import { predictForeign, resolveLaunch } from '../../images/allocator/predict-foreign.ts';
import { predictHost } from '../../images/allocator/predict.ts';
import { formatParameters } from '../../images/allocator/pool-parameters.ts';
import type { Prediction } from '../../images/allocator/prediction.ts';
import { type SpinPool, resolveSpinPool } from '../../images/allocator/spin-variables.ts';
import type { Tier } from '../../images/allocator/tier.ts';
import { v8VersionOf } from '../../images/allocator/v8-rules.ts';
import { axes, type Settings } from '../axes/table.ts';
import { hostSubject } from '../axes/host.ts';
import { subjectOn, type Subject } from '../matrix/subject.ts';
import { findShippedSubject } from '../matrix/subject-resolve.ts';
import { estimateFacts } from '../plan/estimate-facts.ts';
import { parametersOf } from '../axes/guest-settings.ts';
import { resolveEngine } from '../plan/requirements.ts';
import { resolveProgram } from '../plan/subject-host.ts';
import { type Asked, provenInstances } from './check-report.ts';

/**
 * @param facts read in the guest by the child that becomes the host, null when it never got that far; or estimated
 * @param nodeVersion whole version of the Node in the image, `22.23.3`: rules changed within release lines. Default: as
 *   the cell names it; a release line stands for its newest version
 * @param subject what runs instead of the wasm host, null for that itself. Default: the shipped one of this
 *   name
 * @returns null where the model has nothing to say: no facts, a subject that is no host of its table, or variables and
 *   options that the host will refuse
 */
export function predictCell(
  settings: Settings,
  facts: Facts | null,
  nodeVersion = settings.node,
  subject: Subject | null = findSubject(settings),
): Prediction | null {
  if (facts === null) return null;
  if (settings.subject !== hostSubject)
    return subject === null ? null : predictSubject(settings, facts, subject);
  const { kind, version } = resolveEngine(settings.engine);
  const { profile, allocator: choice, env } = settings;
  const parameters = parametersOf(settings);
  return unlessRefused(() =>
    predictHost({
      facts,
      engine: { kind, version: version ?? '' },
      node: nodeVersion,
      profile,
      choice,
      env,
      parameters,
    }),
  );
}

function predictSubject(settings: Settings, facts: Facts, subject: Subject): Prediction | null {
  return unlessRefused(() => {
    const program = resolveProgram(subject, settings);
    return program === null ? null : predictForeign({ facts, ...program });
  });
}

/**
 * The mappings that a tier makes, in the engine's order, by the model; of a foreign host those of its pool. Empty where
 * the model knows none.
 */
export function listTierMappings(
  tier: Tier,
  settings: Settings,
  facts: Facts | null,
  nodeVersion = settings.node,
): readonly Mapping[] {
  if (facts === null) return [];
  if (settings.subject !== hostSubject) return unlessRefused(() => listForeignPools(tier, settings)) ?? [];
  const { kind, version } = resolveEngine(settings.engine);
  const { profile, env } = settings;
  // V8's is that of its Node.
  const engine = { kind, version: version ?? v8VersionOf(nodeVersion) };
  const parameters = parametersOf(settings);
  const input = { engine, profile, env, facts, node: nodeVersion, parameters };
  return unlessRefused(() => listMappings(resolveTierConfiguration(tier, input))) ?? [];
}

function listForeignPools(tier: Tier, settings: Settings): readonly Mapping[] | null {
  const subject = findSubject(settings);
  const program = subject === null ? null : resolveProgram(subject, settings);
  if (program === null) return null;
  const { poolTier, pooling, configuration } = resolveLaunch(program.host, program);
  return poolTier === tier && pooling !== 'on-demand' ? listPools(configuration) : null;
}

const shipped = new Map<string, Subject | null>();

/**
 * The subject of poolproof with this name, as guests of the architecture have it; null for the wasm host, and for one
 * that only a matrix knows.
 */
export function findSubject({ subject, arch }: Settings): Subject | null {
  if (subject === hostSubject) return null;
  const known = shipped.get(subject);
  const found = known === undefined ? findShippedSubject(subject, axes) : known;
  shipped.set(subject, found);
  return found === null ? null : subjectOn(found, arch);
}

/** The prediction before any guest has booted: from the facts that a guest with these settings is expected to give. */
export function estimateCell(settings: Settings, subject = findSubject(settings)): Prediction | null {
  return predictCell(settings, estimateFacts(settings), settings.node, subject);
}

/** The request that the host's report is compared with. */
export function resolveAsked(settings: Settings): Asked {
  const own =
    (settings.profile === 'spin' ? unlessRefused(() => resolveSpinPool(settings.env)) : null) ?? roomy;
  const parameters = parametersOf(settings);
  const { memories, tables } = { ...own, ...parameters };
  return {
    engine: resolveEngine(settings.engine),
    node: settings.node,
    // Variables and parameters can request a pool with room for a single memory.
    instances: Math.max(1, Math.min(provenInstances, memories, tables)),
    parameters: formatParameters(parameters),
  };
}

const roomy: Pick<SpinPool, 'memories' | 'tables'> = { memories: provenInstances, tables: provenInstances };

/** A variable that cannot be read ends the host with exit code 2; that is observed, not predicted. */
function unlessRefused<Value>(ask: () => Value): Value | null {
  try {
    return ask();
  } catch (error) {
    if (error instanceof AllocatorError) return null;
    throw error;
  }
}
