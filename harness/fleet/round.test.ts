/** What a message of a worker means for the cells of a round. */
import t from 'tap';
import { fakeImages, fakePrepared } from '../fixtures/fake-prepared.ts';
import { parseMatrix } from '../matrix/load.ts';
import { planBoots } from '../run/boot-plan.ts';
import { endUnasked } from '../run/run-cell.ts';
import type { CellRun, RunnerEvent } from '../run/runner.ts';
import { cellKey } from '../store/read-run.ts';
import { chunkPlans } from './chunk-plans.ts';
import { Round } from './round.ts';

const cells = [...parseMatrix('axes: {memory: [512M, 1G], env: [{}, {A: "1"}]}\n', 'm.yaml').cells()];
const plans = planBoots(cells, fakePrepared.images, false);
const machine = { name: 'lab-1', qemu: '7.2.0', accelerator: 'tcg', cpuModel: 'x', kernel: '6' } as const;
const [first, second] = cells;
const names = (count: number): string => Array.from({ length: count }, (_, n) => `{N: "${n}"}`).join(', ');
const keyOf = (index: number): string => cellKey(cells[index]!);

function open(): { round: Round; events: RunnerEvent[] } {
  const events: RunnerEvent[] = [];
  const round = new Round(plans, new Map([['bookworm', machine]]), (event) => void events.push(event));
  return { round, events };
}

const endOf = (index: number, change: Partial<CellRun['result']> = {}) => {
  const { result } = endUnasked(cells[index]!, 'skipped', 'x', fakeImages.digest);
  return { kind: 'ended', result: { ...result, ...change }, evidence: {} } as const;
};

t.test('a result counts once, with the machine that made it', (t) => {
  const { round, events } = open();
  round.pending.assign('job', [keyOf(0)]);
  round.hear({ machine, event: endOf(0) });
  round.hear({ machine: { ...machine, name: 'late' }, event: endOf(0) });
  t.match(events, [{ kind: 'ended', result: { id: first!.id, machine: { name: 'lab-1' } } }]);
  t.equal(events.length, 1);
  t.same([...round.byMachine], [['lab-1', 1]]);
  t.equal(round.pending.size, 3);
  t.same(round.pending.jobs(), [], 'its job has no cells left');
  t.end();
});

t.test('a result that does not fit its cell does not count, and the second one ends it broken', (t) => {
  const misfits = [
    [{ machine, event: endOf(0, { settings: second!.settings }) }, /other settings/],
    [{ machine, event: endOf(0, { imageDigest: 'sha256:9' }) }, /images sha256:9/],
    [{ machine: { ...machine, qemu: '9.0' }, event: endOf(0) }, /QEMU 9\.0/],
    [{ machine: { ...machine, accelerator: 'kvm' }, event: endOf(0) }, /accelerator kvm/],
  ] as const;
  for (const [message, says] of misfits) {
    const { round, events } = open();
    round.hear(message);
    t.match(events, [{ kind: 'notice', text: says }]);
    t.equal(round.pending.size, 4);
    round.hear(message);
    t.match(events.at(-1), { kind: 'ended', result: { outcome: 'broken', verdict: null, reason: says } });
    t.equal(round.pending.size, 3);
  }
  t.end();
});

t.test('of a job that took its worker down each cell gets a job, and what did it alone is broken', (t) => {
  const { round, events } = open();
  round.pending.assign('job', [keyOf(0), keyOf(1)]);
  round.hear({ machine, event: { kind: 'started', cell: keyOf(1) } });
  const again = round.hear({ machine, event: { kind: 'given-up', job: 'job', reason: 'stalled', lost: 1 } });
  t.match(
    again,
    [
      { cell: first, lost: 0 },
      { cell: second, lost: 1 },
    ],
    'only one of them was running',
  );
  const giveUp = (lost: number) => {
    round.pending.assign('alone', [keyOf(1)], lost - 1);
    return round.hear({ machine, event: { kind: 'given-up', job: 'alone', reason: 'stalled', lost } });
  };
  t.match(giveUp(2), [{ cell: second, lost: 2 }], 'the first loss may have been the fault of another');
  t.same(giveUp(3), []);
  t.match(events.at(-1), {
    kind: 'ended',
    result: {
      id: second!.id,
      outcome: 'broken',
      reason: /3 workers did not finish it, two that ran nothing else; lab-1: stalled/,
    },
  });
  t.end();
});

t.test('a job that is gone is queued again, but not for ever', (t) => {
  const { round, events } = open();
  for (let times = 1; times < 5; times += 1) {
    round.pending.assign(`job-${times}`, [keyOf(0)]);
    t.equal(round.lose(`job-${times}`).length, 1);
  }
  round.pending.assign('last', [keyOf(0)]);
  t.same(round.lose('last'), []);
  t.match(events, [{ kind: 'ended', result: { outcome: 'broken', reason: /lost 5 times/ } }]);
  t.same(round.lose('unknown'), []);
  t.end();
});

t.test('what others start or end is not shown', (t) => {
  const { round, events } = open();
  round.hear({ machine, event: { kind: 'started', cell: 'memory=9G#1' } });
  t.same(events, []);
  round.hear({ machine, event: { kind: 'notice', text: 'a template failed' } });
  t.same(events, [{ kind: 'notice', text: 'lab-1: a template failed' }]);
  t.end();
});

t.test('jobs are parts of one boot, that with the longest first, and enough of them for every guest', (t) => {
  const short = new Map(cells.map(({ id }) => [id, 100]));
  const whole = chunkPlans(plans, short, { guests: 0, workers: 0 });
  t.same(
    whole.map(({ plan }) => plan.cells.length),
    [2, 2],
    'two boots',
  );
  t.same(
    chunkPlans(plans, new Map(), { guests: 2, workers: 2 }).map(({ plan }) => plan.cells.length),
    [1, 1, 1, 1],
  );
  const durations = new Map(cells.map(({ id }, index) => [id, index === 3 ? 59_500 : 1000]));
  const [longest, ...rest] = chunkPlans(plans, durations, { guests: 1, workers: 1 });
  t.match(longest, { estimatedMs: 59_500, plan: { cells: [{ id: cells[3]!.id }] } });
  t.same(
    rest.map(({ estimatedMs, place }) => [estimatedMs, place]),
    [
      [2000, 1],
      [1000, 2],
    ],
    'boots take turns at the end',
  );
  t.end();
});

t.test(
  'a boot is done before the next, and the last jobs are small, so that no slow machine ends late',
  (t) => {
    const text = `axes: {memory: [512M, 1G, 2G], env: [${names(800)}]}\n`;
    const many = [...parseMatrix(text, 'm.yaml').cells()];
    const jobs = chunkPlans(
      planBoots(many, fakePrepared.images, false),
      new Map(many.map(({ id }) => [id, 1000])),
      {
        guests: 2,
        workers: 2,
      },
    );
    const sizes = jobs.map(({ plan }) => plan.cells.length);
    t.equal(
      sizes.reduce((sum, size) => sum + size, 0),
      many.length,
    );
    t.same(sizes.slice(0, 13), Array<number>(13).fill(60), 'a minute');
    t.equal(Math.max(...sizes.slice(-6)), 6, 'a tenth of it');
    const boots = jobs.map(({ plan }) => plan.cells[0]?.settings.memory);
    t.equal(new Set(boots.slice(0, 14)).size, 1, 'from one template');
    t.equal(new Set(boots.slice(26, 28)).size, 2, 'boots take turns at the end');
    t.end();
  },
);
