/**
 * Finds the value at which an axis turns from failing to working. Pure over an injected question, so that the search is
 * tested against a model and then runs guests. The model's own threshold is tried first: where it is right, four guests
 * are enough.
 */

/** Does it work at the value of this index? */
export type Probe = (index: number) => Promise<boolean>;

export type BisectOptions = Readonly<{
  /** Number of values, in the order in which they should help. */
  length: number;
  /** Index of the first value that works by the model; null if there is none, or no prediction. */
  predicted: number | null;
  /** The model's answers, free of charge: where they change more than once, guests are run there. */
  model?: (index: number) => boolean | null;
  /** Trials on each side of the threshold. @default 3 */
  confirmations?: number;
}>;

export type Found = Readonly<{ index: number; works: boolean }>;

export type Threshold = Readonly<
  | {
      kind: 'sharp';
      /** First index that works; the one before never did. */ index: number;
      confirmations: number;
    }
  /** The same value gave both answers. */
  | { kind: 'flaky'; index: number; worked: number; asked: number }
  /** Three values in order of which the middle one differs from both others. */
  | { kind: 'not-monotonic'; counterexample: readonly [Found, Found, Found] }
  | { kind: 'always' }
  | { kind: 'never' }
>;

/** Every answer given, and the first place where they contradict an order. */
class Answers {
  readonly #asked = new Map<number, boolean[]>();
  readonly #probe: Probe;

  constructor(probe: Probe) {
    this.#probe = probe;
  }

  /** Asks once, or repeats what is known. */
  async works(index: number): Promise<boolean> {
    return this.#asked.get(index)?.[0] ?? (await this.again(index));
  }

  /** Asks anew. */
  async again(index: number): Promise<boolean> {
    const works = await this.#probe(index);
    this.#asked.set(index, [...(this.#asked.get(index) ?? []), works]);
    return works;
  }

  listOf(index: number): readonly boolean[] {
    return this.#asked.get(index) ?? [];
  }

  /** The first value that works although a larger one was seen to fail, with its neighbours. */
  findCounterexample(): readonly [Found, Found, Found] | null {
    const all = [...this.#asked]
      .map(([index, [works = false]]) => ({ index, works }))
      .sort((a, b) => a.index - b.index);
    for (const [place, one] of all.entries()) {
      const later = all.slice(place + 1);
      const other = later.find(({ works }) => works !== one.works);
      const back = other && later.find(({ index, works }) => index > other.index && works === one.works);
      if (other !== undefined && back !== undefined) return [one, other, back];
    }
    const works = all.find((one) => one.works);
    const fails = all.findLast((one) => !one.works);
    // Working below and failing above, without a third: an axis that turns the other way round.
    return works !== undefined && fails !== undefined && works.index < fails.index
      ? [works, works, fails]
      : null;
  }
}

/** Finds the threshold. Rejects with whatever the probe rejects with. */
export async function bisect(probe: Probe, options: BisectOptions): Promise<Threshold> {
  const { length, confirmations = 3 } = options;
  const answers = new Answers(probe);
  const last = length - 1;
  for (const index of listSuspects(options)) await answers.works(index);
  const early = await refuse(answers);
  if (early !== null) return early;

  let [low, high] = [-1, length];
  const take = async (index: number): Promise<void> => {
    if (index <= low || index >= high) return;
    if (await answers.works(index)) high = Math.min(high, index);
    else low = Math.max(low, index);
  };
  if (options.predicted !== null) {
    const start = Math.min(last, Math.max(0, options.predicted));
    await take(start);
    await take(start - 1);
    // The model is off: doubling steps away from it until the threshold lies between.
    for (let step = 1; low === -1 && high > 0 && step < length; step *= 2)
      await take(Math.max(0, high - step));
    for (let step = 1; high === length && low < last && step < length; step *= 2)
      await take(Math.min(last, low + step));
  }
  await take(last);
  await take(0);
  while (high - low > 1 && high < length && low >= 0) await take(low + Math.floor((high - low) / 2));
  // The ends are tried whatever the model predicts: if they disagree with the order, the axis is not monotonic.
  await answers.works(0);
  await answers.works(last);
  const refused = await refuse(answers);
  if (refused !== null) return refused;
  if (high === 0) return { kind: 'always' };
  if (low === last) return { kind: 'never' };
  for (const index of [low, high]) {
    while (answers.listOf(index).length < confirmations) await answers.again(index);
    const list = answers.listOf(index);
    const worked = list.filter(Boolean).length;
    if (worked > 0 && worked < list.length) return { kind: 'flaky', index, worked, asked: list.length };
  }
  return { kind: 'sharp', index: high, confirmations };
}

/** A counter-example is tried once more: an outcome that changes by itself is flaky and disproves no order. */
async function refuse(answers: Answers): Promise<Threshold | null> {
  const counterexample = answers.findCounterexample();
  if (counterexample === null) return null;
  for (const { index } of counterexample) {
    await answers.again(index);
    const list = answers.listOf(index);
    const worked = list.filter(Boolean).length;
    if (worked > 0 && worked < list.length) return { kind: 'flaky', index, worked, asked: list.length };
  }
  return { kind: 'not-monotonic', counterexample };
}

/** At most this many values are tried in the model; its rules have few steps, and each is wide. */
const modelSamples = 4096;

/** Values between which the model's answer changes back and forth: one of each stretch. */
function listSuspects({ length, model }: BisectOptions): readonly number[] {
  if (model === undefined) return [];
  const step = Math.max(1, Math.floor(length / modelSamples));
  const stretches: { works: boolean; first: number; last: number }[] = [];
  const take = (index: number): void => {
    const works = model(index);
    if (works === null) return;
    const open = stretches.at(-1);
    if (open?.works === works) open.last = index;
    else stretches.push({ works, first: index, last: index });
  };
  for (let index = 0; index < length; index += step) take(index);
  const ordered = stretches.length < 2 || (stretches.length === 2 && stretches[0]?.works === false);
  return ordered ? [] : stretches.map(({ first, last }) => Math.floor((first + last) / 2));
}

/** First index from which on everything works by the model; found by halving. */
export function predictThreshold(length: number, model: (index: number) => boolean | null): number | null {
  if (model(length - 1) !== true) return null;
  let [low, high] = [-1, length - 1];
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2);
    if (model(middle) === true) high = middle;
    else low = middle;
  }
  return high;
}
