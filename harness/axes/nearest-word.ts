/** Suggests the closest known word. */

/** Damerau-Levenshtein distance (optimal string alignment): insert, delete, replace, swap neighbours. */
export function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      }
      row.push(best);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
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
