/** A table without borders: columns two spaces apart. */
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
