/** A matrix file → a matrix, or everything that is wrong with it at once. */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { describeUnread, readBounded } from '../../images/bounded-file.ts';
import { project } from '../../images/paths.ts';
import { PoolproofError } from '../errors.ts';
import { nearest } from '../axes/nearest-word.ts';
import { axes } from '../axes/table.ts';
import type { AxisTable } from '../axes/table.ts';
import { axesOfCases, expandCases, showValue } from './cases.ts';
import type { ExpandedCases } from './cases.ts';
import type { Cell, CellOnce, Matrix } from './cell.ts';
import { type Expanded, expandMatrix } from './expand.ts';
import { findAbsentFiles, findAbsentInterpreters, findUntoldTiers } from './check-subjects.ts';
import { withPresentNames } from './former-names.ts';
import { withKernelPlaces } from './kernel-places.ts';
import { type MatrixFile, schemaOf } from './matrix-schema.ts';
import { describeIssues, resolveIssues } from './zod-diagnostics.ts';
import { MatrixErrors, printable } from './diagnostics.ts';
import type { Problem } from './diagnostics.ts';
import { withoutRefused } from './without-invalid.ts';
import { parseSource } from './source.ts';
import type { Source } from './source.ts';
import { nearestFile } from './nearest-file.ts';
import { resolveSubjects } from './subject-resolve.ts';
import { hostSubject } from '../axes/host.ts';
import { findValue } from './value-places.ts';
import { subjectOn, type Subject } from './subject.ts';

/** Larger files are refused unread. */
export const maxFileBytes = 2 ** 20;

export type LoadOptions = Readonly<{
  /** The axis table to read against. @default the shipped one */
  table?: AxisTable;
  /** Refuse a subject whose files are not on this computer: before a run. @default false */
  requireFiles?: boolean;
}>;

/**
 * Reads a matrix file.
 * @throws MatrixErrors (`MATRIX_INVALID`) with every problem and its place.
 * @throws PoolproofError `MATRIX_NOT_FOUND` when it cannot be read, `MATRIX_TOO_LARGE` when it is
 *   larger than 1 MiB, `MATRIX_SYNTAX` when it is not text.
 */
export async function loadMatrix(path: string, options: LoadOptions = {}): Promise<Matrix> {
  return parseMatrix(await readText(path), path, options);
}

const yamlEndings = ['.yaml', '.yml'];

/** A name without a folder, or with that of the shipped matrices. */
const shippedName = /^(?:matrices\/)?([^/]+?)(?:\.ya?ml)?$/;

