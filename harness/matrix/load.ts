/** A matrix file → a matrix, or everything that is wrong with it at once. */
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { readBounded } from '../../images/bounded-file.ts';
import { PoolproofError } from '../errors.ts';
import { axes } from './axes.ts';
import type { AxisTable } from './axes.ts';
import { axesOfCases, expandCases } from './cases.ts';
import type { ExpandedCases } from './cases.ts';
import type { Cell, Matrix } from './cell.ts';
import { formatValue } from './cell-id.ts';
import { compile } from './compile.ts';
import type { Compiled } from './compile.ts';
import { countCells, expandCells } from './expand.ts';
import { defineForm } from './matrix-schema.ts';
import type { Form, FormSchema } from './matrix-schema.ts';
import { describeIssues, resolveIssues } from './zod-diagnostics.ts';
import { MatrixErrors, printable } from './diagnostics.ts';
import type { Problem } from './diagnostics.ts';
import { withoutRefused } from './without-invalid.ts';
import { parseSource } from './source.ts';
import type { Source } from './source.ts';
import { resolveSubjects } from './subject-resolve.ts';
import { hostSubject } from './subject.ts';
import type { Subject } from './subject.ts';

/** Larger files are refused unread. */
export const maxFileBytes = 2 ** 20;

export type LoadOptions = Readonly<{
  /** The axis table to read against. @default the shipped one */
  table?: AxisTable;
}>;

const forms = new WeakMap<AxisTable, FormSchema>();

/** The schema of a matrix file, made once per table: it takes some milliseconds. */
export function formOf(table: AxisTable): FormSchema {
  const known = forms.get(table);
  if (known !== undefined) return known;
  const made = defineForm(table);
  forms.set(table, made);
  return made;
}

/**
 * Reads a matrix file.
 * @throws MatrixErrors (`MATRIX_INVALID`) with every problem and its place.
 * @throws PoolproofError `MATRIX_NOT_FOUND` when it cannot be read, `MATRIX_TOO_LARGE` when it is
 *   larger than 1 MiB, `MATRIX_SYNTAX` when it is not text.
 */
export async function loadMatrix(path: string, options: LoadOptions = {}): Promise<Matrix> {
  return parseMatrix(await readText(path), path, options);
}

