/** Renders all problems of a matrix file together, with carets under the text. */
import { PoolproofError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';

export type Problem = Readonly<{
  code: ErrorCode;
  /** One sentence without a full stop. */
  message: string;
  /** 1-based. */
  line: number;
  /** 1-based, in characters. */
  column: number;
  /** Characters to underline; at least 1. */
  length: number;
  /** What to do. */
  hint?: string;
  /** The nearest right word. */
  suggestion?: string;
}>;

/** Problems shown in full; the rest are counted. */
const maxShown = 100;
/** Characters of a source line shown; the rest is cut away on both sides of the offending text. */
const maxLine = 100;

/** Makes text from a file safe for a terminal: no control characters, no escapes, no direction marks. */
export function printable(text: string): string {
  // Cc controls, Cf format characters (direction marks among them), Cs lone surrogates, Zl and Zp separators.
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (char) => (char === '\t' ? ' ' : '\u00b7'));
}

/** A value of the file as a message quotes it: one line, at most 40 characters. */
export function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : value === undefined ? 'undefined' : JSON.stringify(value);
  const characters = Array.from(printable(text.slice(0, 200)));
  return `\`${characters.length > 40 ? `${characters.slice(0, 39).join('')}…` : characters.join('')}\``;
}

const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** Columns a terminal needs for it; combining marks need none. */
function widthOf(characters: readonly string[]): number {
  return characters.reduce((sum, char) => sum + (/\p{M}/u.test(char) ? 0 : wide.test(char) ? 2 : 1), 0);
}

/** The source line with carets under the offending text, cut to a readable length. */
function excerpt(
  characters: readonly string[],
  column: number,
  length: number,
): [text: string, carets: string] {
  const at = Math.min(column - 1, characters.length);
  const from = at > maxLine * 0.7 ? at - Math.floor(maxLine * 0.3) : 0;
  const to = Math.min(characters.length, from + maxLine);
  const before = [...(from > 0 ? ['…'] : []), ...characters.slice(from, at)];
  const marked = characters.slice(at, Math.min(at + length, to));
  const text = [...before, ...characters.slice(at, to), ...(to < characters.length ? ['…'] : [])].join('');
  return [text, `${' '.repeat(widthOf(before))}${'^'.repeat(Math.max(1, widthOf(marked)))}`];
}

function renderProblem(problem: Problem, file: string, characters: readonly string[]): string {
  const [text, carets] = excerpt(characters, problem.column, problem.length);
  const number = String(problem.line);
  const margin = ' '.repeat(number.length);
  const suggestion = problem.suggestion === undefined ? '' : `; did you mean \`${problem.suggestion}\`?`;
  return [
    `${file}:${number}:${problem.column}: ${problem.message}${suggestion}`,
    `  ${number} | ${text}`,
    `  ${margin} | ${carets}`,
    ...(problem.hint === undefined ? [] : [`  ${margin} = ${problem.hint}`]),
  ].join('\n');
}

/** All problems of one matrix file, in the order of the file. Exit code 2. */
export class MatrixErrors extends PoolproofError {
  readonly file: string;
  readonly problems: readonly Problem[];

  constructor(file: string, text: string, problems: readonly Problem[]) {
    const sorted = [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
    super('MATRIX_INVALID', renderAll(file, text, sorted));
    this.name = 'MatrixErrors';
    this.file = file;
    this.problems = sorted;
  }

  /** For standard error: a paragraph per problem, then their number. No trailing newline. The message says the same. */
  render(): string {
    return this.message;
  }
}

function renderAll(file: string, text: string, problems: readonly Problem[]): string {
  const lines = text.split(/\r\n|\r|\n/);
  // A line of a megabyte with a hundred problems is taken apart once.
  const charactersOf = new Map<number, readonly string[]>();
  const shown = problems.slice(0, maxShown).map((problem) => {
    const characters = charactersOf.get(problem.line) ?? Array.from(printable(lines[problem.line - 1] ?? ''));
    charactersOf.set(problem.line, characters);
    return renderProblem(problem, printable(file), characters);
  });
  const more = problems.length - shown.length;
  return [
    ...shown,
    `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} in ${printable(file)}${
      more > 0 ? ` (${more} more not shown)` : ''
    }`,
  ].join('\n\n');
}
