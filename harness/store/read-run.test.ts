import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { buildResult, buildStandard, record } from '../fixtures/report/results.ts';
import { buildOverhead, figureAt } from '../fixtures/overhead/figures.ts';
import { baselineOverhead, notMeasured } from '../outcome/overhead.ts';
import { findCompleteness } from './completeness.ts';
import { checkTag, findRun, listRuns, listTags } from './find-run.ts';
import { collectResults, readRun } from './read-run.ts';
import { parseResult } from './result-schema.ts';
import type { Result } from './result.ts';
import { scanLine } from './scan-line.ts';
import { loadRecord, publicPath, recordSchema, writeRecord } from './run-record.ts';
import { errnoOf, storeError } from './store-error.ts';

const good = JSON.stringify(buildResult());

async function storeLines(dir: string, lines: string): Promise<string> {
  await writeRecord(dir, record);
  await writeFile(join(dir, 'cells.jsonl'), lines);
  return dir;
}

t.test('a stored result is read as it was written', (t) => {
  const expectation = { atLeast: 'on-demand', because: 'why', link: null } as const;
  const varied: readonly Result[] = [
    buildResult(),
    buildStandard({}, { env: { A: 'b' }, addressSpace: 2 ** 33 }),
    buildResult({
      outcome: 'crashed',
      tier: null,
      form: null,
      host: null,
      facts: null,
      predicted: null,
      tiers: [],
    }),
    buildResult({ expected: { source: 'matrix', text: 'at least on-demand', expectation } }),
    buildResult({ ...buildOverhead(), verdict: 'undecided' }),
    buildResult(notMeasured('the machine died')),
    buildStandard(baselineOverhead),
    buildResult({
      attempts: [
        { start: 'clone', outcome: 'broken', detail: 'x', machineEnd: { kind: 'killed', detail: 'y' } },
      ],
    }),
  ];
  for (const result of varied) t.same(parseResult(JSON.stringify(result), 'f', 1), result);
  t.end();
});

t.test('a result with the former name of an axis is read as one with the present name', (t) => {
  const size = 600 * 2 ** 20;
  const id = (name: string): string =>
    `memory=1G,overcommit=2,thp=always,engine=wasmtime,node=22,${name}=600M`;
  const { overcommitBytes: _, ...settings } = buildResult().settings;
  const [shown] = buildResult().readBack;
  const old = {
    ...buildResult(notMeasured('the machine died')),
    id: id('overcommitKbytes'),
    settings: { overcommitKbytes: size, ...settings },
    readBack: [{ ...shown, axis: 'overcommitKbytes' }],
  };
  const line = JSON.stringify(old);
  const result = parseResult(line, 'f', 1);
  t.match(result, { id: id('overcommitBytes'), settings: { overcommitBytes: size } });
  t.match(result, { readBack: [{ axis: 'overcommitBytes' }] });
  t.notOk(JSON.stringify(result).includes('"overcommitKbytes":629145600'), 'the former name is gone');
  t.equal(scanLine(line)?.id, id('overcommitBytes'), 'also where only the front of the line is read');
  const before = Object.entries(settings).filter(([name]) => name !== 'swap');
  t.match(
    parseResult(JSON.stringify({ ...old, settings: Object.fromEntries(before) }), 'f', 1),
    { settings: { overcommitBytes: null, swap: null } },
    'what came later had its default',
  );
  const selection = { of: 1, repeat: 1, only: [], shard: null, cells: [`${id('overcommitKbytes')}#1`] };
  const read = recordSchema.parse({ ...record, matrix: { ...record.matrix, size: 1 }, selection });
  t.match(
    findCompleteness(read, [parseResult(line, 'f', 1) as Result]),
    { missing: 0, found: 1 },
    'and none of the cells that the record lists is missing',
  );
  t.end();
});

t.test('a damaged overhead is no result', (t) => {
  const problemOf = (overhead: readonly object[]): string => {
    const parsed = parseResult(JSON.stringify({ ...buildResult(), overhead }), 'f', 1);
    return parsed instanceof Error ? parsed.message : 'none';
  };
  t.equal(problemOf([figureAt(20)]), 'none');
  t.match(problemOf([{ ...figureAt(20), low: 1.3 }]), 'the ratio is outside its own interval');
  t.match(problemOf([figureAt(20, 1, { clock: 'time' })]), 'a time figure names its CPU');
  t.match(problemOf([{ ...figureAt(20), clock: 'wall' }]), 'overhead.0.clock');
  t.end();
});

