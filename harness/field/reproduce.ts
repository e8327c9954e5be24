/** Decides how a reproduction ends: from the report alone where it can, otherwise by comparison with the guest. */
import type { Prediction } from '../../images/allocator/prediction.ts';
import { cpuFlags } from '../axes/cpu-models.ts';
import { estimateCell } from '../outcome/predict-cell.ts';
import type { Result } from '../store/result.ts';
import { describeThreshold, hasLimit, isDecisive, listUnknown } from './failing-act.ts';
import type { FactMapping, FieldCase } from './mapping.ts';
import type { FieldReport } from './report.ts';
import { boundsThreads, describeThreadLimits } from './thread-rules.ts';
import {
  endOfCommand,
  listStandIns,
  nearestSymptom,
  signatureOf,
  symptomOfReport,
  symptomsOf,
  type Symptom,
} from './symptom.ts';

export type End =
  /** The same act failed with the same class, words and numbers. */
  | 'reproduced'
  /** The same, with something else in the place of a fact that no guest has. */
  | 'reproduced by stand-in'
  /** Something else failed, or nothing. */
  | 'not reproduced'
  /** The report has no failure. */
  | 'nothing to reproduce'
  /** A fact that decides is unknown. */
  | 'cannot tell'
  /** No guest can have a fact that decides, or no subject does what failed. */
  | 'cannot be reproduced here';

/** Exit codes: 2 is no verdict, as for cells. */
export const endCodes: Readonly<Record<End, 0 | 1 | 2>> = {
  reproduced: 0,
  'reproduced by stand-in': 0,
  'not reproduced': 1,
  'nothing to reproduce': 2,
  'cannot tell': 2,
  'cannot be reproduced here': 2,
};

export type Reproduction = Readonly<{
  end: End;
  /** Each a sentence without a full stop. */
  because: readonly string[];
}>;

/** Facts that decide and that no guest can have; with any of them nothing is booted. */
export function listObstacles(mappings: readonly FactMapping[]): readonly string[] {
  return mappings
    .filter(({ how, decides }) => how === 'not reproducible' && decides)
    .map(({ fact, found, why }) => `${fact} ${found}: ${why ?? 'no axis'}`);
}

/** Settings that decide about the failure and only approximate the report, each in words. */
function listApproximated(mappings: readonly FactMapping[], wanted: Symptom): readonly string[] {
  return mappings.flatMap(({ fact, found, how, axis, value, decides, standIn, why }) =>
    how === 'approximated' && axis !== null && (standIn || (decides && isDecisive(axis, wanted)))
      ? [`${fact} ${found} is approximated by ${axis}=${value ?? 'default'}${why === null ? '' : `: ${why}`}`]
      : [],
  );
}

/** What a processor of a report lacks of what engines ask for; null where its flags are unknown. */
function describeLacking({ processor }: FieldReport): string | null {
  const found = processor.flags?.split(/\s+/);
  if (found === undefined) return null;
  const lacking = ['ssse3', 'sse4.1', 'sse4.2', 'popcnt', 'avx', 'avx2', 'fma', 'bmi1', 'bmi2'].filter(
    (flag) => !found.includes(cpuFlags[flag] ?? flag),
  );
  return lacking.length === 0
    ? 'the processor has every instruction that engines ask for'
    : `the processor lacks ${lacking.join(', ')}: a program that needs any of them ends like this`;
}

