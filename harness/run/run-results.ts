/** The results of a run, stored and in memory: later phases need them, and reading the file again would cost a pass each. */
import type { OpenRun } from '../store/open-run.ts';
import { cellKey } from '../store/read-run.ts';
import type { Result } from '../store/result.ts';

export class RunResults {
  readonly #run: Pick<OpenRun, 'appendResult'>;
  readonly #byCell: Map<string, Result>;

  /** @param before results from before a `--resume` */
  constructor(run: Pick<OpenRun, 'appendResult'>, before: readonly Result[]) {
    this.#run = run;
    this.#byCell = new Map(before.map((result) => [cellKey(result), result]));
  }

  /**
   * Stores a line. Of a cell that is there twice the later counts.
   * @throws PoolproofError STORE_*, DISK_FULL
   */
  append(result: Result): void {
    this.#run.appendResult(result);
    this.#byCell.set(cellKey(result), result);
  }

  /** The last result of each cell, in the order of the first lines: as `collectResults` reads them. */
  list(): readonly Result[] {
    return [...this.#byCell.values()];
  }
}
