import t from 'tap';
import { buildResult, buildStandard } from '../fixtures/report/results.ts';
import type { Cell } from '../matrix/cell.ts';
import { defaultMeasure } from '../matrix/measure.ts';
import { RunResults } from './run-results.ts';
import { notMeasured } from '../outcome/overhead.ts';
import { servingNotMeasured } from '../outcome/serving.ts';
import type { Result } from '../store/result.ts';

const cellOf = ({ id, repetition, settings }: Result): Cell => ({
  id,
  repetition,
  settings,
  expectation: null,
});
const good = (repetition = 1, id = 'a') => buildStandard({ id, repetition, verdict: 'expected' });
const bad = (repetition = 1, id = 'a') => buildResult({ id, repetition, verdict: 'unexpected' });
const track = (results: readonly Result[], retries = 0, before: readonly Result[] = []) => {
  const lines: Result[] = [];
  const store = { appendResult: (result: Result) => void lines.push(result) };
  const tracker = new RunResults(store, { todo: results, retries, before });
  return { tracker, lines, steps: results.map((result) => tracker.add(cellOf(result), result)) };
};

t.test('a cell is done with its last repetition, whose line has the distribution', (t) => {
  const { steps, lines, tracker } = track([good(2), bad(3), good(1, 'b'), good(1)]);
  t.same(
    lines,
    steps.map(({ result }) => result),
    'stored as returned',
  );
  t.same(tracker.list(), lines);
  t.same(
    steps.map(({ next }) => next.kind),
    ['wait', 'wait', 'done', 'done'],
  );
  t.notOk('distribution' in steps[2]!.result, 'a single one needs none');
  t.match(steps[3]!.result, {
    repetition: 1,
    distribution: {
      verdict: 'flaky',
      judged: 3,
      silent: 0,
      shares: [
        { observed: 'standard', count: 2, low: /^0\.207/, high: /^0\.938/ },
        { observed: 'conservative', count: 1 },
      ],
    },
  });
  t.match(steps[3]!.next, {
    results: [{ repetition: 1, distribution: {} }, { repetition: 2 }, { repetition: 3 }],
  });
  t.end();
});

t.test('what was not expected is tried again as a further repetition, until once as expected', (t) => {
  const { tracker, steps } = track([bad()], 3);
  t.match(steps[0]!.next, { kind: 'retry', cell: { id: 'a', repetition: 2 } });
  t.match(tracker.add(cellOf(bad(2)), bad(2)).next, { kind: 'retry', cell: { repetition: 3 } });
  const end = tracker.add(cellOf(good(3)), good(3));
  t.match(end, {
    next: { kind: 'done', results: { length: 3 } },
    result: { distribution: { verdict: 'flaky' } },
  });
  t.match(track([good()], 3).steps[0]!.next, { kind: 'done' }, 'nothing to retry');
  t.match(track([buildResult({ outcome: 'broken', verdict: null, id: 'a' })], 3).steps[0]!.next, {
    kind: 'done',
  });
  t.match(track([bad(), good(2)], 3).steps[1]!.next, { kind: 'done' }, 'flaky already');
  const once = track([bad()], 1);
  const last = once.tracker.add(cellOf(bad(2)), bad(2));
  t.match(last, { next: { kind: 'done' }, result: { distribution: { verdict: 'unexpected' } } });
  t.end();
});

t.test('repetitions from before a resume count', (t) => {
  const { steps } = track([good(2)], 0, [bad(1), good(1, 'other')]);
  t.match(steps[0], {
    result: { distribution: { verdict: 'flaky', judged: 2 } },
    next: { results: { length: 2 } },
  });
  t.end();
});

t.test('a cell whose overhead is measured later is done with the last line that lacks it', (t) => {
  const tracker = new RunResults(
    { appendResult: () => undefined },
    { todo: [bad(1), bad(2)], before: [], retries: 0 },
  );
  const measure = { ...defaultMeasure, budgetMs: 1 };
  const add = (result: Result) => tracker.add({ ...cellOf(result), measure }, result).next.kind;
  t.same([add(bad(1)), add(bad(2))], ['wait', 'measure']);
  const overhead = notMeasured('no time');
  t.equal(tracker.addMeasured({ ...bad(2), ...overhead }, measure), null);
  t.match(tracker.addMeasured({ ...bad(1), ...overhead }, measure), [{ repetition: 1 }, { repetition: 2 }]);
  t.equal(tracker.list().length, 2, 'the later line of a repetition counts');
  t.end();
});

t.test('where requests are measured as well, a cell is done with both', (t) => {
  const todo = [good()];
  const tracker = new RunResults({ appendResult: () => undefined }, { todo, before: [], retries: 0 });
  const measure = { ...defaultMeasure, serving: true };
  const standard = good();
  t.equal(tracker.add({ ...cellOf(standard), measure }, standard).next.kind, 'measure');
  const accesses = { ...standard, ...notMeasured('no time') };
  t.equal(tracker.addMeasured(accesses, measure), null, 'its requests are still to come');
  t.same(tracker.find('a#1').overheadSource, accesses.overheadSource);
  const both = { ...accesses, serving: servingNotMeasured('no time') };
  t.same(tracker.addMeasured(both, measure), [both]);
  t.throws(() => tracker.find('b#1'), RangeError);
  t.end();
});
