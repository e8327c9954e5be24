import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { BatchClaims, type Batch } from './serve-batch.ts';
import type { Done, Outcome } from './serve-instance.ts';
import { ServePool, type PoolOptions, type Thread } from './serve-pool.ts';

/** A thread that begins and answers when the test says so. */
class FakeThread {
  readonly batches: Batch[] = [];
  readonly claims: BatchClaims;
  isEnded = false;
  wasDismissed = false;
  #hear: (value: unknown) => void = () => undefined;
  #end: () => void = () => undefined;

  constructor(cells: SharedArrayBuffer) {
    this.claims = new BatchClaims(cells);
  }

  readonly thread: Thread = {
    postMessage: (batch) => {
      if (batch === null) this.wasDismissed = true;
      else this.batches.push(batch);
    },
    terminate: () => (this.isEnded = true),
    on: (event: string, listener: (value: never) => void) => {
      if (event === 'message') this.#hear = listener as (value: unknown) => void;
      if (event === 'exit') this.#end = listener as () => void;
    },
  };

  get newest(): Batch {
    const batch = this.batches.at(-1);
    if (batch === undefined) throw new Error('this thread has no batch');
    return batch;
  }

  /** @returns false where the job was taken back */
  begin(index: number, batch = this.newest): boolean {
    return this.claims.begin(batch, index);
  }

  /** Tells the pool that a job is done: its answer is the text of the request. */
  answer(index: number, ms: number, batch = this.newest): void {
    const job = batch.jobs[index];
    if (job?.kind !== 'message') throw new Error(`no job ${index}`);
    this.#hear({ outcome: { kind: 'answer', bytes: job.bytes }, ms } satisfies Done);
  }

  ready(): void {
    this.#hear('ready');
  }

  die(): void {
    this.#end();
  }
}

type Tried = {
  pool: ServePool;
  threads: FakeThread[];
  clock: { ms: number };
  ask: (text: string) => Promise<string>;
  /** Until the pool has handed out what there is. */
  settle: () => Promise<void>;
  /** Lets the time pass, and the pool look at it. */
  wait: (ms: number) => Promise<void>;
  thread: (index: number) => FakeThread;
};

const describe = (outcome: Outcome | { kind: string }): string =>
  outcome.kind === 'answer' && 'bytes' in outcome
    ? Buffer.from(outcome.bytes).toString()
    : 'reason' in outcome
      ? `${outcome.kind}: ${outcome.reason}`
      : outcome.kind;

async function open(t: Tap, options: Partial<PoolOptions> = {}): Promise<Tried> {
  const threads: FakeThread[] = [];
  const clock = { ms: 0 };
  let ticks = 0;
  const pool = new ServePool({
    threads: 1,
    queue: 100,
    limitMs: 1000,
    graceMs: 0,
    canTerminate: false,
    maxThreads: 4,
    tickMs: 1,
    now: () => clock.ms,
    onTick: () => (ticks += 1),
    startThread: (cells) => {
      const fake = new FakeThread(cells);
      threads.push(fake);
      queueMicrotask(() => fake.ready());
      return fake.thread;
    },
    ...options,
  });
  t.teardown(() => pool.close());
  t.equal(await pool.start(), null);
  return {
    pool,
    threads,
    clock,
    ask: async (text) =>
      describe(await pool.run({ kind: 'message', bytes: Buffer.from(text) }, () => text.startsWith('gone'))),
    settle: async () => {
      await setImmediate();
      await setImmediate();
    },
    wait: async (ms) => {
      clock.ms += ms;
      const before = ticks;
      while (ticks === before) await setImmediate();
    },
    thread: (index) => {
      const fake = threads[index];
      if (fake === undefined) throw new Error(`there are ${threads.length} threads`);
      return fake;
    },
  };
}

type Tap = Pick<typeof t, 'teardown' | 'equal'>;

/** One request that took this long. */
async function takeOne({ ask, settle, thread }: Tried, ms: number, index = 0): Promise<void> {
  const asked = ask('first');
  await settle();
  thread(index).begin(0);
  thread(index).answer(0, ms);
  await asked;
  await settle();
}

