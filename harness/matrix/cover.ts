/**
 * A small part of a product in which every n values of n axes occur together: a covering array, built greedily row by
 * row (AETG; Cohen, Dalal, Fredman and Patton 1997), with backtracking around excluded combinations. Deterministic.
 */

/** For each list the index of a value; -1 where none is chosen yet. */
type Row = number[];

/** The values of some lists: the tuple that a set of lists has at `code`. */
export type Tuple = readonly Readonly<{ list: number; value: number }>[];

export type LeftOut = Readonly<{
  tuple: Tuple;
  /** `excluded`: no permitted row has it. `budget`: some row may. `unknown`: the search for one was given up. */
  why: 'excluded' | 'budget' | 'unknown';
}>;

export type Covering = Readonly<{
  /** Indices of values by list. */
  rows: readonly (readonly number[])[];
  /** Tuples that occur in the rows, in those given before, too. */
  covered: number;
  tuples: number;
  leftOut: readonly LeftOut[];
}>;

export type CoverRequest = Readonly<{
  /** Number of values in each list. */
  sizes: readonly number[];
  /** Axes that must meet in every combination of values. 2 for pairs. */
  ways: number;
  /** Most rows. @default no limit */
  budget?: number;
  /** Rows that are there already. */
  given?: readonly (readonly number[])[];
  /** Whether a row, part of which is not chosen yet (-1), has an excluded combination. */
  isExcluded?: (row: readonly number[]) => boolean;
}>;

/** Tries of a value after which the search for a row with one tuple is given up. */
const maxTries = 20_000;

/** More tuples than this take minutes, and more rows than a matrix may have cells. */
export const maxTuples = 2_000_000;

/** How many tuples `ways` of these lists have together. */
export const countTuples = (sizes: readonly number[], ways: number): number =>
  chooseLists(sizes.length, ways).reduce(
    (sum, lists) => sum + lists.reduce((product, list) => product * Number(sizes[list]), 1),
    0,
  );

/** Every choice of `ways` of `count` lists, ascending. */
function chooseLists(count: number, ways: number, from = 0): readonly (readonly number[])[] {
  if (ways === 0) return [[]];
  return Array.from({ length: Math.max(0, count - from) }, (_, index) => from + index).flatMap((first) =>
    chooseLists(count, ways - 1, first + 1).map((rest) => [first, ...rest]),
  );
}

/** The tuples of one choice of lists, and which are still missing. */
class TupleSet {
  readonly lists: readonly number[];
  readonly #sizes: readonly number[];
  readonly #open: Uint8Array;
  left: number;

  constructor(lists: readonly number[], sizes: readonly number[]) {
    this.lists = lists;
    this.#sizes = lists.map((list) => Number(sizes[list]));
    this.left = this.#sizes.reduce((product, size) => product * size, 1);
    this.#open = new Uint8Array(this.left).fill(1);
  }

  /** The number of the row's tuple; -1 where one of its values is not chosen. */
  #codeOf(row: readonly number[]): number {
    let code = 0;
    for (let place = 0; place < this.lists.length; place += 1) {
      const value = Number(row[Number(this.lists[place])]);
      if (value < 0) return -1;
      code = code * Number(this.#sizes[place]) + value;
    }
    return code;
  }

  isOpen(row: readonly number[]): boolean {
    const code = this.#codeOf(row);
    return code >= 0 && this.#open[code] === 1;
  }

