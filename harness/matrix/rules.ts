/** `exclude`, `expect` and `measure` → tests of combinations, and the demands of the rules that match a cell. */
import { type AxisTable, rowOf } from '../axes/table.ts';
import type { Expectation } from './cell.ts';
import { type Problem, quote } from './diagnostics.ts';
import type { MatrixFile, Rule } from './matrix-schema.ts';
import { listValues, type Selector, valuePath } from './selector.ts';
import type { Path, Source } from './source.ts';

/** More would not be read, and each is compared with every cell. */
export const maxRules = 1000;

/** More would not be read. */
const maxProblems = 200;

/** An axis that takes part, with every value some cell may have, by canonical text. */
export type Dimension = Readonly<{ axis: string; values: ReadonlyMap<string, unknown> }>;

/** The canonical text of each axis that takes part, in their order. */
export type Combination = readonly string[];

/** Combinations that come from one place of the file, as canonical texts by axis. */
export type Part = Readonly<{ lists: readonly (readonly string[])[]; isProduct: boolean; path: Path }>;

export type Test = Readonly<{
  path: Path;
  /** False when a value of it was refused already. */
  isSound: boolean;
  matches(combination: Combination): boolean;
}>;

export type Tests = Readonly<{
  excludes: readonly Test[];
  expects: readonly (Test & Readonly<{ rule: Rule }>)[];
  /** The selector of `measure`; none when nothing is measured. */
  measures: readonly Test[];
  problems: readonly Problem[];
}>;

/** Everything that can be said of the rules without looking at combinations is among `problems`. */
export function buildTests(
  file: MatrixFile,
  source: Source,
  table: AxisTable,
  dimensions: readonly Dimension[],
): Tests {
  const problems: Problem[] = [];
  const build = (where: Selector, path: Path, base: Path = path): Test => {
    const found = buildTest({ where, path, base }, source, table, dimensions);
    problems.push(...found.problems.slice(0, maxProblems - problems.length));
    return found.test;
  };
  const [exclude, expect] = [file.exclude ?? [], file.expect ?? []];
  if (exclude.length + expect.length > maxRules) {
    problems.push({
      code: 'MATRIX_TOO_LARGE',
      message: `${exclude.length + expect.length} rules in \`exclude\` and \`expect\`; at most ${maxRules}`,
      ...source.placeOf([exclude.length > maxRules ? 'exclude' : 'expect'], 'key'),
    });
  }
  const { measure: entry } = file;
  const isOff = entry == null || (entry.overhead === false && entry.serving !== true);
  const measure = isOff ? [] : [entry];
  return {
    excludes: exclude.slice(0, maxRules).map((where, index) => build(where, ['exclude', index])),
    expects: expect.slice(0, Math.max(0, maxRules - exclude.length)).map((rule, index) => ({
      ...build(rule.where, ['expect', index], ['expect', index, 'where']),
      rule,
    })),
    measures: measure.map(({ where = {} }) => build(where, ['measure', 'where'])),
    problems,
  };
}

function buildTest(
  { where, path, base }: Readonly<{ where: Selector; path: Path; base: Path }>,
  source: Source,
  table: AxisTable,
  dimensions: readonly Dimension[],
): Readonly<{ test: Test; problems: readonly Problem[] }> {
  const problems: Problem[] = [];
  const accepted: Readonly<{ place: number; texts: ReadonlySet<string> }>[] = [];
  for (const [axis, given] of Object.entries(where)) {
    const row = rowOf(table, axis);
    const place = dimensions.findIndex((dimension) => dimension.axis === axis);
    const known = [...(dimensions[place]?.values.keys() ?? [row.format(row.default)])];
    const texts = listValues(given).map((value) => row.format(value));
    texts.forEach((text, index) => {
      if (known.includes(text)) return;
      problems.push({
        code: 'MATRIX_NO_MATCH',
        message: `no cell has \`${axis}\` ${quote(text)}`,
        ...source.placeOf(valuePath(base, axis, where, index)),
        hint: `this matrix has ${nameSome(known)}`,
      });
    });
    // An axis that does not take part has its default in every cell, and that was just compared.
    if (place >= 0) accepted.push({ place, texts: new Set(texts) });
  }
  const matches = (combination: Combination): boolean =>
    accepted.every(({ place, texts }) => texts.has(String(combination[place])));
  return { test: { path, isSound: problems.length === 0, matches }, problems };
}

/** `512M, 1G, 2G and 9 more`; an empty text is shown as such. */
function nameSome(texts: readonly string[]): string {
  const shown = texts.slice(0, 8).map((text) => (text === '' ? '(empty)' : text));
  return texts.length > 8 ? `${shown.join(', ')} and ${texts.length - 8} more` : shown.join(', ');
}

/** The two things rules demand. A cell has at most one demand of each. */
const aspects: readonly Readonly<{
  speaks: (rule: Rule) => boolean;
  demand: (rule: Rule) => string;
}>[] = [
  {
    speaks: ({ tier, atLeast, outcome }) =>
      tier !== undefined || atLeast !== undefined || outcome !== undefined,
    demand: ({ tier, atLeast, outcome, error }) => JSON.stringify([tier, atLeast, outcome, error]),
  },
  { speaks: ({ overhead }) => overhead !== undefined, demand: ({ overhead }) => String(overhead) },
];

/** Of rules that match the same cell, two that contradict each other: by aspect the first, and the first unlike it. */
export function findContradictions<T extends Readonly<{ rule: Rule }>>(
  matching: readonly T[],
): readonly (readonly [earlier: T, later: T])[] {
  if (matching.length < 2) return [];
  return aspects.flatMap(({ speaks, demand }) => {
    const [first, ...others] = matching.filter(({ rule }) => speaks(rule));
    const other = others.find(({ rule }) => first !== undefined && demand(rule) !== demand(first.rule));
    return first === undefined || other === undefined ? [] : [[first, other] as const];
  });
}

/** The expectation of a cell: the first rule about its outcome, and the first that bounds its overhead. */
export function joinRules(matching: readonly Readonly<{ rule: Rule }>[]): Expectation | null {
  const [end, bound] = aspects.map(({ speaks }) => matching.find(({ rule }) => speaks(rule))?.rule);
  const base = end ?? bound;
  if (base === undefined) return null;
  const { where: _, overhead: _overhead, ...expectation } = base;
  return bound?.overhead === undefined ? expectation : { ...expectation, overhead: bound.overhead };
}
