/** Repetitions of a cell end at different times: when the last one has, the cell is done. */
import type { Cell } from './matrix/cell.ts';
import type { Result } from './store/result.ts';

export class CellTracker {
  readonly #left = new Map<string, number>();
  readonly #ended = new Map<string, Result[]>();

  /** @param cells every repetition that is still to be run */
  constructor(cells: Iterable<Pick<Cell, 'id'>>) {
    for (const { id } of cells) this.#left.set(id, (this.#left.get(id) ?? 0) + 1);
  }

  /** @returns all results of the cell, by repetition, when this was its last; else null */
  add(result: Result): readonly Result[] | null {
    const { id } = result;
    const left = (this.#left.get(id) ?? 1) - 1;
    const results = [...(this.#ended.get(id) ?? []), result];
    if (left > 0) {
      this.#left.set(id, left);
      this.#ended.set(id, results);
      return null;
    }
    this.#left.delete(id);
    this.#ended.delete(id);
    return results.sort((a, b) => a.repetition - b.repetition);
  }
}
