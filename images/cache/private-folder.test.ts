import { createHash } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { openPrivateFolder } from './private-folder.ts';

const modeOf = (file: string): string => (statSync(file).mode & 0o7777).toString(8);

/** A cache as an older version left it under a umask, with a blob that is whole and one that is not. */
function leaveCache(test: Test, umask: number): { folder: string; whole: string; other: string } {
  const before = process.umask(umask);
  const folder = path.join(test.testdir({}), 'cache');
  for (const name of ['', 'blobs', 'artefacts', 'templates', 'nodes', 'toolchain'])
    mkdirSync(path.join(folder, name));
  const whole = path.join(folder, 'blobs', createHash('sha256').update('whole').digest('hex'));
  const other = path.join(folder, 'blobs', createHash('sha256').update('other').digest('hex'));
  writeFileSync(whole, 'whole');
  writeFileSync(other, 'changed');
  for (const blob of [whole, other]) chmodSync(blob, 0o444);
  writeFileSync(path.join(folder, 'artefacts', 'recipe.json'), '{}');
  process.umask(before);
  return { folder, whole, other };
}

async function listWarnings(work: () => Promise<void>): Promise<string[]> {
  const warnings: string[] = [];
  const listen = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`);
  process.on('warning', listen);
  await work();
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', listen);
  return warnings;
}

t.test('a new folder is for its user alone, whatever the umask', async (t) => {
  for (const umask of [0, 0o002, 0o022, 0o777]) {
    const folder = path.join(t.testdir({}), 'a');
    const before = process.umask(umask);
    await openPrivateFolder(folder).finally(() => process.umask(before));
    t.equal(modeOf(folder), '700', umask.toString(8));
  }
});

t.test('a cache that nobody else may write to stays as it is', async (t) => {
  const { folder, other } = leaveCache(t, 0o022);
  t.same(await listWarnings(() => openPrivateFolder(folder)), []);
  t.equal(modeOf(folder), '755');
  t.ok(existsSync(other), 'its files are believed');
});

t.test('a cache that the group could write to becomes private, and is checked once', async (t) => {
  const opened: readonly ((folder: string) => void)[] = [
    () => undefined,
    // Only a folder in it, and only the folder itself.
    (folder) => chmodSync(folder, 0o755),
    (folder) => {
      for (const name of ['blobs', 'artefacts', 'templates']) chmodSync(path.join(folder, name), 0o700);
    },
    // The check was ended half way.
    (folder) => {
      chmodSync(folder, 0o700);
      writeFileSync(path.join(folder, 'doubted'), '');
    },
  ];
  for (const change of opened) {
    const { folder, whole, other } = leaveCache(t, 0o002);
    change(folder);
    t.match(await listWarnings(() => openPrivateFolder(folder)), [
      /^Poolproof: others could write to the cache .*\(1 removed\)/,
    ]);
    t.equal(modeOf(folder), '700');
    t.ok(existsSync(whole));
    t.notOk(existsSync(other), 'a blob whose checksum is not its name');
    t.same(readdirSync(folder), ['blobs'], 'what has no checksum is gone');
    t.same(await listWarnings(() => openPrivateFolder(folder)), [], 'once');
  }
});

t.test('what everybody may write to, or what is no cache, is refused and left as it is', async (t) => {
  const rows: readonly (readonly [title: string, change: (folder: string, blob: string) => void])[] = [
    ['a folder in it', (folder) => chmodSync(path.join(folder, 'blobs'), 0o757)],
    ['a blob', (_folder, blob) => chmodSync(blob, 0o646)],
    ['a folder as /tmp', (folder) => chmodSync(folder, 0o1777)],
    ['a folder with something else in it', (folder) => writeFileSync(path.join(folder, 'letter'), '')],
  ];
  for (const [title, change] of rows) {
    const { folder, whole, other } = leaveCache(t, 0o002);
    change(folder, whole);
    const before = modeOf(folder);
    await t.rejects(openPrivateFolder(folder), { code: 'NOT_PRIVATE', message: /others may write/ }, title);
    t.equal(modeOf(folder), before);
    t.ok(existsSync(other));
  }
});

t.test(
  'what belongs to another user is refused',
  { skip: process.geteuid?.() !== 0 && 'only root gives files away' },
  async (t) => {
    const owned: readonly ((folder: string, blob: string) => string)[] = [
      (folder) => folder,
      (folder) => path.join(folder, 'templates'),
      (_folder, blob) => blob,
    ];
    for (const pick of owned) {
      const { folder, whole } = leaveCache(t, 0o002);
      chownSync(pick(folder, whole), 12_345, 12_345);
      await t.rejects(openPrivateFolder(folder), {
        code: 'NOT_PRIVATE',
        message: /another user \(12345\)/,
        details: { file: pick(folder, whole) },
      });
    }
  },
);
