import t from 'tap';
import { buildDefaultResults, buildResult, buildStandard, viewOf } from '../fixtures/report/results.ts';
import { parseCellId, formatCellId } from '../matrix/cell-id.ts';
import type { Result } from '../store/result.ts';
import { findUsual, findVaried } from './axis-labels.ts';
import { describeUnusual, shortenClauses } from './describe-unusual.ts';
import { splitGrid } from './small-grids.ts';
import { tellEnd } from './tell-end.ts';
import { type VerdictTable, buildVerdictTable } from './verdict-table.ts';

const tableOf = (results: readonly Result[]): VerdictTable => {
  const { cells, axes } = viewOf(results);
  return buildVerdictTable(cells, axes);
};
const showLines = ({ lines }: VerdictTable) =>
  lines.map(({ where, count, places }) => [
    where.join('; '),
    count,
    ...places.map((place) => place?.numbers ?? null),
  ]);

/** A host that is not ours. */
const host = (id: string, changes: Partial<Result>, subject: object = {}): Result => {
  const settings = parseCellId(id);
  return {
    ...buildResult({ predicted: null, form: null, tiers: [], ...changes }),
    id: formatCellId(settings),
    settings,
    subject: {
      name: settings.subject,
      ready: true,
      failure: null,
      line: null,
      exitCode: 1,
      signal: null,
      ...subject,
    },
  };
};

t.test(
  'environments in which the same happens are one line, with the range of the numbers that decide',
  (t) => {
    const table = tableOf(buildDefaultResults());
    t.match(table, { corner: 'environment', heads: ['our wasm host'] });
    t.same(showLines(table), [
      ['overcommit 0/1', 24, '3.94 TiB reserved'],
      ['512M–2G overcommit 2', 9, 'table pool needs 1531 MiB, CommitLimit leaves 56–811 MiB'],
      ['4G overcommit 2', 3, 'stack pool needs 2004 MiB, CommitLimit leaves 254 MiB'],
    ]);
    t.equal(table.lines[1]?.places[0]?.cell.word, 'conservative');
    t.end();
  },
);

t.test('hosts stand beside each other, and what was not tested is empty', (t) => {
  const table = tableOf([
    host('overcommit=0,subject=wash', { tier: 'standard' }, { basis: 'seen' }),
    host('overcommit=2,subject=wash', { outcome: 'exhausted', tier: null }, { line: 'no room' }),
    host('overcommit=0,subject=bun', { tier: null, outcome: 'reached' }),
  ]);
  t.same(
    table.heads,
    ['bun', 'wash'].sort((a, b) => table.heads.indexOf(a) - table.heads.indexOf(b)),
  );
  t.equal(table.lines.length, 2);
  t.equal(table.environments, 2, 'three tests in two environments');
  const wash = table.heads.indexOf('wash');
  t.equal(
    table.lines[1]?.places[wash]?.numbers,
    'ended with code 1: “no room”',
    'how it ended, and what it printed as a quotation',
  );
  t.equal(table.lines[1]?.places[1 - wash], null);
  t.end();
});

t.test('many hosts are lines, and many versions of one with the same result are counted', (t) => {
  const table = tableOf(
    Array.from({ length: 11 }, (_, minor) =>
      [0, 2].map((mode) =>
        host(`overcommit=${mode},subject=wash@2.${minor}.0`, { tier: 'standard' }, { basis: 'seen' }),
      ),
    ).flat(),
  );
  t.match(table, { corner: 'host', heads: ['overcommit 0', 'overcommit 2'] });
  t.same(showLines(table), [['wash (11 versions)', 11, '', '']]);
  const named = tableOf(
    Array.from({ length: 12 }, (_, minor) =>
      host(`subject=wash@2.${minor}.0`, { tier: minor < 2 ? 'standard' : 'conservative' }, { basis: 'seen' }),
    ),
  );
  t.same(
    showLines(named).map(([where]) => where),
    ['wash@2.0.0, wash@2.1.0', 'wash (10 versions)'],
  );
  t.end();
});

t.test('where hosts and environments are many, each line names its hosts, and the head none', (t) => {
  const hosts = ['spin', ...Array.from({ length: 10 }, (_, index) => `host-${index}`)];
  const sizes = Array.from({ length: 11 }, (_, index) => ({ memory: (index + 1) * 2 ** 30 }));
  const results = hosts.flatMap((subject, place) =>
    sizes.slice(0, place === 0 ? 11 : 1).map((over, index) => ({
      ...buildStandard(
        { id: `${subject} ${index}` },
        { ...over, subject, swap: place === 1 ? 2 ** 30 : null },
      ),
      ...(place === 0 ? { tier: 'conservative' as const } : {}),
    })),
  );
  const { corner, heads, usual, lines } = tableOf(results);
  t.match({ corner, heads }, { corner: 'host and environment', heads: ['how it runs'] });
  t.notOk(usual.has('subject'), 'the host that most cells have is no usual one');
  t.match(lines.at(-1)?.where.join('; '), /subject spin/);
  t.end();
});

