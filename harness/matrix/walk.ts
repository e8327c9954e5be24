/**
 * Streams combinations together with the rules that match them. A rule is a bit; each value of each axis
 * has the set of rules that accept it, and a combination's rules are the intersection, kept per axis so
 * that a step costs one `and` for the axes that changed.
 */

export type BitSet = Uint32Array;

export const bitSet = (bits: number): BitSet => new Uint32Array(Math.max(1, Math.ceil(bits / 32)));

export function setBit(set: BitSet, bit: number): void {
  set[bit >>> 5] = (set[bit >>> 5] ?? 0) | (1 << (bit & 31));
}

export const hasBit = (set: BitSet, bit: number): boolean =>
  ((set[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0;

export function intersects(a: BitSet, b: BitSet): boolean {
  for (let word = 0; word < a.length; word += 1) if (((a[word] ?? 0) & (b[word] ?? 0)) !== 0) return true;
  return false;
}

/** The lowest bit that both have, or -1. */
export function firstCommon(a: BitSet, b: BitSet): number {
  for (let word = 0; word < a.length; word += 1) {
    const common = (a[word] ?? 0) & (b[word] ?? 0);
    if (common !== 0) return word * 32 + (31 - Math.clz32(common & -common));
  }
  return -1;
}

/** By axis (a number) and value (a number): the rules that accept the value. */
export type Acceptance = readonly (readonly BitSet[])[];

/** For each axis the numbers of its values, in order. */
export type Lists = readonly (readonly number[])[];

/** One combination; both arrays are reused for the next one. */
export type Step = Readonly<{ values: readonly number[]; rules: BitSet }>;

export const countCombinations = (lists: Lists): number =>
  lists.reduce((product, list) => product * list.length, 1);

/** All combinations, the last axis changing fastest. `ruleCount` rules in all. */
export function* walk(lists: Lists, acceptance: Acceptance, ruleCount: number): Generator<Step> {
  if (lists.some((list) => list.length === 0)) return;
  const all = bitSet(ruleCount);
  for (let bit = 0; bit < ruleCount; bit += 1) setBit(all, bit);
  const positions = lists.map(() => 0);
  const values = lists.map((list) => list[0] ?? 0);
  const sets = lists.map(() => bitSet(ruleCount));
  const step: Step = { values, rules: sets.at(-1) ?? all };
  let changed = 0;
  for (;;) {
    for (let axis = changed; axis < lists.length; axis += 1) {
      const before = sets[axis - 1] ?? all;
      const accepted = acceptance[axis]?.[values[axis] ?? 0] ?? all;
      const target = sets[axis] ?? all;
      for (let word = 0; word < target.length; word += 1)
        target[word] = (before[word] ?? 0) & (accepted[word] ?? 0);
    }
    yield step;
    changed = lists.length - 1;
    while (changed >= 0 && (positions[changed] ?? 0) + 1 >= (lists[changed]?.length ?? 0)) changed -= 1;
    if (changed < 0) return;
    positions[changed] = (positions[changed] ?? 0) + 1;
    for (let axis = changed; axis < lists.length; axis += 1) {
      if (axis > changed) positions[axis] = 0;
      values[axis] = lists[axis]?.[positions[axis] ?? 0] ?? 0;
    }
  }
}