/** The end of a report that needs no guest; null where a guest has to decide. */
export function settleReport(report: FieldReport, { settings, mappings }: FieldCase): Reproduction | null {
  const symptom = symptomOfReport(report);
  const ended = endOfCommand(report);
  if (symptom === null && ended === 'failed')
    return {
      end: 'cannot be reproduced here',
      because: ['the command failed, and no known failure is in its output', ...listObstacles(mappings)],
    };
  if (symptom === null && ended === 'unknown')
    return {
      end: 'cannot tell',
      because: [
        report.command === undefined
          ? `the report is cut off in ${report.cutOffIn ?? 'its middle'}, before any command: the whole report shows it`
          : 'how the command ended is unknown, and no known failure is in its output: `capture.sh <command>` shows it',
      ],
    };
  const obstacles = listObstacles(mappings);
  if (obstacles.length > 0) {
    const lacking = symptom?.act === 'instruction' ? describeLacking(report) : null;
    const bounds = symptom?.act === 'thread' ? describeThreadLimits(settings) : [];
    return {
      end: symptom === null ? 'nothing to reproduce' : 'cannot be reproduced here',
      because: [...obstacles, ...(lacking === null ? [] : [lacking]), ...bounds],
    };
  }
  if (symptom === null) return null;
  const unknown = listUnknown(report, symptom);
  if (symptom.act === 'thread' && unknown.length === 0 && !boundsThreads(settings))
    return {
      end: 'cannot be reproduced here',
      because: ['a thread or process was refused, and no limit in the report is small enough to explain it'],
    };
  return unknown.length === 0 || canFail(settings, symptom) ? null : { end: 'cannot tell', because: unknown };
}

/** Whether any known fact could make the act fail: a limit, or a pool that does not fit in the model. */
function canFail(settings: FieldCase['settings'], symptom: Symptom): boolean {
  return hasLimit(settings, symptom) || estimateCell(settings)?.tiers.some(({ fits }) => !fits) === true;
}

/** Compares a reported failure with what happened in the guest. */
export function compareFailure(
  wanted: Symptom,
  result: Result,
  mappings: readonly FactMapping[],
  report: FieldReport,
): Reproduction {
  const nearest = nearestSymptom(wanted, symptomsOf(result));
  const approximated = listApproximated(mappings, wanted);
  if (nearest !== null && nearest.differences.length === 0) {
    const instead = [...listStandIns(wanted, nearest.symptom), ...approximated];
    const stands = instead.length > 0 || mappings.some(({ standIn }) => standIn);
    return {
      end: stands ? 'reproduced by stand-in' : 'reproduced',
      because: [nearest.symptom.text, ...instead],
    };
  }
  const unknown = listUnknown(report, wanted);
  const because = [
    ...(nearest?.differences ?? [`nothing failed in the guest: ${signatureOf(result)}`]),
    wanted.act === 'instruction' ? describeLacking(report) : null,
    nearest === null || ['heap', 'commit'].includes(wanted.act)
      ? describeThreshold(result.settings, wanted)
      : null,
    ...approximated,
    ...unknown,
  ].filter((reason) => reason !== null);
  return { end: unknown.length > 0 ? 'cannot tell' : 'not reproduced', because };
}

/** For a report without a failure: the tier that its machine reaches, by the model and in a guest. */
export function describeReached(predicted: Prediction | null, result: Result): Reproduction {
  const [said, seen] = [predicted?.tier ?? predicted?.outcome ?? 'nothing', result.tier ?? result.outcome];
  const because = [
    'the report has no failure',
    said === seen
      ? `a machine with these facts reaches ${seen}, as the model says`
      : `a guest with these facts reaches ${seen}; the model says ${said}`,
  ];
  return { end: 'nothing to reproduce', because };
}

/** A cell without a stored result: the guest must do what the model says of it. */
export function compareModel(predicted: Prediction | null, result: Result): Reproduction {
  if (predicted === null)
    return { end: 'nothing to reproduce', because: ['neither a result nor a prediction to compare with'] };
  const [said, seen] = [predicted.tier ?? predicted.outcome, result.tier ?? result.outcome];
  return said === seen
    ? { end: 'reproduced', because: [`no result is stored; the guest ended with ${seen}, as the model says`] }
    : { end: 'not reproduced', because: [`the model says ${said}, the guest ended with ${seen}`] };
}

/** Compares a stored result with the same cell run again. */
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