t.test('damaged lines are named with file and line, and reading goes on', async (t) => {
  const lines = [
    good,
    '{"schema":1,"id":',
    good.replace('"repetition":1', '"repetition":2'),
    '\u0000\u0000\u0000',
    good.replace('"schema":1', '"schema":7'),
    JSON.stringify({ ...buildResult(), outcome: 'fine' }),
    '',
    JSON.stringify({ ...buildResult(), tier: null }),
    JSON.stringify({ ...buildResult(), outcome: 'broken' }),
    `"${'x'.repeat(5 * 2 ** 20)}"`,
    good.replace('"repetition":1', '"repetition":3'),
    good.slice(0, 100),
  ];
  const dir = await storeLines(t.testdir(), lines.join('\n'));
  const run = await readRun(dir);
  const found = await collectResults(run.results());
  t.same(
    found.map(({ repetition }) => repetition),
    [1, 2, 3],
  );
  t.same(
    run.problems.map(({ code, details }) => [details.line, code]),
    [
      [2, 'STORE_CORRUPT'],
      [4, 'STORE_CORRUPT'],
      [5, 'STORE_SCHEMA'],
      [6, 'STORE_CORRUPT'],
      [7, 'STORE_CORRUPT'],
      [8, 'STORE_CORRUPT'],
      [9, 'STORE_CORRUPT'],
      [10, 'STORE_CORRUPT'],
      [12, 'STORE_TORN'],
    ],
  );
  t.match(run.problems[2]?.details, { file: join(dir, 'cells.jsonl'), hint: /newer/ });
  t.match(run.problems[3]?.message, /outcome/);
  t.match(run.problems[6]?.message, /tier/, 'a tier without `reached` is damage');
  await collectResults(run.results());
  t.equal(run.problems.length, 9, 'a second pass counts them once');
});

t.test('of a cell that is there twice the later counts', async (t) => {
  const later = JSON.stringify(buildResult({ startedAt: '2027-01-01T00:00:00.000Z' }));
  const run = await readRun(await storeLines(t.testdir(), `${good}\n${later}\n`));
  t.match(await collectResults(run.results()), [{ startedAt: '2027-01-01T00:00:00.000Z' }]);
});

t.test('characters of several bytes survive the borders of chunks', async (t) => {
  const reason = 'ü€😀'.repeat(30_000);
  const line = JSON.stringify(buildResult({ reason }));
  const run = await readRun(await storeLines(t.testdir(), `${good}\n${line}\n`));
  t.equal((await collectResults(run.results()))[0]?.reason, reason);
});

t.test('a run without a cell yet is empty', async (t) => {
  const dir = t.testdir();
  await writeRecord(dir, record);
  const run = await readRun(dir);
  t.same(await collectResults(run.results()), []);
  t.same(run.problems, []);
});

t.test('a cells.jsonl that cannot be read is an error and not an empty run', async (t) => {
  const dir = t.testdir();
  await writeRecord(dir, record);
  await mkdir(join(dir, 'cells.jsonl'));
  await t.rejects(collectResults((await readRun(dir)).results()), {
    code: 'STORE_CORRUPT',
    message: 'this is a folder and not a plain file',
  });
});

t.test('a record that is missing, damaged or newer stops the reader', async (t) => {
  const dir = t.testdir();
  await t.rejects(readRun(dir), { code: 'STORE_NOT_FOUND', details: { hint: /results\/latest/ } });
  const write = (text: string) => writeFile(join(dir, 'run.json'), text);
  await write('{');
  await t.rejects(loadRecord(dir), { code: 'STORE_CORRUPT' });
  await write('{"schema":1}');
  await t.rejects(loadRecord(dir), { code: 'STORE_CORRUPT', message: /id/ });
  await write('{"schema":2,"id":"x"}');
  await t.rejects(loadRecord(dir), { code: 'STORE_SCHEMA', message: /schema 2, this poolproof knows 1/ });
  await writeRecord(dir, record);
  t.same(await loadRecord(dir), record);
  t.match(await readFile(join(dir, 'run.json'), 'utf8'), /\n$/);
});

t.test('ten thousand cells are streamed', async (t) => {
  const lines = Array.from({ length: 10_000 }, (_, index) =>
    JSON.stringify(buildResult({ repetition: index + 1 })),
  );
  const run = await readRun(await storeLines(t.testdir(), `${lines.join('\n')}\n`));
  let count = 0;
  for await (const result of run.results()) count += result.repetition > 0 ? 1 : 0;
  t.equal(count, 10_000);
});

