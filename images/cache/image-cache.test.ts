import { resolveCacheFolder } from './cache-folder.ts';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { verifyImages } from '../inspect.ts';
import { holdBuildLock } from './build-lock.ts';
import {
  addBlob,
  blobPath,
  findArtefact,
  hasBlob,
  hashFile,
  makeWorkFolder,
  openCache,
  saveArtefact,
} from './image-cache.ts';

const recipe = 'f'.repeat(64);

t.test('the folder is the setting, else the XDG one, else the usual place', (t) => {
  t.equal(resolveCacheFolder({ POOLPROOF_CACHE: '/a/b', XDG_CACHE_HOME: '/x' }), '/a/b');
  t.equal(resolveCacheFolder({ POOLPROOF_CACHE: '', XDG_CACHE_HOME: '/x' }), '/x/poolproof');
  t.equal(resolveCacheFolder({ XDG_CACHE_HOME: 'relative' }), path.join(os.homedir(), '.cache', 'poolproof'));
  t.end();
});

t.test('a folder that cannot be written is an error with a hint', async (t) => {
  const file = path.join(t.testdir({ taken: 'a file' }), 'taken');
  await t.rejects(openCache(file), { code: 'CACHE_UNWRITABLE', details: { hint: /POOLPROOF_CACHE/ } });
});

t.test('a file enters the cache under its digest, read-only', async (t) => {
  const cache = await openCache(t.testdir());
  const file = path.join(cache.folder, 'new');
  await writeFile(file, 'hello');
  const { sha256, size } = await hashFile(file);
  t.strictSame(
    { sha256, size },
    { sha256: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824', size: 5 },
  );
  t.equal(await addBlob(cache, file, sha256), blobPath(cache, sha256));
  t.equal((await stat(blobPath(cache, sha256))).mode & 0o777, 0o444);
  t.equal(await hasBlob(cache, sha256, 5), true);
  t.equal(await hasBlob(cache, sha256, 6), false, 'another size is another file');
  await t.rejects(stat(file), { code: 'ENOENT' });
});

t.test('an artefact is found again until its file or record changes', async (t) => {
  const cache = await openCache(t.testdir());
  const file = path.join(cache.folder, 'new');
  await writeFile(file, 'hello');
  const saved = await saveArtefact(cache, recipe, file, { name: 'node-22', components: [] });
  t.strictSame(await findArtefact(cache, recipe), saved);
  t.equal(await findArtefact(cache, '0'.repeat(64)), undefined);
  await utimes(blobPath(cache, saved.sha256), 1, 1);
  t.equal(await findArtefact(cache, recipe), undefined, 'touched');
  await writeFile(path.join(cache.folder, 'artefacts', `${recipe}.json`), '{"schema": 1, "torn');
  t.equal(await findArtefact(cache, recipe), undefined, 'torn record');
});

t.test('verifying finds bytes that changed behind size and time, and removes them', async (t) => {
  const cache = await openCache(t.testdir());
  const file = path.join(cache.folder, 'new');
  await writeFile(file, 'hello');
  const saved = await saveArtefact(cache, recipe, file, { name: 'node-22', components: [] });
  t.strictSame(await verifyImages({ cacheDir: cache.folder }), { checked: 1, damaged: [] });
  const blob = blobPath(cache, saved.sha256);
  await chmod(blob, 0o644);
  await writeFile(blob, 'jello');
  await utimes(blob, saved.mtimeMs / 1000, saved.mtimeMs / 1000);
  const { damaged } = await verifyImages({ cacheDir: cache.folder });
  t.match(damaged, [{ file: blob, expected: saved.sha256, found: /^[0-9a-f]{64}$/ }]);
  t.equal(await findArtefact(cache, recipe), undefined);
  t.strictSame(await verifyImages({ cacheDir: cache.folder }), { checked: 0, damaged: [] });
});

t.test('a work folder is gone when its holder is done', async (t) => {
  const cache = await openCache(t.testdir());
  const use = async (): Promise<string> => {
    await using work = await makeWorkFolder(cache);
    await mkdir(path.join(work.path, 'deep'));
    return work.path;
  };
  await t.rejects(stat(await use()), { code: 'ENOENT' });
});

t.test('the lock keeps the second out until the first is done, and says that it waits', async (t) => {
  const cache = await openCache(t.testdir());
  const order: string[] = [];
  const first = await holdBuildLock(cache, () => order.push('a free lock'));
  let second: ReturnType<typeof holdBuildLock> | undefined;
  await new Promise<void>((resolve) => {
    second = holdBuildLock(cache, () => {
      order.push('waits');
      resolve();
    }).then((lock) => {
      order.push('second');
      return lock;
    });
  });
  order.push('first done');
  await first[Symbol.asyncDispose]();
  await (await second)?.[Symbol.asyncDispose]();
  t.strictSame(order, ['waits', 'first done', 'second']);
});

t.test('a holder that is killed leaves no lock behind', async (t) => {
  const cache = await openCache(t.testdir());
  const script = path.join(cache.folder, 'holder.mjs');
  const module = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);
  await writeFile(
    script,
    `const { holdBuildLock } = await import(${module('./build-lock.ts')});
     await holdBuildLock({ folder: ${JSON.stringify(cache.folder)} });
     console.log('held');
     setInterval(() => {}, 1000);`,
  );
  // The loader that lets this very test run its TypeScript lets the holder run it too.
  const holder = spawn(process.execPath, [...process.execArgv, script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [text] = (await once(holder.stdout, 'data')) as [Buffer];
  t.match(text.toString(), /held/);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  await (await holdBuildLock(cache))[Symbol.asyncDispose]();
  t.match(await readFile(path.join(cache.folder, 'lock'), 'utf8'), '');
});
