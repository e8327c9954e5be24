/**
 * Compares an outcome with its expectation: the rule of the matrix, otherwise the prediction. Prediction and
 * observation are compared in any case: a difference is a `finding`, whatever the verdict.
 */
import { decidedByChance, type Prediction } from '../../images/allocator/prediction.ts';
import { type Checks, type Tier, atLeast } from '../../images/allocator/tier.ts';
import type { Expectation } from '../matrix/cell.ts';
import { isBaseline } from './overhead.ts';
import { formatBound } from './format-figure.ts';
import { type Outcome, silentOutcomes, type Verdict } from './outcome.ts';

/** The part of a judgement that is compared. */
export type Observed = Readonly<{ outcome: Outcome; tier: Tier | null; checks: Checks | null }>;

export type Expected = Readonly<{
  source: 'matrix' | 'prediction';
  /** `conservative`, `at least conservative`, `crashed`. */
  text: string;
  expectation: Expectation | null;
}>;

export type Comparison = Readonly<{
  verdict: Verdict;
  /** Null when neither the matrix nor the model states anything: then there is no verdict either. */
  expected: Expected | null;
  /** The difference between model and cell, whatever the verdict; null if they agree. */
  finding: string | null;
}>;

export function compare(
  observed: Observed,
  expectation: Expectation | null,
  prediction: Prediction | null,
): Comparison {
  if (prediction !== null && decidedByChance(prediction) !== null)
    return compareWithChance(observed, expectation, prediction);
  const expected = expectedOf(expectation, prediction);
  if (silentOutcomes.includes(observed.outcome)) return { verdict: null, expected, finding: null };
  return {
    verdict: expected === null ? null : decide(observed, expectation, prediction),
    expected,
    finding: prediction === null ? null : findDifference(observed, prediction),
  };
}

/** What chance decides contradicts no model, and is expected both ways: another run may end otherwise. */
function compareWithChance(
  observed: Observed,
  expectation: Expectation | null,
  { tier, outcome }: Prediction,
): Comparison {
  if (expectation !== null) return compare(observed, expectation, null);
  const text = `${tier ?? outcome}, or another end by chance`;
  const expected = { source: 'prediction', text, expectation } as const;
  if (silentOutcomes.includes(observed.outcome)) return { verdict: null, expected, finding: null };
  const isEither = observed.outcome === 'reached' || observed.outcome === 'exhausted';
  return { verdict: isEither ? 'expected' : 'unexpected', expected, finding: null };
}

/** A tier as expected, whose overhead the matrix bounds, is undecided until that is measured: `judge-overhead.ts`. */
function decide(
  observed: Observed,
  expectation: Expectation | null,
  prediction: Prediction | null,
): Exclude<Verdict, null> {
  const holds =
    expectation === null || !demandsTier(expectation)
      ? prediction === null
        ? observed.outcome === 'reached'
        : agrees(observed, prediction)
      : satisfies(observed, expectation);
  if (!holds) return 'unexpected';
  const measures = expectation?.overhead !== undefined && observed.outcome === 'reached';
  return measures && !isBaseline(observed) ? 'undecided' : 'expected';
}

const demandsTier = ({ tier, atLeast: least, outcome }: Expectation): boolean =>
  tier !== undefined || least !== undefined || outcome !== undefined;

function expectedOf(expectation: Expectation | null, prediction: Prediction | null): Expected | null {
  if (expectation !== null) {
    const tier = demandsTier(expectation) ? null : (prediction?.tier ?? prediction?.outcome ?? null);
    const text = renderExpectation(expectation);
    return { source: 'matrix', text: tier === null ? text : `${tier}, ${text}`, expectation };
  }
  if (prediction === null) return null;
  return { source: 'prediction', text: prediction.tier ?? prediction.outcome, expectation: null };
}

/** `conservative`, `at least conservative` or an outcome, and `overhead <= 20 %`. */
export function renderExpectation({ tier, atLeast: least, outcome, error, overhead }: Expectation): string {
  const end = tier ?? (least === undefined ? outcome : `at least ${least}`);
  const line = error === undefined ? undefined : `a line /${error}/`;
  const bound = overhead === undefined ? undefined : `overhead ${formatBound(overhead)}`;
  return [end, line, bound].filter((text) => text !== undefined).join(', ') || 'anything';
}

function satisfies(observed: Observed, { tier, atLeast: least, outcome }: Expectation): boolean {
  if (tier !== undefined) return observed.tier === tier;
  if (least !== undefined) return observed.tier !== null && atLeast(observed.tier, least);
  return observed.outcome === outcome;
}

/** A subject that came up and tells no tier contradicts none. */
function agrees({ outcome, tier }: Observed, prediction: Prediction): boolean {
  if (outcome !== prediction.outcome) return false;
  return tier === prediction.tier || (tier === null && outcome === 'reached');
}

function findDifference(observed: Observed, prediction: Prediction): string | null {
  if (!agrees(observed, prediction)) {
    const model = prediction.tier ?? prediction.outcome;
    return `the model said ${model}, ${observed.tier ?? observed.outcome} was observed`;
  }
  if (prediction.checks === null || observed.checks === null || prediction.checks === observed.checks)
    return null;
  return `the model said ${prediction.checks} bounds checks, ${observed.checks} were observed`;
}
