/** Repetitions of a cell end at different times: when the last one has, the cell is done, or is tried again. */
import type { Cell } from '../matrix/cell.ts';
import { buildDistributions } from '../outcome/repetitions.ts';
import type { Result, StoredDistribution } from '../store/result.ts';

export type TrackerOptions = Readonly<{
  /** How often a cell is run again that did not do what was expected. */
  retries: number;
  /** Results from before a `--resume`. */
  before: readonly Result[];
}>;

/** What follows a result. */
export type Next =
  | Readonly<{ kind: 'wait' }>
  /** Once more: a further repetition, to be run on a boot of its own. */
  | Readonly<{ kind: 'retry'; cell: Cell }>
  /** All results of the cell, by repetition. */
  | Readonly<{ kind: 'done'; results: readonly Result[] }>;

export class CellTracker {
  readonly #left = new Map<string, number>();
  readonly #ended = new Map<string, Result[]>();
  readonly #retried = new Map<string, number>();
  readonly #retries: number;

  /** @param cells every repetition that is still to be run */
  constructor(cells: Iterable<Pick<Cell, 'id'>>, { retries, before }: TrackerOptions) {
    this.#retries = retries;
    for (const { id } of cells) this.#left.set(id, (this.#left.get(id) ?? 0) + 1);
    for (const result of before) if (this.#left.has(result.id)) this.#keep(result);
  }

  /** @returns the result as it is to be stored: the last of several has the distribution of all */
  add(cell: Cell, result: Result): Readonly<{ result: Result; next: Next }> {
    const { id } = result;
    const left = (this.#left.get(id) ?? 1) - 1;
    this.#left.set(id, left);
    const ended = this.#keep(result);
    if (left > 0) return { result, next: { kind: 'wait' } };
    const results = [...ended].sort((a, b) => a.repetition - b.repetition);
    const retried = this.#retried.get(id) ?? 0;
    // One repetition as expected shows that the others were no rule: more of them would not be a retry.
    if (retried < this.#retries && results.every(({ verdict }) => verdict === 'unexpected')) {
      this.#retried.set(id, retried + 1);
      const repetition = (results.at(-1)?.repetition ?? 0) + 1;
      return { result, next: { kind: 'retry', cell: { ...cell, repetition } } };
    }
    this.#ended.delete(id);
    if (results.length === 1) return { result, next: { kind: 'done', results } };
    const last: Result = { ...result, ...describe(results) };
    return {
      result: last,
      next: { kind: 'done', results: results.map((each) => (each === result ? last : each)) },
    };
  }

  #keep(result: Result): Result[] {
    const known = this.#ended.get(result.id);
    if (known === undefined) {
      const first = [result];
      this.#ended.set(result.id, first);
      return first;
    }
    known.push(result);
    return known;
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
