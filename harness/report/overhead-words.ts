/** What a tier costs, in the words of tables: a mean over the memory kernels, one over the real programs. */
import { isMean, type OverheadSource } from '../outcome/overhead.ts';
import { formatFigure } from '../outcome/format-figure.ts';
import { means, type Clock, type OverheadSummary } from '../measure/figures.ts';
import type { Result } from '../store/result.ts';

type Costed = Pick<Result, 'overhead' | 'overheadSource'>;

/** A figure, and whether its session can be trusted: an unstable one is shown struck through. */
export type OverheadWord = Readonly<{ text: string; stable: boolean }>;

export const baselineWord = 'baseline';
export const noFigureWord = 'not measured';

const shortNames: Readonly<Record<string, string>> = {
  [means.memory]: 'kernels',
  [means.program]: 'programs',
};

/** The clocks that the figures of these results were taken with, time first. Two quantities: a column each. */
export function findClocks(results: readonly Costed[]): readonly Clock[] {
  const found = new Set(results.flatMap(({ overhead = [] }) => overhead.map(({ clock }) => clock)));
  return (['time', 'instructions'] as const).filter((clock) => found.has(clock));
}

/**
 * The overhead of one result by one clock, a line a mean: `kernels +47.7 % [+47.6, +47.8]`. One line where the machine
 * code is the same, one where there is nothing to tell.
 */
export function listWords({ overhead = [], overheadSource }: Costed, clock: Clock): readonly OverheadWord[] {
  const figures = overhead.filter((figure) => figure.clock === clock);
  if (figures.length === 0) return [{ text: tellNone(overheadSource), stable: true }];
  const averaged = figures.filter(isMean);
  const told = averaged.length > 0 ? averaged : figures;
  if (told.every(({ sameCode }) => sameCode)) return [{ text: '0 % (same code)', stable: true }];
  return told.map(tellFigure);
}

function tellFigure(figure: OverheadSummary): OverheadWord {
  const name = shortNames[figure.workload] ?? figure.workload;
  return { text: `${name} ${formatFigure(figure)}`, stable: figure.stable };
}

function tellNone(source: OverheadSource | undefined): string {
  return source?.kind === 'baseline' ? baselineWord : noFigureWord;
}

/** All of it in one line, with the clock: `kernels +47.7 % […], programs +37.6 % […] (instructions)`. */
export function tellOverhead(result: Costed): string {
  const { overheadSource: source } = result;
  const clocks = findClocks([result]);
  if (clocks.length === 0) {
    const reason = source?.notMeasured.find(({ workload }) => workload === null)?.reason;
    return reason === undefined ? tellNone(source) : `${noFigureWord}: ${reason}`;
  }
  return clocks
    .map((clock) => {
      const words = listWords(result, clock).map(({ text, stable }) => (stable ? text : `${text} unstable`));
      return `${words.join(', ')} (${clock})`;
    })
    .join('; ');
}

/**
 * What a row of a table says: every distinct overhead of its cells once, the baseline only where nothing else is
 * told. Where tiers differ, each says whose it is.
 */
export function listRowWords(results: readonly Result[], clock: Clock): readonly OverheadWord[] {
  const byText = new Map<string, { words: readonly OverheadWord[]; tier: string }>();
  for (const result of results) {
    const words = listWords(result, clock);
    const tier = result.tier ?? result.outcome;
    byText.set(JSON.stringify([tier, words]), { words, tier });
  }
  const told = [...byText.values()];
  const figures = told.filter(({ words }) => words.some(({ text }) => !silentWords.includes(text)));
  if (figures.length === 0) {
    const all = told.flatMap(({ words }) => words.map(({ text }) => text));
    const isBaseline = all.length > 0 && all.every((text) => text === baselineWord);
    return [{ text: isBaseline ? baselineWord : noFigureWord, stable: true }];
  }
  const tiers = new Set(figures.map(({ tier }) => tier));
  const missing = told.some(({ words }) => words.some(({ text }) => text === noFigureWord));
  return [
    ...figures.flatMap(({ words, tier }) =>
      tiers.size === 1 ? words : words.map(({ text, stable }) => ({ text: `${tier}: ${text}`, stable })),
    ),
    ...(missing ? [{ text: 'others not measured', stable: true }] : []),
  ];
}

const silentWords: readonly string[] = [baselineWord, noFigureWord];

/** What one must know to read the figures: the CPU of times, and why a cell that was to be measured was not. */
export function tellOverheadNotes(results: readonly Costed[]): readonly string[] {
  const models = new Set(
    results.flatMap(({ overhead = [] }) =>
      overhead.flatMap(({ cpuModel, clock }) => (clock === 'time' && cpuModel !== null ? [cpuModel] : [])),
    ),
  );
  const reasons = new Map<string, number>();
  for (const { overheadSource } of results) {
    const reason = overheadSource?.notMeasured.find(({ workload }) => workload === null)?.reason;
    if (reason !== undefined) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return [
    ...(models.size === 0 ? [] : [`overhead: time on ${[...models].join(', ')}`]),
    ...[...reasons].map(
      ([reason, cells]) => `overhead not measured: ${reason}${cells > 1 ? ` (${cells} cells)` : ''}`,
    ),
  ];
}
