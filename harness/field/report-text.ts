/** Extracts the lines of capture.sh from a report as people send it (quoted, fenced, cut off). */

/** The first line that counts, and what a mail program or a list put before it and before every other line. */
const start = /^([\s>]*)poolproof: *["']?field-report["']?\s*$/;
/** Of a terminal that shows a file in colours. */
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const colours = /\u001b\[[\d;]*m/g;
/** What capture.sh says on the side, where both streams go to one file. */
const aside = /^capture\.sh: /;
const fence = /^\s*(?:```|~~~)/;
const end = /^end: *["']?field-report["']?\s*$/;
const version1 = /^schema: *1\s*$/;
/** The last line of version 1, with and without a command; it has no line that marks the end. */
const endOfFirst = /^ {2}(?:signal|bun): (?:notFound|unknown|"[^"]*"|\{ exit: \d+ \})\s*$/;

export type ReportText = Readonly<{
  /** As many lines as the file has, so that line numbers are those of the file; other lines are empty. */
  text: string;
  /** Columns before each line. */
  indentation: number;
  /** Whether the last line of a whole report is there. */
  whole: boolean;
  /** Without its last line, which may be half a line; the text itself when it is whole. */
  withoutLast: string;
}>;

/**
 * Takes a report out of a Markdown fence, a quotation, a mail or an indented block, with any kind of line ends. Text
 * without the first line of a report is returned as it is.
 */
export function unwrapReport(source: string): ReportText {
  const lines = source
    .replace(/^\ufeff/, '')
    .replaceAll('\u00a0', ' ')
    // Of a report, which is ASCII, only mail programs make these.
    .replace(/[\u201c\u201d]/g, '"')
    .replace(colours, '')
    .split(/\r\n|\r|\n/);
  const first = lines.findIndex((line) => start.test(line));
  if (first < 0) return { text: source, indentation: 0, whole: true, withoutLast: source };
  const prefix = start.exec(lines[first] ?? '')?.[1] ?? '';
  const kept: string[] = [];
  let last = -1;
  for (const line of lines.slice(first)) {
    const inside = line.startsWith(prefix) || line.trim() === prefix.trim();
    const own = line.startsWith(prefix) ? line.slice(prefix.length) : '';
    if (!inside || fence.test(own)) break;
    kept.push(aside.test(own) ? '' : own);
    if (own.trim() !== '') last = kept.length - 1;
    if (end.test(own)) break;
  }
  const build = (count: number): string =>
    [...lines.slice(0, first).map(() => ''), ...kept.slice(0, count), ''].join('\n');
  const lastLine = kept[last] ?? '';
  const whole = end.test(lastLine) || (kept.some((line) => version1.test(line)) && endOfFirst.test(lastLine));
  return {
    text: build(kept.length),
    indentation: prefix.length,
    whole,
    withoutLast: build(whole ? kept.length : last),
  };
}
