/**
 * A kernel that no row names, from files: a guest boots in it with its modules, the arguments of the cell and a disk of
 * the user's own, and it is refused without the modules.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
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

/** Tries to write to the disk: to its files, and past the file system. */
const script = [
  'uname -r; cat /proc/cmdline /disks/data/deep/a.txt',
  "echo x 2>&- >/disks/data/b || echo 'no new file'",
  'find=\'[ "$(cat $0/serial)" = data ] && tr : " " <$0/dev\'',
  'mknod /tmp/disk b $(for disk in /sys/block/vd*; do sh -c "$find" $disk; done)',
  'echo x | dd of=/tmp/disk 2>&1 | grep error',
].join('; ');

t.test(
  'exec --kernel --disk runs a command in that kernel beside that disk, and says what it lacks',
  async (t) => {
    const work = await mkdtemp(path.join(tmpdir(), 'poolproof-kernel-'));
    t.teardown(() => rm(work, { recursive: true, force: true }));
    const cacheDir = resolveCacheFolder();
    const cache = await openCache(cacheDir);
    const pins = (await loadLock()).filter(({ name }) => name.startsWith('kernel/bookworm/'));
    const options = { locked: false, workFolder: path.join(work, 'fetched'), onEvent: () => undefined };
    const parts = await new ComponentStore(cache, options).ensureKernel(pins);
    for (const { sha256 } of parts) await unpackDeb(blobPath(cache, sha256), path.join(work, 'tree'));
    const { release, vmlinuz, modulesFolder } = await findKernel(path.join(work, 'tree'));
    await mkdir(path.join(work, 'data/deep'), { recursive: true });
    await writeFile(path.join(work, 'data/deep/a.txt'), 'kept\n');
    const exec = async (...words: readonly string[]) => {
      const { context, stdin, out, err } = listen();
      const { seams: _seams, ...real } = context;
      stdin.end();
      const cell = 'memory=512M,overcommit=0,kernelArguments=nosmap+isolcpus=0%2C1';
      const options = ['--kernel', vmlinuz, '--disk', `data=${path.join(work, 'data')}`, ...words];
      const code = await main(['exec', cell, ...options, '--', 'sh', '-c', script], real);
      return { code, out: out(), err: err() };
    };
    const ended = await exec('--modules', modulesFolder);
    t.equal(ended.code, 0, ended.err);
    const [found, commandLine, ...disk] = ended.out.trim().split('\n');
    t.equal(found, release);
    t.match(commandLine, /^console=ttyS0 .* poolproof\.disks=\d+ nosmap isolcpus=0,1$/);
    t.match(disk, ['kept', /no new file/, /error writing/]);
    t.match(await exec(), {
      code: 3,
      err: /^KERNEL_UNFIT: [^]*lacks .*EROFS_FS \(.*; it is a module\)[^]*--modules/m,
    });
  },
);
