import t from 'tap';
import {
  evaluateBatches,
  pickProcesses,
  planLoads,
  priceRequest,
  readBatches,
  wantProcesses,
} from './request-price.ts';

const planOf = (...request: Parameters<typeof planLoads>) =>
  planLoads(...request).map(({ component, works }) => [
    component,
    works.map(({ name, requests }) => [name, ...requests]),
  ]);

t.test(
  'one server for each component, settled by its first page, with a short and a long batch of each, twice',
  (t) => {
    t.same(planOf([], 'component'), [
      ['hello', [['hello', 120, 96, 288, 96, 288]]],
      [
        'touch',
        [
          ['touch-1', 120, 48, 144, 48, 144],
          ...['touch-16', 'touch-256'].map((name) => [name, 20, 48, 144, 48, 144]),
          ['loop', 1, 2, 6, 2, 6],
        ],
      ],
      ['sleep', [['sleep', 120, 48, 144, 48, 144]]],
    ]);
    t.match(planLoads(['touch-16'], 'component'), [{ works: [{ path: '/32/1' }] }]);
    t.end();
  },
);

t.test('the wasm host is settled once by its first page, and its requests are counted one by one', (t) => {
  const [{ works } = { works: [] }] = planLoads(['touch-16', 'touch-256', 'loop'], 'wasm-host');
  t.same(
    works.map(({ name, requests }) => [name, ...requests.slice(0, 3)]),
    [
      ['touch-16', 6400, 1, 1],
      ['touch-256', 80, 1, 1],
      ['loop', 4, 1, 1],
    ],
  );
  t.same(
    works.map(({ requests }) => requests.length),
    [961, 961, 33],
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
