import t from 'tap';
import { evaluateServing } from './evaluate-serving.ts';
import { fitsRound, planSampleMs, planServing, planSettling } from './serving-plan.ts';
import type { ServingSample } from './serving-sample.ts';

t.test('the modes are lists of options of wasmtime, the baseline first and again', (t) => {
  const [one] = planServing('49.0.3', { works: ['touch-16'], connections: [2] });
  t.match(one, { work: 'touch-16', connections: 2 });
  const options =
    one?.contenders.map((one) => [one.name, one.server === 'wasm-host' ? one.tier : one.options.join(' ')]) ??
    [];
  t.same(
    options.map(([name]) => name),
    [
      ...['spin', 'spin', 'pool', 'conservative', 'explicit', 'on-demand'],
      ...['host-standard', 'host-standard', 'host-conservative', 'host-on-demand'],
    ],
  );
  t.equal(options.at(-1)?.[1], 'on-demand');
  const [, spin = '', pool = '', conservative = '', explicit = '', onDemand = ''] = options.map(
    ([, words]) => words,
  );
  t.match(spin, /^-O pooling-allocator=y,.*pooling-memory-keep-resident=2097152/);
  t.equal(pool, '-O pooling-allocator=y');
  t.match(conservative, /pooling-total-memories=16,.*pooling-total-stacks=16,.*keep-resident/);
  t.match(explicit, /memory-reservation=134217728,memory-guard-size=65536/);
  t.equal(onDemand, '-O pooling-allocator=n');
  t.equal(one?.contenders[2]?.path, '/32/1');
  t.equal(planServing('49.0.3').length, 18);
  const namesOf = (chosen: Parameters<typeof planServing>[1]) =>
    planServing('49.0.3', chosen)[0]?.contenders.map(({ name }) => name);
  t.same(namesOf({ modes: ['host-on-demand'] }), [
    'spin',
    'spin',
    'host-standard',
    'host-standard',
    'host-on-demand',
  ]);
  t.same(namesOf({ modes: ['pool'] }), ['spin', 'spin', 'pool']);
  t.same(
    namesOf({ works: ['sleep'], modes: ['pool', 'host-standard'] }),
    ['spin', 'spin', 'pool'],
    'no module of ours',
  );
  t.end();
});

t.test('an unknown name is refused with the nearest one', (t) => {
  t.throws(() => planServing('49.0.3', { works: ['touch-61'] }), {
    code: 'USAGE',
    message: '--work touch-61: there is none of that name',
  });
  t.throws(() => planServing('49.0.3', { modes: ['ondemand'] }), {
    code: 'USAGE',
    details: { hint: 'did you mean on-demand?' },
  });
  t.end();
});

t.test('the time is kept: samples become shorter, and rounds are added where they fit', (t) => {
  const modes = ['pool', 'conservative', 'explicit', 'on-demand'];
  const cases = planServing('49.0.3', { works: ['hello'], connections: [1], modes });
  t.equal(planSampleMs(cases, 1000), 1000);
  t.equal(planSampleMs(cases, 30), 500);
  t.throws(() => planSampleMs(cases, 10), { code: 'USAGE', message: /30 samples need 21 s at least/ });
  t.same(
    [0, 4, 5, 6].map((done) => fitsRound(done, done * 10, 60)),
    [true, true, true, false],
  );
  t.end();
});

const sample = (cpuNs: number, invalid: string | null = null): ServingSample => ({
  requests: 100,
  cpuNs,
  requestsPerSecond: 1e9 / cpuNs,
  p50Ms: 1,
  p99Ms: 2,
  turns: [{ cpuNs, requestsPerSecond: 1e9 / cpuNs }],
  invalid,
});

