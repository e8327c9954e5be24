/** Sizes as people write them: `512M`, `1.5G`, `2097152K`. Units are powers of 1024. */

const units = ['K', 'M', 'G', 'T'] as const;
type Unit = (typeof units)[number];
const factors: Readonly<Record<Unit, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

const isUnit = (word: string): word is Unit => Object.hasOwn(factors, word);

/** Pattern of a size, here and in the JSON Schema. */
export const sizePattern = /^\d{1,13}(\.\d{1,3})?[KMGT]$/;

/** Bytes of a size, or null when the text is not one. May be fractional: `0.001K`. */
export function parseSize(text: string): number | null {
  const unit = text.slice(-1);
  return sizePattern.test(text) && isUnit(unit) ? Number(text.slice(0, -1)) * factors[unit] : null;
}

/** Canonical text: the largest unit that gives a whole number. `bytes` is a multiple of 1 KiB. */
export function formatSize(bytes: number): string {
  const unit = units.findLast((name) => bytes % factors[name] === 0 && bytes > 0) ?? 'K';
  return `${bytes / factors[unit]}${unit}`;
}

/** The size meant by `512`, `512 MB`, `1gib` or a number of bytes; null if it is unclear. */
export function guessSize(input: unknown): string | null {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b|byte|bytes)?$/i.exec(String(input).trim());
  if (match === null) return null;
  const amount = Number(match[1]);
  const unit = String(match[2]).toUpperCase();
  // A bare number is bytes when it is large and whole, else somebody's mebibytes.
  const bytes = amount * (isUnit(unit) ? factors[unit] : amount >= 2 ** 20 ? 1 : 2 ** 20);
  return Number.isSafeInteger(bytes) && bytes > 0 && bytes % 1024 === 0 ? formatSize(bytes) : null;
}
