import t from 'tap';
import { loadMatrix, parseMatrix } from '../matrix/load.ts';
import { endCase, findCase, selectCase } from './case.ts';

const matrix = parseMatrix(
  `axes: {memory: 3G}
cases:
  - { id: owner/one#1, settings: { memory: 1G }, expect: { outcome: crashed }, gone: [{ settings: { memory: 2G } }] }
  - { id: owner/two#22, settings: { memory: 512M }, expect: { outcome: crashed } }
`,
  'field.yaml',
);

t.test('a case is found by its id, and a wrong one is answered with the right one', (t) => {
  t.equal(findCase(matrix, 'owner/two#22').cells.length, 1);
  const hints = [
    ['two#22', /did you mean owner\/two#22/],
    ['owner/on#1', /did you mean owner\/one#1/],
    ['zzzzzzzz', /it has owner\/one#1, owner\/two#22/],
  ] as const;
  for (const [id, hint] of hints)
    t.throws(() => findCase(matrix, id), { code: 'FIELD_NOT_FOUND', details: { hint } });
  t.end();
});

t.test('only its own cells are run, the failing ones first', (t) => {
  const one = findCase(matrix, 'owner/one#1');
  const selected = selectCase(matrix, one);
  t.strictSame(
    [...selected.cells()].map(({ settings }) => settings.memory / 2 ** 30),
    [1, 2],
  );
  t.equal(selected.size, 2);
  t.match(endCase(one, []), { end: 'not run' });
  t.end();
});

t.test('the corpus: every case has its link, and cells or the reason why not', async (t) => {
  const field = await loadMatrix('matrices/field.yaml');
  t.ok(field.cases.length >= 56);
  for (const { id, link, cells, cannot } of field.cases) {
    t.ok(link?.startsWith('https://'), id);
    t.equal(cells.length === 0, cannot !== null, id);
  }
  for (const { id, expectation } of field.cells()) t.ok(expectation?.because, id);
});
