import t from 'tap';
import { buildResult, buildStandard, record, viewOf } from '../../fixtures/report/results.ts';
import { buildPageView } from './page-view.ts';

t.test('repetitions in two parts of one run are one cell', (t) => {
  const of = { ...record, matrix: { ...record.matrix, size: 2 } };
  const parts = [1, 2].map((repetition) =>
    viewOf([repetition === 1 ? buildStandard({ id: 'a' }) : buildResult({ id: 'a', repetition })], of),
  );
  const { cells } = buildPageView(parts);
  t.match(cells, [{ word: 'flaky', results: [{ repetition: 1 }, { repetition: 2 }] }]);
  t.equal(cells.length, 1);
  t.end();
});

t.test('cells whose ids read the same have anchors of their own', (t) => {
  const { cells } = buildPageView([viewOf(['a b', 'a_b', 'a:b'].map((id) => buildStandard({ id })))]);
  t.same(
    cells.map(({ anchor }) => anchor),
    ['cell-a_b', 'cell-a_b.2', 'cell-a_b.3'],
  );
  t.end();
});

t.test('where many settings vary, a cell with none of its own is called usual', (t) => {
  const overs = [
    {},
    { node: '20' },
    { addressSpace: 2 ** 31 },
    { dataLimit: 2 ** 28 },
    { maxMapCount: 1000 },
    { swap: 2 ** 30 },
  ];
  const { cells } = buildPageView([
    viewOf(overs.map((over, index) => buildStandard({ id: `cell-${index}` }, over))),
  ]);
  t.equal(cells.find(({ id }) => id === 'cell-0')?.name, 'as usual');
  t.equal(cells.find(({ id }) => id === 'cell-1')?.name, 'node 20');
  t.end();
});