async function readText(path: string): Promise<string> {
  const file = printable(path);
  let bytes: Buffer;
  try {
    const { size } = await stat(path);
    if (size > maxFileBytes) throw tooLarge(file, size);
    // A pipe or a device has no size.
    bytes = await readBounded(path, maxFileBytes);
    if (bytes.length > maxFileBytes) throw tooLarge(file, null);
  } catch (cause) {
    if (cause instanceof PoolproofError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code;
    const why = {
      ENOENT: 'there is no such file',
      EISDIR: 'it is a folder',
      EACCES: 'reading it is not allowed',
      ENXIO: 'it is a socket or a device that is not there',
    }[code ?? ''];
    throw new PoolproofError('MATRIX_NOT_FOUND', `cannot read the matrix: ${why ?? String(cause)}`, {
      file,
      cause,
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new PoolproofError('MATRIX_SYNTAX', 'not a text in UTF-8', { file, cause });
  }
}

function tooLarge(file: string, size: number | null): PoolproofError {
  const found = size === null ? 'more than 1 MiB' : `${Math.ceil(size / 2 ** 20)} MiB`;
  return new PoolproofError('MATRIX_TOO_LARGE', `a matrix of ${found}; at most 1 MiB is read`, { file });
}

/**
 * Reads the text of a matrix; `file` is its name in messages.
 * @throws MatrixErrors (`MATRIX_INVALID`) with every problem and its place.
 */
export function parseMatrix(text: string, file: string, options: LoadOptions = {}): Matrix {
  const table = options.table ?? axes;
  const source = parseSource(text);
  if (source.value === undefined) throw new MatrixErrors(file, text, source.problems);
  const { form } = formOf(table);
  const checked = form.safeParse(source.value);
  if (!checked.success) {
    const issues = resolveIssues(checked.error.issues);
    const problems = [...source.problems, ...describeIssues(issues, source, table)];
    const rest = withoutRefused(source, issues);
    const sound = form.safeParse(rest.value);
    if (sound.success) problems.push(...check(sound.data, rest, file, table).problems.filter(isCertain));
    throw new MatrixErrors(file, text, problems);
  }
  const { compiled, count, problems, subjects, expanded } = check(checked.data, source, file, table);
  if (source.problems.length > 0) {
    throw new MatrixErrors(file, text, [...source.problems, ...problems.filter(isCertain)]);
  }
  if (problems.length > 0) throw new MatrixErrors(file, text, problems);
  const repeat = checked.data.repeat ?? 1;
  return {
    title: checked.data.title ?? basename(file),
    file,
    text,
    size: (count + expanded.cells.length) * repeat,
    axes: joinAxes(shownAxes(compiled, table), axesOfCases(expanded.cells, table)),
    repeat,
    cases: expanded.cases,
    cells: () => ({
      [Symbol.iterator]: () => withSubjects(allCells(compiled, expanded, repeat, table), subjects),
    }),
  };
}

type Checked = Readonly<{
  compiled: Compiled;
  count: number;
  subjects: ReadonlyMap<string, Subject>;
  expanded: ExpandedCases;
  problems: readonly Problem[];
}>;

function check(given: Form, source: Source, file: string, table: AxisTable): Checked {
  const { form, subjects, problems: unresolved } = resolveSubjects(given, source, dirname(file), table);
  const expanded = expandCases(form.cases ?? [], source, table);
  const compiled = compile(form, source, table);
  const onlyCases = expanded.cases.length > 0 && compiled.product === null && compiled.includes.length === 0;
  const counted = onlyCases
    ? { count: 0, problems: [] }
    : countCells(compiled, form.repeat ?? 1, source, table);
  const problems = [...unresolved, ...expanded.problems, ...compiled.problems, ...counted.problems];
  if (problems.length === 0) problems.push(...findShared(compiled, expanded, source, table));
  return { compiled, count: counted.count, subjects, expanded, problems };
}

/** A cell of a case that is a cell of the axes, too: it would have two expectations. */
function findShared(
  compiled: Compiled,
  { cells, cases }: ExpandedCases,
  source: Source,
  table: AxisTable,
): Problem[] {
  if (cells.length === 0) return [];
  const ids = new Set(cells.map(({ id }) => id));
  for (const { id } of expandCells(compiled, 1, table)) {
    if (!ids.has(id)) continue;
    const index = cases.findIndex((one) => one.cells.some((cell) => cell.id === id));
    const place = source.placeOf(['cases', index]);
    const message = 'a cell of the case is there already, from `axes` or `include`';
    return [{ code: 'MATRIX_DUPLICATE_CELL', message, ...place, hint: id }];
  }
  return [];
}

function* allCells(
  compiled: Compiled,
  { cells }: ExpandedCases,
  repeat: number,
  table: AxisTable,
): Generator<Cell> {
  yield* expandCells(compiled, repeat, table);
  for (const cell of cells)
    for (let repetition = 1; repetition <= repeat; repetition += 1) yield { ...cell, repetition };
}

function* withSubjects(cells: Iterable<Cell>, subjects: ReadonlyMap<string, Subject>): Generator<Cell> {
  for (const cell of cells) {
    const subject = cell.settings.subject === hostSubject ? undefined : subjects.get(cell.settings.subject);
    yield subject === undefined ? cell : { ...cell, subject };
  }
}

/** Values of both, each axis once. */
function joinAxes(own: Matrix['axes'], ofCases: Matrix['axes']): Matrix['axes'] {
  const names = [...new Set([...own, ...ofCases].map(({ name }) => name))];
  return names.map((name) => ({
    name,
    values: [...new Set([...own, ...ofCases].flatMap((axis) => (axis.name === name ? axis.values : [])))],
  }));
}

/** What stays true of a matrix from which refused parts were taken; that a rule matches nothing does not. */
function isCertain({ code }: Problem): boolean {
  return code !== 'MATRIX_NO_MATCH' && code !== 'MATRIX_EMPTY';
}

/** Axes as lists and reports name them; variables as one text. */
function shownAxes({ dimensions }: Compiled, table: AxisTable): Matrix['axes'] {
  return dimensions.map(({ axis, values }) => ({
    name: axis,
    values: values.map((value) =>
      typeof value === 'object' && value !== null ? formatValue(table, axis, value) : value,
    ),
  }));
}
