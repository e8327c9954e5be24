import t from 'tap';
import { buildResult, buildStandard, record, recordOf, viewOf } from '../fixtures/report/results.ts';
import { findCompleteness } from '../store/completeness.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import { compareRuns } from './compare.ts';
import { renderComparisonJson, renderComparisonMarkdown, renderComparisonText } from './compare-render.ts';
import { formatCompleteness } from './format-completeness.ts';
import { exitCodeOfRun } from './exit-code.ts';
import type { Format } from './format.ts';
import { formats } from './formats.ts';

const ids = Array.from({ length: 36 }, (_, index) => `cell-${index + 1}`);
const keys = ids.map((id) => `${id}#1`);
const results: readonly Result[] = ids
  .slice(0, 3)
  .map((id) => buildStandard({ id, verdict: 'expected' }, { overcommit: 0 }));
const selection = { of: 36, repeat: 1, only: [], shard: null, cells: keys } as const;
/** A run that was killed after three cells. */
const killed: RunRecord = { ...record, finishedAt: null, selection };
const sentence = '33 of 36 cells are missing (not finished)';

t.test('every format says that cells of a killed run are missing', (t) => {
  for (const [name, { render }] of Object.entries<Format>(formats)) {
    const text = render(viewOf(results, killed)).replaceAll('\\', '').replaceAll(/\s+/g, ' ');
    t.match(text, sentence, name);
    t.match(text, 'cell-4', `${name} names them`);
    // The document for programs holds the whole record.
    if (name !== 'json') t.notMatch(text, 'cell-30', `${name}: and no more than fit`);
  }
  const table = formats.table.render(viewOf(results, killed));
  t.match(table, `${sentence}\n  cell-4\n`);
  t.match(table, `exit 2: ${sentence}`);
  t.notMatch(table, 'every cell did what was expected');
  t.match(
    formats.junit.render(viewOf(results, killed)),
    /tests="1" failures="0" errors="1"[^]*<error message="33 of 36/,
  );
  t.match(
    formats.tap.render(viewOf(results, killed)),
    /\nnot ok 4 - 33 of 36 cells are missing \(not finished\)\n[^]*\n1\.\.4\n/,
  );
  t.match(JSON.parse(formats.json.render(viewOf(results, killed))), {
    summary: { exitCode: 2 },
    completeness: { state: 'incomplete', expected: 36, found: 3, missing: 33, missingSentence: sentence },
  });
  t.match(formats.github.render(viewOf(results, killed)), `> **⚠️ ${sentence}`);
  t.match(formats.annotations.render(viewOf(results, killed)), `::warning file=`);
  t.equal(exitCodeOfRun(killed, results), 2);
  const silent = buildStandard({ id: 'cell-1', outcome: 'broken', verdict: null, tier: null });
  t.match(
    formats.table.render(viewOf([silent], killed)),
    'exit 2: 35 of 36 cells are missing (not finished); some cell has no verdict',
    'both are told where both are so',
  );
  t.end();
});

t.test('comparing says which side is not whole, and is not green when it is the new one', (t) => {
  const whole = { runs: [viewOf(results)] };
  const part = { runs: [viewOf(results, { ...killed, id: '20261124T230311Z-a1b2c3' })] };
  const comparison = compareRuns(whole, part);
  t.equal(comparison.exitCode, 2);
  t.match(renderComparisonText(comparison), `new 20261124T230311Z-a1b2c3: ${sentence}`);
  t.match(renderComparisonMarkdown(comparison), '33 of 36 cells are missing');
  t.match(JSON.parse(renderComparisonJson(comparison)), { states: [{ sentences: [sentence] }] });
  t.equal(compareRuns(part, whole).exitCode, 0);
  t.end();
});

t.test('comparing says that a subject is another one', (t) => {
  const of = (ext: string) => ({
    runs: [viewOf(results, { ...recordOf(results), digests: { matrix: 'm', subjects: { ext }, cases: {} } })],
  });
  const comparison = compareRuns(of('s1'), of('s2'));
  t.match(renderComparisonText(comparison), 'the subject ext (its definition or its files) differs');
  t.same(compareRuns(of('s1'), of('s1')).asked, []);
  t.end();
});

