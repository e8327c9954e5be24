/** Finds stored results and cells by the names that commands take. */
import { PoolproofError } from '../errors.ts';
import { axes } from '../axes/table.ts';
import { formatCellId, parseCellId } from '../matrix/cell-id.ts';
import type { Cell } from '../matrix/cell.ts';
import type { Settings } from '../axes/table.ts';
import { findShippedSubject } from '../matrix/subject-resolve.ts';
import { subjectOn } from '../matrix/subject.ts';
import { hostSubject } from '../axes/host.ts';
import { findRun, listRuns } from '../store/find-run.ts';
import { collectResults, readRun } from '../store/read-run.ts';
import type { Result } from '../store/result.ts';

/** `memory=512M,…` or `memory=512M,…@20261124T001122Z-abcdef`: a cell, and the run its result is taken from. */
export type CellName = Readonly<{ id: string; settings: Settings; run: string | null }>;

/** @throws PoolproofError `USAGE` when it is no cell id. */
export function parseCellName(text: string): CellName {
  // Engines and subjects have an @ too; a run's name follows the last one.
  const at = text.lastIndexOf('@');
  const [id, run] =
    at === -1 || versionEnd.test(text) ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
  const settings = parseCellId(id);
  return { id: formatCellId(settings), settings, run };
}

/** The last `@` is that of an engine's or a subject's version: the name of a run begins with its time. */
const versionEnd = /(?:engine=wasmtime|subject=[a-z][a-z0-9-]*)@(?!\d{8}T)\d[^,@]*(?:,[^@]*)?$/;

/** The newest stored result with a verdict on a cell, or null. Only a named run is read. */
export async function findResult(resultsDir: string, { id, run }: CellName): Promise<Result | null> {
  const dirs =
    run === null
      ? (await listRuns(resultsDir)).map((name) => `${resultsDir}/${name}`).reverse()
      : [await findRun(resultsDir, run)];
  for (const dir of dirs) {
    let results: readonly Result[];
    try {
      results = await collectResults((await readRun(dir)).results());
    } catch (error) {
      // An older run that cannot be read is no answer; a run that was named must be readable.
      if (run !== null || !(error instanceof PoolproofError)) throw error;
      continue;
    }
    const found = results.findLast((result) => result.id === id && result.verdict !== null);
    if (found !== undefined) return found;
  }
  if (run !== null) {
    throw new PoolproofError('CELL_NOT_FOUND', `the run ${run} has no result of ${id}`);
  }
  return null;
}

/**
 * A cell from its settings alone: its subject is the wasm host, or one that is part of poolproof.
 * @throws PoolproofError USAGE for a subject that only its matrix knows
 */
export function buildCell(settings: Settings): Cell {
  const cell: Cell = { id: formatCellId(settings), settings, expectation: null, repetition: 1 };
  if (settings.subject === hostSubject) return cell;
  const subject = findShippedSubject(settings.subject, axes);
  if (subject !== null) return { ...cell, subject: subjectOn(subject, settings.arch) };
  throw new PoolproofError('USAGE', `there is no subject ${settings.subject} in matrices/subjects/`, {
    hint: 'one that a matrix defines is known through its file: poolproof run <matrix> --only <cell>',
  });
}
