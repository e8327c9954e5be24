/** The overhead of a tier in a few words: a mean over the memory kernels, one over the real programs. */
import { formatBytes } from '../../images/allocator/sizes.ts';
import { workloads } from '../../images/wasm-host/workloads/catalogue.ts';
import { formatConfiguration } from '../measure/configurations.ts';
import { isMean, type OverheadSource, subjectOf } from '../outcome/overhead.ts';
import { formatFigure, formatStart } from '../outcome/format-figure.ts';
import { means, type Clock, type OverheadSummary, type TierResources } from '../measure/figures.ts';
import type { Result } from '../store/result.ts';
import { groupBy } from './group-by.ts';

type Costed = Pick<Result, 'overhead' | 'overheadSource'>;

/** A figure, and whether its session can be trusted: an unstable one is shown struck through. */
export type OverheadText = Readonly<{ text: string; stable: boolean }>;

export const baselineText = 'baseline';
export const noFigureText = 'not measured';

const shortNames: ReadonlyMap<string, string> = new Map([
  [means.memory, 'kernels'],
  [means.program, 'programs'],
]);

export const shortName = (workload: string): string => shortNames.get(workload) ?? workload;

/** The clocks that the figures of these results were taken with, time first. Two quantities: a column each. */
export function findClocks(results: readonly Costed[]): readonly Clock[] {
  const found = new Set(results.flatMap(({ overhead = [] }) => overhead.map(({ clock }) => clock)));
  return (['time', 'instructions'] as const).filter((clock) => found.has(clock));
}

/**
 * The columns of a table for the overhead of these results: one per clock; one that says so where nothing was measured.
 */
export function listColumns(results: readonly Costed[]): readonly Readonly<{ head: string; clock: Clock }>[] {
  const clocks = findClocks(results);
  if (clocks.length === 0) return [{ head: 'overhead', clock: 'instructions' }];
  return clocks.map((clock) => ({ head: `overhead (${clock})`, clock }));
}

/**
 * The overhead of one result by one clock, a line per mean: `kernels +47.7 % [+47.6, +47.8]`. One line where the
 * machine code is the same, one where nothing was measured.
 */
export function formatByClock(
  { overhead = [], overheadSource }: Costed,
  clock: Clock,
): readonly OverheadText[] {
  const figures = overhead.filter((figure) => figure.clock === clock);
  if (figures.length === 0) return [{ text: formatNone(overheadSource), stable: true }];
  const averaged = figures.filter(isMean);
  const shown = averaged.length > 0 ? averaged : figures;
  if (shown.every(({ sameCode }) => sameCode)) return [{ text: '0 % (same code)', stable: true }];
  return shown.map(nameFigure);
}

function nameFigure(figure: OverheadSummary): OverheadText {
  return { text: `${shortName(figure.workload)} ${formatFigure(figure)}`, stable: figure.stable };
}

function formatNone(source: OverheadSource | undefined): string {
  return source?.kind === 'baseline' ? baselineText : noFigureText;
}

/** All of it in one line, with the clock: `kernels +47.7 % […], programs +37.6 % […] (instructions)`. */
export function formatOverheadOf(result: Costed): string {
  const { overheadSource: source } = result;
  const clocks = findClocks([result]);
  if (clocks.length === 0) {
    const reason = reasonOf(source);
    return reason === undefined ? formatNone(source) : `${noFigureText}: ${reason}`;
  }
  return clocks
    .map((clock) => {
      const words = formatByClock(result, clock).map(({ text, stable }) =>
        stable ? text : `${text} unstable`,
      );
      return `${words.join(', ')} (${clock})`;
    })
    .join('; ');
}

/**
 * The overhead in a row of a table: every distinct overhead of its cells once, the baseline only where there is nothing
 * else. Where tiers differ, each names its own.
 */
export const formatRow = (results: readonly Result[], clock: Clock): readonly OverheadText[] =>
  joinRow(results, (result) => formatByClock(result, clock));