/** The matrix that was probably meant: a YAML file in the same folder, or a shipped one by its name. */
async function findNear(path: string): Promise<string | null> {
  const near = await nearestFile(path, yamlEndings);
  const stem = shippedName.exec(path)?.[1];
  if (near !== null || stem === undefined) return near;
  const shipped = (await readdir(project.matricesFolder)).filter((name) => name.endsWith('.yaml'));
  return nearest(
    stem,
    shipped.map((name) => name.replace(/\.yaml$/, '')),
  );
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
    const near = code === 'ENOENT' ? await findNear(path) : null;
    throw new PoolproofError('MATRIX_NOT_FOUND', `cannot read the matrix: ${describeUnread(cause)}`, {
      file,
      cause,
      ...(near !== null && { hint: `did you mean ${printable(near)}?` }),
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
  const parsed = parseSource(text);
  if (parsed.value === undefined) throw new MatrixErrors(file, text, parsed.problems);
  const kernels = withKernelPlaces(withPresentNames(parsed, text, table), dirname(file), table);
  const { source } = kernels;
  const schema = schemaOf(table);
  const checked = schema.safeParse(source.value);
  if (!checked.success) {
    const issues = resolveIssues(checked.error.issues);
    const problems = [...source.problems, ...describeIssues(issues, source, table)];
    const rest = withoutRefused(source, issues);
    const sound = schema.safeParse(rest.value);
    if (sound.success) problems.push(...check(sound.data, rest, file, table).problems.filter(isCertain));
    throw new MatrixErrors(file, text, problems);
  }
  const { own, cases, problems, subjects } = check(checked.data, source, file, table);
  problems.push(...kernels.problems);
  if (options.requireFiles === true) {
    problems.push(...findAbsentFiles(checked.data, subjects, source));
    problems.push(...findAbsentInterpreters(checked.data, subjects, source));
  }
  if (source.problems.length > 0) {
    throw new MatrixErrors(file, text, [...source.problems, ...problems.filter(isCertain)]);
  }
  if (problems.length > 0) throw new MatrixErrors(file, text, problems);
  const repeat = checked.data.repeat ?? 1;
  const cells = [...own.cells, ...cases.cells].map((cell) =>
    withKernelFile(withSubject(cell, subjects), kernels.files),
  );
  return {
    title: checked.data.title ?? basename(file),
    file,
    text,
    size: cells.length * repeat,
    axes: joinAxes(shownAxes(own), axesOfCases(cases.cells, table)),
    repeat,
    coverage: own.coverage,
    cases: cases.cases,
    placeOf: (axis, text) => findValue(checked.data, source, table, [axis, text]),
    cells: () => ({ [Symbol.iterator]: () => repeatCells(cells, repeat) }),
  };
}

type Checked = Readonly<{
  own: Expanded;
  cases: ExpandedCases;
  subjects: ReadonlyMap<string, Subject>;
  problems: Problem[];
}>;

function check(given: MatrixFile, source: Source, file: string, table: AxisTable): Checked {
  const { form, subjects, problems: unresolved } = resolveSubjects(given, source, dirname(file), table);
  const cases = expandCases(form.cases ?? [], source, table);
  const expanded = expandMatrix(form, source, table);
  // A matrix of nothing but cases is not empty.
  const isCases = cases.cases.length > 0 && !expanded.hasParts;
  const own = isCases ? { ...expanded, problems: expanded.problems.filter(isNotEmptiness) } : expanded;
  const problems = [...unresolved, ...cases.problems, ...own.problems];
  problems.push(...findUntoldTiers(form, subjects, source));
  if (problems.length === 0) problems.push(...findShared(own, cases, source));
  return { own, cases, subjects, problems };
}

const isNotEmptiness = ({ code }: Problem): boolean => code !== 'MATRIX_EMPTY';

/** A cell of a case that is a cell of the axes, too: it would have two expectations. */
function findShared(own: Expanded, { cells, cases }: ExpandedCases, source: Source): Problem[] {
  const ids = new Set(cells.map(({ id }) => id));
  const shared = own.cells.find(({ id }) => ids.has(id));
  if (shared === undefined) return [];
  const index = cases.findIndex((one) => one.cells.some((cell) => cell.id === shared.id));
  const place = source.placeOf(['cases', index]);
  const message = 'a cell of the case is there already, from `axes` or `include`';
  return [{ code: 'MATRIX_DUPLICATE_CELL', message, ...place, hint: shared.id }];
}

function withSubject(cell: CellOnce, subjects: ReadonlyMap<string, Subject>): CellOnce {
  const subject = cell.settings.subject === hostSubject ? undefined : subjects.get(cell.settings.subject);
  return subject === undefined ? cell : { ...cell, subject: subjectOn(subject, cell.settings.arch) };
}

function withKernelFile(cell: CellOnce, files: ReadonlyMap<string, string>): CellOnce {
  const kernelFile = files.get(cell.settings.kernel);
  return kernelFile === undefined ? cell : { ...cell, kernelFile };
}

function* repeatCells(cells: readonly CellOnce[], repeat: number): Generator<Cell> {
  for (const cell of cells)
    for (let repetition = 1; repetition <= repeat; repetition += 1) yield { ...cell, repetition };
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

/** Axes as lists and reports name them. */
function shownAxes({ dimensions }: Expanded): Matrix['axes'] {
  return dimensions.map(({ axis, values }) => ({
    name: axis,
    values: [...values].map(([text, value]) => showValue(text, value)),
  }));
}
