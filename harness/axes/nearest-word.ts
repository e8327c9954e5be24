/** Suggests the closest known word. */

/** Cost at a column of a row of the table; beyond its borders there is no way. */
const costAt = (row: readonly number[], column: number): number => row[column] ?? Infinity;

/** Damerau-Levenshtein distance (optimal string alignment): insert, delete, replace, swap neighbours. */
export function distance(a: string, b: string): number {
  let before: readonly number[] = [];
  let last: readonly number[] = [];
  for (let i = 0; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const isSame = a[i - 1] === b[j - 1];
      const isSwapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(
          costAt(last, j) + 1,
          costAt(row, j - 1) + 1,
          costAt(last, j - 1) + (isSame ? 0 : 1),
          isSwapped ? costAt(before, j - 2) + 1 : Infinity,
        ),
      );
    }
    [before, last] = [last, row];
  }
  return costAt(last, b.length);
}

/** Longer words are never near any other, and comparing them would cost time. */
const longestWord = 40;

/** Case and separators do not matter: `max_map_count` means `maxMapCount`. */
const plain = (word: string): string => word.toLowerCase().replace(/[^a-z0-9]/g, '');

/**
 * The nearest of `words`, or null when none is near: at most one edit for each three letters.
 * The first of equally near ones wins.
 */
export function nearest(wrong: string, words: Iterable<string>): string | null {
  if (wrong.length === 0 || wrong.length > longestWord) return null;
  let best: string | null = null;
  let bestDistance = Infinity;
  for (const word of words) {
    const edits = distance(plain(wrong), plain(word));
    const allowed = Math.max(1, Math.floor(Math.min(wrong.length, word.length) / 3));
    if (edits <= allowed && edits < bestDistance && edits < plain(word).length) {
      best = word;
      bestDistance = edits;
    }
  }
  return best;
}
