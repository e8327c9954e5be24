import t from 'tap';
import { coverPart } from './cover-part.ts';
import { countTuples, coverProduct, type CoverRequest } from './cover.ts';
import { parseMatrix } from './load.ts';
import { combine } from './selector.ts';
import { parseSource } from './source.ts';

/** Every choice of `ways` lists with the values that a row has there, as text. */
function tuplesOf(row: readonly number[], ways: number, from = 0, taken = ''): readonly string[] {
  if (ways === 0) return [taken];
  return row.flatMap((value, list) =>
    list < from ? [] : tuplesOf(row, ways - 1, list + 1, `${taken} ${list}=${value}`),
  );
}

/** All that some permitted row of the product has, and what these rows have. */
function compare(
  { sizes, ways, isExcluded = () => false }: CoverRequest,
  rows: readonly (readonly number[])[],
) {
  const all = combine(sizes.map((size) => [...new Array(size).keys()])).filter((row) => !isExcluded(row));
  const of = (some: readonly (readonly number[])[]) => new Set(some.flatMap((row) => tuplesOf(row, ways)));
  const [possible, found] = [of(all), of(rows)];
  return { possible: possible.size, missing: [...possible].filter((tuple) => !found.has(tuple)) };
}

const sizes = [4, 3, 3, 2, 4, 3];
const isExcluded = (row: readonly number[]): boolean =>
  (row[0] === 0 && row[1] === 2) || (row[3] === 1 && row[4] === 3 && row[5] === 0);

t.test('every pair, triple and quadruple of values that is permitted occurs, and no excluded row', (t) => {
  for (const ways of [1, 2, 3, 4]) {
    for (const request of [
      { sizes, ways },
      { sizes, ways, isExcluded },
    ]) {
      const { rows, covered, tuples, leftOut } = coverProduct(request);
      const { possible, missing } = compare(request, rows);
      t.same(missing, []);
      t.equal(covered, possible);
      t.equal(tuples, countTuples(sizes, ways));
      t.equal(covered + leftOut.length, tuples);
      t.ok(leftOut.every(({ why }) => why === 'excluded'));
      t.ok('isExcluded' in request ? !rows.some(isExcluded) : true);
    }
  }
  t.end();
});

t.test('there are few rows, and the same ones each time', (t) => {
  const { rows } = coverProduct({ sizes: new Array<number>(12).fill(4), ways: 2 });
  t.ok(rows.length >= 16 && rows.length <= 40, `${rows.length} rows for 12 lists of 4`);
  t.same(rows, coverProduct({ sizes: new Array<number>(12).fill(4), ways: 2 }).rows);
  t.end();
});

t.test('rows that are given cover, and a budget ends early with what is left named', (t) => {
  const whole = coverProduct({ sizes, ways: 2 });
  t.same(coverProduct({ sizes, ways: 2, given: whole.rows }).rows, []);
  const part = coverProduct({ sizes, ways: 2, budget: 5 });
  t.equal(part.rows.length, 5);
  t.ok(part.covered > whole.tuples / 3, 'the first rows cover most');
  t.equal(part.leftOut.length, part.tuples - part.covered);
  t.ok(part.leftOut.every(({ why }) => why === 'budget'));
  t.end();
});

t.test('a value that several exclusions together forbid is found to be so', (t) => {
  // With 0 in the first list nothing is left for the second.
  const { rows, leftOut } = coverProduct({
    sizes: [2, 2, 2],
    ways: 2,
    isExcluded: (row) => row[0] === 0 && (row[1] === 0 || row[1] === 1),
  });
  t.ok(rows.every(([first]) => first === 1));
  t.equal(leftOut.length, 4, 'with either value of both others');
  t.end();
});

t.test('a search that would take for ever is given up, and says so', (t) => {
  const lists = new Array<number>(14).fill(4);
  const { leftOut } = coverProduct({
    sizes: lists,
    ways: 2,
    isExcluded: (row) => row[0] === 0 && row.every((value) => value >= 0),
  });
  t.ok(leftOut.length > 0 && leftOut.every(({ why }) => why === 'unknown'));
  t.end();
});

const axes =
  'axes: {memory: [512M, 1G, 2G], overcommit: [0, 1, 2], thp: [always, madvise, never], node: [20, 22]}';
const load = (text: string) => parseMatrix(text, 'm.yaml');

