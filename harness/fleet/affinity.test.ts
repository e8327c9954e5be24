/** Which of the jobs that wait a worker takes. */
import t from 'tap';
import { fakePrepared } from '../fixtures/fake-prepared.ts';
import { parseMatrix } from '../matrix/load.ts';
import { planBoots } from '../run/boot-plan.ts';
import { nameJobId, Preference, readBoot } from './affinity.ts';

const cells = [...parseMatrix('axes: {memory: [512M, 1G], overcommit: [0, 2]}\n', 'm.yaml').cells()];
const [small, large] = planBoots(cells, fakePrepared.images, false).map(
  (plan) => readBoot(nameJobId(plan)) ?? '',
);
const job = (boot: string | undefined, n: number): string => `job-${boot ?? ''}-${n}`;
const none: ReadonlySet<string> = new Set();
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
  const choose = (own: readonly (string | undefined)[], held: readonly (string | undefined)[]) =>
    new Preference(preferMs).choose(
      waiting,
      new Set(own.map((boot) => boot ?? '')),
      new Set(held.map((boot) => boot ?? '')),
      0,
    );
  t.equal(choose([], []), waiting[0]);
  t.equal(choose([large], [large]), waiting[1]);
  t.equal(choose([], [small]), waiting[1], 'the other one is left to its holder');
  t.equal(choose([], [small, large]), null);
  t.equal(choose([small, large], [small, large]), waiting[0]);
  t.equal(new Preference(preferMs).choose([], none, none, 0), null);
  t.end();
});

t.test('what a holder does not take in time goes to anybody', (t) => {
  const preference = new Preference(preferMs);
  const held = new Set([small ?? '']);
  const waiting = [job(small, 1), job(small, 2)];
  t.equal(preference.choose(waiting, none, held, 5000), null);
  t.equal(preference.choose(waiting, none, held, 5999), null);
  t.equal(preference.choose(waiting, none, held, 6000), waiting[0]);
  t.equal(preference.choose(waiting.slice(1), none, held, 6001), null, 'the next one waits for itself');
  t.equal(preference.choose(waiting.slice(1), none, held, 7001), waiting[1]);
  t.end();
});

t.test('a job at the head is not passed over for ever', (t) => {
  const preference = new Preference(preferMs);
  const own = new Set([large ?? '']);
  const waiting = [job(small, 1), job(large, 2), job(large, 3)];
  t.equal(preference.choose(waiting, own, own, 0), waiting[1]);
  t.equal(preference.choose([waiting[0]!, waiting[2]!], own, own, 1000), waiting[0]);
  t.end();
});
