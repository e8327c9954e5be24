import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Header } from 'tar';
import t from 'tap';
import { buildResult, buildStandard, record } from '../fixtures/report/results.ts';
import { bundleLimits, manifestName } from './bundle-manifest.ts';
import { unpackBundle } from './bundle-unpack.ts';
import { isFailed, packRun } from './bundle.ts';
import { writeEvidence } from './evidence.ts';
import { collectResults, readRun } from './read-run.ts';
import type { Result } from './result.ts';
import { writeRecord } from './run-record.ts';

const good = buildStandard({ id: 'a', verdict: 'expected' });
const bad = buildResult({ id: 'b', verdict: 'unexpected' });
const empty = { tier: null, form: null, tiers: [], verdict: null } as const;
const broken = buildStandard({ ...empty, id: 'c', outcome: 'broken' });
const skipped = buildStandard({ ...empty, id: 'd', outcome: 'skipped', evidence: null });

async function storeRun(dir: string, results: readonly Result[]): Promise<string> {
  await mkdir(dir, { recursive: true });
  await writeRecord(dir, record);
  const lines: string[] = [];
  for (const result of results) {
    const files = {
      'console.log': `console of ${result.id}\n`,
      'attempt-1/stdout': new Uint8Array([0, 255, 10]),
    };
    const evidence = result.evidence === null ? null : writeEvidence(dir, result, files);
    lines.push(`${JSON.stringify({ ...result, evidence })}\n`);
  }
  await writeFile(join(dir, 'cells.jsonl'), lines.join(''));
  return dir;
}

const readAll = async (dir: string): Promise<readonly Result[]> =>
  collectResults((await readRun(dir)).results());

t.test('a run comes out of a bundle as it went in, and equal runs give equal bytes', async (t) => {
  const dir = await storeRun(join(t.testdir(), 'run'), [good, bad, broken, skipped]);
  const [one, two] = [join(t.testdirName, 'one.tgz'), join(t.testdirName, 'two.tgz')];
  const packed = await packRun(dir, one);
  t.match(packed, { cells: 4, files: 2 + 3 * 2, problems: [] });
  await packRun(dir, two);
  t.same(await readFile(one), await readFile(two));
  const results = join(t.testdirName, 'results');
  const unpacked = await unpackBundle(one, results);
  t.match(unpacked, { dir: join(results, record.id), run: record.id, selection: 'all', cells: 4 });
  t.same(await readAll(unpacked.dir), await readAll(dir));
  const { evidence } = (await readAll(dir))[1]!;
  for (const name of ['console.log', 'attempt-1/stdout']) {
    t.same(await readFile(join(unpacked.dir, evidence!, name)), await readFile(join(dir, evidence!, name)));
  }
  t.same(await readdir(results), [record.id]);
  await t.rejects(unpackBundle(one, results), { code: 'USAGE' }, 'a run is never overwritten');
  t.same(await readdir(results), [record.id], 'and nothing half written stays');
});

t.test('--failed packs what somebody has to look at', async (t) => {
  const dir = await storeRun(join(t.testdir(), 'run'), [good, bad, broken, skipped]);
  const file = join(t.testdirName, 'failed.tgz');
  t.match(await packRun(dir, file, { failed: true }), { cells: 2, files: 2 + 2 * 2 });
  const { dir: unpacked, selection } = await unpackBundle(file, join(t.testdirName, 'results'));
  t.equal(selection, 'failed');
  t.same(
    (await readAll(unpacked)).map(({ id }) => id),
    ['b', 'c'],
  );
  t.equal((await readRun(unpacked)).record.options['packed'], 'failed');
  t.ok(isFailed({ ...good, finding: 'the model is wrong' }));
  const fine = await storeRun(join(t.testdirName, 'fine'), [good, skipped]);
  await t.rejects(packRun(fine, file, { failed: true }), { code: 'CELL_NOT_FOUND' });
});

t.test('a run that is still written is packed to its last whole line', async (t) => {
  const dir = await storeRun(join(t.testdir(), 'run'), [good, bad]);
  const cells = join(dir, 'cells.jsonl');
  await truncate(cells, (await readFile(cells)).length - 20);
  const file = join(t.testdirName, 'a.tgz');
  const packed = await packRun(dir, file);
  t.match(packed, { cells: 1, problems: [{ code: 'STORE_TORN' }] });
  t.match(await unpackBundle(file, join(t.testdirName, 'results')), { cells: 1 });
});

