/** The real host on which a cure is proven: a report's program, or what stands for it, instead of the wasm host. */
import type { Tier } from '../../images/allocator/tier.ts';
import { hostSubject } from '../axes/host.ts';
import { defaultSettings, type Settings } from '../axes/table.ts';
import { findSubject } from '../outcome/predict-cell.ts';
import { axisOf, type FactMapping } from './mapping.ts';
import type { FieldReport } from './report.ts';
import { findRuntime, saysVersion, versionOf } from './runtime.ts';

export type OnHost = Readonly<{
  settings: Settings;
  /** The tier that a cure has to bring back: any pool on a real host, which has no tiers of its own. */
  wanted: Tier;
  /** Release of the Spin of a report; null where there is none, or nobody knows. */
  spin: string | null;
  /** What stands for the program of the report, for people; null for a cell. */
  standsFor: string | null;
  /** It is that program, in that version. */
  exact: boolean;
}>;

/** A subject that a report's command is run on, with what it is; null where the wasm host is nearer to it. */
type Stand = Readonly<{ subject: string; says: string; exact: boolean }>;

function standFor(report: FieldReport, { engine }: Settings): Stand | null {
  const { kind } = findRuntime(report);
  const newest = 'the newest that is pinned';
  if (kind === 'spin')
    return {
      subject: 'spin-sizes',
      says: "wasmtime serve with Spin's pool and variables, in Spin's place",
      exact: false,
    };
  if (kind === 'wash') return { subject: 'wash', says: `wash, ${newest}`, exact: false };
  if (kind !== 'wasmtime') return null;
  const command = report.command?.words?.includes('serve') === true ? 'serve' : 'run';
  const [subject, says] = [`wasmtime-${command}`, `wasmtime ${command}`];
  const version = versionOf(report.programs.wasmtime);
  const names = version === null ? [] : [subject, `${subject}@${version}`];
  const found = names.find((name) => saysVersion(name, version ?? ''));
  if (found !== undefined) return { subject: found, says: `${says} ${version ?? ''}`, exact: true };
  // That release as a library, or the nearest that there is, is nearer than another release of the program.
  return engine.startsWith('wasmtime@') ? null : { subject, says: `${says}, ${newest}`, exact: false };
}

/** @param report null for a cell, which names its subject itself */
export function moveToHost(report: FieldReport | null, settings: Settings): OnHost {
  const spin = report === null ? null : versionOf(report.programs.spin);
  const found = report === null || settings.subject !== hostSubject ? null : standFor(report, settings);
  const { profile, engine, node } = defaultSettings();
  const moved = found === null ? settings : { ...settings, subject: found.subject, profile, engine, node };
  const isReal = findSubject(moved)?.host !== undefined;
  // A subject that does not come along with poolproof cannot be run here.
  const used = found === null || isReal ? moved : settings;
  // A memory that was to be had without a pool is what has to work again.
  const pooled = isReal ? 'conservative' : 'standard';
  return {
    settings: used,
    wanted: used.allocator === 'on-demand' ? 'on-demand' : pooled,
    spin,
    standsFor: isReal && found !== null ? found.says : null,
    exact: isReal && found?.exact === true,
  };
}

/** What a report's facts became on the host that stands for its program, instead of on the wasm host. */
export function moveMappings(
  mappings: readonly FactMapping[],
  { settings, standsFor, exact }: OnHost,
): readonly FactMapping[] {
  if (standsFor === null) return mappings;
  const subject = axisOf('subject', settings);
  const why = exact ? null : `${standsFor}: it stands for the program of the report`;
  return mappings.flatMap((mapping): readonly FactMapping[] => {
    // No Node is in that host, and the engine is part of it.
    if (mapping.axis === 'node') return [];
    if (mapping.axis === 'engine')
      return [{ ...mapping, ...subject, standIn: !exact, how: exact ? 'exact' : 'approximated', why }];
    return [mapping.axis === 'subject' ? { ...mapping, ...subject } : mapping];
  });
}
