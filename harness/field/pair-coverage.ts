/** Counts the pairs of values of two axes that cells have covered. A value that is not drawn counts as the nearest. */
import type { Axis } from '../axes/axis.ts';
import { axes, type AxisTable, rowsOf, type Settings } from '../axes/table.ts';
import { countTuples } from '../matrix/cover.ts';

export type Covered = Readonly<{ pairs: number; of: number }>;

/** The values an axis is drawn from, its default among them, and the place of any value among these. */
class Places {
  readonly row: Axis<unknown>;
  readonly #values: readonly unknown[];

  constructor(row: Axis<unknown>) {
    this.row = row;
    const byText = new Map([row.default, ...row.draw.values].map((value) => [row.format(value), value]));
    this.#values = [...byText.values()];
  }

  get count(): number {
    return this.#values.length;
  }

  of(settings: Settings): number {
    const value = this.row.pick(settings);
    const text = this.row.format(value);
    const exact = this.#values.findIndex((one) => this.row.format(one) === text);
    if (exact >= 0) return exact;
    const distances = this.#values.map((one) =>
      typeof one === 'number' && typeof value === 'number' ? Math.abs(one - value) : Infinity,
    );
    return distances.indexOf(Math.min(...distances));
  }
}

/** Counts pairs as cells come in. */
export class PairCoverage {
  readonly #places: readonly Places[];
  readonly #seen = new Set<string>();

  /** @param names axes that vary; the others keep their default and have no pairs */
  constructor(names: ReadonlySet<string>, table: AxisTable = axes) {
    this.#places = rowsOf(table)
      .filter(({ name }) => names.has(name))
      .map((row) => new Places(row))
      .filter(({ count }) => count > 1);
  }

  add(settings: Settings): void {
    for (const pair of this.#pairsOf(settings)) this.#seen.add(pair);
  }

  /** Pairs that a cell with these settings would add. */
  countNew(settings: Settings): number {
    return this.#pairsOf(settings).filter((pair) => !this.#seen.has(pair)).length;
  }

  get covered(): Covered {
    const counts = this.#places.map(({ count }) => count);
    return { pairs: this.#seen.size, of: countTuples(counts, 2) };
  }

  #pairsOf(settings: Settings): readonly string[] {
    const places = this.#places.map((one) => one.of(settings));
    return places.flatMap((value, axis) =>
      places.slice(axis + 1).map((other, after) => `${axis}.${value} ${axis + 1 + after}.${other}`),
    );
  }
}