  /** @returns whether the row's tuple was missing until now */
  close(row: readonly number[]): boolean {
    const code = this.#codeOf(row);
    if (code < 0 || this.#open[code] === 0) return false;
    this.#open[code] = 0;
    this.left -= 1;
    return true;
  }

  firstOpen(): Tuple {
    return this.#tupleOf(this.#open.indexOf(1));
  }

  *open(): Generator<Tuple> {
    for (let code = 0; code < this.#open.length; code += 1)
      if (this.#open[code] === 1) yield this.#tupleOf(code);
  }

  #tupleOf(code: number): Tuple {
    let rest = code;
    return this.lists
      .map((list, place) => ({ list, size: Number(this.#sizes[place]) }))
      .reverse()
      .map(({ list, size }) => {
        const value = rest % size;
        rest = Math.floor(rest / size);
        return { list, value };
      })
      .reverse();
  }
}

/** A list with the sets that it is part of. */
type List = Readonly<{
  list: number;
  sets: readonly TupleSet[];
  /** How often each value was chosen: among values as good as each other the rarest is taken. */
  uses: Float64Array;
}>;

/** What each value of a list would add to a row: so many missing tuples, at most `most`. */
type Gains = Readonly<{ from: List; gains: readonly number[]; most: number }>;

class Cover {
  readonly rows: Row[] = [];
  readonly leftOut: LeftOut[] = [];
  covered = 0;
  readonly #isExcluded: (row: readonly number[]) => boolean;
  readonly #sets: readonly TupleSet[];
  readonly #lists: readonly List[];
  #tries = 0;

  constructor({ sizes, ways, given = [], isExcluded = () => false }: CoverRequest) {
    this.#isExcluded = isExcluded;
    this.#sets = chooseLists(sizes.length, ways).map((lists) => new TupleSet(lists, sizes));
    this.#lists = sizes.map((size, list) => ({
      list,
      sets: this.#sets.filter(({ lists }) => lists.includes(list)),
      uses: new Float64Array(size),
    }));
    for (const row of given) this.#take(row);
  }

  run(budget: number): void {
    for (;;) {
      const [set] = this.#sets.filter(({ left }) => left > 0).sort((a, b) => b.left - a.left);
      if (set === undefined) return;
      if (this.rows.length >= budget) break;
      const tuple = set.firstOpen();
      const row = this.#complete(tuple);
      if (row !== null) {
        this.rows.push(row);
        this.#take(row);
      } else {
        this.leftOut.push({ tuple, why: this.#tries >= maxTries ? 'unknown' : 'excluded' });
        set.close(this.#start(tuple));
      }
    }
    for (const set of this.#sets) for (const tuple of set.open()) this.leftOut.push({ tuple, why: 'budget' });
  }

  #take(row: readonly number[]): void {
    for (const set of this.#sets) if (set.close(row)) this.covered += 1;
    // A given row may have a value that is not in the list: it is not counted.
    for (const { list, uses } of this.#lists) {
      const value = Number(row[list]);
      uses[value] = Number(uses[value]) + 1;
    }
  }

  #start(tuple: Tuple): Row {
    const row = this.#lists.map(() => -1);
    for (const { list, value } of tuple) row[list] = value;
    return row;
  }

  /** A permitted row with the tuple and many others that are missing; null where none was found. */
  #complete(tuple: Tuple): Row | null {
    this.#tries = 0;
    const row = this.#start(tuple);
    return !this.#isExcluded(row) && this.#extend(row) ? row : null;
  }

  /** Depth first, the list whose best value covers most before the others. */
  #extend(row: Row): boolean {
    let first: Gains | null = null;
    for (const from of this.#lists) {
      if (Number(row[from.list]) >= 0) continue;
      const gains = this.#weigh(row, from);
      if (first === null || gains.most > first.most) first = gains;
    }
    if (first === null) return true;
    const { list } = first.from;
    for (const value of rank(first)) {
      this.#tries += 1;
      if (this.#tries >= maxTries) break;
      row[list] = value;
      if (!this.#isExcluded(row) && this.#extend(row)) return true;
    }
    row[list] = -1;
    return false;
  }

  /** The missing tuples that each value of a list has together with what is chosen; `row` is as before afterwards. */
  #weigh(row: Row, from: List): Gains {
    const { list, sets, uses } = from;
    const gains: number[] = [];
    let most = 0;
    for (let value = 0; value < uses.length; value += 1) {
      row[list] = value;
      let gain = 0;
      for (const set of sets) if (set.isOpen(row)) gain += 1;
      gains.push(gain);
      if (gain > most) most = gain;
    }
    row[list] = -1;
    return { from, gains, most };
  }
}

/** The values of a list, those first that cover most missing tuples together with what is chosen. */
const rank = ({ gains, from: { uses } }: Gains): readonly number[] =>
  gains
    .map((gain, value) => ({ value, gain, used: Number(uses[value]) }))
    .sort((a, b) => b.gain - a.gain || a.used - b.used || a.value - b.value)
    .map(({ value }) => value);

/** Rows of a product in which every `ways` values occur together, as far as they may and the budget reaches. */
export function coverProduct(request: CoverRequest): Covering {
  const cover = new Cover(request);
  cover.run(request.budget ?? Infinity);
  const { rows, covered, leftOut } = cover;
  return { rows, covered, leftOut, tuples: countTuples(request.sizes, request.ways) };
}
