/** Which job goes first, who takes one, and how many wait in the queue. */
import t from 'tap';
import { fakePrepared } from '../fixtures/fake-prepared.ts';
import { parseMatrix } from '../matrix/load.ts';
import { planBoots } from '../run/boot-plan.ts';
import { Backlog } from './backlog.ts';
import type { Chunk } from './chunk-plans.ts';
import { judgeJob, priorityOf, queuesToAsk, urgentPriority, wantsJob } from './job-rules.ts';

t.test('jobs go in their order, behind those whose worker was lost, however many there are', (t) => {
  t.ok(urgentPriority < priorityOf(0));
  t.ok(priorityOf(0) < priorityOf(1));
  t.equal(priorityOf(10 ** 9), 2 ** 21, 'BullMQ takes no more');
  t.end();
});

t.test('a worker takes the next job before a guest waits, of the queue it is at until that is done', (t) => {
  const job = (cells: number, isAlone = false) => ({ cells, isAlone });
  t.ok(wantsJob([job(1), job(2)], 4));
  t.notOk(wantsJob([job(1), job(3)], 4));
  t.notOk(wantsJob([job(1), job(1, true)], 4), 'nothing comes beside what runs alone');
  t.same(queuesToAsk(['a', 'b'], []), ['a', 'b']);
  t.same(queuesToAsk(['a', 'b'], ['b', 'b']), ['b']);
  t.same(queuesToAsk(['a', 'b'], ['c']), []);
  t.end();
});

t.test('cells of a job that stalled run alone, and what is lost alone twice is given up', (t) => {
  const first = { lost: 0, stalls: 0, cells: 1 };
  t.same(judgeJob({ ...first, cells: 8 }), { lost: 0, isGivenUp: false, isAlone: false });
  t.match(judgeJob({ ...first, stalls: 1, cells: 8 }), { lost: 1, isGivenUp: true }, 'one of them did it');
  t.same(judgeJob({ ...first, stalls: 1 }), { lost: 1, isGivenUp: false, isAlone: true });
  const suspect = { lost: 1, stalls: 1, cells: 1 };
  t.match(judgeJob(suspect), { lost: 1, isGivenUp: false, isAlone: true }, 'lost before its turn');
  t.same(judgeJob({ ...suspect, begun: true }), { lost: 2, isGivenUp: false, isAlone: true });
  t.match(judgeJob({ ...suspect, lost: 2, begun: true }), { lost: 3, isGivenUp: true });
  t.end();
});

t.test('each queue is filled when it is half empty, in the order of the jobs', (t) => {
  const cells = parseMatrix('axes: {memory: [512M]}\n', 'm.yaml').cells();
  const [plan] = planBoots(cells, fakePrepared.images, false);
  const chunks: readonly Chunk[] = Array.from({ length: 700 }, (_, n) => ({
    plan: plan!,
    estimatedMs: 1000 - n,
    place: n,
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
  t.equal(backlog.take([], 150).length, 300, 'a larger fleet has more of them');
  t.same(backlog.take([], 100), []);
  t.end();
});
