/** Problems that show only in the combinations: contradictions, duplicates, rules that match none, too many cells. */
import { type CellOnce, maxCells } from './cell.ts';
import { type Problem, quote } from './diagnostics.ts';
import { type Dimension, findContradictions, type Part, type Test, type Tests } from './rules.ts';
import { countCombinations } from './selector.ts';
import type { Path, Source } from './source.ts';

/** Conflicts and duplicates are reported for so many rules; more would only repeat. */
export const maxReported = 100;

/** Adds what two rules that match one cell demand differently, once for each two. */
export function addConflicts(
  found: Map<string, Problem>,
  matching: Tests['expects'],
  id: string,
  source: Source,
): void {
  for (const [earlier, later] of findContradictions(matching)) {
    const key = `${earlier.path.join('.')} ${later.path.join('.')}`;
    if (found.has(key)) continue;
    found.set(key, {
      code: 'MATRIX_CONFLICT',
      message: `contradicts the rule in line ${source.placeOf(earlier.path).line}`,
      ...source.placeOf(later.path),
      hint: `both match ${id}`,
    });
  }
}

/** Rows of `include` that give a cell which is there already; one problem per row. */
export function findDuplicates(
  cells: readonly Readonly<{ cell: CellOnce; path: Path }>[],
  source: Source,
): readonly Problem[] {
  const places = new Map<string, Path>();
  const reported = new Map<Path, Problem>();
  for (const { cell, path } of cells) {
    const earlier = places.get(cell.id);
    if (earlier?.[0] !== 'axes') places.set(cell.id, path);
    if (earlier !== undefined && !reported.has(path) && reported.size < maxReported) {
      const isProduct = earlier[0] === 'axes';
      const place = source.placeOf(earlier, isProduct ? 'key' : undefined);
      reported.set(path, {
        code: 'MATRIX_DUPLICATE_CELL',
        message: `the cell ${quote(cell.id).slice(1, -1)} is there already`,
        ...source.placeOf(path),
        hint: `from ${isProduct ? '`axes`' : 'the row'} at ${place.line}:${place.column}`,
      });
    }
  }
  return [...reported.values()];
}

/** Rules that no combination matches. */
export const findUnused = (tests: Tests, used: ReadonlySet<Test>, source: Source): readonly Problem[] =>
  [...tests.excludes, ...tests.expects, ...tests.measures]
    .filter((test) => test.isSound && !used.has(test))
    .map(({ path }) => ({
      code: 'MATRIX_NO_MATCH',
      message: 'the rule matches no cell',
      ...source.placeOf(path),
    }));

/** The number of cells, and the lists that make it. */
export function describeTooMany(
  parts: readonly Part[],
  dimensions: readonly Dimension[],
  cells: number,
  repeat: number,
  source: Source,
): Problem {
  const format = (number: number): string => number.toLocaleString('en-US');
  const largest = parts.reduce((a, b) => (countCombinations(b.lists) > countCombinations(a.lists) ? b : a));
  const factors = largest.lists
    .map(({ length }, place) => ({ axis: String(dimensions[place]?.axis), length }))
    .filter(({ length }) => length > 1)
    .map(({ axis, length }) => `${axis} ${format(length)}`)
    .join(' × ');
  return {
    code: 'MATRIX_TOO_MANY_CELLS',
    message: `${format(cells)} cells; at most ${format(maxCells)}`,
    ...source.placeOf(largest.path, largest.isProduct ? 'key' : undefined),
    hint: `${factors}${repeat > 1 ? `, repeat ${repeat}` : ''}; counted before \`exclude\``,
  };
}