const textsOf = (batch: Batch): string[] =>
  batch.jobs.map((job) => (job.kind === 'message' ? Buffer.from(job.bytes).toString() : job.kind));

t.test('short requests that arrive together go to a thread in one message', async (t) => {
  const tried = await open(t);
  await takeOne(tried, 0.02);
  const answers = ['a', 'b', 'c'].map(tried.ask);
  await tried.settle();
  const fake = tried.thread(0);
  t.equal(fake.batches.length, 2);
  t.same(textsOf(fake.newest), ['a', 'b', 'c']);
  t.match(tried.pool.state, { inUse: 1, queued: 2, inUseHighWater: 1 });
  for (const index of [0, 1, 2]) {
    t.ok(fake.begin(index));
    fake.answer(index, 0.02);
  }
  t.same(await Promise.all(answers), ['a', 'b', 'c']);
  t.match(tried.pool.state, { inUse: 0, queued: 0, queuedHighWater: 2 });
});

t.test('the most that waited counts what waits before the queue is looked at, and no more', async (t) => {
  const tried = await open(t, { queue: 2 });
  const first = tried.ask('first');
  await tried.settle();
  tried.thread(0).begin(0);
  const waiting = ['a', 'b', 'c'].map(tried.ask);
  // Full, and a place is free before anything is handed out.
  tried.thread(0).answer(0, 5);
  t.match(tried.pool.state, { queuedHighWater: 2 });
  t.same([await first, await waiting[2]], ['first', 'full']);
  await tried.settle();
  t.match(tried.pool.state, { queued: 1, queuedHighWater: 2 });
});

t.test('no batch has more than eight requests', async (t) => {
  const tried = await open(t);
  await takeOne(tried, 0.001);
  const letters = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];
  const answers = letters.map(tried.ask);
  await tried.settle();
  const fake = tried.thread(0);
  t.same(textsOf(fake.newest), letters.slice(0, 8));
  for (const index of fake.newest.jobs.keys()) {
    fake.begin(index);
    fake.answer(index, 0.001);
  }
  await tried.settle();
  t.same(textsOf(fake.newest), ['i', 'j']);
  for (const index of [0, 1]) {
    fake.begin(index);
    fake.answer(index, 0.001);
  }
  t.same(await Promise.all(answers), letters);
});

t.test('a request that is not short has a message of its own, and the threads share them', async (t) => {
  const tried = await open(t, { threads: 2 });
  await takeOne(tried, 20, 1);
  const answers = ['a', 'b', 'c'].map(tried.ask);
  await tried.settle();
  t.same(tried.threads.map((fake) => textsOf(fake.newest)).sort(), [['a'], ['b']]);
  t.match(tried.pool.state, { inUse: 2, queued: 1 });
  for (const fake of tried.threads) {
    fake.begin(0);
    fake.answer(0, 20);
  }
  await tried.settle();
  const last = tried.threads.find((fake) => textsOf(fake.newest)[0] === 'c');
  last?.begin(0);
  last?.answer(0, 20);
  t.same(await Promise.all(answers), ['a', 'b', 'c']);
});

t.test('what waits behind a request that takes long goes to another thread, and runs once', async (t) => {
  const tried = await open(t, { threads: 2 });
  await takeOne(tried, 0.02, 1);
  const slow = tried.ask('slow');
  const others = ['b', 'gone c', 'd'].map(tried.ask);
  await tried.settle();
  const stuck = tried.thread(1);
  const other = tried.thread(0);
  const batch = stuck.newest;
  // Its client is still there when the batch is made.
  t.same(textsOf(batch), ['slow', 'b', 'd']);
  t.ok(stuck.begin(0, batch));
  await tried.wait(5);
  await tried.settle();
  t.same(textsOf(other.newest), ['b', 'd']);
  t.notOk(stuck.begin(1, batch), 'the first thread cannot begin it any more');
  for (const index of [0, 1]) {
    t.ok(other.begin(index));
    other.answer(index, 0.02);
  }
  t.same(await Promise.all(others), ['b', 'gone', 'd']);
  stuck.answer(0, 900, batch);
  t.equal(await slow, 'slow');
  t.match(tried.pool.state, { inUse: 0, queued: 0, threads: 2, stuck: 0 });
});

