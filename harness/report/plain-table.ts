/** Tables for a terminal, without borders: columns two spaces apart. */
import CliTable3 from 'cli-table3';

const sides = ['top', 'bottom', 'left', 'right', 'mid'] as const;
const bare = Object.fromEntries(
  sides.flatMap((side) => ['', '-mid', '-left', '-right'].map((end) => [`${side}${end}`, ''])),
);

export function createPlainTable(
  options: Pick<CliTable3.TableConstructorOptions, 'head' | 'colAligns'> = {},
): CliTable3.Table {
  return new CliTable3({
    ...options,
    chars: { ...bare, middle: '  ' },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
}

/** The lines of a table without the spaces at their ends. */
export const renderLines = (table: CliTable3.Table): readonly string[] =>
  table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
