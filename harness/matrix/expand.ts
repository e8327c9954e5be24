/** Compiled matrix → cells: counted and checked once, then streamed as often as one likes. */
import type { AxisTable } from './axes.ts';
import { defaultSettings } from './axes.ts';
import { idOrder, idPiece } from './cell-id.ts';
import type { AxisName, Cell, Expectation, Settings } from './cell.ts';
import type { Compiled } from './compile.ts';
import type { Rule, Value } from './matrix-schema.ts';
import { quote } from './diagnostics.ts';
import type { Problem } from './diagnostics.ts';
import type { Path, Source } from './source.ts';
import { bitSet, countCombinations, firstCommon, hasBit, intersects, setBit, walk } from './walk.ts';
import type { BitSet, Lists, Step } from './walk.ts';

export const maxCells = 1_000_000;

/** Conflicts and duplicates are reported for so many rules; more would only repeat. */
const maxReported = 100;

type Parts = Readonly<{ lists: Lists; isProduct: boolean; path: Path }>;

function partsOf({ product, includes }: Compiled): Parts[] {
  return [
    ...(product === null ? [] : [{ lists: product, isProduct: true, path: ['axes'] }]),
    ...includes.map((lists, index) => ({ lists, isProduct: false, path: ['include', index] })),
  ];
}

/** Bits there are: those of `exclude`, of `expect`, and the one of `measure`. */
const countBits = ({ excludes, expects, measures }: Compiled): number =>
  excludes.length + expects.length + measures.length;

function excludeSet(compiled: Compiled): BitSet {
  const { excludes } = compiled;
  const set = bitSet(countBits(compiled));
  excludes.forEach((_, bit) => setBit(set, bit));
  return set;
}

/** What a rule says of the end of a cell; of its overhead another rule may speak. */
const demandsEnd = ({ tier, atLeast, outcome }: Rule): boolean =>
  tier !== undefined || atLeast !== undefined || outcome !== undefined;

/** The two things rules demand. A cell has at most one demand of each. */
const aspects: readonly Readonly<{
  speaks: (rule: Rule) => boolean;
  demand: (rule: Rule) => string;
}>[] = [
  {
    speaks: demandsEnd,
    demand: ({ tier, atLeast, outcome, error }) => JSON.stringify([tier, atLeast, outcome, error]),
  },
  { speaks: ({ overhead }) => overhead !== undefined, demand: ({ overhead }) => String(overhead) },
];

/** By aspect, expect rules grouped by what they demand: two groups that meet in a cell contradict each other. */
function demandSets(compiled: Compiled): BitSet[][] {
  const { excludes, expects } = compiled;
  return aspects.map(({ speaks, demand }) => {
    const groups = new Map<string, BitSet>();
    expects.forEach(({ rule }, index) => {
      if (!speaks(rule)) return;
      const group = groups.get(demand(rule)) ?? bitSet(countBits(compiled));
      groups.set(demand(rule), group);
      setBit(group, excludes.length + index);
    });
    return [...groups.values()];
  });
}

function idOf(compiled: Compiled, table: AxisTable, step: Step): string {
  const pieces = new Map(
    compiled.dimensions.map(({ axis, values }, index) => [
      axis,
      idPiece(table, axis, values[step.values[index] ?? 0] as Value),
    ]),
  );
  return idOrder(table)
    .map((axis) => pieces.get(axis) ?? idPiece(table, axis, table[axis].default))
    .filter((piece) => piece !== '')
    .join(',');
}

