/**
 * Regular expressions that come from a file. They meet output that an attacker may choose, so they are matched by
 * RE2 (re2js, its port to JavaScript), in time linear in the length of the line. JavaScript's own engine
 * backtracks: `^(a+)+$` against 50 `a` and a `!` never ends, and no signal gets through meanwhile.
 */
import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';

/** A compiled pattern, which may be found anywhere in the line. */
export type Pattern = Readonly<{
  test: (line: string) => boolean;
  /** Where it is found first, in UTF-16 units; null where it is not. */
  find: (line: string) => Readonly<{ start: number; end: number }> | null;
}>;

export type PatternProblem = Readonly<{ message: string; hint: string }>;

/**
 * Largest program of one pattern, in RE2's instructions, which a character may visit all of. Measured at 1,006:
 * 7.7 µs a character in the worst case, where the cache of its automaton is of no use. Those that come with
 * poolproof have at most 72.
 */
const maxProgram = 1000;

const require = createRequire(import.meta.url);

// Loaded with the first pattern: most commands meet none, and it takes 7 ms.
const engine = (): typeof RE2JS => (require('re2js') as { RE2JS: typeof RE2JS }).RE2JS;

const compiled = new Map<string, RE2JS>();

function compile(source: string): RE2JS {
  const known = compiled.get(source);
  if (known !== undefined) return known;
  const pattern = engine().compile(source);
  compiled.set(source, pattern);
  return pattern;
}

/** A pattern that {@link findPatternProblem} found nothing wrong with. */
export function compilePattern(source: string): Pattern {
  const pattern = compile(source);
  return {
    test: (line) => pattern.test(line),
    find: (line) => {
      const matcher = pattern.matcher(line);
      return matcher.find() ? { start: matcher.start(), end: matcher.end() } : null;
    },
  };
}

/** Instructions of a pattern's program: what a character may cost. */
export const programSize = (source: string): number => compile(source).programSize();

/** What JavaScript has and RE2 has not, and what to write instead. */
const missing: readonly Readonly<{ match: RegExp; what: string; hint: string }>[] = [
  {
    match: /\(\?<?[=!]/,
    what: 'look-ahead and look-behind are not possible',
    hint: 'write what the line has in its order, or give two patterns as a list',
  },
  { match: /\\(?:[1-9]|k<)/, what: 'a reference to a group is not possible', hint: 'write the text out' },
  {
    match: /\\u/,
    what: '\\u is not possible',
    hint: 'write the character itself, or \\x{1F600} with its number',
  },
  {
    match: /\\c/,
    what: '\\c is not possible',
    hint: 'write the character by its number: \\x07',
  },
  {
    match: /\(\?>|[*+?}]\+/,
    what: 'atomic groups and possessive quantifiers are not possible',
    hint: 'leave out the ?> or the second +; nothing is tried twice anyway',
  },
];

const usualHint = 'a regular expression as RE2 has them; \\. is a full stop, \\( a bracket';

/** What is wrong with a pattern, as a noun phrase and a hint; null when it can be used. */
export function findPatternProblem(source: string): PatternProblem | null {
  try {
    const size = programSize(source);
    if (size <= maxProgram) return null;
    return {
      message: `the pattern is too large: ${size} steps, ${maxProgram} at most`,
      hint: 'repeat less: x{1,500} is written out as 500 times x',
    };
  } catch (error) {
    const escaped = source.replace(/\\\\/g, '');
    const lacking = missing.find(({ match }) => match.test(escaped));
    const why = String(error).replace(/^.*regexp: /s, '');
    return {
      message: `the pattern cannot be read: ${lacking?.what ?? why}`,
      hint: lacking?.hint ?? usualHint,
    };
  }
}
