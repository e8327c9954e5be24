/**
 * A field report's facts → the axes of a cell. Each fact says how well it is met: exactly, approximately
 * (and how), or not at all (and why). Facts that decide a tier and cannot be met make a case that cannot be
 * reproduced here: that is said, not papered over.
 */
import { defaultSettings } from '../axes/table.ts';
import { mapOvercommit } from './commit-rules.ts';
import { mapArchitecture } from './architecture-rules.ts';
import { mapProcessor, mapWidth } from './cpu-rules.ts';
import { mapCaptured } from './captured-rules.ts';
import { mapCgroup, mapHigh, mapWriteExecute } from './limit-rules.ts';
import { mapAct } from './failing-act.ts';
import { mapHugePages, mapKernel, mapMemory, mapSwap } from './machine-rules.ts';
import { plainImages, type FactMapping, type FieldCase, type FieldImages, type Rule } from './mapping.ts';
import { mapEngine, mapNode, mapUnmet } from './process-rules.ts';
import type { FieldReport } from './report.ts';
import { mapOptions, mapOwnLimits, mapVariables } from './command-line-rules.ts';
import { mapThreads } from './thread-rules.ts';

/** In this order: later rules build on what earlier ones set. */
const rules: readonly Rule[] = [
  mapEngine,
  mapArchitecture,
  mapMemory,
  mapSwap,
  mapHugePages,
  mapOvercommit,
  mapNode,
  mapCaptured('thp'),
  mapCaptured('maxMapCount'),
  mapCaptured('addressSpace'),
  mapCaptured('dataLimit'),
  mapCaptured('stackLimit'),
  mapCgroup,
  mapHigh,
  mapKernel,
  mapWidth,
  mapProcessor,
  mapWriteExecute,
  mapOwnLimits,
  mapAct,
  mapVariables,
  mapOptions,
  mapThreads,
  mapUnmet,
];

/** The cell that comes nearest to a report. */
export function mapReport(report: FieldReport, known: FieldImages = plainImages): FieldCase {
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
