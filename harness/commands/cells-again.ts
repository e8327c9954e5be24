/** The cells of a stored run that are to be run again: `run --failed` and `run --broken`. */
import { homedir } from 'node:os';
import { PoolproofError } from '../errors.ts';
import type { RunRecord } from '../store/run-record.ts';
import type { Context } from './context.ts';
import { loadReadable } from './load-readable.ts';

export type AgainOptions = Readonly<{
  /** A run's name; true is the latest. */
  failed?: string | true | undefined;
  broken?: string | true | undefined;
  only?: readonly string[] | undefined;
  resume?: string | true | undefined;
}>;

export type CellsAgain = Readonly<{
  /** The matrix that the run was of. */
  matrix: string;
  /** Cell ids, in the order of the run; they do as `--only`. */
  ids: readonly string[];
}>;

/** The file of a run's matrix: one below the home folder is recorded without the name of its owner. */
export const matrixOf = ({ matrix }: Pick<RunRecord, 'matrix'>): string =>
  matrix.file.replace(/^~(?=\/)/, homedir());

/**
 * `failed`: cells that were not as expected, an overhead beyond its bound included; `broken`: cells without a verdict
 * that were not skipped. Of both together: either. Null when neither is wanted.
 * @throws PoolproofError USAGE beside `--only` or `--resume`; STORE_NOT_FOUND
 */
export async function findCellsAgain(
  context: Context,
  resultsDir: string,
  { failed, broken, only, resume }: AgainOptions,
): Promise<CellsAgain | null> {
  const name = failed ?? broken;
  if (name === undefined) return null;
  const flag = failed === undefined ? '--broken' : '--failed';
  if (only !== undefined || resume !== undefined)
    throw new PoolproofError(
      'USAGE',
      `${flag} and ${only === undefined ? '--resume' : '--only'} exclude each other`,
    );
  if (failed !== undefined && broken !== undefined && failed !== broken)
    throw new PoolproofError('USAGE', '--failed and --broken must name the same run');
  const { record, results } = await loadReadable(context, resultsDir, name === true ? 'latest' : name);
  const wanted = results.filter(({ verdict, outcome }) =>
    verdict === null
      ? broken !== undefined && outcome !== 'skipped'
      : failed !== undefined && verdict === 'unexpected',
  );
  return {
    matrix: matrixOf(record),
    ids: [...new Set(wanted.map(({ id }) => id))],
  };
}
