/** `undecided` in every report: neither a success nor a failure, and never silent. */
import { Parser } from 'tap-parser';
import t from 'tap';
import { buildOverhead, figureAt } from '../fixtures/overhead/figures.ts';
import { buildResult, buildStandard, viewOf } from '../fixtures/report/results.ts';
import type { Expectation } from '../matrix/cell.ts';
import { joinOverhead } from '../outcome/judge-overhead.ts';
import type { Result } from '../store/result.ts';
import { compareRuns } from './compare.ts';
import { buildDistributions } from '../outcome/repetitions.ts';
import { formats } from './formats.ts';
import { buildHistory } from './history.ts';
import type { HistoryIndex } from './history-index.ts';
import { exitCodeOf } from './exit-code.ts';
import { formatCounts, formatExit } from './format-run.ts';

const expectation: Expectation = { tier: 'conservative', overhead: 0.2, because: null, link: null };
const pending = buildResult({
  verdict: 'undecided',
  expected: { source: 'matrix', text: 'conservative, overhead <= 20 %', expectation },
});
const undecided: Result = joinOverhead(pending, buildOverhead(figureAt(20, 3), figureAt(4)));
const results = [buildStandard({}, { overcommit: 0 }), undecided];

t.test('the exit code is 0 with a warning, 1 with strict', (t) => {
  t.equal(exitCodeOf(buildDistributions(results)), 0);
  t.equal(exitCodeOf(buildDistributions(results), { strict: true }), 1);
  t.equal(exitCodeOf(buildDistributions([buildStandard()]), { strict: true }), 0);
  t.equal(exitCodeOf(buildDistributions([...results, buildResult({ id: 'c', verdict: 'unexpected' })])), 1);
  t.equal(
    exitCodeOf(buildDistributions([...results, buildResult({ id: 'c', outcome: 'broken', verdict: null })])),
    2,
  );
  t.match(formatCounts(viewOf(results)), /; 1 as expected, 1 undecided$/);
  t.equal(
    formatExit(viewOf(results)),
    'exit 0: every cell did what was expected; warning: 1 cell is undecided (--strict: exit 1)',
  );
  t.equal(formatExit(viewOf(results, undefined, { strict: true })), 'exit 1: 1 cell is undecided (--strict)');
  t.match(
    formatExit(viewOf([...results, undecided, buildResult({ id: 'other', verdict: 'unexpected' })])),
    /^exit 1: .*; 2 cells are undecided$/,
  );
  t.equal(
    formatExit(viewOf(results, undefined, { interrupted: true })),
    'exit 130: interrupted; continue with --resume',
  );
  t.end();
});

t.test('the table marks it, says why, and warns', (t) => {
  const table = formats.table.render(viewOf(results));
  t.match(table, /conservative ~/);
  t.match(table, '~ overhead undecided');
  t.match(table, /2: undecided: overhead <= 20 % is undecided: \+20.0 % \[\+17.0, \+23.0\]/);
  t.match(table, /\nexit 0: .*warning: 1 cell is undecided/);
  t.match(
    formats.table.render(viewOf(results, undefined, { strict: true })),
    /\nexit 1: 1 cell is undecided/,
  );
  t.match(formats.table.render(viewOf([pending])), /undecided: its overhead is not measured yet; table pool/);
  t.end();
});

t.test('TAP has it as a TODO, JUnit as skipped with its reason', async (t) => {
  const read = await new Promise<{ ok: boolean; todo: number }>((resolve) => {
    new Parser({ strict: true }, resolve).end(formats.tap.render(viewOf(results)));
  });
  t.match(read, { ok: true, todo: 1 });
  t.match(formats.tap.render(viewOf([pending])), /reason: "its overhead is not measured yet; /);
  const junit = formats.junit.render(viewOf(results));
  t.match(junit, /<testsuite [^>]*tests="2" failures="0" errors="0" skipped="1"/);
  t.match(junit, /<skipped message="undecided: overhead &lt;= 20 % is undecided/);
});

t.test('JSON, CSV, Markdown, GitHub and the page tell it', (t) => {
  const json = JSON.parse(formats.json.render(viewOf(results))) as {
    summary: { byVerdict: object; exitCode: number };
  };
  t.match(json.summary, { byVerdict: { expected: 1, undecided: 1 }, exitCode: 0 });
  t.match(formats.csv.render(viewOf(results)), /,reached,conservative,undecided,/);
  t.match(formats.md.render(viewOf(results)), /## Cells to look at\n\n- .*overhead &lt;= 20 %/);
  t.match(formats.github.render(viewOf(results)), /^> \*\*✅ as expected, ⚠️ 1 undecided\*\*/);
  t.match(
    formats.annotations.render(viewOf(results)),
    /^::warning .*title=conservative::.*undecided: overhead <= 20/,
  );
  const page = formats.html.render(viewOf(results));
  t.match(page, /<b>undecided<\/b>/);
  t.match(page, /tier as expected, its overhead undecided/);
  t.match(page, /~ The tier is; its overhead is undecided\./);
  t.match(page, /1 with an undecided overhead \(~\)/);
  t.end();
});

t.test('compare ranks it between expected and unexpected, and it is no regression', (t) => {
  const side = (cell: Result) => ({ runs: [viewOf([cell])] });
  const decided = buildResult();
  t.match(compareRuns(side(decided), side(pending)), {
    changes: [{ kinds: ['verdict'], direction: 'worse', regression: false }],
    exitCode: 0,
  });
  t.match(compareRuns(side(pending), side(decided)), { changes: [{ direction: 'better' }] });
  t.match(compareRuns(side(pending), side(buildResult({ verdict: 'unexpected' }))), {
    regressions: 1,
    exitCode: 1,
  });
  t.end();
});

t.test('history and repetitions keep it', (t) => {
  t.match(buildDistributions([pending, { ...pending, repetition: 2 }]), [{ verdict: 'undecided' }]);
  const index: HistoryIndex = {
    cells: ['memory=1G'],
    states: [
      ['reached', 'conservative', 'explicit', 'expected'],
      ['reached', 'conservative', 'explicit', 'undecided'],
    ],
    runs: ['a', 'b'].map((id, state) => ({
      id,
      stamp: '',
      damaged: 0,
      finished: true,
      missing: null,
      merged: [],
      cells: [0, state],
    })),
    read: 0,
    unreadable: [],
    saved: true,
  };
  t.match(buildHistory(index, new Set(['memory=1G'])), [
    {
      spans: [
        { verdict: 'expected', bad: false },
        { verdict: 'undecided', bad: false },
      ],
      firstBad: null,
    },
  ]);
  t.end();
});