t.test('ratios are of the rounds', (t) => {
  const [one] = planServing('49.0.3', { works: ['hello'], connections: [1], modes: ['on-demand'] });
  if (one === undefined) throw new RangeError('no case');
  // B is twice as dear as A; A and its equal take turns at being a thousandth dearer.
  const rounds = [1, 1.02, 0.99, 1.01].map((level, round) =>
    [1 + (round % 2) / 1000, 1 + ((round + 1) % 2) / 1000, 2].map((cost) => sample(cost * level * 1000)),
  );
  const [base, again, other] = evaluateServing(one, rounds);
  t.match(base, { mode: 'spin', cpu: null, requests: 400, rounds: 4, invalid: null });
  t.equal(again?.mode, 'spin (again)');
  t.ok(Math.abs((again?.cpu?.ratio ?? 0) - 1) < 1e-9);
  t.match(other, { mode: 'on-demand', stable: true });
  t.ok(Math.abs((other?.cpu?.ratio ?? 0) - 2) < 0.002, String(other?.cpu?.ratio));
  t.ok(Math.abs((other?.rate?.ratio ?? 0) - 0.5) < 0.001);
  t.end();
});

t.test('a turn beside other work does not count, whichever server had it', (t) => {
  const [one] = planServing('49.0.3', { works: ['hello'], connections: [1], modes: ['on-demand'] });
  if (one === undefined) throw new RangeError('no case');
  const turnsOf = (...costs: readonly number[]): ServingSample => ({
    ...sample(1000),
    turns: costs.map((cpuNs) => ({ cpuNs, requestsPerSecond: 1e9 / cpuNs })),
  });
  // The computer is slower by half in the last two turns; the other work begins in the middle of one.
  const round = [
    turnsOf(1000, 1000, 1000, 1500, 1500),
    turnsOf(1000, 1000, 1500, 1500, 1500),
    turnsOf(2000, 2000, 3000, 3000, 3000),
  ];
  const [, again, other] = evaluateServing(one, [round, round]);
  t.ok(Math.abs((again?.cpu?.ratio ?? 0) - 1) < 1e-9, String(again?.cpu?.ratio));
  t.ok(Math.abs((other?.cpu?.ratio ?? 0) - 2) < 1e-9, String(other?.cpu?.ratio));
  t.end();
});

t.test('our host is compared with itself, and its baseline with the other server', (t) => {
  const [one] = planServing('49.0.3', { works: ['hello'], connections: [1], modes: ['host-on-demand'] });
  if (one === undefined) throw new RangeError('no case');
  const round = [1000, 1001, 3000, 3003, 4500].map((cost) => sample(cost));
  const figures = evaluateServing(one, [round, round, round]);
  t.same(
    figures.map(({ mode, to, cpu }) => [mode, to, cpu === null ? null : Math.round(cpu.ratio * 100) / 100]),
    [
      ['spin', null, null],
      ['spin (again)', 'spin', 1],
      ['host-standard', 'spin', 3],
      ['host-standard (again)', 'host-standard', 1],
      ['host-on-demand', 'host-standard', 1.5],
    ],
  );
  t.end();
});

t.test('one answer other than 2xx takes the figures of its mode away, and only those', (t) => {
  const [one] = planServing('49.0.3', { works: ['hello'], connections: [1], modes: ['on-demand', 'pool'] });
  if (one === undefined) throw new RangeError('no case');
  const bad = '3 of 100 answers had the status 500';
  const round = (invalid: string | null) => [
    ...[1000, 1001, 1500].map((ns) => sample(ns)),
    sample(2000, invalid),
  ];
  const figures = evaluateServing(one, [round(null), round(bad), round(null)]);
  t.match(figures[3], { mode: 'on-demand', cpu: null, rate: null, invalid: bad });
  t.match(figures[2], { mode: 'pool', invalid: null });
  t.ok(Math.abs((figures[2]?.cpu?.ratio ?? 0) - 1.5) < 0.01);
  t.end();
});

t.test('our host is settled by the lightest requests of its module, whatever it is measured with', (t) => {
  const host = { name: '0', server: 'wasm-host', tier: 'standard' } as const;
  t.same(planSettling({ ...host, component: 'touch', path: '/16000000/1' }), { path: '/1/1', amount: 5000 });
  t.same(planSettling({ ...host, component: 'hello', path: '/' }), { path: '/', amount: 5000 });
  t.equal(
    planSettling({ name: '0', server: 'wasmtime-serve', options: [], component: 'touch', path: '/1/1' }),
    undefined,
  );
  t.end();
});