/** @param format figures of one cell */
export function joinRow(
  results: readonly Result[],
  format: (result: Result) => readonly OverheadText[],
): readonly OverheadText[] {
  const distinct = new Map(
    results.map((result) => {
      const texts = format(result);
      const tier = result.tier ?? result.outcome;
      return [JSON.stringify([tier, texts]), { texts, tier }] as const;
    }),
  );
  const all = [...distinct.values()].flatMap(({ texts }) => texts.map(({ text }) => text));
  const figures = [...distinct.values()].filter(({ texts }) =>
    texts.some(({ text }) => text !== baselineText && text !== noFigureText),
  );
  if (figures.length === 0) {
    const isBaseline = all.length > 0 && all.every((text) => text === baselineText);
    return [{ text: isBaseline ? baselineText : noFigureText, stable: true }];
  }
  const tiers = new Set(figures.map(({ tier }) => tier));
  return [
    ...figures.flatMap(({ texts, tier }) =>
      tiers.size === 1 ? texts : texts.map(({ text, stable }) => ({ text: `${tier}: ${text}`, stable })),
    ),
    ...(all.includes(noFigureText) ? [{ text: 'others not measured', stable: true }] : []),
  ];
}

/** Notes for reading the figures: the CPU of times, and why a cell that was to be measured was not. */
export function formatNotes(results: readonly Costed[]): readonly string[] {
  const models = new Set(
    results.flatMap(({ overhead = [] }) =>
      overhead.flatMap(({ cpuModel, clock }) => (clock === 'time' && cpuModel !== null ? [cpuModel] : [])),
    ),
  );
  const reasons = groupBy(
    results.flatMap(({ overheadSource }) => reasonOf(overheadSource) ?? []),
    (reason) => reason,
  );
  return [
    ...(models.size === 0 ? [] : [`overhead: time on ${[...models].join(', ')}`]),
    ...[...reasons].map(
      ([reason, { length }]) => `overhead not measured: ${reason}${length > 1 ? ` (${length} cells)` : ''}`,
    ),
  ];
}

/** `conservative/explicit, wasmtime 50.0.1, Node 22` */
export function formatForm(result: Result): string {
  const { host, settings } = result;
  const subject = subjectOf(result);
  const engine = host === null ? settings.engine : `${host.engine.kind} ${host.engine.version}`;
  return `${subject === null ? 'no tier' : formatConfiguration(subject)}, ${engine}, Node ${settings.node}`;
}

/** Why nothing of a cell was measured. */
const reasonOf = (source: OverheadSource | undefined): string | undefined =>
  source?.notMeasured.find(({ workload }) => workload === null)?.reason;

/** Workloads that were not measured, with the reason they share; null among them stands for all. */
export function groupNotMeasured(
  notMeasured: OverheadSource['notMeasured'],
): readonly (readonly [reason: string, workloads: readonly (string | null)[]])[] {
  return [...groupBy(notMeasured, ({ reason }) => reason)].map(([reason, members]) => [
    reason,
    members.map(({ workload }) => workload),
  ]);
}

/** Fewer are named one by one. */
const leastForKind = 3;

/** `bulk-memory, round-robin, life-cycle (all 16)`: a kind whose workloads are all meant stands for them. */
export function formatWorkloads(names: readonly string[]): string {
  const whole = [...groupBy(workloads, ({ kind }) => kind)].filter(
    ([, all]) => all.length >= leastForKind && all.every(({ name }) => names.includes(name)),
  );
  const covered = new Set(whole.flatMap(([, all]) => all.map(({ name }) => name)));
  return [
    ...names.filter((name) => !covered.has(name)),
    ...whole.map(([kind, all]) => `${kind} (all ${all.length})`),
  ].join(', ');
}

export const resourceHeads = ['start to first call', 'resident', 'committed', 'reserved'] as const;

/** The start and memory of a serving process after its first call, by {@link resourceHeads}. */
export const formatResources = (resources: TierResources): readonly string[] => [
  formatStart(resources.startToFirstCall),
  formatBytes(resources.residentBytes),
  formatBytes(resources.committedBytes),
  formatBytes(resources.reservedBytes),
];
