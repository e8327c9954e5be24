import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { resolveTierConfiguration } from './allocator/configuration.ts';
import { GiB } from './allocator/sizes.ts';
import { findEngineLibrary } from './package-files.ts';
import { findWorkloadFiles, unpackWorkloadPackages } from './workload-files.ts';
import { openLibrary } from './wasm-host/libwasmtime.ts';
import { loadV8 } from './wasm-host/measure-v8.ts';
import { openWasmtimeEngine } from './wasm-host/measure-wasmtime.ts';
import { findWorkload, workloads } from './wasm-host/workloads/catalogue.ts';
import { extractWorkloads } from './wasm-host/workloads/extract.ts';
import type { Loaded, Running } from './wasm-host/workloads/instance.ts';
import { argon2, makeChunk, programs } from './wasm-host/workloads/programs.ts';
import { queries, tables } from './wasm-host/workloads/sqlite.ts';

const scratch = mkdtempSync(path.join(tmpdir(), 'workload-files-test-'));
t.teardown(() => rmSync(scratch, { recursive: true, force: true }));

/** The packages as published: their own JavaScript is what the raw exports are compared with. */
const folderOf = await unpackWorkloadPackages(scratch);
const files = await findWorkloadFiles();
const require = createRequire(import.meta.url);
/** Of packages that are no dependency of ours: their types are what the test relies on. */
const load = (name: string, file = ''): unknown => require(path.join(folderOf(name), file));
const read = (file: string): Buffer => readFileSync(path.join(files, file));

const library = openLibrary(await findEngineLibrary('50.0.1'));
function openTier(limit: number | null) {
  const configuration = resolveTierConfiguration('conservative', {
    engine: { kind: 'wasmtime', version: '50.0.1' },
    profile: 'spin',
    env: {},
    facts: { addressSpaceLimit: limit, addressBits: null },
  });
  if (configuration.kind !== 'wasmtime') throw new Error('not wasmtime');
  return openWasmtimeEngine(library, configuration);
}
const guarded = openTier(null);
const checked = openTier(8 * GiB);
const engines: Readonly<Record<string, (wasm: Uint8Array) => Loaded>> = {
  wasmtime: (wasm) => guarded.compile(wasm).loaded,
  'wasmtime with checks': (wasm) => checked.compile(wasm).loaded,
  v8: (wasm) => loadV8(wasm, 'elided', 0),
  'v8 with checks': (wasm) => loadV8(wasm, 'explicit', 1),
};

const source = read('source.js');
type Hasher = Readonly<{ update: (data: Uint8Array) => void; digest: () => string; init: () => void }>;
type HashWasm = Readonly<{
  createSHA256: () => Promise<Hasher>;
  createXXHash64: () => Promise<Hasher>;
  argon2id: (options: object) => Promise<string>;
}>;

async function hashChunks(hasher: Hasher, count: number): Promise<string> {
  await Promise.resolve();
  hasher.init();
  for (let at = 0; at < count; at += 1) hasher.update(makeChunk());
  return hasher.digest();
}

/** What the packages themselves say; zstd's own output is decompressed by the package again. */
async function askPackages(): Promise<Readonly<Record<string, string>>> {
  const hashes = load('hash-wasm', 'dist/index.umd.js') as HashWasm;
  const lexer = load('cjs-module-lexer', 'dist/lexer.js') as Readonly<{
    init: () => Promise<void>;
    parse: (source: string) => Readonly<{ exports: readonly string[] }>;
  }>;
  await lexer.init();
  const initSql = load('sql.js', 'dist/sql-wasm.js') as () => Promise<{
    Database: new () => { run: (sql: string) => void; exec: (sql: string) => { values: number[][] }[] };
  }>;
  const sql = await initSql();
  const database = new sql.Database();
  database.run(tables);
  return {
    argon2id: await hashes.argon2id({
      password: argon2.password,
      salt: argon2.salt,
      parallelism: 1,
      iterations: argon2.iterations,
      memorySize: argon2.memoryKib,
      hashLength: argon2.hashBytes,
      outputType: 'hex',
    }),
    sha256: await hashChunks(await hashes.createSHA256(), 3),
    xxhash64: await hashChunks(await hashes.createXXHash64(), 3),
    lexer: lexer.parse(source.toString('latin1')).exports.join(' '),
    'zstd-decompress': source.toString('base64'),
    sqlite: queries.map((query) => database.exec(query)[0]?.values[0]?.[0]).join(' '),
  };
}

t.test('every program gives what its package gives, in both engines, checked or not', async (t) => {
  const expected = await askPackages();
  const zstd = load('@bokuweb/zstd-wasm', 'dist/common/index.node.js') as Readonly<{
    init: () => Promise<void>;
    compress: (data: Uint8Array, level: number) => Uint8Array;
    decompress: (data: Uint8Array) => Uint8Array;
  }>;
  await zstd.init();
  const all = { ...expected, 'zstd-compress': Buffer.from(zstd.compress(source, 3)).toString('base64') };
  t.same(Object.keys(programs).sort(), Object.keys(all).sort());
  t.ok(Buffer.from(zstd.decompress(Buffer.from(all['zstd-compress'], 'base64'))).equals(source));
  for (const [engine, compile] of Object.entries(engines)) {
    for (const [name, wanted] of Object.entries(all)) {
      const loaded = compile(read(`${findWorkload(name)?.module ?? ''}.wasm`));
      const running: Running = programs[name]!({ load: () => loaded, read });
      // Three chunks of a message, three parses; but the hash of a password is that of a first run.
      const length = name === 'argon2id' ? 1 : 3;
      const first = running.run(length);
      t.equal(running.output?.(), wanted, `${name} in ${engine}`);
      t.equal(running.run(length), first, `${name} in ${engine} gives the same when it runs again`);
      t.not(first, 0);
      running.drop();
    }
  }
});

t.test('programs of the catalogue are those that can be started', (t) => {
  const named = workloads.filter(({ kind }) => kind === 'program').map(({ name }) => name);
  t.same(named.sort(), Object.keys(programs).sort());
  t.end();
});

t.test('a package that does not hold what its row says is refused', async (t) => {
  const folder = path.join(scratch, 'odd');
  await mkdir(folder, { recursive: true });
  writeFileSync(path.join(folder, 'a.js'), 'data:"AGFzbQEAAAA=" text:"aGVsbG8="');
  const row = (from: string, after: string) => [
    {
      name: 'odd',
      version: '1.0.0',
      licence: 'MIT',
      extracts: [{ file: 'a.wasm', from, form: { kind: 'base64', after } as const }],
    },
  ];
  const found = await extractWorkloads(() => folder, row('a.js', 'data:"'));
  t.equal(found.get('a.wasm')?.length, 8);
  await t.rejects(
    extractWorkloads(() => folder, row('a.js', 'absent:"')),
    /does not hold a\.wasm/,
  );
  await t.rejects(
    extractWorkloads(() => folder, row('a.js', 'text:"')),
    /does not hold a\.wasm/,
  );
  await t.rejects(
    extractWorkloads(() => folder, row('b.js', 'data:"')),
    { code: 'ENOENT' },
  );
});

t.test('a package that is not pinned is refused', async (t) => {
  const lock = path.join(scratch, 'lock.yaml');
  writeFileSync(lock, 'schema: 1\ncomponents: []\n');
  await t.rejects(findWorkloadFiles(undefined, undefined, lock), { code: 'IMAGE_UNKNOWN' });
});
