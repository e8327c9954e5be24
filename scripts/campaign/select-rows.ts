/** Which rows a campaign draws from. */

/** Rows of that name, target or way; every one without a word. */
export function selectRows<T extends Readonly<{ name: string; target: string; way: string }>>(
  rows: readonly T[],
  only: string,
): readonly T[] {
  const words = only.split(',').filter((word) => word !== '');
  if (words.length === 0) return rows;
  return rows.filter(({ name, target, way }) => words.some((word) => [name, target, way].includes(word)));
}
