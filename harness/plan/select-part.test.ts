import t from 'tap';
import { parseMatrix } from '../matrix/load.ts';
import { digestMatrix } from './digest-matrix.ts';
import { planShards } from './shard.ts';
import { type Recorded, selectPart, selectRecordedPart } from './select-part.ts';

const axes =
  'axes: {memory: [512M, 1G, 2G], overcommit: [0, 1, 2], thp: [always, madvise], engine: [wasmtime], node: [22]}\n';
const whole = parseMatrix(axes, 'm.yaml');
const idsOf = (matrix: Pick<typeof whole, 'cells'>): string[] => Array.from(matrix.cells(), ({ id }) => id);

t.test('a run taken up again is the part that it was, without being told', (t) => {
  for (const options of [
    { only: ['overcommit=2'] },
    { only: ['overcommit=2,memory=512M', 'overcommit=0,memory=1G'] },
    { shard: { index: 2, count: 3 } },
    { only: ['thp=always'], shard: { index: 1, count: 2 } },
    {},
  ]) {
    const part = selectPart(whole, options);
    const recorded: Recorded = { selection: part.selection, options: {} };
    const again = selectRecordedPart(whole, recorded, {});
    t.same(idsOf(again.matrix), idsOf(part.matrix), JSON.stringify(options));
    t.same(again.selection, part.selection);
    t.same(idsOf(again.uncut), idsOf(part.uncut), 'images of every shard are built again');
    t.equal(again.matrix.size, idsOf(part.matrix).length);
    t.same(
      idsOf(selectRecordedPart(whole, recorded, options).matrix),
      idsOf(part.matrix),
      'or told the same',
    );
  }
  t.end();
});

t.test('several expressions are alternatives, and the record says of how many cells', (t) => {
  const { matrix, selection } = selectPart(whole, { only: ['overcommit=2', 'memory=512M'] });
  t.equal(matrix.size, 10);
  t.match(selection, { of: 18, repeat: 1, shard: null });
  t.equal(selection.cells?.length, 10);
  t.match(selectPart(whole, { shard: { index: 1, count: 3 } }).selection.shard, {
    index: 1,
    count: 3,
    of: 18,
  });
  t.end();
});

t.test('another part than the one that was started is refused', (t) => {
  const { selection } = selectPart(whole, { only: ['overcommit=2'] });
  const recorded: Recorded = { selection, options: {} };
  t.throws(() => selectRecordedPart(whole, recorded, { only: ['overcommit=1'] }), {
    code: 'USAGE',
    message: /--only overcommit=1 was given, the run was started with --only overcommit=2/,
  });
  t.throws(() => selectRecordedPart(whole, recorded, { shard: { index: 1, count: 2 } }), {
    code: 'USAGE',
    message: /started with no shard/,
  });
  t.throws(
    () =>
      selectRecordedPart(
        parseMatrix(axes.replace('2]', '0]').replace('[0, 1, 0]', '[0, 1]'), 'm.yaml'),
        recorded,
        {},
      ),
    {
      code: 'USAGE',
    },
  );
  t.end();
});

t.test('a matrix that lost a cell of the run cannot be taken up again', (t) => {
  const recorded: Recorded = { selection: selectPart(whole, {}).selection, options: {} };
  const smaller = parseMatrix(axes.replace('512M, ', ''), 'm.yaml');
  t.throws(() => selectRecordedPart(smaller, recorded, {}), {
    code: 'USAGE',
    message: /the matrix changed since the run was started: it has no .*512M/,
    details: { file: 'm.yaml', hint: /start a new run/ },
  });
  const other = { ...recorded, options: { only: 7, shard: 7 } };
  t.same(idsOf(selectRecordedPart(whole, other, {}).matrix), idsOf(whole), 'the selection counts');
  t.same(idsOf(selectRecordedPart(whole, { options: { only: 7, shard: 7 } }, {}).matrix), idsOf(whole));
  t.throws(() => selectRecordedPart(whole, recorded, { only: ['overcommit=2'] }), {
    message: /--only overcommit=2 was given, the run was started with all cells/,
  });
  const cut = { selection: selectPart(whole, { shard: { index: 1, count: 2 } }).selection, options: {} };
  t.throws(() => selectRecordedPart(whole, cut, { shard: { index: 2, count: 2 } }), {
    message: /--shard 2\/2 was given, the run was started with --shard 1\/2/,
  });
  t.end();
});

t.test('the cells of a very large part are not written into its record', (t) => {
  const large = parseMatrix(`${axes.replace('2G]', '2G, 3G]')}repeat: 1000\n`, 'm.yaml');
  t.equal(large.size, 24_000);
  const { matrix, selection } = selectPart(large, {});
  t.equal(selection.cells, null);
  t.equal(planShards(matrix.cells(), 2, new Map()).length, 2, 'and it is cut with few grains');
  t.end();
});

t.test('an older record is read by the options of its command', (t) => {
  const shard = { index: 1, count: 2 };
  const part = selectPart(whole, { only: ['overcommit=2'], shard });
  const options = { only: 'overcommit=2', shard: '1/2', shardPlan: part.selection.shard?.plan ?? '' };
  t.same(idsOf(selectRecordedPart(whole, { options }, {}).matrix), idsOf(part.matrix));
  t.throws(() => selectRecordedPart(whole, { options: { ...options, shardPlan: 'other' } }, {}), {
    code: 'USAGE',
    details: { hint: /--durations/ },
  });
  t.same(idsOf(selectRecordedPart(whole, { options: {} }, {}).matrix), idsOf(whole));
  t.end();
});

t.test('digests are equal for equal matrices and name what is another', (t) => {
  const subject = {
    name: 'ext',
    title: null,
    files: [{ to: 'a.js', from: '/here/a.js' }],
    run: ['{node}', '{files}/a.js'],
    ready: { kind: 'exit', code: 0 },
    words: [],
    timeoutMs: null,
  } as const;
  const of = (text: string, changes: Partial<typeof subject> | object = {}, folder = '/opt/subject-1') =>
    digestMatrix(parseMatrix(text, 'm.yaml'), new Map([['ext', { ...subject, ...changes }]]), {
      ext: folder,
    });
  const first = of(axes);
  t.same(of(`# a comment\n${axes}`), first);
  t.same(
    of(axes, { files: [{ to: 'a.js', from: '/elsewhere/a.js' }] }),
    first,
    'not where a file comes from',
  );
  const bare = digestMatrix(parseMatrix(axes, 'm.yaml'), new Map([['ext', { ...subject, files: [] }]]), {});
  t.not(bare.subjects['ext'], first.subjects['ext'], 'nor one without files');
  t.not(of(axes, {}, '/opt/subject-2').subjects['ext'], first.subjects['ext'], 'but what is in it');
  t.not(of(axes, { run: ['{node}', '--x'] }).subjects['ext'], first.subjects['ext']);
  t.not(of(axes.replace('1G', '3G')).matrix, first.matrix);
  t.not(of(`${axes}expect: [{where: {overcommit: 2}, tier: conservative}]\n`).matrix, first.matrix);
  const withCase = (outcome: string) =>
    of(`${axes}cases: [{ id: a, settings: { memory: 256M }, expect: { outcome: ${outcome} } }]\n`).cases;
  t.same(withCase('crashed'), withCase('crashed'));
  t.not(withCase('crashed')['a'], withCase('timeout')['a']);
  t.end();
});
