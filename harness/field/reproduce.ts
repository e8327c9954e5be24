/** A case, asked and compared: the four ends of a reproduction. */
import type { Prediction } from '../../images/allocator/prediction.ts';
import type { Result } from '../store/result.ts';
import type { FactMapping } from './mapping.ts';
import { nearestSymptom, signatureOf, symptomsOf, type Symptom } from './symptom.ts';

export type End = 'reproduced' | 'reproduced by stand-in' | 'not reproduced' | 'cannot be reproduced here';

/** Exit codes. */
export const endCodes: Readonly<Record<End, 0 | 1 | 2>> = {
  reproduced: 0,
  'reproduced by stand-in': 0,
  'not reproduced': 1,
  'cannot be reproduced here': 2,
};

export type Reproduction = Readonly<{
  end: End;
  /** Each a sentence without a full stop. */
  because: readonly string[];
}>;

/** Facts that decide and that no guest here can have; with any of them nothing is booted. */
export function listObstacles(mappings: readonly FactMapping[]): readonly string[] {
  return mappings
    .filter(({ how, decides }) => how === 'not reproducible' && decides)
    .map(({ fact, found, why }) => `${fact} ${found}: ${why ?? 'no axis'}`);
}

const succeeded = (mappings: readonly FactMapping[]): End =>
  mappings.some(({ standIn }) => standIn) ? 'reproduced by stand-in' : 'reproduced';

/** A reported failure, held against what happened in the guest. */
export function compareFailure(
  wanted: Symptom,
  result: Result,
  mappings: readonly FactMapping[],
): Reproduction {
  const nearest = nearestSymptom(wanted, symptomsOf(result));
  if (nearest === null) {
    const because = `nothing failed in the guest: ${signatureOf(result)}`;
    return { end: 'not reproduced', because: [because] };
  }
  return nearest.differences.length > 0
    ? { end: 'not reproduced', because: nearest.differences }
    : { end: succeeded(mappings), because: [nearest.symptom.text] };
}

/** A report without a failure: the guest must do what the model says of the facts. */
export function compareModel(
  predicted: Prediction | null,
  result: Result,
  mappings: readonly FactMapping[],
): Reproduction {
  if (predicted === null) {
    return {
      end: 'cannot be reproduced here',
      because: ['neither a failure nor a prediction to compare with'],
    };
  }
  const [said, seen] = [predicted.tier ?? predicted.outcome, result.tier ?? result.outcome];
  return said === seen
    ? {
        end: succeeded(mappings),
        because: [
          `the report tells no failure; the guest ended with ${seen}, as the model says of its facts`,
        ],
      }
    : {
        end: 'not reproduced',
        because: [`the model says ${said} of these facts, the guest ended with ${seen}`],
      };
}

/** A stored result, held against the same cell run again. */
export function compareResults(stored: Result, result: Result): Reproduction {
  const [was, is] = [signatureOf(stored), signatureOf(result)];
  const because = [
    ...(was === is ? [] : [`${was} was stored, ${is} was seen`]),
    ...listNumbers(stored, result),
  ];
  return because.length === 0 ? { end: 'reproduced', because: [is] } : { end: 'not reproduced', because };
}

/** Sizes of refused mappings are the engine's own: equal to the byte, or it is another failure. */
function listNumbers(stored: Result, result: Result): readonly string[] {
  return stored.tiers.flatMap(({ tier, bytes }) => {
    const now = result.tiers.find((one) => one.tier === tier);
    return now === undefined || now.bytes === bytes
      ? []
      : [`${tier}: ${bytes ?? 'no number of'} bytes were refused then, ${now.bytes ?? 'no number of'} now`];
  });
}
