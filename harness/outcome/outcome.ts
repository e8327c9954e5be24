/** The eight outcomes of a cell, and the verdicts. */
export const outcomes = [
  'reached',
  'exhausted',
  'crashed',
  'timeout',
  'guest-died',
  'invalid',
  'broken',
  'skipped',
] as const;
export type Outcome = (typeof outcomes)[number];

/** Outcomes that say nothing about the subject: they are no trial of it and have no verdict. */
export const silentOutcomes: readonly Outcome[] = ['invalid', 'broken', 'skipped'];

/**
 * `undecided`: the tier is as expected, and its overhead is neither shown to be within the bound nor above it, or is
 * not measured yet.
 */
export const verdicts = ['expected', 'unexpected', 'undecided'] as const;

/** Null for outcomes that say nothing about the subject: invalid, broken, skipped. */
export type Verdict = (typeof verdicts)[number] | null;
