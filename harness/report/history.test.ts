import { chmod, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { buildResult, buildStandard, record } from '../fixtures/report/results.ts';
import type { Result } from '../store/result.ts';
import { type RunRecord, writeRecord } from '../store/run-record.ts';
import { readFronts } from '../store/read-fronts.ts';
import { scanLine } from '../store/scan-line.ts';
import { indexFile, loadHistoryIndex, loadRecords } from './history-index.ts';
import { buildHistory, renderHistory, renderHistoryJson, selectKnown } from './history.ts';

const night = (day: number): string => `202701${String(day).padStart(2, '0')}T022300Z-00000${day % 10}`;
const id = 'memory=1G,overcommit=2,thp=always,engine=wasmtime,node=22';
const otherId = 'memory=512M,overcommit=0,thp=always,engine=wasmtime,node=22';

async function storeNight(
  dir: string,
  day: number,
  results: readonly Result[],
  changes: Partial<RunRecord> = {},
): Promise<string> {
  const run = join(dir, night(day));
  await mkdir(run, { recursive: true });
  await writeRecord(run, { ...record, id: night(day), ...changes });
  await writeFile(join(run, 'cells.jsonl'), results.map((result) => `${JSON.stringify(result)}\n`).join(''));
  return run;
}

const standard = (changes: Partial<Result> = {}) => buildStandard({ id, verdict: 'expected', ...changes });
const fallen = (changes: Partial<Result> = {}) => buildResult({ id, verdict: 'expected', ...changes });
const ended = (outcome: Result['outcome'], verdict: Result['verdict']) =>
  standard({ outcome, tier: null, form: null, tiers: [], verdict });

const trace = async (dir: string, cell = id) => {
  const [history] = buildHistory(await loadHistoryIndex(dir), new Set([cell]));
  return history!;
};

t.test('a cell is followed through all runs, and the first bad one is named', async (t) => {
  const dir = t.testdir();
  const nights: readonly (readonly Result[])[] = [
    [standard()],
    [standard()],
    [ended('broken', null)],
    [standard()],
    [],
    [fallen()],
    [fallen({ verdict: 'unexpected' })],
    [fallen({ verdict: 'unexpected' })],
  ];
  for (const [index, results] of nights.entries()) await storeNight(dir, index + 1, results);
  const found = await trace(dir);
  t.match(found, {
    id,
    silent: 1,
    firstBad: night(6),
    lastGood: night(4),
    spans: [
      { state: 'standard', verdict: 'expected', bad: false, first: night(1), last: night(4), runs: 3 },
      { state: 'conservative', verdict: 'expected', bad: true, first: night(6), last: night(6), runs: 1 },
      { state: 'conservative', verdict: 'unexpected', bad: true, first: night(7), last: night(8), runs: 2 },
    ],
  });
  const text = renderHistory({ cells: [found], runs: 8, changed: new Map(), incomplete: [] });
  t.match(text, `first bad run ${night(6)}, last good ${night(4)}`);
  t.match(text, 'not judged in 1 run');
  t.match(text, '1 cell in 8 runs; 1 bad now');
  await storeNight(dir, 9, [standard()]);
  t.match(await trace(dir), { firstBad: null, lastGood: night(9) }, 'good again');
});

t.test('what was never better is not bad; what was never good has no last good run', async (t) => {
  const dir = t.testdir();
  await storeNight(
    dir,
    1,
    [fallen(), ended('crashed', 'unexpected')].map((result, index) =>
      index === 0 ? result : { ...result, id: otherId },
    ),
  );
  await storeNight(dir, 2, [fallen()]);
  t.match(await trace(dir), { firstBad: null });
  const never = await trace(dir, otherId);
  t.match(never, { firstBad: night(1), lastGood: null });
  const view = { cells: [never], runs: 2, changed: new Map(), incomplete: [] };
  t.match(renderHistory(view), `first bad run ${night(1)}, last good none\n`);
  t.match(JSON.parse(renderHistoryJson(view)), { cells: [{ lastGood: null, changed: [] }] });
  await storeNight(dir, 3, [ended('crashed', 'expected')]);
  t.match(
    await trace(dir),
    { firstBad: night(3), lastGood: night(2) },
    'expected, and still worse than it was',
  );
});

t.test('repetitions count by their worst', async (t) => {
  const dir = t.testdir();
  await storeNight(dir, 1, [standard(), standard({ repetition: 2 })]);
  await storeNight(dir, 2, [standard(), fallen({ repetition: 2 })]);
  await storeNight(dir, 3, [
    ended('crashed', 'unexpected'),
    fallen({ repetition: 2, verdict: 'unexpected' }),
  ]);
  t.match((await trace(dir)).spans, [
    { state: 'standard', verdict: 'expected' },
    { state: 'conservative 1, standard 1', verdict: 'flaky', bad: true },
    { state: 'conservative 1, crashed 1', verdict: 'unexpected', bad: true },
  ]);
});

t.test(
  'the index can be deleted, damaged or old at any time, and only what changed is read again',
  async (t) => {
    const dir = t.testdir();
    await storeNight(dir, 1, [standard()]);
    await storeNight(dir, 2, [standard()]);
    const file = join(dir, indexFile);
    t.match(await loadHistoryIndex(dir), { read: 2, saved: true });
    const text = await readFile(file, 'utf8');
    t.match(await loadHistoryIndex(dir), { read: 0 });
    await storeNight(dir, 3, [fallen()]);
    t.match(await loadHistoryIndex(dir), { read: 1 }, 'a new night');
    await storeNight(dir, 2, [fallen(), standard({ id: otherId })]);
    const changed = await loadHistoryIndex(dir);
    t.equal(changed.read, 1, 'a run that was still written');
    t.match(await trace(dir), { firstBad: night(2) });
    await rm(join(dir, night(2)), { recursive: true });
    t.match((await loadHistoryIndex(dir)).runs, [{ id: night(1) }, { id: night(3) }], 'a run that is gone');
    for (const damage of [
      '',
      '{',
      '[]',
      text.replace('"schema":2', '"schema":1'),
      text.replace(/"cells":\[0,0\]/, '"cells":[0,7]'),
      text.replace(/"cells":\[0,0\]/, '"cells":[0]'),
    ]) {
      t.not(damage, text);
      await writeFile(file, damage);
      const again = await loadHistoryIndex(dir);
      t.equal(again.read, 2);
      t.match(buildHistory(again, new Set([id])), [{ firstBad: night(3), lastGood: night(1) }]);
    }
    await rm(file);
    t.equal((await loadHistoryIndex(dir)).read, 2);
    t.same(
      (await readdir(dir)).sort(),
      [night(1), night(3), indexFile].sort(),
      'nothing else is left behind',
    );
  },
);

t.test('damage, newer schemas and merged parts', async (t) => {
  const dir = t.testdir();
  const good = JSON.stringify(standard());
  const run = await storeNight(dir, 1, []);
  await writeFile(
    join(run, 'cells.jsonl'),
    `{"schema":1\n${good}\n${good.replace('"schema":1', '"schema":9')}\n${good.slice(0, 40)}`,
  );
  await storeNight(dir, 2, [standard()]);
  await writeFile(join(dir, night(2), 'run.json'), JSON.stringify({ ...record, schema: 9 }));
  await storeNight(dir, 3, [standard()]);
  await writeFile(join(dir, night(3), 'run.json'), '{');
  await storeNight(dir, 4, [fallen()]);
  await storeNight(dir, 5, [standard()], { options: { merged: `${night(4)} ${night(6)}` } });
  const index = await loadHistoryIndex(dir);
  t.same(
    index.runs.map((each) => [each.id, each.damaged]),
    [
      [night(1), 3],
      [night(5), 0],
    ],
  );
  t.same(
    index.unreadable.map(({ code }) => code),
    ['STORE_SCHEMA', 'STORE_CORRUPT'],
  );
  t.match(await loadHistoryIndex(dir), { read: 2, unreadable: [{}, {}] }, 'tried again');
  t.same([...(await loadRecords(dir, [night(5)])).keys()], [night(5)]);
  await rm(join(dir, night(5), 'cells.jsonl'));
  t.match(await loadHistoryIndex(dir), { runs: [{}, { id: night(5), cells: [] }] }, 'a run without cells');
  await rm(join(await storeNight(dir, 7, []), 'cells.jsonl'));
  await symlink('cells.jsonl', join(dir, night(7), 'cells.jsonl'));
  await t.rejects(loadHistoryIndex(dir), { code: 'ELOOP' }, 'a fault of the file system is no damaged run');
  t.match(await loadHistoryIndex(join(dir, 'none')), { runs: [], cells: [] });
});

t.test('a folder that cannot be written is read all the same', async (t) => {
  const dir = t.testdir();
  await storeNight(dir, 1, [standard()]);
  await mkdir(join(dir, indexFile));
  t.match(await loadHistoryIndex(dir), { read: 1, saved: false, runs: [{ id: night(1) }] });
  await chmod(dir, 0o755);
});

t.test('cells are chosen by id or by what they have in common', (t) => {
  const ids = [id, otherId, 'colour=blue'];
  t.same([...selectKnown(ids, id, 'results')], [id]);
  t.same([...selectKnown(ids, 'overcommit=0', 'results')], [otherId]);
  t.same([...selectKnown(ids, 'memory=512M|1G', 'results')], [id, otherId]);
  t.same([...selectKnown(ids, 'colour=blue', 'results')], ['colour=blue'], 'an axis of a later version');
  t.throws(() => selectKnown(ids, 'memory=4G', 'results'), { code: 'USAGE' });
  t.throws(() => selectKnown(ids, 'memory=512M,overcommit=2', 'results'), { code: 'CELL_NOT_FOUND' });
  t.throws(() => selectKnown(ids, 'color=blue', 'results'), { code: 'USAGE' });
  t.end();
});

t.test('a history is told briefly, with what changed at the first bad run', (t) => {
  const span = {
    state: 'standard',
    verdict: 'expected',
    bad: false,
    first: night(1),
    last: night(2),
    runs: 2,
  } as const;
  const steady = Array.from({ length: 30 }, (_, index) => ({
    id: `cell-${index}`,
    spans: [span],
    silent: 0,
    firstBad: null,
    lastGood: night(2),
  }));
  const bad = {
    id,
    spans: [
      span,
      {
        ...span,
        state: 'crashed',
        verdict: 'unexpected',
        bad: true,
        first: night(3),
        last: night(3),
        runs: 1,
      } as const,
    ],
    silent: 0,
    firstBad: night(3),
    lastGood: night(2),
  };
  const changed = new Map([[`${night(2)} ${night(3)}`, [{ what: 'QEMU', old: ['7.2'], new: [] }]]]);
  const text = renderHistory({ cells: [...steady, bad], runs: 3, changed, incomplete: [] });
  t.equal(text.indexOf(id), 0, 'bad cells first');
  t.match(text, /QEMU 7\.2 → none/);
  t.match(text, '30 cells did the same in every run');
  t.notMatch(text, 'cell-3');
  t.match(
    renderHistory({
      cells: [{ id: '\u001b[2J', spans: [], silent: 3, firstBad: null, lastGood: null }],
      runs: 3,
      changed: new Map(),
      incomplete: [{ run: night(3), missing: '33 of 36 cells are missing (not finished)' }],
    }),
    /never judged\n.*3 runs\n\n.*: 33 of 36 cells are missing \(not finished\)/,
  );
  const json = JSON.parse(renderHistoryJson({ cells: [bad], runs: 3, changed, incomplete: [] })) as unknown;
  t.match(json, { schema: 1, runs: 3, cells: [{ id, firstBad: night(3), changed: [{ what: 'QEMU' }] }] });
  t.end();
});

t.test('fronts of lines are read as whole lines are', async (t) => {
  const real = join(import.meta.dirname, '../fixtures/runs/whole/cells.jsonl');
  const lines = (await readFile(real, 'utf8')).trimEnd().split('\n');
  for (const line of lines) {
    const { id, repetition, outcome, tier, form, verdict } = JSON.parse(line) as Result;
    t.same(scanLine(line), { id, repetition, outcome, tier, checks: form?.checks ?? null, verdict });
  }
  const odd = [
    fallen({ reason: 'a "quoted" \\ reason, "verdict": "expected",\u202e é' }),
    standard({ settings: { ...standard().settings, env: { verdict: '"x"', outcome: '}' } } }),
    fallen({ expected: { source: 'matrix', text: ',"verdict":"unexpected","', expectation: null } }),
    ended('crashed', null),
    fallen({ verdict: 'undecided' }),
  ];
  for (const result of odd)
    t.match(scanLine(JSON.stringify(result)), { verdict: result.verdict, tier: result.tier });
  const good = JSON.stringify(standard());
  for (const other of [
    good.slice(0, -1),
    good.replace('"schema":1', '"schema":2'),
    good.replace('"tier":"standard"', '"tier":null'),
    good.replace('"outcome":"reached"', '"outcome":"crashed"'),
    good.replace('"verdict":"expected"', '"verdict":"good"'),
    good.replace(id, `${id}é`),
    good.replace(id, `${id}\\n`),
    JSON.stringify({ later: 1, ...standard() }),
    ' ',
    '',
  ]) {
    t.not(other, good);
    t.equal(scanLine(other), null, 'left to the parser');
  }
  const dir = t.testdir();
  const other = standard({ id: `${id},env.A=é` });
  await storeNight(dir, 1, [other, ...odd.slice(0, 1)]);
  t.match((await loadHistoryIndex(dir)).cells, [other.id, id], 'and read by it');
  const large = join(dir, 'large.jsonl');
  await writeFile(large, `${JSON.stringify(other)}\n{}\n`);
  t.match(
    await readFronts(large, 10),
    { fronts: [{ id: other.id }], damaged: 1 },
    'a large file is streamed',
  );
});

t.test('a state of which nothing was expected has no verdict', async (t) => {
  const dir = t.testdir();
  await storeNight(dir, 1, [standard({ verdict: null })]);
  const cell = await trace(dir);
  t.match(cell, { firstBad: null, spans: [{ state: 'standard', verdict: null }] });
  const view = { cells: [cell], runs: 1, changed: new Map() };
  t.match(
    renderHistory({ ...view, incomplete: [] }),
    / {2}20270101T022300Z-000001 {2}standard, no verdict {2}\(1 run\)\n/,
  );
  const incomplete = Array.from({ length: 12 }, (_, day) => ({ run: night(day + 1), missing: 'cells' }));
  t.match(
    renderHistory({ ...view, incomplete }),
    `\n\n${night(3)}: cells\n`,
    'the newest ten that lack cells are named',
  );
  t.match(renderHistory({ ...view, incomplete }), `${night(12)}: cells\nand 2 older runs\n`);
});
