import { truncate } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import path from 'node:path';
import t from 'tap';
import { kernelNeeds } from '../archive/kernel-needs.ts';
import { readOwnKernelFiles } from './own-kernel-files.ts';

const release = '6.6.6-mine';

const config = (changes: Readonly<Record<string, 'y' | 'm' | 'n'>> = {}): string =>
  kernelNeeds
    .map(({ option }) => [option, changes[option] ?? 'y'] as const)
    .map(([option, value]) => (value === 'n' ? `# CONFIG_${option} is not set` : `CONFIG_${option}=${value}`))
    .join('\n');

/** A file with the header of a bzImage, and a packed kernel with its configuration where there is one. */
function makeImage(own: string | null = null): Buffer {
  const kernel = own === null ? 'a kernel' : ['IKCFG_ST', gzipSync(own), 'IKCFG_ED'];
  const payload = gzipSync(Buffer.concat([kernel].flat().map((part) => Buffer.from(part))));
  const head = Buffer.alloc(1024);
  head[0x1f1] = 1;
  head.write('HdrS', 0x202, 'latin1');
  head.writeUInt16LE(0x100, 0x20e);
  head.write(`${release} (me@here) #1 SMP`, 0x300, 'latin1');
  head.writeUInt32LE(payload.length, 0x24c);
  return Buffer.concat([head, payload]);
}

t.test('a kernel is named by its contents, and says its release', async (t) => {
  const dir = t.testdir({
    bzImage: makeImage(config()),
    other: makeImage(config({ MEMCG: 'y', TMPFS: 'y' }) + '\n'),
  });
  const found = await readOwnKernelFiles(path.join(dir, 'bzImage'));
  t.match(found, { release, modules: [], digest: /^[0-9a-f]{64}$/ });
  t.not((await readOwnKernelFiles(path.join(dir, 'other')))?.digest, found?.digest);
  t.equal(await readOwnKernelFiles('bookworm'), null);
});

t.test('what a kernel lacks is told by name, from its own configuration or a file beside it', async (t) => {
  const lacking = config({ VIRTIO_PCI: 'n', EROFS_FS: 'n', MEMCG: 'n' });
  const message =
    'Linux 6.6.6-mine lacks VIRTIO_PCI (virtio), EROFS_FS (the file system of the disks), ' +
    'MEMCG (memory limits of cgroup v2)';
  const dir = t.testdir({
    own: { bzImage: makeImage(lacking) },
    beside: { bzImage: makeImage(), [`config-${release}`]: lacking },
    tree: { '.config': lacking, arch: { x86: { boot: { bzImage: makeImage() } } } },
  });
  for (const file of ['own/bzImage', 'beside/bzImage', 'tree/arch/x86/boot/bzImage'])
    await t.rejects(readOwnKernelFiles(path.join(dir, file)), { code: 'KERNEL_UNFIT', message }, file);
});

t.test(
  'modules are needed for what is one, and a folder of modules is a whole account of them',
  async (t) => {
    const dir = t.testdir({
      bzImage: makeImage(config({ VIRTIO_BLK: 'm' })),
      silent: makeImage(),
      modules: { 'modules.builtin': 'kernel/drivers/virtio/virtio_pci.ko\nkernel/fs/erofs/erofs.ko\n' },
      none: {},
    });
    const file = path.join(dir, 'bzImage');
    await t.rejects(readOwnKernelFiles(file), {
      code: 'KERNEL_UNFIT',
      message: `Linux ${release} lacks VIRTIO_BLK (disks; it is a module)`,
      details: { hint: /--modules/ },
    });
    await t.rejects(readOwnKernelFiles(`${file}:${path.join(dir, 'none')}`), {
      code: 'KERNEL_UNFIT',
      message: `there are no modules of ${release} here`,
    });
    const silent = path.join(dir, 'silent');
    await t.rejects(readOwnKernelFiles(`${silent}:${path.join(dir, 'modules')}`), {
      code: 'KERNEL_UNFIT',
      message: `Linux ${release} lacks VIRTIO_BLK (disks), VIRTIO_CONSOLE (the session's port), HW_RANDOM_VIRTIO (a source of entropy)`,
    });
    t.match(
      await readOwnKernelFiles(silent),
      { release, modules: [] },
      'of which nothing is known: it is tried',
    );
  },
);

t.test('a file that is no kernel, or is not there, is refused', async (t) => {
  const dir = t.testdir({ text: 'x'.repeat(2000) });
  await t.rejects(readOwnKernelFiles(path.join(dir, 'text')), {
    code: 'KERNEL_UNFIT',
    message: /no bzImage/,
  });
  const unread = (why: string) => ({ code: 'KERNEL_UNFIT', message: `the kernel cannot be read: ${why}` });
  await t.rejects(readOwnKernelFiles(path.join(dir, 'absent')), unread('there is no such file'));
  await t.rejects(readOwnKernelFiles(dir), unread('it is a folder and not a plain file'));
});

t.test('endless and huge files are refused at once, as a kernel, a module and a configuration', async (t) => {
  const builtIn = ['virtio_blk', 'virtio_console', 'virtio_rng', 'erofs'].map(
    (name) => `kernel/${name}.ko\n`,
  );
  const dir = t.testdir({
    huge: '',
    bzImage: makeImage(),
    modules: { 'modules.builtin': builtIn.join(''), 'virtio_pci.ko': t.fixture('symlink', '/dev/zero') },
    lists: { 'modules.builtin': t.fixture('symlink', '/dev/zero') },
    [`config-${release}`]: t.fixture('symlink', '/dev/zero'),
  });
  await truncate(path.join(dir, 'huge'), 2 ** 36);
  const unread = (why: string) => ({ code: 'KERNEL_UNFIT', message: `the kernel cannot be read: ${why}` });
  await t.rejects(readOwnKernelFiles('/dev/zero'), unread('it is a device and not a plain file'));
  await t.rejects(readOwnKernelFiles(path.join(dir, 'huge')), unread('it has more than 256 MiB'));
  for (const folder of ['modules', 'lists'])
    await t.rejects(readOwnKernelFiles(`${path.join(dir, 'bzImage')}:${path.join(dir, folder)}`), {
      code: 'KERNEL_UNFIT',
      message: 'a module cannot be read: it is a device and not a plain file',
    });
  t.match(
    await readOwnKernelFiles(path.join(dir, 'bzImage')),
    { release },
    'the configuration is passed over',
  );
});
