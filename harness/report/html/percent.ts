/** A ratio as a cost in percent. */

/** `0 %`, `+33 %`, `−2 %`, with a decimal below 10. */
export function tellCost(ratio: number): string {
  return tellPercent(ratio, Math.abs(ratio - 1) < 0.0995 ? 1 : 0);
}

/** With a decimal always: the ends of an interval are often close. */
export const tellExactly = (ratio: number): string => tellPercent(ratio, 1);

function tellPercent(ratio: number, digits: number): string {
  const percent = (ratio - 1) * 100;
  const text = Math.abs(percent).toFixed(digits).replace(/\.0$/, '');
  return text === '0' ? '0 %' : `${percent < 0 ? '−' : '+'}${text} %`;
}
