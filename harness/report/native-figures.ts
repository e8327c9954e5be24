/** Time figures of real machines beside what was counted in guests. Pure. */
import type { Result } from '../store/result.ts';
import { isBaseline, subjectOf } from '../outcome/overhead.ts';
import type { TierConfiguration } from '../measure/configurations.ts';
import type { NativeRecord } from '../store/native-record.ts';
import type { OverheadSummary } from '../measure/figures.ts';

/** Release line of a Node: `22`. */
export const lineOf = ({ node }: Pick<NativeRecord, 'node'>): string => node.replace(/\..*/, '');

/**
 * The record to stand beside a cell; null when none fits. V8 is that of its Node; libwasmtime is one library,
 * whatever Node loads it.
 */
export function findNative(
  native: readonly NativeRecord[],
  engine: NativeRecord['engine'],
  node: string,
): NativeRecord | null {
  const fitting = native.filter(
    ({ engine: own }) => own.kind === engine.kind && (own.kind === 'v8' || own.version === engine.version),
  );
  const sameNode = fitting.find((record) => lineOf(record) === node);
  return sameNode ?? (engine.kind === 'v8' ? null : (fitting[0] ?? null));
}

/** A record's figures of one form. */
export function listNative(
  native: NativeRecord | null,
  { tier, checks }: TierConfiguration,
): readonly OverheadSummary[] {
  return native?.summaries.filter((summary) => summary.tier === tier && summary.form === checks) ?? [];
}

/** Results with the figures of the records that fit them; verdicts stay what they were when the cell ended. */
export function joinNative(results: readonly Result[], native: readonly NativeRecord[]): readonly Result[] {
  if (native.length === 0) return results;
  return results.map((result) => {
    const { host, settings, overhead = [], overheadSource } = result;
    const subject = subjectOf(result);
    if (subject === null || host === null || isBaseline(subject) || overheadSource === undefined)
      return result;
    const figures = listNative(findNative(native, host.engine, settings.node), subject);
    return figures.length === 0 ? result : { ...result, overhead: [...overhead, ...figures] };
  });
}
