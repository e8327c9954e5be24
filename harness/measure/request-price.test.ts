import t from 'tap';
import {
  evaluateBatches,
  listRequests,
  pickProcesses,
  planLoads,
  priceRequest,
  readBatches,
  readWork,
  wantProcesses,
} from './request-price.ts';

const planOf = (...request: Parameters<typeof planLoads>) =>
  planLoads(...request).map(({ component, settling, works }) => [
    component,
    settling.map(({ path, requests }) => [path, requests]),
    ...works.map(({ name, requests }) => [name, ...requests]),
  ]);

t.test(
  'one server for each component, settled by its first page, with a short and a long batch of each, twice',
  (t) => {
    t.same(planOf([], 'component'), [
      ['hello', [['/', 100]], ['hello', 20, 96, 288, 96, 288]],
      [
        'touch',
        [['/1/1', 100]],
        ...['touch-1', 'touch-16', 'touch-256'].map((name) => [name, 20, 48, 144, 48, 144]),
        ['loop', 1, 2, 6, 2, 6],
      ],
      ['sleep', [['/20', 100]], ['sleep', 20, 48, 144, 48, 144]],
    ]);
    t.match(planOf(['touch-16'], 'component'), [['touch', [['/1/1', 100]], ['touch-16', 20]]]);
    t.end();
  },
);

t.test('the wasm host is settled by all pages of its module in turn, whichever are wanted', (t) => {
  const [load] = planLoads(['touch-16', 'loop'], 'wasm-host');
  t.ok(load);
  if (load === undefined) return t.end();
  const round = [
    { path: '/1/1', requests: 400 },
    { path: '/32/1', requests: 400 },
    { path: '/512/16', requests: 400 },
    { path: '/1000000/16', requests: 1 },
  ];
  t.same(load.settling, Array.from({ length: 8 }, () => round).flat());
  t.same(planLoads([], 'wasm-host')[1]?.settling, load.settling);
  t.same(
    load.works.map(({ name, requests: [before, ...counted] }) => [name, before, counted.length]),
    [
      ['touch-16', 80, 960],
      ['loop', 4, 32],
    ],
  );
  t.ok(load.works.every(({ requests: [, ...counted] }) => counted.every((count) => count === 1)));
  t.same(listRequests(load).slice(30, 34), [
    { page: '/512/16', requests: [400] },
    { page: '/1000000/16', requests: [1] },
    ...load.works.map(({ path, requests }) => ({ page: path, requests })),
  ]);
  t.end();
});

t.test('what settled a server is not among the batches of a work, and has to be answered too', (t) => {
  const work = { ...planLoads(['touch-16'], 'component')[0]!.works[0]!, requests: [2, 3] };
  const load = {
    component: 'touch',
    settling: [
      { path: '/1/1', requests: 9 },
      { path: work.path, requests: 7 },
      { path: work.path, requests: 7 },
    ],
    works: [work],
  };
  const settled = '7 7 1 700 200\n7 7 1 700 200';
  t.same(readWork(load, work, `${settled}\n2 2 1 20 200\n3 3 0 30 200`), [
    { requests: 2, connections: 1, instructions: 20 },
    { requests: 3, connections: 0, instructions: 30 },
  ]);
  t.equal(readWork(load, work, settled), '2 of 4 batches of requests were counted');
  t.equal(
    readWork(load, work, '7 7 1 700 200\n7 4 1 700 503'),
    'request 5 of 7 was answered with status 503',
  );
  t.end();
});

t.test('batches are read whole or not at all', (t) => {
  const text = '20 20 1 5318029 200\n50 50 0 13038718 200';
  t.same(readBatches(text, [20, 50]), [
    { requests: 20, connections: 1, instructions: 5_318_029 },
    { requests: 50, connections: 0, instructions: 13_038_718 },
  ]);
  t.equal(readBatches(text, [20, 50, 200]), '2 of 3 batches of requests were counted');
  t.equal(readBatches(undefined, [20]), '0 of 1 batches of requests were counted');
  t.equal(readBatches('20 20 1 x 200', [20]), '0 of 1 batches of requests were counted');
  t.equal(readBatches('21 21 1 5 200', [20]), 'a batch had 21 requests instead of 20');
  t.end();
});