/** Number of cells without repetitions, and what is wrong with the combinations. */
export function countCells(
  compiled: Compiled,
  repeat: number,
  source: Source,
  table: AxisTable,
): Readonly<{ count: number; problems: readonly Problem[] }> {
  const parts = partsOf(compiled);
  const upperBound = parts.reduce((sum, { lists }) => sum + countCombinations(lists), 0) * repeat;
  if (parts.length === 0) {
    const hint = 'give `axes` with at least one axis, or `include`';
    return {
      count: 0,
      problems: [
        { code: 'MATRIX_EMPTY', message: 'the matrix has no cell', ...source.placeOf([]), length: 1, hint },
      ],
    };
  }
  if (upperBound > maxCells) return { count: 0, problems: [tooMany(compiled, upperBound, repeat, source)] };

  const ruleCount = countBits(compiled);
  const acceptance = compiled.dimensions.map(({ accepts }) => accepts);
  const excluding = excludeSet(compiled);
  const demands = demandSets(compiled).filter((groups) => groups.length > 1);
  const used = bitSet(ruleCount);
  const duplicates = findDuplicates(compiled, source, table);
  if (ruleCount === 0) return { count: upperBound / repeat, problems: duplicates };
  const conflicts = new Map<string, Problem>();
  let count = 0;
  for (const { lists, isProduct } of parts) {
    for (const step of walk(lists, acceptance, ruleCount)) {
      if (isProduct && intersects(step.rules, excluding)) {
        for (let word = 0; word < used.length; word += 1) {
          used[word] = (used[word] ?? 0) | ((step.rules[word] ?? 0) & (excluding[word] ?? 0));
        }
        continue;
      }
      count += 1;
      for (let word = 0; word < used.length; word += 1) {
        used[word] = (used[word] ?? 0) | ((step.rules[word] ?? 0) & ~(excluding[word] ?? 0));
      }
      if (conflicts.size < maxReported) for (const groups of demands) findConflict(step, groups, conflicts);
    }
  }

  function findConflict(step: Step, groups: readonly BitSet[], found: Map<string, Problem>): void {
    const bits = groups.map((set) => firstCommon(step.rules, set)).filter((bit) => bit >= 0);
    if (bits.length < 2) return;
    const [first = 0, second = 0] = bits.sort((a, b) => a - b).map((bit) => bit - compiled.excludes.length);
    if (found.has(`${first} ${second}`)) return;
    const [earlier, later] = [compiled.expects[first]?.path ?? [], compiled.expects[second]?.path ?? []];
    found.set(`${first} ${second}`, {
      code: 'MATRIX_CONFLICT',
      message: `contradicts the rule in line ${source.placeOf(earlier).line}`,
      ...source.placeOf(later),
      hint: `both match ${idOf(compiled, table, step)}`,
    });
  }

  const unused = [...compiled.excludes, ...compiled.expects, ...compiled.measures]
    .filter(({ sound }, bit) => sound && !hasBit(used, bit))
    .map(({ path }): Problem => ({
      code: 'MATRIX_NO_MATCH',
      message: 'the rule matches no cell',
      ...source.placeOf(path),
    }));
  const empty: Problem[] =
    count > 0
      ? []
      : [
          {
            code: 'MATRIX_EMPTY',
            message: '`exclude` leaves no cell',
            ...source.placeOf(['exclude'], 'key'),
          },
        ];
  return { count, problems: [...duplicates, ...conflicts.values(), ...unused, ...empty] };
}

function tooMany(compiled: Compiled, cells: number, repeat: number, source: Source): Problem {
  const written = (number: number): string => number.toLocaleString('en-US');
  const counted = (lists: Lists): string =>
    lists
      .map((list, index) => ({ axis: compiled.dimensions[index]?.axis ?? '', length: list.length }))
      .filter(({ length }) => length > 1)
      .map(({ axis, length }) => `${axis} ${written(length)}`)
      .join(' × ');
  const largest = partsOf(compiled).reduce((a, b) =>
    countCombinations(b.lists) > countCombinations(a.lists) ? b : a,
  );
  return {
    code: 'MATRIX_TOO_MANY_CELLS',
    message: `${written(cells)} cells; at most ${written(maxCells)}`,
    ...source.placeOf(largest.path, largest.isProduct ? 'key' : undefined),
    hint: `${counted(largest.lists)}${repeat > 1 ? `, repeat ${repeat}` : ''}; counted before \`exclude\``,
  };
}