t.test("files that are not the store's own are not packed", async (t) => {
  const dir = await storeRun(join(t.testdir({ secret: 'x' }), 'run'), [good]);
  const { evidence } = (await readAll(dir))[0]!;
  await symlink(join(t.testdirName, 'secret'), join(dir, evidence!, 'host.json'));
  await writeFile(join(dir, evidence!, '.hidden'), 'x');
  await writeFile(join(dir, 'report.html'), 'x');
  t.match(await packRun(dir, join(t.testdirName, 'a.tgz')), { files: 4 });
  await writeFile(join(dir, 'cells.jsonl'), `${JSON.stringify({ ...good, evidence: '../..' })}\n`);
  t.match(await packRun(dir, join(t.testdirName, 'b.tgz')), { files: 2 });
  await t.rejects(packRun(dir, join(t.testdirName, 'no/such/folder.tgz')), { code: 'STORE_UNWRITABLE' });
  t.same(
    (await readdir(t.testdirName)).filter((name) => name.includes('partial')),
    [],
  );
});

type Entry = Readonly<{
  path: string;
  content?: string;
  type?:
    | 'File'
    | 'SymbolicLink'
    | 'Link'
    | 'CharacterDevice'
    | 'Directory'
    | 'FIFO'
    | 'ExtendedHeader'
    | 'GlobalExtendedHeader';
  linkpath?: string;
  size?: number;
}>;

