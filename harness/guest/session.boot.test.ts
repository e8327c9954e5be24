/** The session in a real guest: what a subject does must not reach the harness as a message. */
import { resolveCacheFolder } from '../../images/cache/cache-folder.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { buildImages } from '../../images/build.ts';
import { outputCapBytes, type Reply } from '../../images/guest/protocol.ts';
import { startMachine } from '../machine/machine.ts';
import { TemplateStore } from '../machine/template-store.ts';
import { defaultSettings } from '../axes/table.ts';
import { findQemu } from '../plan/computer.ts';
import { deadlinesFor } from '../plan/deadlines.ts';
import { buildMachineSpec } from '../plan/machine-spec.ts';
import { buildTemplate, startClone, templateKey } from './build-template.ts';
import { machineFactFiles, readSubjectRun, readFacts } from './observe.ts';
import { openSession } from './open-session.ts';
import type { Session } from './session.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'poolproof-test-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const deadlines = deadlinesFor('tcg');
const qemu = await findQemu();
const images = await buildImages({
  kernel: 'bookworm',
  nodes: ['22'],
  engines: ['50.0.1'],
  cacheDir: resolveCacheFolder(),
});
const settings = { ...defaultSettings(), memory: 512 * 1024 * 1024 };
const spec = buildMachineSpec(settings, images, { qemu: qemu.path, accelerator: 'tcg' });

const shell = (script: string) =>
  ({
    verb: 'run',
    backstopSeconds: 300,
    limits: {},
    factPaths: machineFactFiles,
    env: { PATH: '/bin', WORD: "it's $HOME" },
    command: ['/bin/sh', '-c', script],
  }) as const;

const sh = (
  session: Session,
  script: string,
  more: Readonly<{ limits?: Record<string, string>; backstopSeconds?: number }> = {},
): Promise<Reply> => session.request({ ...shell(script), ...more }, 90_000);

t.test('one guest, asked again and again', async (t) => {
  await using machine = await startMachine(spec, { kind: 'boot' });
  const session = await openSession(machine, deadlines);
  t.match(session.release, /^6\.1\./);

  await t.test('reports exit code, signal, both outputs and the environment', async (t) => {
    const ended = readSubjectRun(await sh(session, 'echo out $WORD; echo err >&2; exit 7'));
    t.match(ended, {
      exitCode: 7,
      signal: null,
      timedOut: false,
      stdout: "out it's $HOME\n",
      stderr: 'err\n',
      stdoutBytes: 15,
    });
    t.match(readSubjectRun(await sh(session, 'kill -ABRT $$')), { exitCode: null, signal: 'SIGABRT' });
  });

  await t.test('limits are set in the very child, and read back from it', async (t) => {
    const reply = await sh(session, 'ulimit -v; ulimit -d', { limits: { d: '1048576', v: '2097152' } });
    t.equal(readSubjectRun(reply).stdout, '2097152\n1048576\n');
    t.match(readFacts(reply.texts), { addressSpaceLimit: 2 ** 31, dataLimit: 2 ** 30, memTotal: Number });
    t.equal(readFacts((await sh(session, 'true')).texts).addressSpaceLimit, null, 'and gone with it');
  });

  await t.test(
    'output that never ends is counted, kept up to the cap, and ended by the deadline',
    async (t) => {
      const run = readSubjectRun(await sh(session, 'yes', { backstopSeconds: 3 }));
      t.match(run, { timedOut: true, stopped: 'backstop', signal: 'SIGKILL' });
      t.equal(run.stdout, 'y\n'.repeat(outputCapBytes / 4));
      t.equal(run.stdoutTail.length, outputCapBytes / 2);
      t.ok(run.stdoutBytes > outputCapBytes, `${run.stdoutBytes} bytes`);
      t.equal(run.stdoutDropped, run.stdoutBytes - outputCapBytes);
    },
  );

  await t.test('bytes of every kind come back as they are', async (t) => {
    const script = `i=0; while [ $i -lt 256 ]; do printf "\\\\$(printf %03o $i)"; i=$((i + 1)); done`;
    const reply = await sh(session, script);
    t.same(reply.data['out'], Buffer.from(Array.from({ length: 256 }, (_, index) => index)));
  });

  await t.test('what looks like the protocol is output, and the port is closed to the subject', async (t) => {
    const script = [
      'ls /dev',
      'for fd in /proc/self/fd/*; do readlink "$fd"; done',
      "echo '0 1 ok exit=0 timeout=0 out=0 err=0 ms=0'",
    ].join('; ');
    const run = readSubjectRun(await sh(session, script));
    t.equal(run.exitCode, 0);
    t.notMatch(run.stdout, /vport|kmsg|ttyS0|vda/, 'neither the port nor its descriptor is there');
    t.match(run.stdout, /0 1 ok exit=0/);
  });

  await t.test('what a subject leaves behind is gone before the next one', async (t) => {
    const run = readSubjectRun(await sh(session, '(setsid sleep 300 &) ; sleep 300 & echo left'));
    t.match(run, { exitCode: 0, timedOut: false, stdout: 'left\n' });
    t.equal(readSubjectRun(await sh(session, 'ps | grep -c "[s]leep 300"')).stdout, '0\n');
  });

  await t.test('a setting that the kernel refuses is an error with its path', async (t) => {
    const bad = session.request(
      { verb: 'apply', settings: [{ path: '/proc/sys/vm/overcommit_memory', value: '7' }] },
      10_000,
    );
    await t.rejects(bad, { code: 'PROTOCOL', message: /overcommit_memory/ });
    t.equal(readSubjectRun(await sh(session, 'echo still here')).stdout, 'still here\n');
  });

  await t.test('a guest that does not answer in time is given up', async (t) => {
    await t.rejects(session.request({ ...shell('sleep 20'), backstopSeconds: 30 }, 500), {
      code: 'MACHINE_TIMEOUT',
    });
  });
});