/** Rows of `include` that give a cell which is there already. */
function findDuplicates(compiled: Compiled, source: Source, table: AxisTable): Problem[] {
  const { product, includes, dimensions } = compiled;
  const ruleCount = countBits(compiled);
  const acceptance = dimensions.map(({ accepts }) => accepts);
  const excluding = excludeSet(compiled);
  const inProduct = product?.map((list) => new Set(list)) ?? null;
  // Numbers in a mixed radix are a third of the time and memory of texts, as long as they are exact.
  const radices = dimensions.map((_, index) =>
    dimensions.slice(0, index).reduce((product, { values }) => product * values.length, 1),
  );
  const isExact =
    dimensions.reduce((product, { values }) => product * values.length, 1) <= Number.MAX_SAFE_INTEGER;
  const keyOf = ({ values }: Step): number | string =>
    isExact ? values.reduce((sum, value, index) => sum + value * (radices[index] ?? 0), 0) : values.join(' ');
  const rowOf = new Map<number | string, number>();
  const problems: Problem[] = [];
  includes.forEach((lists, row) => {
    const path: Path = ['include', row];
    let reported = problems.length >= maxReported;
    // No row repeats a cell of its own: its values differ.
    if (includes.length === 1 && inProduct === null) return;
    for (const step of walk(lists, acceptance, ruleCount)) {
      const key = keyOf(step);
      const isProduct =
        inProduct !== null &&
        step.values.every((value, index) => inProduct[index]?.has(value)) &&
        !intersects(step.rules, excluding);
      const earlier = rowOf.get(key);
      rowOf.set(key, row);
      if ((earlier === undefined && !isProduct) || reported) continue;
      reported = true;
      const place = isProduct ? source.placeOf(['axes'], 'key') : source.placeOf(['include', earlier ?? 0]);
      problems.push({
        code: 'MATRIX_DUPLICATE_CELL',
        message: `the cell ${quote(idOf(compiled, table, step)).slice(1, -1)} is there already`,
        ...source.placeOf(path),
        hint: `from ${isProduct ? '`axes`' : 'the row'} at ${place.line}:${place.column}`,
      });
    }
  });
  return problems;
}

/** Streams the cells: the product in the order of the file, the last axis changing fastest, then the rows of `include`. */
export function* expandCells(compiled: Compiled, repeat: number, table: AxisTable): Generator<Cell> {
  const { dimensions, measures } = compiled;
  const ruleCount = countBits(compiled);
  const acceptance = dimensions.map(({ accepts }) => accepts);
  const excluding = excludeSet(compiled);
  const expectationOf = combineRules(compiled);
  const measuring = bitSet(ruleCount);
  measures.forEach((_, index) => setBit(measuring, ruleCount - 1 - index));
  const base = defaultSettings(table);
  const order = idOrder(table);
  const numberOf = new Map(dimensions.map(({ axis }, index) => [axis, index]));
  // Texts are made once per value, not once per cell.
  const pieces = dimensions.map(({ axis, values }) => values.map((value) => idPiece(table, axis, value)));
  const fixed = new Map<AxisName, string>(order.map((axis) => [axis, idPiece(table, axis, base[axis])]));

  for (const { lists, isProduct } of partsOf(compiled)) {
    for (const step of walk(lists, acceptance, ruleCount)) {
      if (isProduct && intersects(step.rules, excluding)) continue;
      const settings: Record<string, Value> = { ...base };
      dimensions.forEach(({ axis, values }, index) => {
        settings[axis] = values[step.values[index] ?? 0] as Value;
      });
      let id = '';
      for (const axis of order) {
        const index = numberOf.get(axis);
        const piece = index === undefined ? fixed.get(axis) : pieces[index]?.[step.values[index] ?? 0];
        if (piece !== undefined && piece !== '') id += id === '' ? piece : `,${piece}`;
      }
      const expectation = expectationOf(step.rules);
      const measured = expectation?.overhead !== undefined || intersects(step.rules, measuring);
      const measure = measured ? { measure: compiled.measure } : {};
      for (let repetition = 1; repetition <= repeat; repetition += 1) {
        yield { id, settings: settings as Settings, expectation, ...measure, repetition };
      }
    }
  }
}

/** What is expected of a cell: the first rule that speaks of its end, and the first that bounds its overhead. */
function combineRules(compiled: Compiled): (rules: BitSet) => Expectation | null {
  const { excludes, expects } = compiled;
  const speakers = aspects.map(({ speaks }) => {
    const set = bitSet(countBits(compiled));
    expects.forEach(({ rule }, index) => {
      if (speaks(rule)) setBit(set, excludes.length + index);
    });
    return set;
  });
  // Texts and rules are put together once a pair, not once a cell.
  const known = new Map<string, Expectation | null>();
  return (rules) => {
    const places = speakers.map((set) => firstCommon(rules, set) - excludes.length);
    const key = places.join(' ');
    const made = known.get(key);
    if (made !== undefined) return made;
    const [end, bound] = places.map((place) => expects[place]?.rule);
    const joined = joinRules(end, bound);
    known.set(key, joined);
    return joined;
  };
}

function joinRules(end: Rule | undefined, bound: Rule | undefined): Expectation | null {
  const told = end ?? bound;
  if (told === undefined) return null;
  const { where: _, overhead: _overhead, ...expectation } = told;
  return bound?.overhead === undefined ? expectation : { ...expectation, overhead: bound.overhead };
}
