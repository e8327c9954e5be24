/** Values by axis, as `axes`, `include`, `where` and cases give them. */
import type { Path } from './source.ts';

/** An axis that is not named is free. One value, or several in an array. */
export type Selector = Readonly<Record<string, unknown>>;

export const listValues = (given: unknown): readonly unknown[] => (Array.isArray(given) ? given : [given]);

/** The place of an axis' nth value; a single value may stand without a list. */
export function valuePath(base: Path, axis: string, selector: Selector, index: number): Path {
  return Array.isArray(selector[axis]) ? [...base, axis, index] : [...base, axis];
}

export const countCombinations = (lists: readonly (readonly unknown[])[]): number =>
  lists.reduce((product, list) => product * list.length, 1);

/** Every combination of one of each list, the last one changing fastest. */
export function combine<T>(lists: readonly (readonly T[])[]): readonly (readonly T[])[] {
  return lists.reduce<readonly (readonly T[])[]>(
    (sofar, list) => sofar.flatMap((start) => list.map((value) => [...start, value])),
    [[]],
  );
}