t.test('what a host printed is told without its source, and ends with a whole word', (t) => {
  const line =
    'workerd/jsg/setup.c++:44: fatal: V8 fatal error; location = Failed to reserve virtual memory for process-wide V8 pointer compression cage';
  const { lines } = tableOf([
    host('overcommit=0,subject=wash', { tier: 'standard' }, { basis: 'seen' }),
    host('overcommit=2,subject=wash', { outcome: 'exhausted', tier: null }, { line }),
    host(
      'overcommit=1,subject=wash',
      { outcome: 'crashed', tier: null },
      { line: '# OOM', signal: 'SIGTRAP' },
    ),
  ]);
  t.same(
    lines.slice(1).map(({ places: [place] }) => place?.numbers),
    [
      'ended with code 1: “V8 fatal error; location = Failed to reserve virtual memory for process-wide V8 pointer …”',
      'died of SIGTRAP: “OOM”',
    ],
  );
  t.end();
});

/** One setting at a time away from the usual, and one pair. */
const sparse: readonly (readonly [string, object])[] = [
  ['a', {}],
  ['b', { node: '20' }],
  ['c', { node: '24' }],
  ['d', { addressSpace: 2 ** 31 }],
  ['e', { addressSpace: 2 ** 31, node: '20' }],
  ['f', { dataLimit: 2 ** 28 }],
  ['g', { dataLimit: 2 ** 29 }],
  ['h', { maxMapCount: 1000, swap: 2 ** 30, engine: 'v8' }],
];

t.test('a sparse matrix is a small grid for each pair of axes, and every cell is in one', (t) => {
  const { cells, axes } = viewOf(
    sparse.map(([id, over]) => buildStandard({ id }, { overcommit: 0, ...over })),
  );
  const grids = splitGrid(cells, axes);
  t.same(
    grids.map(({ title, grid }) => [title, grid.rowHeads.join(' '), grid.columnAxes.join(' ')]),
    [
      ['everything else as usual', 'node', 'addressSpace'],
      ['everything else as usual', 'dataLimit', ''],
      ['others', 'settings', ''],
    ],
  );
  const shown = grids.flatMap(({ grid }) =>
    grid.rows.flatMap(({ places }) => places.flatMap((cell) => cell?.id ?? [])),
  );
  t.same(
    [...new Set(shown)].sort(),
    sparse.map(([id]) => id),
  );
  const dense = viewOf(buildDefaultResults());
  t.equal(splitGrid(dense.cells, dense.axes).length, 1, 'a full matrix is one grid');
  t.end();
});

t.test('where many axes vary a line names what is not usual, and nothing else', (t) => {
  const table = tableOf(sparse.map(([id, over]) => buildStandard({ id }, { overcommit: 0, ...over })));
  t.equal(table.usual.get('engine'), 'wasmtime');
  t.same(
    table.lines.map(({ where }) => where),
    [
      [
        'addressSpace 2G/unlimited, node 20/22',
        'node 24',
        'dataLimit 256M/512M',
        'maxMapCount 1000, engine v8, swap 1G',
      ],
    ],
  );
  t.end();
});

t.test('a host that ended in no way of its own is told by its words, or by the reason', (t) => {
  const endOf = (line: string | null): string =>
    tellEnd(host('subject=wash', { outcome: 'timeout', tier: null, reason: 'not up in 30 s' }, { line }));
  t.equal(endOf('still waiting'), 'it printed: “still waiting”');
  t.equal(endOf(null), 'not up in 30 s');
  t.equal(
    tellEnd(host('subject=wash', { outcome: 'exhausted', tier: null }, { exitCode: 3 })),
    'ended with code 3',
  );
  const silent = { exitCode: null, signal: null };
  t.equal(
    tellEnd(host('subject=wash', { outcome: 'crashed', tier: null, reason: 'it is gone' }, silent)),
    'it is gone',
  );
  t.end();
});

t.test('a line that stands for everything usual says so, and many clauses become a number', (t) => {
  const results = sparse.map(([, over]) => buildStandard({}, over));
  const axes = findVaried(results);
  t.same(describeUnusual(results.slice(0, 1), axes, findUsual(results, axes)), ['everything as usual']);
  t.same(shortenClauses(['a', 'b', 'c', 'd'], 2), ['a', 'b', 'and 2 more']);
  t.same(shortenClauses(['a', 'b', 'c'], 2), ['a', 'b', 'c'], 'one more takes no more room than its number');
  t.end();
});
