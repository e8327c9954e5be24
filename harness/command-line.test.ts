import { cp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { holdBuildLock } from '../images/cache/build-lock.ts';
import { openCache } from '../images/cache/image-cache.ts';
import { findCellsAgain } from './commands/cells-again.ts';
import { listen, run } from './fixtures/fake-commands.ts';
import { main } from './program.ts';

const matrix = 'title: a title\naxes: { memory: [512M], overcommit: [0], thp: [always] }\nrepeat: 2\n';

t.test('a part is the union of its expressions, and is resumed as that part', async (t) => {
  const dir = t.testdir({ 'm.yaml': 'axes: { memory: [512M], overcommit: [0, 1, 2], thp: [always] }\n' });
  const file = path.join(dir, 'm.yaml');
  const both = await run(t, ['plan', file, '--only', 'overcommit=0', '--only', 'overcommit=2']);
  t.match(both, { code: 0, out: /^memory=512M,overcommit=0[^]*\nmemory=512M,overcommit=2[^]*\n2 cells/ });
  const start = ['run', file, '--cold', '--jobs', '1', '--results', path.join(dir, 'results')];
  const part = await run(t, [...start, '--only', 'overcommit=0', '--shard', '1/1']);
  t.match(part, { code: 0, out: /\n1 cell: 1 reached/ });
  t.match(await run(t, [...start, '--resume'], []), { code: 0, out: /\n1 cell: 1 reached/ });
});

t.test('a cell that failed by its overhead alone is among those that failed', async (t) => {
  const results = path.join(t.testdir(), 'results');
  const id = '20261124T003400Z-de149c';
  const folder = path.join(results, id);
  await cp(path.join(import.meta.dirname, 'fixtures/runs/whole'), folder, { recursive: true });
  const file = path.join(folder, 'cells.jsonl');
  const [first = '', ...rest] = (await readFile(file, 'utf8')).split('\n');
  // The tier is the expected one; a bound of the overhead can only make the verdict another.
  await writeFile(
    file,
    [first.replace('"verdict":"expected"', '"verdict":"unexpected"'), ...rest].join('\n'),
  );
  const again = await findCellsAgain(listen().context, results, { failed: id });
  t.same(again?.ids, [(JSON.parse(first) as { id: string }).id]);
});

t.test('a file that is not there is refused with the one that was probably meant', async (t) => {
  const names = [
    'm.yaml',
    'report.yaml',
    'night.tgz',
    'cpu.json',
    'app.wasm',
    'libwasmtime.so',
    'images.tar',
  ];
  const dir = t.testdir(Object.fromEntries(names.map((name) => [name, ''])));
  const rows = [
    [['plan', 'limts'], 'MATRIX_NOT_FOUND', 'limits'],
    [['plan', 'matrices/limts.yaml'], 'MATRIX_NOT_FOUND', 'matrices/limits.yaml'],
    [['repro', `${dir}/repot.yaml`], 'FIELD_NOT_FOUND', `${dir}/report.yaml`],
    [['advise', `${dir}/repot.yaml`], 'FIELD_NOT_FOUND', `${dir}/report.yaml`],
    [['unpack', `${dir}/nigth.tgz`], 'STORE_NOT_FOUND', `${dir}/night.tgz`],
    [['report', '--native', `${dir}/cpus.json`], 'STORE_NOT_FOUND', `${dir}/cpu.json`],
    [['host', '--serve', '127.0.0.1:1', `${dir}/ap.wasm`], 'USAGE', `${dir}/app.wasm`],
    [['host', '--library', `${dir}/libwasmtim.so`], 'USAGE', `${dir}/libwasmtime.so`],
    [['images', 'import', `${dir}/image.tar`], 'IMAGE_ARCHIVE', `${dir}/images.tar`],
  ] as const;
  for (const [words, code, meant] of rows) {
    const { err } = await run(t, words);
    t.ok(err.startsWith(`${code}: ${words.at(-1)}: `), err);
    t.match(err, /there is no such/);
    t.ok(err.endsWith(`\n  did you mean ${meant}?\n`), err);
  }
  t.match((await run(t, ['plan', `${dir}/quite-another.yaml`])).err, /no such file\n$/);
});

t.test('an argument behind an option that takes several values is an argument', async (t) => {
  const dir = t.testdir({ 'm.yaml': matrix });
  const results = path.join(dir, 'results');
  const id = '20261124T003400Z-de149c';
  await cp(path.join(import.meta.dirname, 'fixtures/runs/whole'), path.join(results, id), {
    recursive: true,
  });
  const at = ['--results', results];
  t.match(await run(t, ['report', ...at, '--format', 'md', id]), { code: 0, out: /^# nodes and modes\n/ });
  const native = path.join(import.meta.dirname, '../results/reference/overhead/native/v8-node-20.json');
  t.match(await run(t, ['report', ...at, '--format', 'overhead', '--native', native, id]), {
    code: 0,
    out: /\nTime: /,
  });
  t.match(await run(t, ['compare', ...at, '--across', 'thp', id, id]), { code: 0, out: /no change/ });
  const file = path.join(dir, 'm.yaml');
  const start = ['run', '--cold', '--jobs', '1', ...at];
  t.match(await run(t, [...start, '--reporter', 'tap', file]), { code: 0, out: /^\na title\n/ });
  t.match(await run(t, [...start, file, '--reporter', 'tap', 'jnit']), {
    code: 2,
    err: /^REPORT_UNKNOWN: .*jnit/,
  });
});

t.test('a subject that cannot run is refused before anything is booted or fetched', async (t) => {
  const text =
    'subject: { name: server, run: [server], files: { server: ./server } }\naxes: { memory: [512M] }\n';
  const file = path.join(t.testdir({ 'm.yaml': text }), 'm.yaml');
  t.match(await run(t, ['run', file], []), { code: 2, err: /a file of the subject `server` is not there/ });
});

t.test('who waits for another that builds in the cache says so', async (t) => {
  const cache = await openCache(path.join(t.testdir(), 'cache'));
  const lock = await holdBuildLock(cache);
  const { context, out, err } = listen();
  const release = async (text: string): Promise<void> => {
    context.err(text);
    await lock[Symbol.asyncDispose]();
  };
  const words = ['images', 'gc', '--cache', cache.folder];
  t.equal(await main(words, { ...context, err: (text) => void release(text) }), 0);
  t.equal(err(), 'another poolproof builds images in this cache; waiting until it has ended\n');
  t.match(out(), /^0 files removed/);
});