t.test('an unexpected cell of a killed run still makes it 1', (t) => {
  t.equal(exitCodeOfRun(killed, [buildResult({ id: 'cell-1', verdict: 'unexpected' })]), 1);
  t.end();
});

t.test('a part of a matrix says which, and is complete for it', (t) => {
  const part: RunRecord = {
    ...record,
    matrix: { ...record.matrix, size: 3 },
    selection: {
      ...selection,
      only: ['overcommit=0'],
      shard: { index: 1, count: 4, of: 12, plan: 'x' },
      cells: keys.slice(0, 3),
    },
  };
  const said = 'a part of the matrix: 3 of 36 cells (--only overcommit=0, shard 1/4)';
  const completeness = findCompleteness(part, results);
  t.match(completeness, { state: 'complete', missing: 0 });
  t.equal(formatCompleteness(completeness).partSentence, said);
  t.equal(exitCodeOfRun(part, results), 0);
  for (const name of ['json', 'csv', 'tap', 'junit', 'md', 'html', 'github', 'overhead'] as const)
    t.match(
      formats[name].render(viewOf(results, part)).replaceAll('\\', '').replaceAll(/\s+/g, ' '),
      said,
      name,
    );
  t.match(formats.table.render(viewOf(results, part)), said);
  t.end();
});

t.test('repetitions that are missing count, and retries stand for no other cell', (t) => {
  const repeated: RunRecord = {
    ...killed,
    matrix: { ...record.matrix, size: 4 },
    selection: { ...selection, of: 4, repeat: 2, cells: ['cell-1#1', 'cell-1#2', 'cell-2#1', 'cell-2#2'] },
  };
  const found = findCompleteness(repeated, [
    { id: 'cell-1', repetition: 1 },
    { id: 'cell-1', repetition: 2 },
    { id: 'cell-1', repetition: 3 },
    { id: 'cell-2', repetition: 1 },
  ]);
  t.equal(formatCompleteness(found).missingSentence, '1 of 4 repetitions is missing (not finished)');
  t.same(formatCompleteness(found).missingNames, ['cell-2#2']);
  const part = findCompleteness({ ...repeated, selection: { ...repeated.selection!, of: 8 } }, []);
  t.equal(formatCompleteness(part).partSentence, 'a part of the matrix: 4 of 8 repetitions');
  t.end();
});

t.test('a line that was lost in a finished run is missing too', (t) => {
  const found = findCompleteness({ ...record, selection }, results);
  t.equal(
    formatCompleteness(found).missingSentence,
    '33 of 36 cells are missing (the run has ended without them)',
  );
  t.equal(formatCompleteness(found).missingNames.at(-1), 'and 13 more');
  t.end();
});

t.test('an older record gives the number, and no names', (t) => {
  const found = findCompleteness({ ...record, finishedAt: null, options: { only: 'overcommit=0' } }, results);
  t.match(found, { state: 'incomplete', missing: 33, missingCells: [], part: { of: null } });
  t.equal(formatCompleteness(found).missingSentence, sentence);
  t.equal(
    formatCompleteness(found).partSentence,
    'a part of the matrix: 36 cells, the size of the matrix is not recorded (--only overcommit=0)',
  );
  const packed = findCompleteness({ ...killed, options: { packed: 'failed' } }, results);
  t.match(packed, { state: 'unknown', expected: null });
  t.match(
    formatCompleteness(packed).missingSentence,
    /how many are missing is not known; the run is not finished/,
  );
  const ended = findCompleteness(
    { ...record, selection, options: { packed: 'failed' } },
    results.slice(0, 1),
  );
  t.equal(
    formatCompleteness(ended).missingSentence,
    'only the 1 cell that did not do as expected was packed; how many are missing is not known',
  );
  t.end();
});

t.test('a run that ended in its measuring is not finished', (t) => {
  const found = findCompleteness(
    {
      ...killed,
      matrix: { ...record.matrix, size: 3 },
      selection: { ...selection, cells: keys.slice(0, 3) },
    },
    results,
  );
  t.match(formatCompleteness(found).missingSentence, /every cell is there, but the run is not finished/);
  t.end();
});
