import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { createServer, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import type { MachineSpec } from '../plan/machine-spec.ts';
import { ConsoleLog, consoleCapBytes } from './console.ts';
import { GuestTime, startSample } from './guest-time.ts';
import { Qmp } from './qmp.ts';
import { buildArguments, formatCommand } from './spec.ts';
import { digestMachine, TemplateStore, type Template } from './template-store.ts';

const spec: MachineSpec = {
  qemu: process.execPath,
  accelerator: 'tcg',
  cpuModel: 'max',
  memoryMib: 512,
  cpus: 1,
  kernel: '/cache/kernel',
  initramfs: '/cache/initramfs',
  disks: [{ name: 'base', path: '/cache/a,b' }],
  icountShift: null,
};

function folder(test: Test): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'poolproof-test-'));
  test.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

t.test('the command line is a pure function of spec and start', (t) => {
  const boot = buildArguments(spec, { kind: 'boot' });
  t.same(boot, buildArguments(spec, { kind: 'boot' }));
  const valueAfter = (words: readonly string[], flag: string) => words[words.indexOf(flag) + 1];
  t.match(valueAfter(boot, '-sandbox'), /^on,/);
  t.equal(valueAfter(boot, '-m'), '512M');
  t.ok(boot.includes('-nodefaults') && boot.includes('-no-reboot'));
  t.notOk(
    boot.some((word) => word.includes('netdev') || word.includes('virtio-net')),
    'no network device',
  );
  t.ok(
    boot.includes('driver=file,filename=/cache/a,,b,node-name=file0,read-only=on,locking=off'),
    'a comma in a path is doubled',
  );
  t.match(valueAfter(boot, '-append'), /panic=-1 .*poolproof\.disks=1$/);
  const more = buildArguments({ ...spec, entropy: true, swapMib: 64 }, { kind: 'boot' });
  t.match(valueAfter(more, '-append'), /poolproof\.disks=2$/, 'init waits for the swap disk too');
  t.equal(valueAfter(more, '-add-fd'), 'fd=7,set=1');
  t.ok(more.includes('virtio-rng-pci,rng=entropy') && !boot.includes('virtio-rng-pci,rng=entropy'));
  const template = buildArguments(spec, { kind: 'template', ramFile: '/t/ram' });
  t.match(valueAfter(template, '-object'), /mem-path=\/t\/ram,share=on$/);
  const clone = buildArguments({ ...spec, icountShift: 0 }, { kind: 'clone', ramFile: '/t/ram' });
  t.match(valueAfter(clone, '-object'), /share=off$/);
  t.equal(valueAfter(clone, '-incoming'), 'defer');
  t.equal(valueAfter(clone, '-icount'), 'shift=0');
  t.match(formatCommand(spec, { kind: 'boot' }), /-append 'console=ttyS0 /, 'words with spaces are quoted');
  t.end();
});

t.test('under KVM an arm64 machine has the interrupt controller of this computer', (t) => {
  const machineOf = (accelerator: 'kvm' | 'tcg', architecture: 'x86-64' | 'arm64') => {
    const words = buildArguments({ ...spec, accelerator, architecture }, { kind: 'template', ramFile: '/r' });
    return words[words.indexOf('-machine') + 1];
  };
  t.equal(machineOf('tcg', 'arm64'), 'virt,gic-version=3,memory-backend=ram');
  t.equal(machineOf('kvm', 'arm64'), 'virt,gic-version=host,memory-backend=ram');
  t.equal(machineOf('kvm', 'x86-64'), machineOf('tcg', 'x86-64'));
  t.end();
});

t.test('the console is kept up to its cap and watched for what matters', async (t) => {
  const log = new ConsoleLog();
  log.push(Buffer.from('SeaBIOS (version 1.16.2)\nBooting from ROM...\n'));
  t.equal(log.kernelStarted, false, 'the firmware is not the kernel');
  // Lines arrive in pieces.
  log.push(Buffer.from('[    0.000000] Linux ver'));
  log.push(Buffer.from('sion 6.1.0\n[    9.1] x\npoolproof: module erofs.ko failed\n'));
  log.push(Buffer.from('poolproof: disk base failed\npoolproof: session starts\n'));
  await log.firstLine;
  await log.userSpace;
  t.equal(log.kernelStarted, true);
  t.same(log.initFailures, ['module erofs.ko', 'disk base']);
  t.equal(log.panic, null);
  log.push(readFileSync(new URL('../fixtures/machine/oom-kill.txt', import.meta.url)));
  t.equal(log.oomKill, true);
  t.equal(log.panic, null, 'an out-of-memory kill is no panic');
  log.push(readFileSync(new URL('../fixtures/machine/panic.txt', import.meta.url)));
  t.equal(log.panic, 'sysrq triggered crash');
  log.push(Buffer.from('[    3.000000] Kernel panic - not syncing: cut in the mid'));
  t.equal(log.panic, 'sysrq triggered crash', 'the first panic stays');
  log.push(Buffer.alloc(3 * consoleCapBytes, 'x'));
  t.equal(log.text().length, consoleCapBytes);
  t.ok(log.totalBytes > 3 * consoleCapBytes, 'the true size is known');
  t.equal(log.tail(10), 'xxxxxxxxxx');
});

/** A QMP server that plays a script on the first connection. */
async function qmpPair(test: Test, play: (socket: Socket) => void): Promise<Qmp> {
  const socketPath = path.join(folder(test), 'qmp');
  const server = createServer(play);
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  const client = connect(socketPath);
  test.teardown(() => {
    client.destroy();
    server.close();
  });
  return new Qmp(client, new GuestTime(startSample, { periodMs: 20 }));
}

t.test('the machine protocol answers, refuses, or fails within its deadline', async (t) => {
  const answering = await qmpPair(t, (socket) => {
    socket.write('{"QMP": {"version": {}}}\n');
    socket.on('data', (chunk) => {
      for (const line of chunk.toString().split('\n').filter(Boolean)) {
        const { execute, id } = JSON.parse(line) as { execute: string; id: number };
        if (execute === 'silent') continue;
        if (execute === 'migrate')
          socket.write(
            '{"event":"MIGRATION","data":{"status":"active"}}\n{"event":"MIGRATION","data":{"status":"completed"}}\n',
          );
        const body =
          execute === 'bad'
            ? { error: { class: 'GenericError', desc: 'no such thing' } }
            : { return: { did: execute } };
        socket.write(`${JSON.stringify({ ...body, id })}\n`);
      }
    });
  });
  t.same(await answering.execute('query-status', {}, 1000), { did: 'query-status' });
  await t.rejects(answering.execute('bad', {}, 1000), { code: 'QMP_ERROR', message: 'bad: no such thing' });
  await t.rejects(answering.execute('silent', {}, 50), { code: 'QMP_ERROR', message: /within 50 ms/ });
  const completed = answering.waitForEvent('MIGRATION', (data) => data['status'] === 'completed', 1000);
  await answering.execute('migrate', {}, 1000);
  await completed;
  await t.rejects(
    answering.waitForEvent('NEVER', () => true, 20),
    { code: 'QMP_ERROR' },
  );

  const closing = await qmpPair(t, (socket) => socket.end());
  await t.rejects(
    closing.execute('query-status', {}, 5000),
    { code: 'QMP_ERROR', message: /closed/ },
    'a peer that closes before its greeting',
  );
  await t.rejects(
    closing.execute('query-status', {}, 5000),
    { code: 'QMP_ERROR' },
    'and every call afterwards',
  );
});

t.test('a template is used while it is whole, and removed when anything about it changed', async (t) => {
  const cache = folder(t);
  const store = new TemplateStore(cache, 1024 ** 3);
  const ramBytes = 1024 * 1024;
  const build = async ({ ramFile, stateFile }: Template): Promise<void> => {
    await writeFile(ramFile, Buffer.alloc(ramBytes));
    await writeFile(stateFile, 'state');
  };
  const create = (key: string) => store.create(key, ramBytes, build);
  t.equal(await store.find('a'), null);
  const made = await create('a');
  t.same(await store.find('a'), made);

  const damages: readonly (readonly [string, (template: Template) => void])[] = [
    ['a truncated RAM file', ({ ramFile }) => truncateSync(ramFile, 4096)],
    ['a RAM file that was written to', ({ ramFile }) => utimesSync(ramFile, new Date(), new Date(0))],
    ['a truncated state', ({ stateFile }) => truncateSync(stateFile, 2)],
    ['a changed state', ({ stateFile }) => writeFileSync(stateFile, 'stale')],
    [
      'a manifest that is not one',
      ({ folder: dir }) => writeFileSync(path.join(dir, 'template.json'), '{"format":'),
    ],
    [
      'the manifest of another template',
      ({ folder: dir }) => {
        const file = path.join(dir, 'template.json');
        writeFileSync(file, readFileSync(file, 'utf8').replace('"key":"b"', '"key":"c"'));
      },
    ],
  ];
  for (const [title, damage] of damages) {
    damage(await create('b'));
    t.equal(await store.find('b'), null, title);
    t.notOk((await readdir(path.join(cache, 'templates'))).includes('b'), `${title}: removed`);
  }

  await t.rejects(
    store.create('d', ramBytes, () => Promise.reject(new Error('boot failed'))),
    { message: 'boot failed' },
  );
  await t.rejects(store.create('d', 2 * ramBytes, build), { code: 'TEMPLATE_INVALID' });
  t.same(await readdir(path.join(cache, 'templates')), ['a'], 'a failed builder leaves nothing');

  const [first, second] = await Promise.all([create('e'), create('e')]);
  t.same(first, second, 'two builders at once end with one template');
  t.same((await readdir(path.join(cache, 'templates'))).sort(), ['a', 'e']);
});

t.test('templates are cut to their limit, least recently used first', async (t) => {
  const cache = folder(t);
  const ramBytes = 1024 * 1024;
  await using store = new TemplateStore(cache, 2.5 * ramBytes);
  for (const [index, key] of ['old', 'kept', 'middle', 'new'].entries()) {
    const { folder: dir } = await store.create(key, ramBytes, async ({ ramFile, stateFile }) => {
      await writeFile(ramFile, Buffer.alloc(ramBytes, 1));
      await writeFile(stateFile, 'state');
    });
    const when = new Date(Date.now() - (10 - index) * 60_000);
    utimesSync(path.join(dir, 'template.json'), when, when);
  }
  await using other = new TemplateStore(cache, ramBytes);
  await other.use('not there yet');
  await other.use('kept');
  const left = path.join(cache, 'templates', '.using-0-1-0');
  await writeFile(left, 'old');
  const longAgo = new Date(Date.now() - 2 * 3_600_000);
  utimesSync(left, longAgo, longAgo);
  await store.use('new');
  const list = async (): Promise<string[]> =>
    (await readdir(path.join(cache, 'templates'))).filter((name) => !name.startsWith('.using-')).sort();
  await store.collect();
  t.same(await list(), ['kept', 'middle', 'new'], 'what another run uses stays');
  t.notOk(existsSync(left), 'a list whose run has ended counts no more');
  await other[Symbol.asyncDispose]();
  await new TemplateStore(cache, 0).collect();
  t.same(await list(), ['new'], 'what is used stays, also above the limit');
  await store[Symbol.asyncDispose]();
  t.same(await readdir(path.join(cache, 'templates')), ['new'], 'no list stays behind');
});

t.test('the digest of a machine changes with everything a boot depends on', async (t) => {
  const identity = {
    qemuTitle: 'QEMU 7.2',
    arguments: buildArguments(spec, { kind: 'template', ramFile: '' }),
    warmed: [],
  };
  const digest = await digestMachine(spec, identity);
  t.equal(await digestMachine({ ...spec }, identity), digest);
  const others: readonly (readonly [string, MachineSpec, typeof identity])[] = [
    ['memory', { ...spec, memoryMib: 1024 }, identity],
    ['cpus', { ...spec, cpus: 2 }, identity],
    ['CPU model', { ...spec, cpuModel: 'qemu64' }, identity],
    ['accelerator', { ...spec, accelerator: 'kvm' }, identity],
    ['icount', { ...spec, icountShift: 0 }, identity],
    ['kernel', { ...spec, kernel: '/cache/other' }, identity],
    ['initramfs', { ...spec, initramfs: '/cache/other' }, identity],
    ['disks', { ...spec, disks: [{ name: 'base', path: '/cache/other' }] }, identity],
    ['QEMU version', spec, { ...identity, qemuTitle: 'QEMU 8.0' }],
    ['QEMU binary', { ...spec, qemu: '/bin/sh' }, identity],
    ['warmed', spec, { ...identity, warmed: ['node'] as never[] }],
    ['command line', spec, { ...identity, arguments: [...identity.arguments, '-append'] }],
  ];
  for (const [what, other, otherIdentity] of others)
    t.not(await digestMachine(other, otherIdentity), digest, what);
  t.ok(statSync(spec.qemu).size > 0);
});
