/** Units, and sizes as text. */
export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GiB = 1024 * MiB;
export const TiB = 1024 * GiB;

/** Formats bytes: `1531 MiB`, `3.94 TiB`. Rounded to the nearest, with `digits` decimals. */
export function formatBytes(bytes: number, digits = 0): string {
  const round = (unit: number, name: string, behind = digits) => `${(bytes / unit).toFixed(behind)} ${name}`;
  if (bytes < 10 * MiB) return round(KiB, 'KiB');
  if (bytes < 100 * GiB) return round(MiB, 'MiB');
  if (bytes < TiB) return round(GiB, 'GiB');
  return round(TiB, 'TiB', digits + 2);
}

/** Formats a need and the available amount, with enough digits to show that they differ. */
export function formatPair(needed: number, available: number): readonly [string, string] {
  for (let digits = 0; digits < 4; digits += 1) {
    const pair = [formatBytes(needed, digits), formatBytes(available, digits)] as const;
    if (pair[0] !== pair[1]) return pair;
  }
  return [`${needed} bytes`, `${available} bytes`];
}
