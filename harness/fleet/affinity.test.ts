/** Which of the jobs that wait a worker takes. */
import t from 'tap';
import { fakePrepared } from '../fixtures/fake-prepared.ts';
import { parseMatrix } from '../matrix/load.ts';
import { planBoots } from '../run/boot-plan.ts';
import { countHolders, nameJobId, Preference, readBoot } from './affinity.ts';

const cells = [...parseMatrix('axes: {memory: [512M, 1G], overcommit: [0, 2]}\n', 'm.yaml').cells()];
const [small, large] = planBoots(cells, fakePrepared.images, false).map(
  (plan) => readBoot(nameJobId(plan)) ?? '',
);
const job = (boot: string | undefined, n: number): string => `job-${boot ?? ''}-${n}`;
const none: ReadonlySet<string> = new Set();
const nobody = countHolders([]);
const preferMs = 1000;

t.test('a job says by its id which template it needs', (t) => {
  const plans = planBoots(cells, fakePrepared.images, false);
  const [plan] = plans;
  t.equal(plans.length, 2);
  t.not(small, large, 'boots differ');
  t.equal(readBoot(nameJobId({ ...plan!, cells: plan!.cells.slice(1) })), small, 'whatever its cells are');
  t.not(readBoot(nameJobId({ ...plan!, images: { ...plan!.images, digest: 'sha256:9' } })), small);
  t.not(nameJobId(plan!), nameJobId(plan!), 'two jobs of a boot have two ids');
  t.equal(readBoot(nameJobId({ ...plan!, cold: true })), null, 'cells that boot need none');
  t.end();
});

t.test('a worker takes what it has a template of, else what nobody has, in the order of the queue', (t) => {
  const waiting = [job(small, 1), job(large, 2), job(large, 3)];
  const choose = (
    own: readonly (string | undefined)[],
    held: readonly (string | undefined)[],
    { place = 0, jobs = waiting } = {},
  ) =>
    new Preference(preferMs, place).choose(
      jobs,
      new Set(own.map((boot) => boot ?? '')),
      countHolders([held.map((boot) => boot ?? '')]),
      0,
    );
  t.equal(choose([], []), waiting[0]);
  t.equal(choose([], [], { place: 0.9 }), waiting[1], 'machines that begin together begin with two boots');
  t.equal(choose([large], [large]), waiting[1]);
  t.equal(choose([], [small]), waiting[1], 'the other one is left to its holder');
  t.equal(choose([], [small, large, large], { place: 0.9 }), null);
  t.equal(choose([], [small, large]), waiting[1], 'more of them than machines that have the template');
  t.equal(choose([small, large], [small, large]), waiting[0]);
  t.equal(choose([], [], { jobs: [] }), null);
  const cold = ['job-cold-1', 'job-cold-2'];
  t.equal(choose([], [], { jobs: cold, place: 0.9 }), cold[0], 'cells that boot have no template to share');
  t.end();
});

t.test('what a lost worker had goes before all others, whoever has a template', (t) => {
  const [plan] = planBoots(cells, fakePrepared.images, false);
  const again = nameJobId(plan!, true);
  t.equal(readBoot(again), small);
  const own = new Set([large ?? '']);
  const first = new Preference(preferMs, 0).choose([again, job(large, 1)], own, countHolders([own]), 0);
  t.equal(first, again);
  t.end();
});

t.test('what a holder does not take in time goes to anybody', (t) => {
  const preference = new Preference(preferMs, 0);
  const held = countHolders([[small ?? ''], [small ?? '']]);
  const waiting = [job(small, 1), job(small, 2)];
  t.equal(preference.choose(waiting, none, held, 5000), null);
  t.equal(preference.choose(waiting, none, held, 5999), null);
  t.equal(preference.choose(waiting, none, held, 6000), waiting[0]);
  t.equal(preference.choose(waiting.slice(1), none, held, 6001), null, 'the next one waits for itself');
  t.equal(preference.choose(waiting.slice(1), none, held, 7001), waiting[1]);
  t.end();
});

t.test('a worker stays with its boot as long as jobs of it wait', (t) => {
  const preference = new Preference(preferMs, 0);
  const own = new Set([large ?? '']);
  const waiting = [job(small, 1), job(large, 2), job(large, 3)];
  t.equal(preference.choose(waiting, own, nobody, 0), waiting[1]);
  t.equal(preference.choose([waiting[0]!, waiting[2]!], own, nobody, 9 * preferMs), waiting[2]);
  t.equal(preference.choose([waiting[0]!], own, nobody, 9 * preferMs), waiting[0]);
  t.end();
});
