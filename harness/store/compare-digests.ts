/** Compares the definitions behind two runs by their digests, and names those that differ. */
import type { RunRecord } from './run-record.ts';

type Digested = Pick<RunRecord, 'digests'>;

/**
 * The subjects, cases and the matrix that differ, in words; empty when all are the same, and where one of the runs is
 * older than the digests. A subject or case that only one of them has is no difference: parts need not have all.
 */
export function findDigestDifferences(one: Digested, other: Digested): readonly string[] {
  if (one.digests === undefined || other.digests === undefined) return [];
  const [a, b] = [one.digests, other.digests];
  const changed = (kind: 'subjects' | 'cases'): readonly string[] =>
    Object.keys(a[kind])
      .filter((name) => Object.hasOwn(b[kind], name) && a[kind][name] !== b[kind][name])
      .sort();
  const named = [
    ...changed('subjects').map((name) => `the subject ${name} (its definition or its files)`),
    ...changed('cases').map((id) => `the case ${id}`),
  ];
  // Another case makes another matrix: its name is more specific.
  if (named.length > 0 || a.matrix === b.matrix) return named;
  return ['the matrix as resolved (its cells or what is expected of them)'];
}
