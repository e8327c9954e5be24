/** Text as Markdown, with nothing in it that Markdown would obey. */
import { plainLine } from '../outcome/plain-text.ts';

/** A table; its cells are Markdown already. */
export function markdownTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

/**
 * Any text as literal Markdown on one line, in a table or out of it: no markup, no HTML, no link made
 * out of a bare address, no mention of a person.
 */
export function escapeMarkdown(text: string): string {
  return plainLine(text, 2000)
    .replace(/[\\`*_[\]|~#!]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('@', '&#64;')
    .replaceAll('://', ':&#47;&#47;')
    .replace(/\bwww\./gi, (word) => `${word.slice(0, 3)}&#46;`)
    .replace(/^([-+]|\d+[.)])(?=\s)/, (start) => `${start.slice(0, -1)}\\${start.slice(-1)}`);
}
