/** A kernel of Ubuntu's shape, from a repository that a test makes: two packages, modules packed with zstd. */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import t from 'tap';
import { findKernel } from '../images/archive/initramfs.ts';
import { unpackDeb } from '../images/archive/unpack.ts';
import { buildImages, type ImageEvent } from '../images/build.ts';
import { resolveCacheFolder } from '../images/cache/cache-folder.ts';
import { blobPath, openCache } from '../images/cache/image-cache.ts';
import { pinnedKernels } from '../images/definitions.ts';
import { endSigning, makeRepository, makeSigningKey } from '../images/fixtures/apt-repository.ts';
import { loadLock } from '../images/lock.ts';
import { ComponentStore } from '../images/source/component-store.ts';
import { exportImages, importImages } from '../images/transfer.ts';
import { defaultSettings, type Settings } from './axes/table.ts';
import { observeCell } from './guest/observe.ts';
import { startMachine } from './machine/machine.ts';
import { predictCell } from './outcome/predict-cell.ts';
import { readReport } from './outcome/read-report.ts';
import { findQemu } from './plan/computer.ts';
import { deadlinesFor } from './plan/deadlines.ts';
import { buildMachineSpec } from './plan/machine-spec.ts';

const suite = 'noble';
const shared = resolveCacheFolder();
const parts = { nodes: ['20'], engines: ['50.0.1'] };
// Short: the socket of gpg's agent lies below it.
const work = await mkdtemp(path.join(tmpdir(), 'poolproof-own-'));
const key = await makeSigningKey(work);
t.teardown(async () => {
  await endSigning(key);
  await rm(work, { recursive: true, force: true });
});

/** Packing all modules would take minutes. */
const usedFiles = /(?:virtio|erofs|fscache|netfs|rng|lib|crypto)[^]*\.ko$|modules\.builtin$/;

/** Debian's kernel, split and packed as Ubuntu does it, so that it boots. @returns the release */
async function makeUbuntu(store: ComponentStore, aptFolder: string): Promise<string> {
  const cache = await openCache(shared);
  const pins = (await loadLock()).filter(({ name }) => name.startsWith('kernel/bookworm/'));
  const tree = path.join(work, 'kernel');
  for (const { sha256 } of await store.ensureKernel(pins)) await unpackDeb(blobPath(cache, sha256), tree);
  const { release, vmlinuz, modulesFolder } = await findKernel(tree);
  const modules: Record<string, Buffer> = {};
  for (const name of await readdir(modulesFolder, { recursive: true })) {
    if (!usedFiles.test(name)) continue;
    const data = await readFile(path.join(modulesFolder, name));
    const packed = name.endsWith('.ko');
    modules[`lib/modules/${release}/${name}${packed ? '.zst' : ''}`] = packed ? zstdCompressSync(data) : data;
  }
  const version = '6.8.0-49.49';
  const name = (part: string): string => `linux-${part}-6.8.0-49-generic`;
  const address = await makeRepository(
    path.join(work, 'ubuntu'),
    suite,
    [
      {
        name: 'linux-image-generic',
        version: '6.8.0.49.49',
        depends: `${name('image')}, ${name('modules-extra')}, linux-firmware, thermald`,
      },
      {
        name: name('image'),
        version,
        depends: `kmod, linux-base (>= 4.5ubuntu1~16.04.1), ${name('modules')}`,
        files: { [`boot/vmlinuz-${release}`]: await readFile(vmlinuz) },
      },
      { name: name('modules'), version, files: modules },
      { name: name('modules-extra'), version, depends: `${name('modules')}, wireless-regdb` },
    ],
    key,
  );
  await mkdir(path.join(aptFolder, 'sources.list.d'), { recursive: true });
  await writeFile(
    path.join(aptFolder, 'sources.list.d/ubuntu.sources'),
    `Types: deb\nURIs: ${address}\nSuites: ${suite}\nComponents: main universe\nSigned-By: ${key.keyring}\n`,
  );
  return release;
}

t.test(
  "a kernel of Ubuntu's shape boots from a signed repository, and is found out as Debian's",
  async (t) => {
    const qemu = await findQemu();
    const aptFolder = path.join(work, 'apt');
    const own = await openCache(path.join(work, 'cache'));
    await buildImages({ kernel: pinnedKernels[0]?.name ?? '', ...parts, cacheDir: shared });
    const options = { locked: false, workFolder: path.join(work, 'fetched'), onEvent: () => undefined };
    const store = new ComponentStore(await openCache(shared), options);
    const release = await makeUbuntu(store, aptFolder);

    // All but the kernel and its initramfs is as in every other guest.
    const archive = path.join(work, 'images.tar');
    await exportImages(archive, { kernel: 'bookworm', ...parts, cacheDir: shared });
    await importImages(archive, own.folder);
    const busybox = (await loadLock()).find(({ name }) => name === 'debian/busybox-static')!;
    const { sha256 } = await store.ensure(busybox);
    await copyFile(blobPath(await openCache(shared), sha256), blobPath(own, sha256));

    const events: ImageEvent[] = [];
    const request = { kernel: suite, ...parts, cacheDir: own.folder, aptFolder };
    const images = await buildImages({ ...request, onEvent: (event) => events.push(event) });
    t.same(events[0], { kind: 'untried', name: suite });
    t.same(
      events.flatMap((event) => (event.kind === 'fetch' ? [event.name] : [])),
      ['image', 'modules-extra', 'modules'].map((part) => `kernel/${suite}/${part}`),
    );
    t.equal(images.kernel.release, release);

    const settings: Settings = { ...defaultSettings(), kernel: suite, node: '20', overcommit: 2 };
    const spec = buildMachineSpec(settings, images, { qemu: qemu.path, accelerator: 'tcg' });
    await using machine = await startMachine(spec, { kind: 'boot' });
    const { observation } = await observeCell(machine, settings, deadlinesFor('tcg'));
    t.notMatch(machine.console.text(), /(module|disk) .*failed/);
    t.equal(observation.facts?.kernelRelease, release);
    // The row says 6.8 and the guest 6.1: such a cell has no verdict.
    t.same(
      observation.readBack.flatMap(({ axis, ok }) => (ok ? [] : [axis])),
      ['kernel'],
    );
    const expected = { outcome: 'reached', tier: 'conservative' };
    t.match(predictCell(settings, observation.facts, images.nodes['20'] ?? ''), expected);
    t.match(readReport(observation.subject?.stdout ?? '').report, expected);

    // Without the sources: from the cache, and from an archive on another computer.
    const aptless = { ...request, aptFolder: path.join(work, 'none') };
    t.equal((await buildImages(aptless)).digest, images.digest);
    await exportImages(archive, aptless);
    const other = path.join(work, 'other');
    await importImages(archive, other);
    t.equal((await buildImages({ ...aptless, cacheDir: other })).digest, images.digest);
  },
);
