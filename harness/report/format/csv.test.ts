import t from 'tap';
import { axes } from '../../axes/table.ts';
import { buildResult, buildStandard, viewOf } from '../../fixtures/report/results.ts';
import { renderCsv } from './csv.ts';

/** The rows by the names of the columns; quoted fields, which may hold commas, as they are. */
const readRows = (text: string): readonly Readonly<Record<string, string>>[] => {
  const [head = [], ...rows] = text
    .trimEnd()
    .split('\n')
    .map((line) => line.match(/(?<=^|,)(?:"[^"]*"|[^,]*)/g) ?? []);
  return rows.map((row) => Object.fromEntries(head.map((name, index) => [name, row[index] ?? ''])));
};

t.test('the tier of a host that does not say how it is known was told', (t) => {
  const subject = {
    name: 'spin',
    version: '3.5.1',
    command: ['spin'],
    exitCode: 0,
    signal: null,
    stdout: '',
    stderr: '',
  };
  const [own, foreign, none] = readRows(
    renderCsv(
      viewOf([
        buildStandard({ id: 'own' }),
        buildStandard({ id: 'foreign', subject: subject as never }),
        buildResult({ id: 'none', tier: null, outcome: 'exhausted' }),
      ]),
    ),
  );
  t.equal(own?.['tierBasis'], 'proven');
  t.equal(foreign?.['tierBasis'], 'told');
  t.equal(none?.['tierBasis'], '');
  t.end();
});

t.test('each axis of the table has a column', (t) => {
  const later = { ...axes.thp, name: 'later' };
  const [row] = readRows(renderCsv(viewOf([buildStandard()]), { ...axes, later }));
  t.equal(row?.['thp'], 'always');
  t.equal(row?.['later'], 'always');
  t.end();
});

t.test('a view of some cells has rows of these', (t) => {
  const view = viewOf([buildStandard({ id: 'one' }), buildStandard({ id: 'two' })]);
  const rows = readRows(renderCsv({ ...view, cells: view.cells.slice(1) }));
  t.same(
    rows.map(({ id }) => id),
    ['two'],
  );
  t.end();
});
