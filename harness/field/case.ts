/** Selects a known case's cells, and decides whether it was reproduced. */
import { PoolproofError } from '../errors.ts';
import type { FieldCase } from '../matrix/cell.ts';
import type { Matrix } from '../matrix/cell.ts';
import { nearest } from '../axes/nearest-word.ts';
import { listKnownFailures, type KnownFailure } from '../report/known-failures.ts';
import type { Result } from '../store/result.ts';

/** @throws PoolproofError FIELD_NOT_FOUND with the nearest id */
export function findCase(matrix: Matrix, id: string): FieldCase {
  const found = matrix.cases.find((one) => one.id === id);
  if (found !== undefined) return found;
  const ids = matrix.cases.map((one) => one.id);
  const near = ids.find((one) => one.endsWith(id)) ?? nearest(id, ids);
  throw new PoolproofError('FIELD_NOT_FOUND', `${matrix.file} has no case ${id}`, {
    hint:
      near === null
        ? `it has ${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ` and ${ids.length - 5} more` : ''}`
        : `did you mean ${near}?`,
  });
}

/** The matrix with the cells of one case. */
export function selectCase(matrix: Matrix, { id, cells }: FieldCase): Matrix {
  const ids = new Set(cells.map((cell) => cell.id));
  const selected = [...matrix.cells()].filter((cell) => ids.has(cell.id));
  return {
    ...matrix,
    title: `Case ${id}`,
    size: selected.length,
    cases: matrix.cases.filter((one) => one.id === id),
    cells: () => selected,
  };
}

/** The end of the case; never `not run` after a run that was not stopped. */
export function endCase(one: FieldCase, results: readonly Result[]): KnownFailure {
  const [known] = listKnownFailures([one], results);
  if (known === undefined) throw new RangeError('a case without an end');
  return known;
}