t.test('one wrong answer takes the figure away, whatever the others were', (t) => {
  t.equal(
    readBatches('20 20 1 5318029 200\n50 3 0 9 500', [20, 50]),
    'request 4 of 50 was answered with status 500',
  );
  t.equal(readBatches('20 0 1 9 0', [20]), 'request 1 of 20 was answered with no status');
  t.end();
});

const batchesOf = (slope: number, other = slope) =>
  [20, 50, 200, 50, 200].map((requests, at) => ({
    requests,
    connections: 1,
    instructions: 1_000_000 + requests * (at < 3 ? slope : other),
  }));

t.test('the slope is free of what a batch costs whatever its length', (t) => {
  t.same(evaluateBatches(batchesOf(260_000), 'component'), [260_000, 260_000]);
  t.same(evaluateBatches([], 'component'), [NaN, NaN]);
  t.end();
});

t.test(
  'requests of the wasm host in which V8 compiles or collects are not in the price of the others',
  (t) => {
    const counted = [900, 2, 2, 70, 2, 3, 3, 3, 90].map((instructions) => ({
      ...{ requests: 1, connections: 0 },
      instructions,
    }));
    t.same(evaluateBatches(counted, 'wasm-host'), [2, 3]);
    t.same(evaluateBatches([], 'wasm-host'), [NaN, NaN]);
    t.end();
  },
);

t.test('120 requests in a row that are 5 % dearer do not make two halves of a count differ', (t) => {
  const requests = planLoads(['hello'], 'wasm-host')[0]?.works[0]?.requests ?? [];
  for (const from of [0, 100, 130, 430, 900]) {
    const counted = requests.map((count, at) => ({
      ...{ requests: count, connections: 0 },
      instructions: count * (at > from && at <= from + 120 ? 105 : 100),
    }));
    t.same(evaluateBatches(counted, 'wasm-host'), [100, 100], `from ${from}`);
  }
  t.end();
});

t.test('a price has the ratio of the means, and the extremes of both halves', (t) => {
  const exactness = { requests: [20, 50, 200, 50, 200], precision: 0.01 };
  const price = priceRequest('hello', [202, 198], [100, 100], exactness);
  t.match(price, { work: 'hello', instructions: 200, baseline: 100, requests: 1000, stable: false });
  t.same(price.ratio, { ratio: 2, low: 1.98, high: 2.02 });
  t.ok(priceRequest('hello', [200.5, 199.5], [100, 100], exactness).stable);
  t.notOk(priceRequest('hello', [200, 200], [100, 104], exactness).stable, 'nor is the baseline exact');
  const own = [100, 100] as const;
  t.match(priceRequest('hello', own, own, exactness), { ratio: { ratio: 1 }, requests: 500 });
  t.end();
});

t.test('where two processes of a server differ a third decides, and the two that agree count', (t) => {
  const [usual, near, outlier] = [
    [100, 101],
    [102, 101],
    [107, 107],
  ] as const;
  t.equal(wantProcesses('component', [], 0.01), 2);
  t.equal(wantProcesses('component', [usual], 0.01), 2);
  t.equal(wantProcesses('component', [usual, [...usual, ...outlier]], 0.01), 3);
  t.equal(wantProcesses('wasm-host', [[...usual, ...outlier]], 0.01), 1);
  t.same(pickProcesses([usual]), usual);
  t.same(pickProcesses([usual, outlier]), [...usual, ...outlier]);
  t.same(pickProcesses([outlier, near, usual]), [...usual, ...near]);
  t.same(pickProcesses([usual, outlier, [108, 106]]), [107, 107, 108, 106]);
  t.same(pickProcesses([]), []);
  t.end();
});
