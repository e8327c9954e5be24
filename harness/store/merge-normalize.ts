/** Results in a form in which equal work gives equal bytes. */
import type { Result } from './result.ts';

/** What a clock said. */
const timeFields = ['startedAt', 'timings'] as const;

/**
 * What boots do not agree on although nothing is different: a kernel lays out its memory anew each time, and
 * everything computed from that moves with it. `imageDigest` names all images of a machine, also those that
 * this cell does not use.
 */
const bootFields = ['facts', 'readBack', 'imageDigest', 'attempts', 'reason', 'tiers'] as const;

/**
 * Results as lines, sorted by cell and without times. Shards merged equal one whole run when they hold the same
 * results; with `decisions`, also when the cells were run again: what remains then is what was asked, what was
 * proven, what was expected, and the verdict.
 */
export function normalizeResults(
  results: Iterable<Result>,
  keep: 'all but times' | 'decisions' = 'all but times',
): string {
  return [...results]
    .sort((a, b) => (a.id === b.id ? a.repetition - b.repetition : a.id < b.id ? -1 : 1))
    .map(
      (result) =>
        `${JSON.stringify(sortDeep(keep === 'decisions' ? pickDecisions(result) : dropTimes(result)))}\n`,
    )
    .join('');
}

function dropTimes(result: Result): object {
  return Object.fromEntries(
    Object.entries(result).filter(([name]) => !(timeFields as readonly string[]).includes(name)),
  );
}

function pickDecisions(result: Result): object {
  const { predicted, host, ...rest } = result;
  const dropped: readonly string[] = [...timeFields, ...bootFields];
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([name]) => !dropped.includes(name))),
    tried: result.tiers.map(({ tier, ok, pool, class: kind }) => ({ tier, ok, pool, class: kind })),
    predicted:
      predicted === null
        ? null
        : { outcome: predicted.outcome, tier: predicted.tier, checks: predicted.checks },
    host: host === null ? null : { engine: host.engine, node: host.node, choice: host.choice },
  };
}

function sortDeep(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortDeep);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, sortDeep(inner)]),
  );
}
