/** Cases of the field → cells, and what each cell is to its case. */
import { type AxisTable, defaultSettings, rowsOf, type Settings } from '../axes/table.ts';
import type { CaseExpect, CaseForm } from './case-schema.ts';
import { formatCellId } from './cell-id.ts';
import type { CaseCell, Cell, Expectation, FieldCase } from './cell.ts';
import { combine, countCombinations, listValues, type Selector } from './selector.ts';
import { quote } from './diagnostics.ts';
import type { Problem } from './diagnostics.ts';
import type { Path, Source } from './source.ts';

const maxCases = 1000;
const maxCellsOfCase = 200;

export type ExpandedCases = Readonly<{
  cases: readonly FieldCase[];
  /** One a set of settings, without repetitions. */
  cells: readonly Omit<Cell, 'repetition'>[];
  problems: readonly Problem[];
}>;

/** Settings of every combination of the values. */
function combineSettings(selector: Selector, base: Settings): Settings[] {
  const lists = Object.entries(selector).map(([axis, given]) =>
    listValues(given).map((value) => [axis, value] as const),
  );
  return combine(lists).map((values) => ({ ...base, ...Object.fromEntries(values) }));
}

const countOf = (selector: Selector): number => countCombinations(Object.values(selector).map(listValues));

function expectationOf(
  wanted: CaseExpect,
  because: string | undefined,
  link: string | undefined,
): Expectation {
  return {
    ...(wanted.tier !== undefined && { tier: wanted.tier }),
    ...(wanted.outcome !== undefined && { outcome: wanted.outcome }),
    ...(wanted.error !== undefined && { error: wanted.error }),
    because: because ?? null,
    link: link ?? null,
  };
}

const demandOf = ({ tier, outcome, error }: Expectation): string => JSON.stringify([tier, outcome, error]);

/** Cells of all cases. Two cases may share a cell when both expect the same of it. */
export function expandCases(forms: readonly CaseForm[], source: Source, table: AxisTable): ExpandedCases {
  const problems: Problem[] = [];
  const report = (message: string, path: Path, hint?: string): void => {
    const place = source.placeOf(path);
    if (problems.length < maxCases)
      problems.push({ code: 'MATRIX_CONFLICT', message, ...place, ...(hint !== undefined && { hint }) });
  };
  const cells = new Map<string, Readonly<{ cell: Omit<Cell, 'repetition'>; path: Path }>>();
  const seen = new Map<string, Path>();
  const add = (settings: Settings, expectation: Expectation, path: Path): string => {
    const id = formatCellId(settings, table);
    const known = cells.get(id);
    if (known === undefined) cells.set(id, { cell: { id, settings, expectation }, path });
    else if (known.cell.expectation !== null && demandOf(known.cell.expectation) !== demandOf(expectation)) {
      const { line } = source.placeOf(known.path);
      report(`expects something else than the case in line ${line} of the same cell`, path, id);
    }
    return id;
  };
  const expand = (one: CaseForm, index: number): FieldCase => {
    const path: Path = ['cases', index];
    const earlier = seen.get(one.id);
    if (earlier !== undefined)
      report(
        `the case ${quote(one.id)} is there already`,
        [...path, 'id'],
        `in line ${source.placeOf(earlier).line}`,
      );
    seen.set(one.id, path);
    const settings = one.settings ?? {};
    const parts = [
      { role: 'fails' as const, selector: settings, wanted: one.expect, because: one.because, path },
      ...(one.gone ?? []).map((part, at) => ({
        role: 'gone' as const,
        selector: { ...settings, ...part.settings },
        wanted: part.expect ?? { outcome: 'reached' as const },
        because: part.because ?? 'gone there',
        path: [...path, 'gone', at],
      })),
    ];
    const own = parts.flatMap(({ role, selector, wanted, because, path: at }): CaseCell[] => {
      if (wanted === undefined) return [];
      if (countOf(selector) > maxCellsOfCase) {
        report(`${countOf(selector)} cells in one case; at most ${maxCellsOfCase}`, at, 'give fewer values');
        return [];
      }
      const expectation = expectationOf(wanted, because, one.link);
      return combineSettings(selector, defaultSettings(table)).map((each) => ({
        id: add(each, expectation, at),
        role,
      }));
    });
    const both = own.find(
      ({ id, role }) => role === 'gone' && own.some((other) => other.id === id && other.role === 'fails'),
    );
    if (both !== undefined) report('it is gone in a cell in which it fails', path, both.id);
    return {
      id: one.id,
      title: one.title ?? null,
      link: one.link ?? null,
      cells: own,
      standIn: one.standIn ?? null,
      contradicts: one.contradicts ?? null,
      cannot: one.cannot ?? null,
    };
  };
  if (forms.length > maxCases) report(`${forms.length} cases; at most ${maxCases}`, ['cases']);
  const cases = forms.slice(0, maxCases).map(expand);
  return { cases, cells: [...cells.values()].map(({ cell }) => cell), problems };
}

/** A value in lists and reports: numbers, words and no value as they are, others as their text. */
export const showValue = (text: string, value: unknown): string | number | null =>
  typeof value === 'string' || typeof value === 'number' || value === null ? value : text;

/** Axes that the cells of cases vary, with their values as lists and reports show them. */
export function axesOfCases(
  cells: readonly Readonly<{ settings: Settings }>[],
  table: AxisTable,
): readonly Readonly<{ name: string; values: readonly (string | number | null)[] }>[] {
  return rowsOf(table).flatMap((row) => {
    const values = new Map(cells.map(({ settings }) => [row.format(row.pick(settings)), row.pick(settings)]));
    const shown = [...values].map(([text, value]) => showValue(text, value));
    return values.size > 1 ? [{ name: row.name, values: shown }] : [];
  });
}
