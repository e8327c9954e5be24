/** A kernel that no row names, from files: a guest boots in it with its modules, and it is refused without them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { findKernel } from '../images/archive/initramfs.ts';
import { unpackDeb } from '../images/archive/unpack.ts';
import { resolveCacheFolder } from '../images/cache/cache-folder.ts';
import { blobPath, openCache } from '../images/cache/image-cache.ts';
import { loadLock } from '../images/lock.ts';
import { ComponentStore } from '../images/source/component-store.ts';
import { listen } from './fixtures/fake-commands.ts';
import { main } from './program.ts';

t.test('exec --kernel runs a command in that kernel, and says what it lacks', async (t) => {
  const work = await mkdtemp(path.join(tmpdir(), 'poolproof-kernel-'));
  t.teardown(() => rm(work, { recursive: true, force: true }));
  const cacheDir = resolveCacheFolder();
  const cache = await openCache(cacheDir);
  const pins = (await loadLock()).filter(({ name }) => name.startsWith('kernel/bookworm/'));
  const options = { locked: false, workFolder: path.join(work, 'fetched'), onEvent: () => undefined };
  const parts = await new ComponentStore(cache, options).ensureKernel(pins);
  for (const { sha256 } of parts) await unpackDeb(blobPath(cache, sha256), path.join(work, 'tree'));
  const { release, vmlinuz, modulesFolder } = await findKernel(path.join(work, 'tree'));
  const exec = async (...words: readonly string[]) => {
    const { context, stdin, out, err } = listen();
    const { seams: _seams, ...real } = context;
    stdin.end();
    const cell = 'memory=512M,overcommit=0';
    const code = await main(['exec', cell, '--kernel', vmlinuz, ...words, '--', 'uname', '-r'], real);
    return { code, out: out(), err: err() };
  };
  const ended = await exec('--modules', modulesFolder);
  t.equal(ended.code, 0, ended.err);
  t.equal(ended.out, `${release}\n`);
  t.match(await exec(), {
    code: 3,
    err: /^KERNEL_UNFIT: [^]*lacks .*EROFS_FS \(.*; it is a module\)[^]*--modules/m,
  });
});
