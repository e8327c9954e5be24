/**
 * Digests of a resolved matrix: two runs with equal digests had equal cells and expectations, whatever files they came
 * from.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { Cell, Matrix } from '../matrix/cell.ts';
import type { Subject } from '../matrix/subject.ts';

export type MatrixDigests = Readonly<{
  matrix: string;
  /** By name; before that of another architecture's stands the architecture: `arm64/wash`. */
  subjects: Readonly<Record<string, string>>;
  /** By the id of the case. */
  cases: Readonly<Record<string, string>>;
}>;

/**
 * @param whole the whole matrix, not the part that is run: parts of one matrix have equal digests
 * @param subjects those of the cells that are run, by architecture and name
 * @param folders of a subject's files in the guest, by the same, named by their contents
 */
export function digestMatrix(
  whole: Matrix,
  subjects: ReadonlyMap<string, Subject>,
  folders: Readonly<Record<string, string>>,
): MatrixDigests {
  const hash = createHash('sha256');
  const demands = new Map<string, string>();
  const inCases = new Set(whole.cases.flatMap(({ cells }) => cells.map(({ id }) => id)));
  for (const cell of whole.cells()) {
    const demand = describeDemand(cell);
    hash.update(`${cell.id}#${cell.repetition} ${demand}\n`);
    if (inCases.has(cell.id)) demands.set(cell.id, demand);
  }
  return {
    matrix: `sha256:${hash.digest('hex')}`,
    subjects: sortedRecord(
      Array.from(subjects, ([name, subject]) => [name, digestSubject(subject, folders[name] ?? '')]),
    ),
    cases: sortedRecord(
      whole.cases.map((one) => [one.id, digest([one, one.cells.map(({ id }) => demands.get(id))])]),
    ),
  };
}

/** Settings are in the id. */
const describeDemand = ({ expectation, measure, settings }: Cell): string =>
  JSON.stringify([expectation, measure ?? null, settings.subject], sortKeys);

/** A file has another path on another computer; the folder is named by its contents. */
function digestSubject(subject: Subject, folder: string): string {
  const { files, elsewhere: _, ...definition } = subject;
  return digest([definition, files.map(({ to }) => to), path.posix.basename(folder)]);
}

const digest = (value: unknown): string =>
  `sha256:${createHash('sha256').update(JSON.stringify(value, sortKeys)).digest('hex')}`;

/** Equal values give equal text, in whatever order their fields were made. */
function sortKeys(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const sortedRecord = (entries: readonly (readonly [string, string])[]): Readonly<Record<string, string>> =>
  Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
