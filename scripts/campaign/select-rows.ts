/** Which rows a campaign draws from. */

export type Selection = Readonly<{
  /** Names, targets or ways of rows, with commas; none is every row. */
  only: string;
  /** Without rows that take long. */
  quick: boolean;
}>;

type Row = Readonly<{ name: string; target: string; way: string; slow?: true }>;

export function selectRows<T extends Row>(rows: readonly T[], { only, quick }: Selection): readonly T[] {
  const words = only.split(',').filter((word) => word !== '');
  return rows.filter(
    ({ name, target, way, slow }) =>
      !(quick && slow === true) &&
      (words.length === 0 || words.some((word) => [name, target, way].includes(word))),
  );
}
