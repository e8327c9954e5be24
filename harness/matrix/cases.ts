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
  { tier, outcome, error }: CaseExpect,
  because: string | null = null,
  link: string | null = null,
): Expectation {
  return {
    ...(tier !== undefined && { tier }),
    ...(outcome !== undefined && { outcome }),
    ...(error !== undefined && { error }),
    because,
    link,
  };
}

const demandOf = ({ tier, outcome, error }: Expectation): string => JSON.stringify([tier, outcome, error]);

type Part = Readonly<{
  role: CaseCell['role'];
  selector: Selector;
  wanted: CaseExpect | undefined;
  because: string | undefined;
  path: Path;
}>;

/** Where a case fails, then where it is gone. */
const partsOf = ({ settings = {}, expect, because, gone = [] }: CaseForm, path: Path): readonly Part[] => [
  { role: 'fails', selector: settings, wanted: expect, because, path },
  ...gone.map((part, index): Part => ({
    role: 'gone',
    selector: { ...settings, ...part.settings },
    wanted: part.expect ?? { outcome: 'reached' },
    because: part.because ?? 'gone there',
    path: [...path, 'gone', index],
  })),
];

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
  const addPart = ({ role, selector, wanted, because, path }: Part, link?: string): readonly CaseCell[] => {
    if (wanted === undefined) return [];
    const count = countOf(selector);
    if (count > maxCellsOfCase) {
      report(`${count} cells in one case; at most ${maxCellsOfCase}`, path, 'give fewer values');
      return [];
    }
    const expectation = expectationOf(wanted, because, link);
    const settings = combineSettings(selector, defaultSettings(table));
    return settings.map((each) => ({ id: add(each, expectation, path), role }));
  };
  const expand = (one: CaseForm, index: number): FieldCase => {
    const path: Path = ['cases', index];
    const earlier = seen.get(one.id);
    if (earlier !== undefined) {
      const { line } = source.placeOf(earlier);
      report(`the case ${quote(one.id)} is there already`, [...path, 'id'], `in line ${line}`);
    }
    seen.set(one.id, path);
    const own = partsOf(one, path).flatMap((part) => addPart(part, one.link));
    const failing = own.filter(({ role }) => role === 'fails').map(({ id }) => id);
    const both = own.find(({ id, role }) => role === 'gone' && failing.includes(id));
    if (both !== undefined) report('it is gone in a cell in which it fails', path, both.id);
    const { id, title = null, link = null, standIn = null, contradicts = null, cannot = null } = one;
    return { id, title, link, cells: own, standIn, contradicts, cannot };
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
