/** Which processes measure what on this machine. Pure. */
import type { EngineKind } from '../../images/allocator/tier.ts';
import { workloads, type Workload } from '../../images/wasm-host/workloads/catalogue.ts';
import { PoolproofError } from '../errors.ts';
import { workloadNames, workloadWords } from '../matrix/measure.ts';
import { nearest } from '../axes/nearest-word.ts';
import { configurations, type TierConfiguration } from './configurations.ts';

/** In one process each: all configurations, or (fresh) a single one. */
export type NativePlan = Readonly<{
  kind: 'together' | 'quartets';
  /** One entry for each process, in order. */
  processes: readonly (readonly TierConfiguration[])[];
}>;

/**
 * All forms in every process, their samples interleaved, the baseline a second time as the pair of equals.
 *
 * @param count processes; the interval is over them
 */
export function planTogether(
  engine: EngineKind,
  others: readonly TierConfiguration[],
  count: number,
): NativePlan {
  const [baseline] = configurations[engine];
  const subjects = [baseline, baseline, ...others];
  return { kind: 'together', processes: Array.from({ length: count }, () => subjects) };
}

/** Quartets A B B A of fresh processes, one form against the baseline: for what a process has as a whole. */
export function planQuartets(engine: EngineKind, other: TierConfiguration, quartets: number): NativePlan {
  const [baseline] = configurations[engine];
  const quartet = [[baseline], [other], [other], [baseline]];
  return { kind: 'quartets', processes: Array.from({ length: quartets }, () => quartet).flat() };
}

/**
 * Workloads by name or kind (`memory`, `program`); all that are measurable in time without.
 *
 * @param engine only those that say something about it
 * @throws PoolproofError USAGE
 */
export function selectWorkloads(names: readonly string[], engine?: EngineKind): readonly Workload[] {
  const suits = ({ engines }: Workload): boolean =>
    engine === undefined || engines === undefined || engines.includes(engine);
  if (names.length === 0) return workloads.filter(suits);
  const wanted = new Set(
    names.flatMap((name) => {
      const found = workloads.filter((row) => row.name === name || row.kind === name);
      if (found.length === 0) {
        const meant = nearest(name, workloadNames);
        throw new PoolproofError('USAGE', `there is no workload ${name}`, {
          hint: meant === null ? `write ${workloadWords}` : `did you mean ${meant}?`,
        });
      }
      const unfit = found.find((row) => !suits(row));
      if (unfit !== undefined) {
        throw new PoolproofError('USAGE', `${unfit.name} is not measurable in ${engine ?? ''}`, {
          hint: 'V8 gives memory back when its collector runs, not when an instance ends',
        });
      }
      return found;
    }),
  );
  return workloads.filter((row) => wanted.has(row));
}
