import { readFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { architectures } from './architectures.ts';
import { lockNamesOf, pinnedKernels } from './definitions.ts';
import { listNames } from './update.ts';
import { PoolproofError } from './errors.ts';
import { formatLock, loadLock, parseLock, parsePin, saveLock, type Pin } from './lock.ts';
import { project } from './paths.ts';
import { comparePins } from './update.ts';

const pin = (name: string, version = '1.0', sha256 = 'a'.repeat(64)): Pin => ({
  name,
  package: name,
  version,
  sha256,
  size: 10,
});

const lines = (...components: string[]): string => `schema: 1\ncomponents:\n${components.join('\n')}\n`;
const good = `  - name: a\n    package: a\n    version: 1.0-1\n    sha256: ${'a'.repeat(64)}\n    size: 10`;

function failure(text: string): {
  code: string;
  line: number | undefined;
  column: number | undefined;
  message: string;
} {
  try {
    parseLock(text, 'l.yaml');
  } catch (error) {
    if (!(error instanceof PoolproofError)) throw error;
    return {
      code: error.code,
      line: error.details.line,
      column: error.details.column,
      message: error.message,
    };
  }
  throw new Error('was accepted');
}

t.test('a wrong lock is refused with the line and column of the first wrong place', (t) => {
  const table: readonly (readonly [string, string, number, number, RegExp])[] = [
    ['not YAML', 'schema: [1\n', 2, 1, /l\.yaml:2:1: /],
    ['another schema', 'schema: 2\ncomponents: []\n', 1, 9, /schema: /],
    ['a short checksum', lines(good.replace('a'.repeat(64), 'abc')), 6, 13, /64 lower-case hexadecimal/],
    ['a size that is text', lines(good.replace('size: 10', 'size: ten')), 7, 11, /components\.0\.size/],
    ['a negative size', lines(good.replace('size: 10', 'size: -1')), 7, 11, /components\.0\.size/],
    ['a missing version', lines(good.replace(/.*version.*\n/, '')), 3, 5, /components\.0\.version/],
    ['a key too many', lines(`${good}\n    host: x`), 3, 5, /host/],
    ['a name twice', lines(good, good), 8, 11, /a is pinned twice/],
    ['a key twice', lines(good.replace('package: a', 'name: b')), 4, 5, /unique/i],
    ['an alias', 'schema: 1\ncomponents: &a []\nx: *a\n', 3, 4, /alias/],
    ['an empty file', '', 1, 1, /l\.yaml:1:1/],
  ];
  for (const [title, text, line, column, message] of table) {
    const found = failure(text);
    t.strictSame([found.code, found.line, found.column], ['IMAGE_LOCK_INVALID', line, column], title);
    t.match(found.message, message, title);
  }
  t.end();
});

t.test('a lock that is not there is an error with its name', async (t) => {
  await t.rejects(loadLock(path.join(t.testdir(), 'lock.yaml')), { code: 'IMAGE_LOCK_INVALID' });
});

t.test('pins are written sorted, and read back the same', async (t) => {
  const file = path.join(t.testdir(), 'lock.yaml');
  await saveLock([pin('b', '22.10'), pin('a', '1:2.3-4+deb12u1')], file);
  t.strictSame(await loadLock(file), [pin('a', '1:2.3-4+deb12u1'), pin('b', '22.10')]);
  const text = await readFile(file, 'utf8');
  t.match(text, /^# Exact versions/);
  t.equal(text, formatLock(parseLock(text)));
});

t.test('a version that looks like a number stays text', (t) => {
  t.strictSame(parseLock(formatLock([pin('a', '22.10'), pin('b', '1')])), [pin('a', '22.10'), pin('b', '1')]);
  t.end();
});

t.test('a remembered pin that is no pin counts as none', (t) => {
  t.strictSame(parsePin(JSON.stringify(pin('a'))), pin('a'));
  t.equal(parsePin('{"name":"a"}'), undefined);
  t.equal(parsePin('{'), undefined);
  t.end();
});

t.test('changes name what moved, what is new and what is gone', (t) => {
  const before = [pin('same'), pin('moved', '1.0'), pin('gone'), pin('bytes')];
  const after = [
    pin('same'),
    pin('moved', '2.0', 'b'.repeat(64)),
    pin('new'),
    pin('bytes', '1.0', 'c'.repeat(64)),
  ];
  t.strictSame(comparePins(before, after), [
    { name: 'moved', from: '1.0', to: '2.0' },
    { name: 'new', from: undefined, to: '1.0' },
    { name: 'bytes', from: '1.0', to: '1.0' },
    { name: 'gone', from: '1.0', to: undefined },
  ]);
  t.end();
});

t.test('the lock of this project pins every row of the tables, in canonical form', async (t) => {
  const pins = await loadLock();
  const names = new Set(pins.map(({ name }) => name));
  const wanted = architectures.flatMap((architecture) => [
    ...listNames(architecture),
    ...pinnedKernels
      .filter(({ metaPackages }) => metaPackages[architecture.name] !== undefined)
      .map(({ name }) => lockNamesOf(architecture).kernel(name, 'image')),
  ]);
  t.strictSame(
    wanted.filter((name) => !names.has(name)),
    [],
  );
  t.equal(await readFile(project.lockFile, 'utf8'), formatLock(pins));
});