function tarEntry({ path, content = '', type = 'File', linkpath, size }: Entry): Buffer {
  const bytes = Buffer.from(content);
  const header = new Header({
    path,
    type,
    size: size ?? bytes.length,
    mode: 0o755,
    mtime: new Date(0),
    ...(linkpath !== undefined && { linkpath }),
  });
  const block = Buffer.alloc(512);
  header.encode(block, 0);
  return Buffer.concat([block, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

const archive = (entries: readonly Entry[], tail = Buffer.alloc(1024)): Buffer =>
  gzipSync(Buffer.concat([...entries.map(tarEntry), tail]));

const sha256 = (content: string): string => createHash('sha256').update(content).digest('hex');

const line = `${JSON.stringify({ ...good, evidence: 'evidence/a-1' })}\n`;
const contents: Readonly<Record<string, string>> = {
  'run.json': JSON.stringify(record),
  'cells.jsonl': line,
  'evidence/a-1/stdout': 'out\n',
};

/** A bundle by hand: the right one, with something changed. */
function bundle(
  changes: Readonly<{
    files?: Readonly<Record<string, string>>;
    manifest?: Readonly<Record<string, unknown>>;
    list?: readonly object[];
    extra?: readonly Entry[];
    first?: readonly Entry[];
    skip?: readonly string[];
    tail?: Buffer<ArrayBuffer>;
  }> = {},
): Buffer {
  const files = { ...contents, ...changes.files };
  const list =
    changes.list ??
    Object.entries(files).map(([path, content]) => ({
      path,
      size: Buffer.byteLength(content),
      sha256: sha256(content),
    }));
  const manifest = {
    schema: 1,
    run: record.id,
    selection: 'all',
    cells: 1,
    files: list,
    ...changes.manifest,
  };
  return archive(
    [
      ...(changes.first ?? []),
      { path: manifestName, content: JSON.stringify(manifest) },
      ...Object.entries(files)
        .filter(([path]) => changes.skip?.includes(path) !== true)
        .map(([path, content]) => ({ path, content })),
      ...(changes.extra ?? []),
    ],
    changes.tail,
  );
}

t.test('a bundle is not trusted', async (t) => {
  const dir = t.testdir({ outside: {}, results: {} });
  const results = join(dir, 'results');
  const file = join(dir, 'x.tgz');
  const named = (path: string, content = 'x') => ({ path, size: content.length, sha256: sha256(content) });
  const standardList = Object.entries(contents).map(([path, content]) => ({
    path,
    size: Buffer.byteLength(content),
    sha256: sha256(content),
  }));
  const refused: readonly (readonly [string, Buffer, RegExp, string?])[] = [
    [
      'a path that leaves the folder',
      bundle({
        list: [...standardList, named('../outside/x')],
        extra: [{ path: '../outside/x', content: 'x' }],
      }),
      /not a file of a run/,
    ],
    [
      'an absolute path',
      bundle({ list: [...standardList, named(join(dir, 'outside/x'))] }),
      /not a file of a run/,
    ],
    [
      'a path with dots in it',
      bundle({ list: [...standardList, named('evidence/../../outside/x')] }),
      /not a file of a run/,
    ],
    ['a hidden file', bundle({ list: [...standardList, named('.lock')] }), /not a file of a run/],
    [
      'a file too deep',
      bundle({ list: [...standardList, named('evidence/a/b/c/d')] }),
      /not a file of a run/,
    ],
    [
      'a file that is not listed',
      bundle({ extra: [{ path: 'evidence/a-1/stderr', content: 'x' }] }),
      /not in its list/,
    ],
    [
      'a listed symbolic link',
      bundle({
        list: [...standardList, { ...named('evidence/a-1/stderr', ''), size: 0 }],
        extra: [{ path: 'evidence/a-1/stderr', type: 'SymbolicLink', linkpath: '/etc/passwd' }],
      }),
      /SymbolicLink/,
    ],
    [
      'a hard link',
      bundle({ extra: [{ path: 'evidence/a-1/stderr', type: 'Link', linkpath: '/etc/passwd' }] }),
      /is a Link/,
    ],
    [
      'a device',
      bundle({ extra: [{ path: 'evidence/a-1/stderr', type: 'CharacterDevice' }] }),
      /CharacterDevice/,
    ],
    ['a pipe', bundle({ extra: [{ path: 'evidence/a-1/stderr', type: 'FIFO' }] }), /FIFO/],
    ['a folder', bundle({ extra: [{ path: 'evidence/b-1', type: 'Directory' }] }), /Directory/],
    [
      'a file that is there twice',
      bundle({ extra: [{ path: 'evidence/a-1/stdout', content: 'out\n' }] }),
      /twice/,
    ],
    ['a file that is listed twice', bundle({ list: [...standardList, ...standardList] }), /twice/],
    ['a missing file', bundle({ skip: ['evidence/a-1/stdout'] }), /missing/],
    [
      'a wrong size',
      bundle({ list: standardList.map((each) => ({ ...each, size: each.size + 1 })) }),
      /bytes, not/,
    ],
    [
      'a wrong checksum',
      bundle({ list: standardList.map((each) => ({ ...each, sha256: sha256('other') })) }),
      /checksum/,
    ],
    [
      'a large file',
      bundle({
        list: [...standardList, { ...named('evidence/a-1/stderr'), size: bundleLimits.evidenceBytes + 1 }],
      }),
      /at most/,
    ],
    [
      'no list of contents',
      archive([{ path: 'run.json', content: contents['run.json']! }]),
      /does not begin/,
    ],
    ['something before the list', bundle({ first: [{ path: 'x', content: 'x' }] }), /does not begin/],
    ['a list that is no JSON', archive([{ path: manifestName, content: '{' }]), /not JSON/],
    ['a list of another form', bundle({ manifest: { run: '../x' } }), /run/],
    ['a list with more in it', bundle({ manifest: { hook: 'rm' } }), /hook/],
    [
      'a list without a run',
      bundle({ list: [named('evidence/a-1/a'), named('evidence/a-1/b')] }),
      /no run\.json/,
    ],
    ['an empty archive', archive([]), /empty|whole archive/],
    ['another run than it says', bundle({ manifest: { run: '20261123T230311Z-ffffff' } }), /holds run/],
    ['another number of cells', bundle({ manifest: { cells: 2 } }), /cells is 1, not 2/],
    ['a damaged line', bundle({ files: { 'cells.jsonl': '{"schema":1\n' } }), /line 1/],
    [
      'a line that points elsewhere',
      bundle({ files: { 'cells.jsonl': line.replace('evidence/a-1', '../../etc') } }),
      /evidence/,
    ],
    ['a newer list', bundle({ manifest: { schema: 2 } }), /schema 2/, 'STORE_SCHEMA'],
    [
      'a newer line',
      bundle({ files: { 'cells.jsonl': line.replace('"schema":1', '"schema":9') } }),
      /schema 9/,
      'STORE_SCHEMA',
    ],
    [
      'a newer record',
      bundle({ files: { 'run.json': JSON.stringify({ ...record, schema: 9 }) } }),
      /schema 9/,
      'STORE_SCHEMA',
    ],
    ['no archive', Buffer.from('hello'), /whole archive/],
    ['half a bundle', bundle().subarray(0, 400), /gzip|whole archive/],
    ['nothing', Buffer.alloc(0), /empty|gzip|whole archive/],
  ];
  for (const [what, bytes, message, code = 'BUNDLE_INVALID'] of refused) {
    await writeFile(file, bytes);
    await t.rejects(unpackBundle(file, results), { code, message }, what);
    t.same(await readdir(results), [], `${what}: nothing stays`);
  }
  t.same(await readdir(join(dir, 'outside')), []);
  await t.rejects(unpackBundle(join(dir, 'none.tgz'), results), { code: 'STORE_NOT_FOUND' });

  const small = { ...bundleLimits, totalBytes: 2 ** 16, manifestBytes: 2 ** 16, files: 3 };
  await writeFile(file, bundle());
  await t.rejects(unpackBundle(file, results, { ...small, files: 2 }), {
    code: 'BUNDLE_INVALID',
    message: /3 files/,
  });
  await t.rejects(unpackBundle(file, results, { ...small, totalBytes: 100 }), {
    code: 'BUNDLE_INVALID',
    message: /bytes/,
  });
  await t.rejects(unpackBundle(file, results, { ...small, manifestBytes: 10 }), {
    code: 'BUNDLE_INVALID',
    message: /list of contents has/,
  });
  t.same(await readdir(results), []);
  t.match(await unpackBundle(file, results, small), { cells: 1 }, 'the right one is taken');
});

t.test('what is behind the end of a bundle is not looked at, whatever its size', async (t) => {
  const dir = t.testdir({ zeros: {}, noise: {} });
  const file = join(dir, 'bundle.tgz');
  await writeFile(file, bundle({ tail: Buffer.alloc(2 ** 28) }));
  t.match(await unpackBundle(file, join(dir, 'zeros')), { cells: 1 }, '256 MiB of zeros in 260 kB');
  await writeFile(
    file,
    bundle({ tail: Buffer.concat([Buffer.alloc(1024), Buffer.alloc(2 ** 20, 'noise')]) }),
  );
  t.match(await unpackBundle(file, join(dir, 'noise')), { cells: 1 });
});

t.test('a bundle whose list or headers are made to fill the memory is refused before it does', async (t) => {
  const dir = t.testdir({ results: {} });
  const file = join(dir, 'bundle.tgz');
  const pax = (type: 'ExtendedHeader' | 'GlobalExtendedHeader', bytes: number): Entry => {
    const text = `comment=${'x'.repeat(bytes)}\n`;
    return { path: 'pax', type, content: `${text.length + 1 + String(text.length).length} ${text}` };
  };
  const many = Array.from({ length: 400 }, () => pax('GlobalExtendedHeader', 8000));
  const table: readonly (readonly [title: string, bytes: Buffer, message: RegExp])[] = [
    [
      '30 MB of brackets',
      archive([{ path: manifestName, content: '['.repeat(30_000_000) }]),
      /list of contents has 30000000 bytes: more than such a bundle has/,
    ],
    ['a few brackets', archive([{ path: manifestName, content: '['.repeat(60_000) }]), /is not JSON/],
    ['a header of 2 MB', bundle({ extra: [pax('ExtendedHeader', 2_000_000)] }), /a header of \d+ bytes/],
    ['a header of 20 kB', bundle({ first: [pax('ExtendedHeader', 20_000)] }), /a header of \d+ bytes/],
    ['many headers', bundle({ extra: many }), /too many headers/],
    ['gzip in gzip', gzipSync(bundle()), /packed twice/],
    [
      'more bytes than its list names',
      bundle({ extra: Array.from({ length: 9000 }, () => pax('ExtendedHeader', 30)) }),
      /bytes unpacked|too many headers/,
    ],
  ];
  for (const [title, bytes, message] of table) {
    await writeFile(file, bytes);
    const before = process.memoryUsage().rss;
    await t.rejects(unpackBundle(file, join(dir, 'results')), { code: 'BUNDLE_INVALID', message }, title);
    t.ok(process.memoryUsage().rss - before < 200e6, `${title}: memory is bounded`);
    t.same(await readdir(join(dir, 'results')), []);
  }
});
