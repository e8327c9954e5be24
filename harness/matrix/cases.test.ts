import t from 'tap';
import { parseMatrix } from './load.ts';

const text = `
cases:
  - id: owner/project#1
    title: it fails
    link: https://example.org/1
    settings: { engine: v8, node: [20, 22], addressSpace: 4G }
    subject: node-start
    expect: { outcome: crashed, error: 'out of memory' }
    because: too little
    gone: [{ settings: { addressSpace: unlimited } }, { settings: { node: 24 }, expect: { tier: standard } }]
  - id: same-cell
    settings: { engine: v8, node: 20, addressSpace: 4G, subject: node-start }
    expect: { outcome: crashed, error: 'out of memory' }
  - id: never
    cannot: no such machine
`;

t.test('a case is its cells: those that fail, and those where it is gone', (t) => {
  const matrix = parseMatrix(text, 'field.yaml');
  const cells = [...matrix.cells()];
  t.equal(matrix.size, 5);
  t.equal(cells.length, 5, 'a cell that two cases share runs once');
  t.match(matrix.cases, [
    {
      id: 'owner/project#1',
      title: 'it fails',
      link: 'https://example.org/1',
      cells: [{ role: 'fails' }, { role: 'fails' }, { role: 'gone' }, { role: 'gone' }, { role: 'gone' }],
      cannot: null,
    },
    { id: 'same-cell', cells: [{ role: 'fails' }], standIn: null },
    { id: 'never', cells: [], cannot: 'no such machine' },
  ]);
  t.equal(matrix.cases[1]?.cells[0]?.id, matrix.cases[0]?.cells[0]?.id);
  t.match(cells[0], {
    id: 'memory=2G,overcommit=0,thp=always,engine=v8,node=20,addressSpace=4G,subject=node-start',
    subject: { name: 'node-start' },
    expectation: { outcome: 'crashed', error: 'out of memory', because: 'too little' },
  });
  t.match(cells.at(-1)?.expectation, { tier: 'standard' });
  t.strictSame(
    matrix.axes.map(({ name, values }) => [name, values]),
    [
      ['node', ['20', '22', '24']],
      ['addressSpace', [4 * 2 ** 30, null]],
    ],
  );
  t.end();
});

t.test('cases stand beside axes, and are repeated like other cells', (t) => {
  const matrix = parseMatrix(
    'axes: {memory: [512M, 1G]}\nrepeat: 2\ncases: [{id: a, settings: {memory: 256M}, expect: {outcome: crashed}}]',
    'x.yaml',
  );
  t.equal(matrix.size, 6);
  t.strictSame(
    [...matrix.cells()].map(({ settings, repetition }) => [settings.memory / 2 ** 20, repetition]),
    [
      [512, 1],
      [512, 2],
      [1024, 1],
      [1024, 2],
      [256, 1],
      [256, 2],
    ],
  );
  t.end();
});
