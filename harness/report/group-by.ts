/** Lists: groups by key, in the order of first appearance; the last of a group; two lists side by side. */

/** At least one item. */
export type Group<Item> = readonly [Item, ...Item[]];

export function groupBy<Item, Key>(
  items: Iterable<Item>,
  keyOf: (item: Item) => Key,
): ReadonlyMap<Key, Group<Item>> {
  const groups = new Map<Key, [Item, ...Item[]]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

export const lastOf = <Item>([first, ...others]: Group<Item>): Item => others.at(-1) ?? first;

/** As many pairs as the shorter list has items. */
export const zip = <One, Other>(
  ones: readonly One[],
  others: readonly Other[],
): readonly (readonly [One, Other])[] =>
  ones.flatMap((one, at) => others.slice(at, at + 1).map((other) => [one, other] as const));
