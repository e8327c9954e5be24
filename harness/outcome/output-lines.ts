/** What a subject wrote, as lines for patterns. Output is hostile: a pattern sees one bounded line at a time. */

const lineLimit = 4096;
const countLimit = 20_000;

/** Lines of both streams, cut to a length at which a pattern of the matrix takes no time that matters. */
export function linesOf(...streams: readonly string[]): readonly string[] {
  return streams
    .flatMap((stream) => stream.split(/\r?\n/).slice(0, countLimit))
    .filter((line) => line !== '')
    .map((line) => line.slice(0, lineLimit));
}

/** The first line that fits; null when none does. The pattern was checked when the matrix was read. */
export function findLine(lines: readonly string[], pattern: string): string | null {
  const expression = new RegExp(pattern, 'u');
  return lines.find((line) => expression.test(line)) ?? null;
}
