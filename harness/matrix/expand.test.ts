import t from 'tap';
import { formatCellId } from './cell-id.ts';
import type { Cell } from './cell.ts';
import { parseMatrix } from './load.ts';
import { combine, countCombinations } from './selector.ts';

const cellsOf = (text: string): Cell[] => [...parseMatrix(text, 'm.yaml').cells()];

/** Ids without the axes that are the same everywhere. */
const shortIds = (cells: readonly Cell[]): string[] =>
  cells.map(({ id }) => id.replace(',thp=always,engine=wasmtime,node=22', ''));

t.test('every combination comes once, the last list changing fastest', (t) => {
  t.same(
    combine([[0, 1], [5], [2, 3]]).map((values) => values.join('')),
    ['052', '053', '152', '153'],
  );
  t.same(combine([[0], []]), []);
  t.same(combine([]), [[]]);
  t.equal(countCombinations([[0, 1], [5], [2, 3]]), 4);
  t.end();
});

t.test('the product comes in the order of the file, then what include adds', (t) => {
  const cells = cellsOf(`
axes: {overcommit: [0, 2], memory: [1G, 512M]}
exclude: [{memory: 512M, overcommit: 2}]
include: [{memory: 512M, overcommit: 2, addressSpace: [unlimited, 8G]}, {cpus: 4}]
`);
  t.same(shortIds(cells), [
    'memory=1G,overcommit=0',
    'memory=512M,overcommit=0',
    'memory=1G,overcommit=2',
    'memory=512M,overcommit=2',
    'memory=512M,overcommit=2,addressSpace=8G',
    'memory=2G,overcommit=0,cpus=4',
  ]);
  t.match(cells[4]?.settings, { memory: 2 ** 29, overcommit: 2, addressSpace: 2 ** 33, cpus: 1, env: {} });
  for (const { id, settings } of cells) t.equal(formatCellId(settings), id);
  t.end();
});

t.test('a matrix is counted without expanding, shows its axes, and streams as often as one likes', (t) => {
  const matrix = parseMatrix(
    'title: T\naxes: {node: [22, 20], memory: 1G}\ninclude: [{env: {A: x}}]\nrepeat: 3\n',
    'm.yaml',
  );
  t.equal(matrix.size, 9);
  t.equal(matrix.repeat, 3);
  t.same(matrix.axes, [
    { name: 'node', values: ['22', '20'] },
    { name: 'memory', values: [2 ** 30, 2 ** 31] },
    { name: 'env', values: ['', 'env.A=x'] },
  ]);
  const first = [...matrix.cells()];
  t.equal(first.length, 9);
  t.same(
    first.slice(0, 3).map(({ repetition }) => repetition),
    [1, 2, 3],
  );
  t.equal(new Set(first.map(({ id }) => id)).size, 3);
  t.same([...matrix.cells()], first);
  t.end();
});

t.test('the first rule that matches gives the expectation; rules that agree may overlap', (t) => {
  const cells = cellsOf(`
axes: {memory: [1G, 2G], overcommit: [0, 1, 2]}
expect:
  - {where: {overcommit: 2}, tier: conservative, because: pools are charged, link: 'https://example.org/x'}
  - {where: {memory: 1G, overcommit: [1, 2]}, tier: conservative}
  - {where: {memory: 2G, overcommit: 1}, tier: {at least: conservative}}
  - {where: {memory: 2G, overcommit: 0}, tier: {outcome: crashed}}
`);
  t.same(
    cells.map(({ expectation }) => expectation),
    [
      null,
      { tier: 'conservative', because: null, link: null },
      { tier: 'conservative', because: 'pools are charged', link: 'https://example.org/x' },
      { outcome: 'crashed', because: null, link: null },
      { atLeast: 'conservative', because: null, link: null },
      { tier: 'conservative', because: 'pools are charged', link: 'https://example.org/x' },
    ],
  );
  t.match(cellsOf('axes: {memory: 1G}\nexpect: [{outcome: timeout}]'), [
    { expectation: { outcome: 'timeout' } },
  ]);
  t.end();
});

t.test('rules match absent limits and axes at their default', (t) => {
  const cells = cellsOf(`
axes: {addressSpace: [unlimited, 8G]}
expect:
  - {where: {addressSpace: unlimited, cpus: 1}, tier: standard}
  - {where: {addressSpace: 8G, maxMapCount: default}, tier: conservative}
`);
  t.same(
    cells.map(({ expectation }) => expectation?.tier),
    ['standard', 'conservative'],
  );
  t.end();
});

t.test('many rules keep their cells apart', (t) => {
  const rules = Array.from({ length: 100 }, (_, index) => ({
    memory: `${128 + index}M`,
    tier: ['standard', 'conservative', 'on-demand'][index % 3] ?? '',
  }));
  const cells = cellsOf(
    `axes: {memory: [${rules.map(({ memory }) => memory).join(', ')}], overcommit: [0, 2]}\nexpect:\n` +
      rules.map(({ memory, tier }) => `  - {where: {memory: ${memory}}, tier: ${tier}}`).join('\n'),
  );
  t.equal(cells.length, 200);
  t.same(
    cells.map(({ expectation }) => expectation?.tier),
    rules.flatMap(({ tier }) => [tier, tier]),
  );
  t.end();
});

t.test('cells without rules: include rows of their own are checked against each other only', (t) => {
  t.equal(parseMatrix('include: [{memory: [1G, 2G]}, {memory: 3G}]', 'm').size, 3);
  t.equal(parseMatrix('include: [{memory: [1G, 2G]}]', 'm').size, 2);
  t.throws(() => parseMatrix('include: [{memory: [1G, 2G]}, {memory: 1G}]', 'm'), { code: 'MATRIX_INVALID' });
  const wide = Array.from({ length: 120 }, (_, index) => `${128 + index}M`).join(', ');
  const many = ['memory', 'addressSpace', 'dataLimit'].map((axis) => `{${axis}: [${wide}]}`);
  const numbers = ['overcommitRatio', 'maxMapCount'].map(
    (axis) => `{${axis}: [${Array.from({ length: 900 }, (_, index) => index + 101).join(', ')}]}`,
  );
  const envs = `{env: [${Array.from({ length: 4000 }, (_, index) => `{A: ${index}}`).join(', ')}]}`;
  t.equal(parseMatrix(`include: [${[...many, ...numbers, envs].join(', ')}]`, 'm').size, 360 + 1800 + 4000);
  t.end();
});

t.test('nearly a hundred thousand cells with two hundred rules have their expectations', (t) => {
  const sizes = Array.from({ length: 462 }, (_, index) => `${128 + index}M`);
  const text =
    `axes: {memory: [${sizes.join(', ')}], overcommit: [0, 1, 2], thp: [always, madvise, never],` +
    ` engine: [wasmtime, v8], node: [20, 22, 24, 26], cpus: [1, 2, 4]}\nexclude: [{memory: 128M}]\nexpect:\n` +
    sizes
      .slice(1, 200)
      .map((size) => `- {where: {memory: ${size}, overcommit: [0, 1]}, tier: standard}`)
      .join('\n');
  const matrix = parseMatrix(text, 'm.yaml');
  let count = 0;
  let expected = 0;
  for (const { expectation } of matrix.cells()) {
    count += 1;
    if (expectation !== null) expected += 1;
  }
  t.equal(count, 461 * 3 * 3 * 2 * 4 * 3);
  t.equal(matrix.size, count);
  t.equal(expected, 199 * 2 * 3 * 2 * 4 * 3);
  t.end();
});
