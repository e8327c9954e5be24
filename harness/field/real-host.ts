/** The real host on which a cure is proven: a report's program, or what stands for it, instead of the wasm host. */
import type { Tier } from '../../images/allocator/tier.ts';
import { hostSubject } from '../axes/host.ts';
import { defaultSettings, type Settings } from '../axes/table.ts';
import { findSubject } from '../outcome/predict-cell.ts';
import type { FieldReport } from './report.ts';
import { findRuntime, versionOf } from './runtime.ts';

export type OnHost = Readonly<{
  settings: Settings;
  /** The tier that a cure has to bring back: any pool on a real host, which has no tiers of its own. */
  wanted: Tier;
  /** Release of the Spin of a report; null where there is none, or nobody knows. */
  spin: string | null;
  /** What stands for the program of the report, for people; null for a cell. */
  standsFor: string | null;
}>;

/** Subjects of real hosts that a report's command can be about. */
function subjectFor(report: FieldReport): readonly [subject: string, says: string] | null {
  const { kind } = findRuntime(report);
  if (kind === 'spin')
    return ['spin-sizes', "wasmtime serve with Spin's pool and variables, in Spin's place"];
  if (kind !== 'wasmtime') return null;
  return report.command?.words?.includes('serve') === true
    ? ['wasmtime-serve', 'wasmtime serve']
    : ['wasmtime-run', 'wasmtime run'];
}

/** @param report null for a cell, which names its subject itself */
export function moveToHost(report: FieldReport | null, settings: Settings): OnHost {
  const spin = report === null ? null : versionOf(report.programs.spin);
  const found = report === null || settings.subject !== hostSubject ? null : subjectFor(report);
  const { profile, engine } = defaultSettings();
  const moved = found === null ? settings : { ...settings, subject: found[0], profile, engine };
  const isReal = findSubject(moved)?.host !== undefined;
  // A subject that does not come along with poolproof cannot be run here.
  const used = found === null || isReal ? moved : settings;
  // A memory that was to be had without a pool is what has to work again.
  const pooled = isReal ? 'conservative' : 'standard';
  return {
    settings: used,
    wanted: used.allocator === 'on-demand' ? 'on-demand' : pooled,
    spin,
    standsFor: isReal && found !== null ? found[1] : null,
  };
}
