/** The checked matrix file → its cells: the product of `axes` less `exclude`, then the rows of `include`. */
import { type AxisTable, defaultSettings, rowOf } from '../axes/table.ts';
import { idOrder, idPiece } from './cell-id.ts';
import { type CellOnce, type Coverage, maxCells } from './cell.ts';
import {
  addConflicts,
  describeTooMany,
  findDuplicates,
  findUnused,
  maxReported,
} from './combination-problems.ts';
import { coverPart } from './cover-part.ts';
import { type Problem, quote } from './diagnostics.ts';
import type { MatrixFile, MeasureEntry } from './matrix-schema.ts';
import { defaultMeasure, type Measure } from './measure.ts';
import {
  buildTests,
  type Combination,
  type Dimension,
  joinRules,
  type Part,
  type Test,
  type Tests,
} from './rules.ts';
import { combine, countCombinations, listValues, type Selector, valuePath } from './selector.ts';
import type { Path, Source } from './source.ts';

/** More would not be read. */
const maxProblems = 200;

/** A part with its combinations, which are counted before they are made. */
type Listed = Part & Readonly<{ count: number; combinations: () => readonly Combination[] }>;

export type Expanded = Readonly<{
  /** Axes that take part, with every value some cell may have. */
  dimensions: readonly Dimension[];
  /** False where the file has neither `axes` nor `include`. */
  hasParts: boolean;
  cells: readonly CellOnce[];
  coverage: Coverage | null;
  problems: readonly Problem[];
}>;

export function expandMatrix(file: MatrixFile, source: Source, table: AxisTable): Expanded {
  const { parts, dimensions, problems: repeated } = collectParts(file, source, table);
  const tests = buildTests(file, source, table, dimensions);
  const problems = [...repeated, ...tests.problems];
  const expanded = { dimensions, hasParts: parts.length > 0, coverage: null };
  if (parts.length === 0) {
    const hint = 'give `axes` with at least one axis, or `include`';
    const message = 'the matrix has no cell';
    problems.push({ code: 'MATRIX_EMPTY', message, ...source.placeOf([]), length: 1, hint });
    return { ...expanded, cells: [], problems };
  }
  const { listed, coverage, problem } = listParts(file, parts, dimensions, tests, source);
  if (problem !== null) return { ...expanded, cells: [], problems: [...problems, problem] };
  const total = listed.reduce((sum, { count }) => sum + count, 0) * (file.repeat ?? 1);
  if (total > maxCells) {
    const tooMany = describeTooMany(parts, dimensions, total, file.repeat ?? 1, source);
    return { ...expanded, cells: [], problems: [...problems, tooMany] };
  }
  const build = prepareCells(dimensions, fillMeasure(file.measure ?? {}), table);
  const used = new Set<Test>();
  const conflicts = new Map<string, Problem>();
  const cells = listed.flatMap(({ combinations, isProduct, path }) =>
    combinations().flatMap((combination) => {
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
  // A rule may be about combinations that `cover` leaves out.
  if (coverage === null) problems.push(...findUnused(tests, used, source));
  if (cells.length === 0) {
    const message = '`exclude` leaves no cell';
    problems.push({ code: 'MATRIX_EMPTY', message, ...source.placeOf(['exclude'], 'key') });
  }
  return { ...expanded, cells: cells.map(({ cell }) => cell), coverage, problems };
}

/** The combinations of each part: all of them, or of the product as many as `cover` asks for. */
function listParts(
  file: MatrixFile,
  parts: readonly Part[],
  dimensions: readonly Dimension[],
  { excludes }: Tests,
  source: Source,
): Readonly<{ listed: readonly Listed[]; coverage: Coverage | null; problem: Problem | null }> {
  const listed = parts.map((part) => ({
    ...part,
    count: countCombinations(part.lists),
    combinations: () => combine(part.lists),
  }));
  const [product, ...others] = listed;
  if (file.cover === undefined || product?.isProduct !== true)
    return { listed, coverage: null, problem: null };
  const given = others.filter(({ count }) => count <= maxCells).flatMap(({ combinations }) => combinations());
  const covered = coverPart(file.cover, { dimensions, lists: product.lists, excludes, given }, source);
  if (typeof covered === 'string') {
    const place = source.placeOf(['cover'], 'key');
    return { listed, coverage: null, problem: { code: 'MATRIX_TOO_MANY_CELLS', message: covered, ...place } };
  }
  const { combinations, coverage } = covered;
  const part = { ...product, count: combinations.length, combinations: () => combinations };
  return { listed: [part, ...others], coverage, problem: null };
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
      ...measureOf(measure, isMeasured, expectation?.overhead !== undefined),
    };
  };
}

/** What a rule bounds is measured, whatever is not. */
function measureOf(measure: Measure, isMeasured: boolean, isBounded: boolean): Pick<CellOnce, 'measure'> {
  if (isBounded) return { measure: { ...measure, overhead: true, serving: isMeasured && measure.serving } };
  return isMeasured && (measure.overhead || measure.serving) ? { measure } : {};
}

function fillMeasure(entry: MeasureEntry): Measure {
  const { overhead, serving = defaultMeasure.serving, workloads, precision, budget, share } = entry;
  return {
    overhead: overhead ?? !serving,
    serving,
    workloads: workloads ?? defaultMeasure.workloads,
    precision: precision ?? defaultMeasure.precision,
    budgetMs: budget ?? defaultMeasure.budgetMs,
    share: share ?? defaultMeasure.share,
  };
}
