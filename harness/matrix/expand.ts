/** The checked matrix file → its cells: the product of `axes` less `exclude`, then the rows of `include`. */
import { type AxisTable, defaultSettings, rowOf } from '../axes/table.ts';
import { idOrder, idPiece } from './cell-id.ts';
import type { Cell } from './cell.ts';
import { type Problem, quote } from './diagnostics.ts';
import type { MatrixFile, MeasureEntry } from './matrix-schema.ts';
import { defaultMeasure, type Measure } from './measure.ts';
import {
  buildTests,
  type Combination,
  type Dimension,
  findContradictions,
  joinRules,
  type Test,
  type Tests,
} from './rules.ts';
import { combine, countCombinations, listValues, type Selector, valuePath } from './selector.ts';
import type { Path, Source } from './source.ts';

/** With repetitions. At a second a cell they take more than a day. */
export const maxCells = 100_000;

/** Conflicts and duplicates are reported for so many rules; more would only repeat. */
const maxReported = 100;
/** More would not be read. */
const maxProblems = 200;

/** Combinations that come from one place of the file, as canonical texts by axis. */
type Part = Readonly<{ lists: readonly (readonly string[])[]; isProduct: boolean; path: Path }>;

/** A cell before it is numbered among repetitions. */
export type CellOnce = Omit<Cell, 'repetition'>;

export type Expanded = Readonly<{
  /** Axes that take part, with every value some cell may have. */
  dimensions: readonly Dimension[];
  /** False where the file has neither `axes` nor `include`. */
  hasParts: boolean;
  cells: readonly CellOnce[];
  problems: readonly Problem[];
}>;

export function expandMatrix(file: MatrixFile, source: Source, table: AxisTable): Expanded {
  const { parts, dimensions, problems: repeated } = collectParts(file, source, table);
  const tests = buildTests(file, source, table, dimensions);
  const problems = [...repeated, ...tests.problems];
  const expanded = { dimensions, hasParts: parts.length > 0 };
  if (parts.length === 0) {
    const hint = 'give `axes` with at least one axis, or `include`';
    const message = 'the matrix has no cell';
    problems.push({ code: 'MATRIX_EMPTY', message, ...source.placeOf([]), length: 1, hint });
    return { ...expanded, cells: [], problems };
  }
  const total = parts.reduce((sum, { lists }) => sum + countCombinations(lists), 0) * (file.repeat ?? 1);
  if (total > maxCells) {
    const tooMany = describeTooMany(parts, dimensions, total, file.repeat ?? 1, source);
    return { ...expanded, cells: [], problems: [...problems, tooMany] };
  }
  const build = prepareCells(dimensions, fillMeasure(file.measure ?? {}), table);
  const used = new Set<Test>();
  const conflicts = new Map<string, Problem>();
  const cells = parts.flatMap(({ lists, isProduct, path }) =>
    combine(lists).flatMap((combination) => {
      const excluding = isProduct ? findMatching(tests.excludes, combination, used) : [];
      if (excluding.length > 0) return [];
      const matching = findMatching(tests.expects, combination, used);
      const isMeasured = findMatching(tests.measures, combination, used).length > 0;
      const cell = build(combination, matching, isMeasured);
      if (conflicts.size < maxReported) addConflicts(conflicts, matching, cell.id, source);
      return [{ cell, path }];
    }),
  );
  problems.push(...findDuplicates(cells, source), ...conflicts.values());
  problems.push(...findUnused(tests, used, source));
  if (cells.length === 0) {
    const message = '`exclude` leaves no cell';
    problems.push({ code: 'MATRIX_EMPTY', message, ...source.placeOf(['exclude'], 'key') });
  }
  return { ...expanded, cells: cells.map(({ cell }) => cell), problems };
}

function findMatching<T extends Test>(tests: readonly T[], combination: Combination, used: Set<Test>): T[] {
  const matching = tests.filter((test) => test.matches(combination));
  for (const test of matching) used.add(test);
  return matching;
}

/** Axes in the order of the file; then those only `include` names, in the order of the table. */
function orderAxes(file: MatrixFile, source: Source, table: AxisTable): readonly string[] {
  const { axes: written } = source.value as Readonly<{ axes?: object | null }>;
  // `subject` may stand elsewhere in the file.
  const listed = [...Object.keys(written ?? {}), ...Object.keys(file.axes ?? {})];
  const included = (file.include ?? []).flatMap((row) => Object.keys(row));
  return [...new Set([...listed, ...Object.keys(table).filter((axis) => included.includes(axis))])];
}

function collectParts(
  file: MatrixFile,
  source: Source,
  table: AxisTable,
): Readonly<{ parts: readonly Part[]; dimensions: readonly Dimension[]; problems: readonly Problem[] }> {
  const problems: Problem[] = [];
  const dimensions = orderAxes(file, source, table).map((axis) => ({
    axis,
    values: new Map<string, unknown>(),
  }));
  const collect = (selector: Selector, isProduct: boolean, path: Path): Part => ({
    isProduct,
    path,
    lists: dimensions.map(({ axis, values }) => {
      const row = rowOf(table, axis);
      const given = selector[axis] === undefined ? [row.default] : listValues(selector[axis]);
      const first = new Map<string, number>();
      given.forEach((value, index) => {
        const text = row.format(value);
        if (!values.has(text)) values.set(text, value);
        const earlier = first.get(text);
        if (earlier === undefined) first.set(text, index);
        else if (problems.length < maxProblems) {
          const { line, column } = source.placeOf(valuePath(path, axis, selector, earlier));
          problems.push({
            code: 'MATRIX_DUPLICATE_CELL',
            message: `${quote(text)} stands twice in \`${axis}\``,
            ...source.placeOf(valuePath(path, axis, selector, index)),
            hint: `first at ${line}:${column}`,
          });
        }
      });
      return [...first.keys()];
    }),
  });
  const axes = file.axes ?? {};
  const product = Object.keys(axes).length > 0 ? [collect(axes, true, ['axes'])] : [];
  const included = (file.include ?? []).map((row, index) => collect(row, false, ['include', index]));
  return { parts: [...product, ...included], dimensions, problems };
}

