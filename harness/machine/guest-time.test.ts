import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import t from 'tap';
import { countInterval, GuestTime, startSample, type Sample, type ThreadTimes } from './guest-time.ts';

const sample = (changes: Partial<Sample> = {}): Sample => ({
  monotonicMs: 0,
  bootMs: 5000,
  stopped: false,
  threads: new Map(),
  ...changes,
});

/** The main thread of QEMU, then its virtual CPUs: milliseconds each ran and waited. */
const threads = (...times: readonly (readonly [ran: number, waited: number])[]): Sample['threads'] =>
  new Map(times.map(([ranMs, waitedMs], id): [number, ThreadTimes] => [id, { ranMs, waitedMs }]));

t.test('an interval counts as far as the guest could have run', (t) => {
  const second = { monotonicMs: 1000, bootMs: 6000 };
  const rows: readonly (readonly [string, Partial<Sample>, Partial<Sample>, number])[] = [
    ['a subject that sleeps', {}, { ...second, threads: threads([1, 0], [2, 0]) }, 1000],
    ['a subject that computes', {}, { ...second, threads: threads([1, 0], [999, 0]) }, 1000],
    ['a virtual CPU that waits for a core', {}, { ...second, threads: threads([0, 0], [100, 900]) }, 100],
    [
      'a virtual CPU that waits, and the main thread at the same time',
      {},
      { ...second, threads: threads([10, 800], [100, 900]) },
      100,
    ],
    [
      'a virtual CPU and the main thread that wait for each other and in turn for a core',
      {},
      { ...second, threads: threads([50, 450], [50, 440]) },
      110,
    ],
    [
      'four virtual CPUs that spin on two cores',
      {},
      { ...second, threads: threads([0, 0], [500, 500], [490, 510], [500, 500], [510, 490]) },
      510,
    ],
    [
      'one of two virtual CPUs sleeps, the other waits',
      {},
      { ...second, threads: threads([0, 0], [400, 600], [0, 0]) },
      400,
    ],
    [
      'what was waited for before does not count',
      { threads: threads([5, 5], [100, 700]) },
      { ...second, threads: threads([5, 5], [1100, 700]) },
      1000,
    ],
    [
      'a thread that ended, and one that began',
      { threads: new Map([[7, { ranMs: 9, waitedMs: 900 }]]) },
      { ...second, threads: new Map([[8, { ranMs: 1, waitedMs: 30 }]]) },
      970,
    ],
    ['stopped at its end', {}, { ...second, stopped: true }, 0],
    ['stopped at its beginning', { stopped: true }, second, 0],
    [
      'a stopped group, a computer that lost its host: the sample came late',
      {},
      { monotonicMs: 75_000, bootMs: 80_000 },
      1000,
    ],
    [
      'the harness alone was stopped, and the guest computed',
      {},
      { monotonicMs: 75_000, bootMs: 80_000, threads: threads([0, 0], [74_000, 0]) },
      1000,
    ],
    ['a suspended computer: its boot clock went on', {}, { monotonicMs: 1000, bootMs: 3_606_000 }, 0],
    ['steps of the boot clock are no suspension', {}, { monotonicMs: 1000, bootMs: 6010 }, 1000],
    ['a kernel that does not tell', { threads: null }, { ...second, threads: null }, 1000],
    ['a process that has ended', { threads: threads([1, 0]) }, { ...second, threads: null }, 1000],
  ];
  for (const [title, before, after, counted] of rows)
    t.equal(countInterval(sample(before), sample(after), 1000), counted, title);
  t.end();
});

/** A guest that never answers. */
const never = (): Promise<never> => new Promise(() => undefined);
/** Nothing of a scripted guest has a wall clock: a period is a few milliseconds. */
const periodMs = 5;

t.test('a guest that had its time and did not answer is late', async (t) => {
  const time = new GuestTime(startSample, { periodMs });
  const late = { code: 'MACHINE_TIMEOUT', message: 'no answer to hello within 30 ms' };
  await t.rejects(time.within(never(), { what: 'no answer to hello', ms: 30 }), late);
  t.equal(await time.within(Promise.resolve('yes'), { what: 'x', ms: 30 }), 'yes');
  await t.rejects(time.within(Promise.reject(new Error('its own')), { what: 'x', ms: 30 }), {
    message: 'its own',
  });
});

t.test('a guest that got no time is never late, but stalled after the cap', async (t) => {
  const stopped = (): Sample => ({ ...startSample(), stopped: true });
  let waited = 0;
  const starved = (): Sample => ({
    ...startSample(),
    threads: new Map([[1, { ranMs: 0, waitedMs: (waited += 1e6) }]]),
  });
  let suspensions = 0;
  const suspended = (): Sample => {
    const now = startSample();
    return { ...now, bootMs: now.bootMs + (suspensions += 1) * 60_000 };
  };
  for (const [title, take] of Object.entries({ stopped, starved, suspended })) {
    const time = new GuestTime(take, { periodMs, capMs: () => 100 });
    const stalled = {
      code: 'MACHINE_STALLED',
      message: /^no answer: of 0\.\d s the guest could run for 0\.0$/,
    };
    await t.rejects(time.within(never(), { what: 'no answer', ms: 10 }), stalled, title);
  }
});

t.test('a guest that was stopped and goes on gets the rest of its time', async (t) => {
  let samples = 0;
  const time = new GuestTime(() => ({ ...startSample(), stopped: (samples += 1) <= 20 }), {
    periodMs,
    capMs: () => 60_000,
  });
  await t.rejects(time.within(never(), { what: 'x', ms: 20 }), { code: 'MACHINE_TIMEOUT' });
  t.ok(samples > 20, 'not before it went on');
});

t.test(
  'an answer that lies in the socket when the harness wakes up is read before anybody gives up',
  async (t) => {
    const server = createServer((socket) => {
      socket.write('answer');
      // The harness stops here, as by Ctrl-Z, for many times the deadline.
      const until = performance.now() + 40 * periodMs;
      while (performance.now() < until) Math.random();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    t.teardown(() => server.close());
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const time = new GuestTime(startSample, { periodMs });
    const client = connect(address.port, '127.0.0.1');
    t.teardown(() => client.destroy());
    const answer = new Promise<string>((resolve) =>
      client.once('data', (chunk) => resolve(chunk.toString())),
    );
    t.equal(await time.within(answer, { what: 'no answer', ms: 2 * periodMs }), 'answer');
  },
);

t.test('several waits at a time are each held to their own deadline', async (t) => {
  const time = new GuestTime(startSample, { periodMs });
  const ended: string[] = [];
  const wait = (what: string, ms: number) => time.within(never(), { what, ms }).catch(() => ended.push(what));
  await Promise.all([wait('long', 60), wait('short', 10)]);
  t.same(ended, ['short', 'long']);
});

t.test('what answers within a period costs no sample', async (t) => {
  let samples = 0;
  const time = new GuestTime(() => ((samples += 1), startSample()), { periodMs: 60_000 });
  for (let index = 0; index < 5; index += 1)
    await time.within(new Promise((resolve) => setImmediate(resolve)), { what: 'x', ms: 90_000 });
  t.equal(samples, 0);
});
