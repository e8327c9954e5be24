/** Which job goes first, who takes one, and how many wait in the queue. */
import t from 'tap';
import { fakePrepared } from '../fixtures/fake-prepared.ts';
import { parseMatrix } from '../matrix/load.ts';
import { planBoots } from '../run/boot-plan.ts';
import { Backlog } from './backlog.ts';
import type { Chunk } from './chunk-plans.ts';
import { judgeStalls, priorityOf, queuesToAsk, wantsJob } from './job-rules.ts';

t.test('longer jobs have lower priorities, which go first, and none is below one', (t) => {
  t.ok(priorityOf(60_000) < priorityOf(1000));
  t.equal(priorityOf(10 ** 9), 1);
  t.end();
});

t.test('a worker takes the next job before a guest waits, of the queue it is at until that is done', (t) => {
  t.ok(wantsJob(3, 4));
  t.notOk(wantsJob(4, 4));
  t.same(queuesToAsk(['a', 'b'], []), ['a', 'b']);
  t.same(queuesToAsk(['a', 'b'], ['b', 'b']), ['b']);
  t.same(queuesToAsk(['a', 'b'], ['c']), []);
  t.end();
});

t.test('a job that stalled is given up where it may not be tried whole again', (t) => {
  t.same(judgeStalls(0, 0, 8), { lost: 0, isGivenUp: false });
  t.same(judgeStalls(0, 1, 8), { lost: 1, isGivenUp: true }, 'one of several cells did it');
  t.same(judgeStalls(0, 1, 1), { lost: 1, isGivenUp: false }, 'alone it is tried once more');
  t.same(judgeStalls(1, 1, 1), { lost: 2, isGivenUp: true });
  t.end();
});

t.test('each queue is filled when it is half empty, in the order of the jobs', (t) => {
  const cells = parseMatrix('axes: {memory: [512M]}\n', 'm.yaml').cells();
  const [plan] = planBoots(cells, fakePrepared.images, false);
  const chunks: readonly Chunk[] = Array.from({ length: 700 }, (_, n) => ({
    plan: plan!,
    estimatedMs: 1000 - n,
  }));
  const backlog = new Backlog(chunks, ({ estimatedMs }) => (estimatedMs > 900 ? 'short' : 'long'));
  const first = backlog.take([], 1).map(({ estimatedMs }) => estimatedMs);
  const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, n) => from - n);
  t.same(
    first.filter((ms) => ms > 900),
    range(1000, 100),
    'all of the one',
  );
  t.same(
    first.filter((ms) => ms <= 900),
    range(900, 200),
    'so many as are good for the other',
  );
  t.same(backlog.take(Array<string>(101).fill('long'), 1), [], 'more than half are left');
  t.same(
    backlog.take(Array<string>(100).fill('long'), 1).map(({ estimatedMs }) => estimatedMs),
    range(700, 100),
  );
  t.equal(backlog.take([], 100).length, 300, 'a larger fleet has more of them');
  t.same(backlog.take([], 100), []);
  t.end();
});
