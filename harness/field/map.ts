/**
 * A field report's facts → the axes of a cell. Each fact says how well it is met: exactly, approximately
 * (and how), or not at all (and why). Facts that decide a tier and cannot be met make a case that cannot be
 * reproduced here: that is said, not papered over.
 */
import { defaultSettings, knownImages, type KnownImages } from '../matrix/axes.ts';
import { mapKernel, mapMemory, mapOvercommit, mapPages, mapProcessor, mapWidth } from './machine-rules.ts';
import type { FactMapping, FieldCase, Rule } from './mapping.ts';
import { mapEngine, mapLimits, mapNode, mapUnmet, mapVariables } from './process-rules.ts';
import type { FieldReport } from './report.ts';

/** In this order: later rules build on what earlier ones set. */
const rules: readonly Rule[] = [
  mapEngine,
  mapMemory,
  mapOvercommit,
  mapNode,
  mapPages,
  mapLimits,
  mapWidth,
  mapProcessor,
  mapKernel,
  mapVariables,
  mapUnmet,
];

/** The cell that comes nearest to a report. */
export function mapReport(report: FieldReport, known: KnownImages = knownImages): FieldCase {
  return rules.reduce<FieldCase>(
    ({ settings, mappings }, rule) => {
      const { set, say: said } = rule(report, settings, known);
      return { settings: { ...settings, ...set }, mappings: [...mappings, ...said] };
    },
    { settings: defaultSettings(), mappings: [] },
  );
}

/** A line per fact, for people. */
export function renderMapping({ fact, found, how, axis, value, why }: FactMapping): string {
  const to = axis === null || value === null ? '' : ` -> ${axis === 'env' ? value : `${axis}=${value}`}`;
  return `${how.padEnd(16)}  ${fact} ${found}${to}${why === null ? '' : ` (${why})`}`;
}