t.test('two clones of one template draw different random bytes and know the time', async (t) => {
  const store = new TemplateStore(folder, 1024 ** 3);
  const request = { store, spec, qemuTitle: qemu.title, warm: [], deadlines, startMachine };
  const template = await buildTemplate(request, await templateKey(request));
  const seen: string[][] = [];
  for (let index = 0; index < 3; index += 1) {
    await using clone = await startClone(spec, template, startMachine);
    const before = Date.now();
    const session = await openSession(clone, deadlines);
    const { stdout } = readSubjectRun(
      await sh(session, 'head -c 16 /dev/urandom | xxd -p; cat /proc/sys/kernel/random/uuid; date +%s'),
    );
    const [bytes = '', uuid = '', seconds = ''] = stdout.split('\n');
    t.match(bytes, /^[0-9a-f]{32}$/);
    const clock = Number(seconds) * 1000;
    t.ok(clock >= before - 10_000 && clock <= Date.now() + 10_000, `clock: ${seconds}`);
    seen.push([bytes, uuid]);
  }
  t.equal(new Set(seen.map(([bytes]) => bytes)).size, 3);
  t.equal(new Set(seen.map(([, uuid]) => uuid)).size, 3);
  t.ok(await store.find(template.key), 'clones leave their template as it was');
});

t.test('what wakes a clone waits in it, and is gone when the handshake is answered', async (t) => {
  await using machine = await startMachine(spec, { kind: 'boot' });
  const listPrograms = async (session: Session): Promise<string[]> => {
    const paths = Array.from({ length: 300 }, (_, index) => `/proc/${index + 1}/cmdline`);
    const { texts } = await session.request({ verb: 'read', paths }, deadlines.requestMs);
    return Object.values(texts)
      .join('\n')
      .split(/[\0\n]/);
  };
  const awaitClone = async (session: Session): Promise<void> => {
    await session.request({ verb: 'await-clone' }, deadlines.requestMs);
  };
  await awaitClone(await openSession(machine, deadlines));
  // The same machine, spoken to as a clone of it is.
  const woken = await openSession(machine, deadlines);
  t.notOk((await listPrograms(woken)).includes('/bin/wake'));
  await awaitClone(woken);
  t.ok((await listPrograms(woken)).includes('/bin/wake'));
  await sh(woken, 'true');
  // The end of that run took the program along: a guest without its clock and seed must not pass for one that has them.
  await t.rejects(openSession(machine, deadlines), { code: 'PROTOCOL', message: /clock/ });
});
