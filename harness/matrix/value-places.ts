/** Where a matrix names the value of an axis: for what shows only in the combination of two. */
import { type AxisTable, rowOf } from '../axes/table.ts';
import type { MatrixFile } from './matrix-schema.ts';
import { listValues, type Selector, valuePath } from './selector.ts';
import type { Path, Place, Source } from './source.ts';

/** The first place of a value, given by its canonical text; null where it is a default that nobody wrote. */
export function findValue(
  file: MatrixFile,
  source: Source,
  table: AxisTable,
  [axis, text]: readonly [axis: string, text: string],
): Place | null {
  const cases = (file.cases ?? []).flatMap(({ settings = {}, gone = [] }, index) => [
    [settings, ['cases', index, 'settings']] as const,
    ...gone.map((part, of) => [part.settings, ['cases', index, 'gone', of, 'settings']] as const),
  ]);
  const parts: readonly (readonly [Selector, Path])[] = [
    [file.axes ?? {}, ['axes']],
    ...(file.include ?? []).map((row, index) => [row, ['include', index]] as const),
    ...cases,
  ];
  for (const [selector, path] of parts) {
    if (selector[axis] === undefined) continue;
    const at = listValues(selector[axis]).findIndex((value) => rowOf(table, axis).format(value) === text);
    if (at >= 0) return source.placeOf(valuePath(path, axis, selector, at));
  }
  return null;
}
