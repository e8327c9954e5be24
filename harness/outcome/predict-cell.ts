/**
 * Settings in the model's terms: the prediction for a cell, and the request to its host. Every command predicts here,
 * so that none leaves out an axis that another one uses.
 */
import { AllocatorError } from '../../images/allocator/allocator-error.ts';
import type { Facts } from '../../images/allocator/facts.ts';
import { predictForeign } from '../../images/allocator/predict-foreign.ts';
import { predictHost } from '../../images/allocator/predict.ts';
import { formatParameters } from '../../images/allocator/pool-parameters.ts';
import type { Prediction } from '../../images/allocator/prediction.ts';
import { type SpinPool, resolveSpinPool } from '../../images/allocator/spin-variables.ts';
import { axes, type Settings } from '../axes/table.ts';
import { hostSubject } from '../axes/host.ts';
import type { Subject } from '../matrix/subject.ts';
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

const shipped = new Map<string, Subject | null>();

/** The subject of poolproof with this name; null for the wasm host, and for one that only a matrix knows. */
export function findSubject({ subject }: Settings): Subject | null {
  if (subject === hostSubject) return null;
  const known = shipped.get(subject);
  if (known !== undefined) return known;
  const found = findShippedSubject(subject, axes);
  shipped.set(subject, found);
  return found;
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