/** Cells of combinations; texts, values and measures are made once, not once per cell. */
function prepareCells(
  dimensions: readonly Dimension[],
  measure: Measure,
  table: AxisTable,
): (combination: Combination, matching: Tests['expects'], isMeasured: boolean) => CellOnce {
  const base = defaultSettings(table);
  const places = new Map(dimensions.map(({ axis }, place) => [axis, place]));
  const pieces = dimensions.map(
    ({ axis, values }) =>
      new Map([...values].map(([text, value]) => [text, idPiece(rowOf(table, axis), value)])),
  );
  const ordered = idOrder(table).map((row) => ({
    place: places.get(row.name),
    fixed: idPiece(row, row.default),
  }));
  const expectations = new Map<string, CellOnce['expectation']>();
  return (combination, matching, isMeasured) => {
    const values = dimensions.map(
      ({ axis, values: known }, place) => [axis, known.get(String(combination[place]))] as const,
    );
    const id = ordered
      .map(({ place, fixed }) =>
        place === undefined ? fixed : pieces[place]?.get(String(combination[place])),
      )
      .filter((piece) => piece !== '')
      .join(',');
    // Cells with the same rules share their expectation.
    const key = matching.map(({ path }) => path.join('.')).join(' ');
    const expectation = expectations.get(key) ?? joinRules(matching);
    expectations.set(key, expectation);
    return {
      id,
      settings: { ...base, ...Object.fromEntries(values) },
      expectation,
      ...((isMeasured || expectation?.overhead !== undefined) && { measure }),
    };
  };
}

function fillMeasure({ workloads, precision, budget, share }: MeasureEntry): Measure {
  return {
    workloads: workloads ?? defaultMeasure.workloads,
    precision: precision ?? defaultMeasure.precision,
    budgetMs: budget ?? defaultMeasure.budgetMs,
    share: share ?? defaultMeasure.share,
  };
}

function addConflicts(
  found: Map<string, Problem>,
  matching: Tests['expects'],
  id: string,
  source: Source,
): void {
  for (const [earlier, later] of findContradictions(matching)) {
    const key = `${earlier.path.join('.')} ${later.path.join('.')}`;
    if (found.has(key)) continue;
    found.set(key, {
      code: 'MATRIX_CONFLICT',
      message: `contradicts the rule in line ${source.placeOf(earlier.path).line}`,
      ...source.placeOf(later.path),
      hint: `both match ${id}`,
    });
  }
}

/** Rows of `include` that give a cell which is there already; one problem per row. */
function findDuplicates(
  cells: readonly Readonly<{ cell: CellOnce; path: Path }>[],
  source: Source,
): readonly Problem[] {
  const places = new Map<string, Path>();
  const reported = new Map<Path, Problem>();
  for (const { cell, path } of cells) {
    const earlier = places.get(cell.id);
    if (earlier?.[0] !== 'axes') places.set(cell.id, path);
    if (earlier !== undefined && !reported.has(path) && reported.size < maxReported) {
      const isProduct = earlier[0] === 'axes';
      const place = source.placeOf(earlier, isProduct ? 'key' : undefined);
      reported.set(path, {
        code: 'MATRIX_DUPLICATE_CELL',
        message: `the cell ${quote(cell.id).slice(1, -1)} is there already`,
        ...source.placeOf(path),
        hint: `from ${isProduct ? '`axes`' : 'the row'} at ${place.line}:${place.column}`,
      });
    }
  }
  return [...reported.values()];
}

const findUnused = (tests: Tests, used: ReadonlySet<Test>, source: Source): readonly Problem[] =>
  [...tests.excludes, ...tests.expects, ...tests.measures]
    .filter((test) => test.isSound && !used.has(test))
    .map(({ path }) => ({
      code: 'MATRIX_NO_MATCH',
      message: 'the rule matches no cell',
      ...source.placeOf(path),
    }));

function describeTooMany(
  parts: readonly Part[],
  dimensions: readonly Dimension[],
  cells: number,
  repeat: number,
  source: Source,
): Problem {
  const format = (number: number): string => number.toLocaleString('en-US');
  const largest = parts.reduce((a, b) => (countCombinations(b.lists) > countCombinations(a.lists) ? b : a));
  const factors = largest.lists
    .map(({ length }, place) => ({ axis: String(dimensions[place]?.axis), length }))
    .filter(({ length }) => length > 1)
    .map(({ axis, length }) => `${axis} ${format(length)}`)
    .join(' × ');
  return {
    code: 'MATRIX_TOO_MANY_CELLS',
    message: `${format(cells)} cells; at most ${format(maxCells)}`,
    ...source.placeOf(largest.path, largest.isProduct ? 'key' : undefined),
    hint: `${factors}${repeat > 1 ? `, repeat ${repeat}` : ''}; counted before \`exclude\``,
  };
}
