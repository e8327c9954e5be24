/**
 * What happened, held against what was said would happen. The matrix' word comes first; where it has
 * none the prediction is the expectation. Prediction and observation are compared either way: where
 * they differ somebody has something to learn, and the `finding` says so.
 */
import type { Prediction } from '../../images/allocator/prediction.ts';
import { type Checks, type Tier, atLeast } from '../../images/allocator/tier.ts';
import type { Expectation } from '../matrix/cell.ts';
import type { Outcome, Verdict } from './outcome.ts';

/** What is compared. */
export type Observed = Readonly<{ outcome: Outcome; tier: Tier | null; checks: Checks | null }>;

export type Expected = Readonly<{
  source: 'matrix' | 'prediction';
  /** `conservative`, `at least conservative`, `crashed`. */
  text: string;
  expectation: Expectation | null;
}>;

export type Comparison = Readonly<{
  verdict: Verdict;
  /** Null when neither the matrix nor the model said anything: then there is no verdict either. */
  expected: Expected | null;
  /** Where the model is wrong about this cell, whatever the verdict; null where it is right. */
  finding: string | null;
}>;

/** Outcomes that say nothing about the subject. */
const silent: readonly Outcome[] = ['invalid', 'broken', 'skipped'];

export function compare(
  observed: Observed,
  expectation: Expectation | null,
  prediction: Prediction | null,
): Comparison {
  const expected = expectedOf(expectation, prediction);
  if (silent.includes(observed.outcome)) return { verdict: null, expected, finding: null };
  const holds =
    expectation === null
      ? prediction !== null && agrees(observed, prediction)
      : satisfies(observed, expectation);
  return {
    verdict: expected === null ? null : holds ? 'expected' : 'unexpected',
    expected,
    finding: prediction === null ? null : findDifference(observed, prediction),
  };
}

function expectedOf(expectation: Expectation | null, prediction: Prediction | null): Expected | null {
  if (expectation !== null) return { source: 'matrix', text: renderExpectation(expectation), expectation };
  if (prediction === null) return null;
  return { source: 'prediction', text: prediction.tier ?? prediction.outcome, expectation: null };
}

/** `conservative`, `at least conservative` or an outcome. */
export function renderExpectation({ tier, atLeast: least, outcome }: Expectation): string {
  if (tier !== undefined) return tier;
  return least === undefined ? (outcome ?? 'anything') : `at least ${least}`;
}

function satisfies(observed: Observed, { tier, atLeast: least, outcome }: Expectation): boolean {
  if (tier !== undefined) return observed.tier === tier;
  if (least !== undefined) return observed.tier !== null && atLeast(observed.tier, least);
  return observed.outcome === outcome;
}

function agrees(observed: Observed, prediction: Prediction): boolean {
  return observed.outcome === prediction.outcome && observed.tier === prediction.tier;
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
