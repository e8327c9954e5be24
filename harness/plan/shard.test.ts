import t from 'tap';
import { parse as parseYaml } from 'yaml';
import { parseMatrix } from '../matrix/load.ts';
import { renderCiMatrix } from './ci-matrix.ts';
import { bootKey } from './order.ts';
import { collectDurations, estimateCell } from './shard-durations.ts';
import { digestShards, parseShard, planShards, selectShard } from './shard.ts';

const matrix = parseMatrix(
  `title: t
axes:
  memory: [512M, 1G, 2G, 4G]
  overcommit: [0, 1, 2]
  thp: [always, madvise, never]
  engine: [wasmtime]
  node: [22]
repeat: 2
`,
  'm.yaml',
);
const cells = [...matrix.cells()];
const keys = cells.map(({ id, repetition }) => `${id}#${repetition}`);
const none = new Map<string, number>();

t.test('every cell is in exactly one shard, whatever the number of shards', (t) => {
  for (const count of [1, 2, 3, 5, 7, 36, 72, 100]) {
    const shards = planShards(cells, count, none);
    t.equal(shards.length, count);
    t.same(shards.flatMap((shard) => shard.keys).sort(), [...keys].sort(), `${count} shards`);
    t.same(
      shards.map(({ index }) => index),
      Array.from({ length: count }, (_, index) => index + 1),
    );
  }
  t.same(
    planShards([], 2, none).map((shard) => shard.keys),
    [[], []],
  );
  t.end();
});

t.test('equal cells and durations give equal shards, and the digest tells when they differ', (t) => {
  const durations = new Map(cells.map(({ id }, index) => [id, 1000 + ((index * 7919) % 9000)]));
  const [first, again] = [
    planShards(cells, 3, durations),
    planShards([...matrix.cells()], 3, new Map(durations)),
  ];
  t.same(first, again);
  t.equal(digestShards(first), digestShards(again));
  t.match(digestShards(first), /^[0-9a-f]{16}$/);
  t.not(digestShards(first), digestShards(planShards(cells, 3, none)));
  t.not(digestShards(first), digestShards(planShards(cells, 4, durations)));
  t.end();
});

t.test('shards are balanced by known durations and keep the cells of a boot together', (t) => {
  // One boot takes as long as the other three together.
  const durations = new Map(
    cells.map(({ id, settings }) => [id, settings.memory === 2 ** 32 ? 60_000 : 20_000]),
  );
  const shards = planShards(cells, 2, durations);
  const memories = shards.map(({ keys: taken }) => {
    const held = cells.filter(({ id, repetition }) => taken.includes(`${id}#${repetition}`));
    return new Set(held.map(({ settings }) => bootKey(settings))).size;
  });
  t.same([...memories].sort(), [1, 3]);
  t.same(
    shards.map(({ boots }) => boots),
    memories,
  );
  const spread = shards.map(({ estimateMs }) => estimateMs);
  t.ok(Math.max(...spread) / Math.min(...spread) < 1.05, `${spread.join(' ')} ms`);

  const uneven = new Map(cells.map(({ id }, index) => [id, index % 9 === 0 ? 90_000 : 3_000]));
  const loads = planShards(cells, 3, uneven).map(({ estimateMs }) => estimateMs);
  t.ok(Math.max(...loads) / Math.min(...loads) < 1.25, `${loads.join(' ')} ms`);
  t.end();
});

t.test('a boot larger than a fair share is cut', (t) => {
  const one = cells.filter(({ settings }) => settings.memory === 2 ** 30);
  const shards = planShards(one, 3, none);
  t.same(
    shards.map(({ keys: taken }) => taken.length),
    [6, 6, 6],
  );
  t.same(
    shards.map(({ boots }) => boots),
    [1, 1, 1],
  );
  t.end();
});

t.test('durations are the phases of a cell, the median of several, without the boot', (t) => {
  const timed = (id: string, timings: Record<string, number>) => ({ id, timings });
  const durations = collectDurations([
    timed('a', { spawn: 100, ready: 9000, subject: 3000 }),
    timed('a', { spawn: 100, ready: 300, subject: 5000 }),
    timed('a', { spawn: 100, ready: 300, subject: 60_000 }),
    timed('b', { subject: 1000, 'subject.start': 400 }),
    timed('b', { subject: 2000 }),
    timed('c', {}),
    timed('d', { subject: NaN }),
  ]);
  t.same(
    [...durations],
    [
      ['a', 5400],
      ['b', 1500],
    ],
  );
  t.equal(estimateCell({ id: 'a' }, durations), 5400);
  t.equal(estimateCell({ id: 'new' }, durations), 3450, 'the median of what is known');
  t.equal(estimateCell({ id: 'newer' }, durations), 3450);
  t.equal(estimateCell({ id: 'a' }, none), 8000);
  t.end();
});

t.test('a shard of a matrix is a matrix with its cells in order', (t) => {
  const parts = [1, 2, 3].map((index) => selectShard(matrix, { index, count: 3 }));
  const taken = parts.flatMap((part) => [...part.cells()].map(({ id, repetition }) => `${id}#${repetition}`));
  t.same([...taken].sort(), [...keys].sort());
  t.same(
    parts.map(({ size }) => size).reduce((a, b) => a + b),
    72,
  );
  t.equal([...parts[0]!.cells()].length, parts[0]!.size, 'cells can be walked twice');
  t.equal(parts[0]!.text, matrix.text);
  t.throws(() => selectShard(matrix, { index: 100, count: 100 }), { code: 'MATRIX_EMPTY' });
  t.end();
});

t.test('a shard is written i/n', (t) => {
  t.same(parseShard('2/3'), { index: 2, count: 3 });
  t.same(parseShard(' 1/1 '), { index: 1, count: 1 });
  for (const text of ['', '0/3', '4/3', '1', '1/0', 'a/b', '1/2/3', '-1/3', '1/1001', '1.5/3', '٣/٤']) {
    t.throws(() => parseShard(text), { code: 'USAGE' }, text);
  }
  t.end();
});

t.test('a CI matrix has a job for each shard that has cells', (t) => {
  const shards = planShards(cells, 3, none);
  const github = renderCiMatrix('github-matrix', shards);
  t.equal(github.indexOf('\n'), github.length - 1, 'one line');
  const { include } = JSON.parse(github) as { include: { shard: string; cells: number; minutes: number }[] };
  t.match(include[1], { shard: '2/3', name: '2-of-3' });
  t.equal(
    include.reduce((sum, job) => sum + job.cells, 0),
    72,
  );
  t.ok(include.every(({ minutes }) => Number.isInteger(minutes) && minutes >= 1));
  const gitlab = parseYaml(renderCiMatrix('gitlab', shards)) as unknown;
  t.match(gitlab, { parallel: { matrix: [{ SHARD: '1/3', SHARD_NAME: '1-of-3' }, {}, { SHARD: '3/3' }] } });

  const many = planShards(cells.slice(0, 2), 5, none);
  t.same((JSON.parse(renderCiMatrix('github-matrix', many)) as { include: object[] }).include.length, 2);
  t.throws(() => renderCiMatrix('gitlab', planShards([], 3, none)), { code: 'MATRIX_EMPTY' });
  const big = Array.from({ length: 257 }, (_, index) => ({ index, keys: ['x'], boots: 1, estimateMs: 1 }));
  t.throws(() => renderCiMatrix('github-matrix', big), { code: 'USAGE', details: { hint: '--shards 256' } });
  t.throws(() => renderCiMatrix('gitlab', big.slice(0, 201)), { code: 'USAGE' });
  t.end();
});
