import t from 'tap';
import { moduleName, readDependencies, resolveModules } from './kernel-modules.ts';

/** The smallest ELF file with a .modinfo section. @param modinfo its items, separated by `;` */
function makeModule(modinfo: string): Buffer {
  const names = '\0.shstrtab\0.modinfo\0';
  const info = Buffer.from(`${modinfo.split(';').join('\0')}\0`, 'latin1');
  const sections: readonly (readonly [number, number, number])[] = [
    [0, 0, 0],
    [1, 64, names.length],
    [11, 64 + names.length, info.length],
  ];
  const header = Buffer.alloc(64);
  header.writeUInt32BE(0x7f454c46, 0);
  header[4] = 2;
  header[5] = 1;
  header.writeBigUInt64LE(BigInt(64 + names.length + info.length), 40);
  header.writeUInt16LE(64, 58);
  header.writeUInt16LE(sections.length, 60);
  header.writeUInt16LE(1, 62);
  const table = sections.map(([name, offset, size]) => {
    const row = Buffer.alloc(64);
    row.writeUInt32LE(name, 0);
    row.writeBigUInt64LE(BigInt(offset), 24);
    row.writeBigUInt64LE(BigInt(size), 32);
    return row;
  });
  return Buffer.concat([header, Buffer.from(names, 'latin1'), info, ...table]);
}

const modules: Readonly<Record<string, Buffer>> = {
  erofs: makeModule('license=GPL;depends=libcrc32c;name=erofs'),
  libcrc32c: makeModule('softdep=pre: crc32c post: later;depends=;name=libcrc32c'),
  crc32c_generic: makeModule('depends=;name=crc32c_generic'),
  crc32c: makeModule('depends=virtio;name=crc32c'),
  virtio_pci: makeModule('depends=virtio_ring,virtio;name=virtio_pci'),
  virtio_ring: makeModule('depends=virtio;name=virtio_ring'),
  virtio: makeModule('depends=;name=virtio'),
  virtio_rng: makeModule('depends=virtio,rng-core;name=virtio_rng'),
  loop_a: makeModule('depends=loop_b'),
  loop_b: makeModule('depends=loop_a'),
};
const read = (name: string): Promise<Buffer | undefined> => Promise.resolve(modules[name]);

t.test('dependencies come before what needs them, each once', async (t) => {
  const resolved = await resolveModules(['erofs', 'virtio_pci', 'virtio_rng'], new Set(['rng_core']), read);
  t.strictSame(
    resolved.map(({ name }) => name),
    ['crc32c_generic', 'libcrc32c', 'erofs', 'virtio', 'virtio_ring', 'virtio_pci', 'virtio_rng'],
  );
});

t.test('what a module wants to be loaded before it comes first where there is such a module', async (t) => {
  const names = async (builtIn: readonly string[], without: readonly string[] = []) => {
    const readRest = async (name: string) => (without.includes(name) ? undefined : read(name));
    return (await resolveModules(['libcrc32c'], new Set(builtIn), readRest)).map(({ name }) => name);
  };
  t.strictSame(await names([]), ['crc32c_generic', 'libcrc32c']);
  t.strictSame(await names(['crc32c_generic']), ['libcrc32c']);
  t.strictSame(await names([], ['crc32c_generic']), ['virtio', 'crc32c', 'libcrc32c']);
  t.strictSame(await names([], ['crc32c_generic', 'crc32c']), ['libcrc32c'], 'a wish is no need');
});

t.test('what is built in is not looked for', async (t) => {
  t.strictSame(await resolveModules(['virtio_blk'], new Set(['virtio_blk']), read), []);
});

t.test('a module that is nowhere, or needs itself, stops the build with the path to it', async (t) => {
  await t.rejects(resolveModules(['virtio_rng'], new Set(), read), {
    code: 'IMAGE_BUILD',
    message: /virtio_rng → rng_core/,
  });
  await t.rejects(resolveModules(['loop_a'], new Set(), read), {
    code: 'IMAGE_BUILD',
    message: /loop_a → loop_b/,
  });
});

t.test('a file that is no module is refused', (t) => {
  t.throws(() => readDependencies(Buffer.from('not ELF')), { code: 'IMAGE_BUILD' });
  t.throws(() => readDependencies(makeModule('license=GPL')), { code: 'IMAGE_BUILD' });
  t.end();
});

t.test('file names and module names are two spellings of one name', (t) => {
  t.equal(moduleName('kernel/drivers/char/hw_random/virtio-rng.ko'), 'virtio_rng');
  t.equal(moduleName('kernel/fs/erofs/erofs.ko.xz'), 'erofs');
  t.end();
});
