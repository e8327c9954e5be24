import { cp, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { compare } from './compare.ts';
import type { Context } from './context.ts';
import { history } from './history.ts';
import { merge } from './merge.ts';
import { pack, unpack } from './pack.ts';

const fixtures = fileURLToPath(new URL('../fixtures/runs/', import.meta.url));
const ids = {
  whole: '20261124T003400Z-de149c',
  'part-1': '20261124T003435Z-040fea',
  'part-2': '20261124T003453Z-eecd3f',
  'part-3': '20261124T003515Z-45bb89',
} as const;

function listen(): Readonly<{ context: Context; out: () => string; err: () => string }> {
  let [out, err] = ['', ''];
  const context: Context = {
    version: '0.0.0',
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    stdout: process.stdout,
    stderr: process.stderr,
    signal: new AbortController().signal,
    finishOnSignal: () => undefined,
    close: () => undefined,
  };
  return { context, out: () => out, err: () => err };
}

async function copyRuns(dir: string, ...names: readonly (keyof typeof ids)[]): Promise<string> {
  await mkdir(dir, { recursive: true });
  for (const name of names) await cp(join(fixtures, name), join(dir, ids[name]), { recursive: true });
  return dir;
}

t.test('compare names what moved and ends with 1 on a regression', async (t) => {
  const results = await copyRuns(t.testdir(), 'whole', 'part-3');
  const baseline = await copyRuns(join(t.testdirName, 'baseline'), 'part-1', 'part-2');
  const same = listen();
  t.equal(await compare(same.context, [ids.whole], { results }), 0, 'the latest is the new one');
  t.match(same.out(), /no change; 4 of 4 cells unchanged, 4 missing/);
  const across = listen();
  t.equal(
    await compare(across.context, ['latest'], { results, baseline, across: ['node'], format: 'md' }),
    1,
  );
  t.match(across.out(), /## Regressions/);
  const json = listen();
  t.equal(
    await compare(json.context, [baseline, 'latest'], { results, json: true }),
    2,
    'no cell on both sides',
  );
  t.match(JSON.parse(json.out()), { compared: 0, exitCode: 2 });
  await t.rejects(compare(same.context, [], { results }), { code: 'USAGE' });
  await t.rejects(compare(same.context, ['a', 'b', 'c'], { results }), { code: 'USAGE' });
  await t.rejects(compare(same.context, ['none'], { results }), { code: 'STORE_NOT_FOUND' });
  await t.rejects(compare(same.context, ['latest'], { results, format: 'pdf' }), { code: 'REPORT_UNKNOWN' });
  await t.rejects(compare(same.context, ['latest'], { results, across: ['nood'] }), { code: 'USAGE' });
});

t.test('parts packed on three machines are merged into one run', async (t) => {
  const dir = t.testdir();
  const files: string[] = [];
  for (const name of ['part-1', 'part-2', 'part-3'] as const) {
    const results = await copyRuns(join(dir, name), name);
    const output = join(dir, `${name}.tgz`);
    t.equal(await pack(listen().context, [], { results, output }), 0);
    files.push(output);
  }
  const night = join(dir, 'night');
  const merged = listen();
  t.equal(await merge(merged.context, files, { output: night }), 0);
  t.match(merged.out(), /8 cells of 3 runs/);
  t.same((await readdir(night)).filter((name) => name !== 'latest').length, 1, 'nothing but the run');
  const results = await copyRuns(join(dir, 'results'), 'whole');
  t.equal(await compare(listen().context, [results, night], {}), 0);

  const twice = listen();
  t.equal(await merge(twice.context, [files[0]!, files[0]!], { output: join(dir, 'twice'), json: true }), 0);
  t.match(JSON.parse(twice.out()), { cells: 2, superseded: 2, conflicts: [] });
  await t.rejects(merge(twice.context, [], {}), { code: 'USAGE' });
  await t.rejects(merge(twice.context, ['none'], { results, output: night }), { code: 'STORE_NOT_FOUND' });
  t.equal((await readdir(night)).filter((name) => name !== 'latest').length, 1);

  const into = join(dir, 'into');
  const unpacked = listen();
  t.equal(await unpack(unpacked.context, [files[0]!], { results: into }), 0);
  t.match(unpacked.out(), '2 cells');
  await t.rejects(unpack(unpacked.context, [], {}), { code: 'USAGE' });
  await t.rejects(pack(unpacked.context, [], { results, failed: true }), { code: 'CELL_NOT_FOUND' });
});

t.test('history follows cells and ends with 1 when one is bad now', async (t) => {
  const results = await copyRuns(t.testdir(), 'whole', 'part-1');
  const good = listen();
  t.equal(await history(good.context, ['memory=512M,node=22'], { results }), 0);
  t.match(good.out(), /2 cells in 2 runs; none is bad now/);
  t.equal(good.err(), '');
  const json = listen();
  t.equal(await history(json.context, ['overcommit=2'], { results, json: true }), 0);
  t.match(JSON.parse(json.out()), { schema: 1, runs: 2 });
  await t.rejects(history(good.context, [], { results }), { code: 'USAGE' });
  await t.rejects(history(good.context, ['memory=4G'], { results }), { code: 'USAGE' });
  await t.rejects(history(good.context, ['memory=4G'], { results: join(results, 'none') }), {
    code: 'STORE_NOT_FOUND',
  });
});