t.test('a thread that does not wake up loses its batch, and an old message begins nothing', async (t) => {
  const tried = await open(t, { threads: 2 });
  const answer = tried.ask('a');
  await tried.settle();
  const asleep = tried.threads.find(({ batches }) => batches.length > 0);
  if (asleep === undefined) throw new Error('no thread has it');
  const old = asleep.newest;
  await tried.wait(5);
  await tried.settle();
  t.notOk(asleep.begin(0, old));
  const awake = tried.threads.find((fake) => fake.batches.some((batch) => batch !== old));
  t.ok(awake?.begin(0));
  awake?.answer(0, 1);
  t.equal(await answer, 'a');
  t.match(tried.pool.state, { inUse: 0, queued: 0, threads: 2 });
});

t.test('the late answer of a request that was given up goes to nobody', async (t) => {
  const tried = await open(t);
  const late = tried.ask('late');
  await tried.settle();
  const first = tried.thread(0);
  first.begin(0);
  await tried.wait(1001);
  t.equal(await late, 'late: nothing within 1 s');
  await tried.settle();
  const next = tried.ask('next');
  await tried.settle();
  const second = tried.thread(1);
  t.same(textsOf(second.newest), ['next']);
  t.match(tried.pool.state, { stuck: 1, inUse: 1 });
  first.answer(0, 1100);
  t.ok(first.wasDismissed, 'another thread has its place');
  second.begin(0);
  second.answer(0, 1);
  t.equal(await next, 'next');
  t.match(tried.pool.state, { stuck: 0, inUse: 0, threads: 1 });
});

t.test('a thread that can be ended is; what waited behind it waited too long, and others run', async (t) => {
  const tried = await open(t, { canTerminate: true });
  await takeOne(tried, 0.02);
  const answers = ['loops', 'b'].map(tried.ask);
  await tried.settle();
  const first = tried.thread(0);
  first.begin(0);
  await tried.wait(1001);
  await tried.settle();
  t.ok(first.isEnded);
  t.same(await Promise.all(answers), ['late: nothing within 1 s', 'waited-too-long']);
  const next = tried.ask('next');
  await tried.settle();
  tried.thread(1).begin(0);
  tried.thread(1).answer(0, 0.02);
  t.equal(await next, 'next');
  t.match(tried.pool.state, { stuck: 0, inUse: 0, queued: 0, threads: 1 });
});

t.test('a thread that dies fails what it had begun, and no more', async (t) => {
  const tried = await open(t);
  await takeOne(tried, 0.02);
  const answers = ['dies', 'b'].map(tried.ask);
  await tried.settle();
  const first = tried.thread(0);
  first.begin(0);
  first.die();
  await tried.settle();
  const second = tried.thread(1);
  t.same(textsOf(second.newest), ['b']);
  second.begin(0);
  second.answer(0, 0.02);
  t.same(await Promise.all(answers), ['failed: its thread ended: it ended', 'b']);
  t.match(tried.pool.state, { inUse: 0, queued: 0, threads: 1 });
});

t.test('requests in a batch count for the length of the queue', async (t) => {
  const tried = await open(t, { queue: 2 });
  await takeOne(tried, 0.02);
  const answers = ['a', 'b', 'c'].map(tried.ask);
  await tried.settle();
  t.same(textsOf(tried.thread(0).newest), ['a', 'b', 'c']);
  t.equal(await tried.ask('d'), 'full');
  for (const index of [0, 1, 2]) {
    tried.thread(0).begin(index);
    tried.thread(0).answer(index, 0.02);
  }
  t.same(await Promise.all(answers), ['a', 'b', 'c']);
});
