/**
 * The results of a run, stored and in memory, and what follows each of them: other repetitions, a retry, a measurement,
 * or nothing. No phase reads the file again.
 */
import type { Cell } from '../matrix/cell.ts';
import type { Measure } from '../matrix/measure.ts';
import { buildDistributions } from '../outcome/repetitions.ts';
import type { OpenRun } from '../store/open-run.ts';
import { cellKey } from '../store/read-run.ts';
import type { Result, StoredDistribution } from '../store/result.ts';
import { lacksOverhead } from './measurement-groups.ts';
import { lacksServing } from './serving-groups.ts';

export type RunResultsOptions = Readonly<{
  /** Every repetition that is still to be run. */
  todo: Iterable<Pick<Cell, 'id'>>;
  /** Results from before a `--resume`. */
  before: readonly Result[];
  /** How often a cell is run again that did not do what was expected. */
  retries: number;
}>;

/** What follows a result. */
export type Next =
  /** Other repetitions of the cell are still running. */
  | Readonly<{ kind: 'wait' }>
  /** Once more: a further repetition, to be run on a boot of its own. */
  | Readonly<{ kind: 'retry'; cell: Cell }>
  /** Its figures are measured when all cells have ended. */
  | Readonly<{ kind: 'measure' }>
  /** All results of the cell, by repetition. */
  | Readonly<{ kind: 'done'; results: readonly Result[] }>;

/** Whether something that is to be measured is not in the result yet. */
const lacksFigures = (result: Result, { overhead, serving }: Measure): boolean =>
  (overhead && lacksOverhead(result)) || (serving && lacksServing(result));

export class RunResults {
  readonly #store: Pick<OpenRun, 'appendResult'>;
  readonly #retries: number;
  readonly #byKey = new Map<string, Result>();
  /** Results of a cell by repetition. */
  readonly #byId = new Map<string, Map<number, Result>>();
  readonly #left = new Map<string, number>();
  readonly #retried = new Map<string, number>();

  constructor(store: Pick<OpenRun, 'appendResult'>, { todo, before, retries }: RunResultsOptions) {
    this.#store = store;
    this.#retries = retries;
    for (const { id } of todo) this.#left.set(id, (this.#left.get(id) ?? 0) + 1);
    for (const result of before) this.#keep(result);
  }

  /** The newest line of that repetition. @throws RangeError for one that has none */
  find(key: string): Result {
    const found = this.#byKey.get(key);
    if (found === undefined) throw new RangeError(`no result of ${key}`);
    return found;
  }

  /** The last result of each cell, in the order of the first lines: as `collectResults` reads them. */
  list(): readonly Result[] {
    return [...this.#byKey.values()];
  }

  /**
   * Stores the result of a repetition.
   * @returns the result as stored: the last of several has the distribution of all
   * @throws PoolproofError STORE_*, DISK_FULL
   */
  add(cell: Cell, found: Result): Readonly<{ result: Result; next: Next }> {
    const { id } = found;
    const left = (this.#left.get(id) ?? 1) - 1;
    this.#left.set(id, left);
    if (left > 0) return { result: this.#append(found), next: { kind: 'wait' } };
    this.#keep(found);
    const results = this.#repetitionsOf(id);
    const retried = this.#retried.get(id) ?? 0;
    // One repetition as expected shows that the others were no rule: more of them would not be a retry.
    if (retried < this.#retries && results.every(({ verdict }) => verdict === 'unexpected')) {
      this.#retried.set(id, retried + 1);
      const repetition = (results.at(-1)?.repetition ?? 0) + 1;
      return { result: this.#append(found), next: { kind: 'retry', cell: { ...cell, repetition } } };
    }
    const result = this.#append(results.length === 1 ? found : { ...found, ...describe(results) });
    const { measure } = cell;
    const waits = measure !== undefined && results.some((each) => lacksFigures(each, measure));
    const next: Next = waits ? { kind: 'measure' } : { kind: 'done', results: this.#repetitionsOf(id) };
    return { result, next };
  }

  /**
   * Stores a further line of a cell, which has its figures.
   * @returns the repetitions of the cell when none of them lacks any figures, else null
   * @throws PoolproofError STORE_*, DISK_FULL
   */
  addMeasured(result: Result, measure: Measure): readonly Result[] | null {
    this.#append(result);
    const results = this.#repetitionsOf(result.id);
    return results.some((each) => lacksFigures(each, measure)) ? null : results;
  }

  #append(result: Result): Result {
    this.#store.appendResult(result);
    this.#keep(result);
    return result;
  }

  #keep(result: Result): void {
    this.#byKey.set(cellKey(result), result);
    const known = this.#byId.get(result.id);
    if (known === undefined) this.#byId.set(result.id, new Map([[result.repetition, result]]));
    else known.set(result.repetition, result);
  }

  #repetitionsOf(id: string): readonly Result[] {
    return [...(this.#byId.get(id)?.values() ?? [])].sort((a, b) => a.repetition - b.repetition);
  }
}

function describe(results: readonly Result[]): Readonly<{ distribution?: StoredDistribution }> {
  const [cell] = buildDistributions(results);
  if (cell === undefined) return {};
  const { verdict, judged, silent, shares } = cell;
  return {
    distribution: {
      verdict,
      judged,
      silent,
      shares: shares.map(({ observed, count, interval: { low, high } }) => ({ observed, count, low, high })),
    },
  };
}
