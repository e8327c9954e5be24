/** The eight things that can happen in a cell. */
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

/** Null for outcomes that say nothing about the subject: invalid, broken, skipped. */
export type Verdict = 'expected' | 'unexpected' | null;