t.test('runs are found by name, by `latest` and by folder', async (t) => {
  const dir = t.testdir();
  t.same(await listRuns(join(dir, 'none')), []);
  await t.rejects(findRun(dir), { code: 'STORE_NOT_FOUND', details: { hint: /no run yet/ } });
  const names = ['20261123T230311Z-a1b2c3', '20271123T230311Z-000000'];
  for (const name of names) await mkdir(join(dir, name));
  await writeFile(join(dir, '20281123T230311Z-ffffff'), 'a file');
  t.same(await listRuns(dir), names);
  t.equal(await findRun(dir), join(dir, names[1]!));
  t.equal(await findRun(dir, names[0]), join(dir, names[0]!));
  for (const [name, run] of [
    ['latest~1', names[0]],
    ['latest~0', names[1]],
    ['20261123', names[0]],
    ['20271123T230311Z-0', names[1]],
  ] as const)
    t.equal(await findRun(dir, name), join(dir, run!), name);
  for (const name of ['latest~2', '2028', '202', '20271123T230311Z-1'])
    await t.rejects(findRun(dir, name), { code: 'STORE_NOT_FOUND', details: { hint: /runs here/ } }, name);
  await mkdir(join(dir, '20271124T000000Z-000000'));
  await t.rejects(findRun(dir, '2027'), { message: '2 runs begin with 2027', details: { hint: names[1]! } });
  await rm(join(dir, '20271124T000000Z-000000'), { recursive: true });
  await mkdir(join(dir, 'reference'));
  await t.rejects(findRun(dir, 'reference'), { code: 'STORE_NOT_FOUND', details: { hint: /runs here/ } });
  await writeRecord(join(dir, 'reference'), record);
  t.equal(await findRun(dir, 'reference'), join(dir, 'reference'));
  t.equal(await findRun('/nowhere', join(dir, 'reference')), join(dir, 'reference'));
  await rm(join(dir, 'reference'), { recursive: true });
  await t.rejects(listRuns(join(dir, '20281123T230311Z-ffffff')), { code: 'STORE_NOT_FOUND' });
});

t.test('a tag finds the newest of its runs, and the ones before it by number', async (t) => {
  const dir = t.testdir();
  const names = ['20261123T230311Z-a1b2c3', '20261124T230311Z-b1b2c3', '20261125T230311Z-c1b2c3'];
  const tags = ['nightly', 'nightly', 'v1.0'];
  for (const [place, name] of names.entries()) {
    await mkdir(join(dir, name));
    await writeRecord(join(dir, name), { ...record, id: name, options: { tag: tags[place]! } });
  }
  await mkdir(join(dir, '20261126T230311Z-d1b2c3'));
  await writeFile(join(dir, '20261126T230311Z-d1b2c3', 'run.json'), 'damaged');
  t.same(await listTags(dir), ['v1.0', 'nightly']);
  for (const [name, run] of [
    ['nightly', names[1]],
    ['nightly~1', names[0]],
    ['v1.0', names[2]],
  ] as const)
    t.equal(await findRun(dir, name), join(dir, run!), name);
  await t.rejects(findRun(dir, 'nightly~2'), {
    code: 'STORE_NOT_FOUND',
    details: { hint: 'only 2 runs have the tag nightly' },
  });
  await t.rejects(findRun(dir, 'weekly'), {
    code: 'STORE_NOT_FOUND',
    details: { hint: /^runs here: v1\.0, nightly, 2026/ },
  });
  await mkdir(join(dir, 'nightly'));
  await writeRecord(join(dir, 'nightly'), record);
  await t.rejects(findRun(dir, 'nightly'), {
    code: 'STORE_NOT_FOUND',
    message: 'nightly is the tag of a run and the folder of one',
    details: { hint: `say one: ${names[1]}, ./${join(dir, 'nightly')}` },
  });
});

t.test('what could be taken for another name is no tag', (t) => {
  for (const tag of ['nightly', 'v1.0', 'A', 'Latest-2']) t.doesNotThrow(() => checkTag(tag), tag);
  for (const tag of ['', 'latest', '2026', 'a~1', 'a/b', '../a', '-x', 'a b', 'a@b', 'x'.repeat(65)])
    t.throws(() => checkTag(tag), { code: 'USAGE' }, tag);
  t.end();
});

t.test('a record names no person: paths are shortened', (t) => {
  t.equal(publicPath('matrices/default.yaml'), 'matrices/default.yaml');
  t.equal(publicPath('/home/ann/src/m.yaml', '/home/ann/src', '/home/ann'), 'm.yaml');
  t.equal(publicPath('/home/ann/m.yaml', '/home/ann/src', '/home/ann'), '~/m.yaml');
  t.equal(publicPath('/home/bob/m.yaml', '/home/ann/src', '/home/ann'), 'm.yaml');
  t.equal(publicPath('/usr/bin/qemu-system-x86_64', '/home/ann', '/home/ann'), '/usr/bin/qemu-system-x86_64');
  t.end();
});

t.test('errors of the system become codes one can act on', (t) => {
  const of = (code: string) => storeError(Object.assign(new Error('x'), { code }), 'f').code;
  t.equal(of('ENOSPC'), 'DISK_FULL');
  t.equal(of('EDQUOT'), 'DISK_FULL');
  t.equal(of('EROFS'), 'STORE_UNWRITABLE');
  t.match(storeError('odd', 'f'), { code: 'STORE_UNWRITABLE', message: /unknown error/ });
  const known = storeError(null, 'f');
  t.equal(storeError(known, 'g'), known);
  t.equal(errnoOf({ code: 5 }), null);
  t.end();
});