t.test('cover takes a part of the product in which every pair of values occurs', (t) => {
  const { coverage, size, cells } = load(`${axes}\ncover: pairwise\n`);
  t.match(coverage, { ways: 2, of: 54, cells: size, covered: 45, tuples: 45, notCovered: 0, leftOut: [] });
  t.ok(size >= 9 && size <= 12, `${size} cells`);
  const all = new Set(Array.from(load(axes).cells(), ({ id }) => id));
  for (const { id } of cells()) t.ok(all.has(id), id);
  t.equal(load(axes).coverage, null);
  t.match(load(`${axes}\ncover: 3-way\n`).coverage, { ways: 3, notCovered: 0 });
  t.match(load(`${axes}\ncover: {ways: 4}\n`), { size: 54 });
  t.match(load('axes: {memory: 1G}\ncover: pairwise\n'), { size: 1, coverage: { ways: 0, tuples: 1 } });
  t.end();
});

t.test('what is left out is named with the reason', (t) => {
  const exclude = 'exclude: [{memory: 512M, overcommit: 2}, {node: 20, thp: never, memory: [512M, 1G, 2G]}]';
  const { coverage, cells } = load(`${axes}\n${exclude}\ncover: pairwise\n`);
  t.same(
    new Map(coverage?.leftOut.map(({ values, why }) => [values, why])),
    new Map([
      ['memory=512M, overcommit=2', 'excluded in line 2'],
      ['thp=never, node=20', 'no permitted cell has them, by several rules of `exclude`'],
    ]),
  );
  for (const { settings } of cells()) t.notOk(settings.overcommit === 2 && settings.memory === 2 ** 29);
  const few = load(`${axes}\ncover: {cells: 4}\n`);
  t.equal(few.size, 4);
  t.match(few.coverage?.leftOut[0], { why: 'beyond the 4 cells of `cover`' });
  t.equal(few.coverage?.notCovered, 45 - (few.coverage?.covered ?? 0));
  t.end();
});

t.test('cells of include count, and are not there twice', (t) => {
  const whole = load(`${axes}\ncover: pairwise\n`);
  const [first] = whole.cells();
  const { memory, overcommit, thp, node } = first!.settings;
  const row = `{memory: ${memory / 2 ** 20}M, overcommit: ${overcommit}, thp: ${thp}, node: ${node}}`;
  const more = load(`${axes}\ninclude: [${row}, {memory: 4G}, {memory: 1G, engine: v8}]\ncover: pairwise\n`);
  const ids = Array.from(more.cells(), ({ id }) => id);
  t.equal(new Set(ids).size, ids.length);
  t.ok(ids.includes(first!.id));
  t.equal(more.coverage?.notCovered, 0);
  t.end();
});

t.test('a value for which no cell was found in time is left out with that word', (t) => {
  const texts = ['a', 'b', 'c', 'd'];
  const lists = Array.from({ length: 12 }, () => texts);
  const covered = coverPart(
    { ways: 2, cells: null },
    {
      dimensions: lists.map((_, index) => ({ axis: `x${index}`, values: new Map() })),
      lists,
      excludes: [
        {
          path: ['exclude', 0],
          isSound: true,
          matches: ([first, ...others]) => first === 'a' && others.every((text) => texts.includes(text)),
        },
      ],
      given: [],
    },
    parseSource('exclude: [{}]'),
  );
  t.match(covered, {
    coverage: { leftOut: [{ values: /^x0=a, x\d+=/, why: 'no permitted cell was found; there may be one' }] },
  });
  t.end();
});

t.test('a rule about a combination that is left out is no mistake', (t) => {
  t.ok(
    load(`${axes}\ncover: {cells: 1}\nexpect: [{where: {memory: 2G, thp: never}, tier: standard}]\n`).size,
  );
  t.end();
});

t.test('a product beyond every limit is covered; too many combinations are refused', (t) => {
  const list = (count: number, from = 1, unit = '') =>
    `[${Array.from({ length: count }, (_, index) => `${from + index}${unit}`).join(', ')}]`;
  const large = axes.replace('}', `, cpus: ${list(50)}, maxMapCount: ${list(50, 1000)}`);
  t.match(load(`${large}}\ncover: pairwise\n`), { size: 2500, coverage: { of: 135_000, notCovered: 0 } });
  t.throws(() => load(`${large}, addressSpace: ${list(1000, 1, 'G')}}\ncover: 3-way\n`), {
    code: 'MATRIX_INVALID',
    message: /m\.yaml:2:1: .* combinations of 3 axes to cover; at most 2,000,000/,
  });
  t.throws(() => load(`${axes}\ncover: all\n`), {
    message: /pairwise, 3-way, or a map with `ways` and `cells`/,
  });
  t.throws(() => load(`${axes}\ncover: {ways: 9}\n`), { message: /a whole number from 2 to 4/ });
  t.end();
});
