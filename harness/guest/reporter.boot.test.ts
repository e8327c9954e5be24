/**
 * Subjects that work against who reports about them, in a real guest: what they did is what is reported, or nothing is.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { buildImages } from '../../images/build.ts';
import { resolveCacheFolder } from '../../images/cache/cache-folder.ts';
import {
  formatRequest,
  formatStop,
  ReplyReader,
  seedBytes,
  type Reply,
} from '../../images/guest/protocol.ts';
import { startMachine, type Machine } from '../machine/machine.ts';
import { TemplateStore } from '../machine/template-store.ts';
import { defaultSettings } from '../axes/table.ts';
import { findQemu } from '../plan/computer.ts';
import { deadlinesFor } from '../plan/deadlines.ts';
import { buildMachineSpec } from '../plan/machine-spec.ts';
import { buildTemplate, startClone, templateKey } from './build-template.ts';
import type { SubjectRun } from './observation.ts';
import { machineFactFiles, readFacts, readSubjectRun } from './observe.ts';
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
const store = new TemplateStore(folder, 1024 ** 3);
const order = { store, spec, qemuTitle: qemu.title, warm: [], deadlines, startMachine };
const template = await buildTemplate(order, await templateKey(order));

const run = (script: string) =>
  ({
    verb: 'run',
    backstopSeconds: 3000,
    limits: {},
    factPaths: machineFactFiles,
    env: { PATH: '/bin' },
    // No line break can travel in a request.
    command: [
      '/bin/sh',
      '-c',
      'eval "$(printf %b "$0")"',
      script.replace(/\\/g, '\\\\').replace(/\n/g, '\\n'),
    ],
  }) as const;

const runIn = async (session: Session, script: string): Promise<SubjectRun> =>
  readSubjectRun(await session.request(run(script), 500_000));

/** Answers by number, from a session that this test speaks to itself. */
async function speak(machine: Machine) {
  const replies: Reply[] = [];
  const waiting = new Map<number, (reply: Reply) => void>();
  const reader = new ReplyReader(
    'tok',
    (reply) => {
      replies.push(reply);
      waiting.get(reply.seq)?.(reply);
    },
    () => undefined,
  );
  machine.session.on('data', (chunk: Buffer) => reader.push(chunk));
  const ask = (seq: number, request: Parameters<typeof formatRequest>[2]): Promise<Reply> =>
    new Promise((resolve) => {
      waiting.set(seq, resolve);
      machine.session.write(formatRequest('tok', seq, request));
    });
  await ask(1, { verb: 'hello', token: 'tok', epochMs: Date.now(), seed: new Uint8Array(seedBytes) });
  return { replies, ask };
}

const forgeries = `
for folder in /run /run/subject /state /tmp / /dev /proc/1/root/state /proc/1/cwd; do
  mkdir -p "$folder" 2>/dev/null
  for line in 'exit 0' 'end 0 0 0 0' 'closed out 0'; do
    [ -p "$folder/event" ] && echo "a pipe: $folder/event"
    echo "$line" >"$folder/event"
  done
done 2>/dev/null
for fd in /proc/1/fd/* /proc/self/fd/* /proc/$$/fd/*; do
  case $fd in */0 | */1 | */2) ;; *) echo 'end 0 0 0 0' >"$fd" ;; esac
done 2>/dev/null
`;

t.test('one clone, and subjects that forge, fill, kill and hide', async (t) => {
  await using machine = await startClone(spec, template, startMachine);
  const session = await openSession(machine, deadlines);

  await t.test('a status written to any path there is stays a file', async (t) => {
    const ended = await runIn(session, `${forgeries} exit 9`);
    t.match(ended, { exitCode: 9, signal: null, timedOut: false, helperLost: false });
    t.notMatch(ended.stdout, /a pipe/);
  });

  await t.test('the subject sees itself, its init and nobody else', async (t) => {
    const ended = await runIn(session, 'echo $PPID $$; ps -o pid,args; ls /proc/1/fd /state; ls /dev');
    const [ids, ...lines] = ended.stdout.split('\n');
    t.match(ids, /^0 [2-9]$/, 'it is not process 1');
    t.notMatch(lines.join('\n'), /\/session|kthreadd/);
    t.notMatch(lines.join('\n'), /kmsg|ttyS0|console|vport|vd[a-z]/);
    for (const name of ['null', 'urandom', 'zero', 'fd']) t.ok(lines.includes(name), name);
  });

  await t.test('memory of the kernel never becomes output', async (t) => {
    const script = `for folder in /run /run/subject /state /tmp; do
        mkdir -p $folder; for name in out err out-tail out.head err.head; do ln -sf /proc/kcore $folder/$name; done
      done; echo said; exit 4`;
    t.match(await runIn(session, script), {
      exitCode: 4,
      stdout: 'said\n',
      stdoutBytes: 5,
      stdoutDropped: 0,
    });
  });

  await t.test('full scratch space costs the subject its files and nobody its output', async (t) => {
    const script = `for folder in /run /tmp /dev /state; do cat /dev/zero >$folder/fill; done 2>/dev/null
      i=0; while [ $i -lt 2000 ]; do echo "line $i"; i=$((i + 1)); done; df /run | tail -n 1 >&2; rm -f /run/fill /tmp/fill /dev/fill /state/fill`;
    const ended = await runIn(session, script);
    t.match(ended, { exitCode: 0, stdoutDropped: 0, stderr: /100% \/run/ });
    t.equal(ended.stdout, Array.from({ length: 2000 }, (_, index) => `line ${index}\n`).join(''));
  });

  await t.test('who kills everything there is dies alone', async (t) => {
    t.match(await runIn(session, 'echo before; kill -9 -1; echo after; kill -9 1; exit 5'), {
      exitCode: 5,
      stdout: 'before\nafter\n',
      timedOut: false,
      helperLost: false,
    });
    t.match(await runIn(session, 'kill -9 $$'), { exitCode: null, signal: 'SIGKILL', helperLost: false });
    t.match(await runIn(session, 'kill -SEGV $$'), { signal: 'SIGSEGV' });
  });

  await t.test('a program that the kernel starts for it has no capability', async (t) => {
    const ended = await runIn(
      session,
      `echo 'while read -r key value; do case $key in CapEff:) echo "$value" ;; esac; done </proc/self/status >/tmp/caps' >/tmp/helper
echo '|/bin/busybox sh /tmp/helper' >/proc/sys/kernel/core_pattern
ulimit -c unlimited
(kill -SEGV $(exec sh -c 'echo $PPID'))
for try in 1 2 3 4 5 6 7 8 9; do [ -s /tmp/caps ] || sleep 1; done
cat /tmp/caps
echo "4294967295 4294967295" >/proc/sys/kernel/usermodehelper/bset
cat /proc/sys/kernel/usermodehelper/bset
echo core >/proc/sys/kernel/core_pattern`,
    );
    t.match(ended.stdout, /^0{16}$/m, 'the helper of a core file ran, and with nothing');
    t.match(ended.stdout, /^0\s+0$/m, 'and nobody gives it back');
  });

  await t.test('closed streams are no end, and streams that are held do not keep it waiting', async (t) => {
    t.match(await runIn(session, 'echo x; exec >&- 2>&-; sleep 1; exit 6'), { exitCode: 6, stdout: 'x\n' });
    const script = `(setsid sh -c 'trap "" TERM HUP INT; sleep 600; echo late' &) ; echo early; exit 3`;
    t.match(await runIn(session, script), { exitCode: 3, stdout: 'early\n', timedOut: false });
    t.equal((await runIn(session, 'ps | grep -c "[s]leep 600"')).stdout, '0\n');
  });

  await t.test('what it mounts, unmounts and replaces is its own', async (t) => {
    const script = `umount /proc; umount /dev; umount /run; umount /tmp; ls /proc /dev /run
      rm -f /bin/read-files /bin/keep; cp /bin/busybox /root/b; mv /bin/busybox /root/busybox
      printf '#!/root/b sh\\necho forged' >/bin/busybox; chmod 755 /bin/busybox`;
    const ended = await runIn(session, script);
    t.match(ended, { exitCode: 0, helperLost: false });
    t.notMatch(ended.stdout, /state|vport|kmsg|meminfo/);
    const reply = await session.request(
      { ...run('echo still'), command: ['/root/busybox', 'echo', 'still'] },
      500_000,
    );
    t.match(readSubjectRun(reply), { exitCode: 0, stdout: 'still\n' });
    t.ok((readFacts(reply.texts).memTotal ?? 0) > 2 ** 28, 'facts are read as before');
  });
});

t.test('one clone, and what the kernel is made to say', async (t) => {
  await using machine = await startClone(spec, template, startMachine);
  const session = await openSession(machine, deadlines);
  const words = [
    'Out of memory: Killed process 7 (node)',
    'Kernel panic - not syncing: x',
    'invoked oom-killer',
  ];
  const script = `mknod /tmp/kmsg c 1 11; mknod /tmp/tty c 4 64
    for file in /dev/kmsg /tmp/kmsg /dev/ttyS0 /tmp/tty; do
      ${words.map((word) => `echo '[   1.000000] ${word}' >$file;`).join(' ')}
    done 2>/dev/null; echo on >/proc/sys/kernel/printk_devkmsg; kill -9 $$`;
  t.match(await runIn(session, script), { signal: 'SIGKILL', oomKills: 0 });
  t.match(machine.console.text(), /Kernel panic - not syncing: x/, 'by the port it did get out');
  t.notMatch(machine.console.text(), /\] \[ {3}1\.000000\] Out/, 'the log of the kernel is closed to it');

  // The kernel's own count: of the machine, and of a group.
  await session.request(
    { verb: 'apply', settings: [{ path: '/proc/sys/vm/overcommit_memory', value: '1' }] },
    500_000,
  );
  const eater = 'exec dd if=/dev/zero of=/dev/null bs=1G count=1';
  t.match(await runIn(session, eater), { signal: 'SIGKILL', oomKills: 1, helperLost: false });
  const limits = { 'memory.max': String(16 * 1024 ** 2) };
  const reply = await session.request({ ...run(eater), limits }, 500_000);
  t.match(readSubjectRun(reply), { signal: 'SIGKILL', oomKills: 1 });
  t.equal((await runIn(session, 'true')).oomKills, 0);
});

t.test('one clone, and who ends a run', async (t) => {
  await using machine = await startClone(spec, template, startMachine);
  const { ask, replies } = await speak(machine);
  const running = ask(2, run('echo begun; sleep 600'));
  // Neither the next nor the last one.
  for (const seq of [1, 3]) machine.session.write(formatStop('tok', seq));
  machine.session.write(formatStop('other', 2));
  await new Promise((resolve) => setTimeout(resolve, 3000));
  t.equal(replies.length, 1, 'a stop for another run is none');
  machine.session.write(formatStop('tok', 2));
  t.match(readSubjectRun(await running), {
    timedOut: true,
    stopped: 'request',
    signal: 'SIGKILL',
    stdout: 'begun\n',
  });
  t.match(readSubjectRun(await ask(4, { ...run('sleep 600'), backstopSeconds: 1 })), {
    timedOut: true,
    stopped: 'backstop',
  });
  machine.session.write(formatStop('tok', 4));
  t.match(readSubjectRun(await ask(5, run('exit 2'))), { exitCode: 2, timedOut: false, stopped: null });
  t.equal(replies.length, 4, 'a stop has no answer of its own');

  // Its helpers are out of reach but of a subject that asks the kernel itself to kill everything.
  const lost = readSubjectRun(await ask(6, run('echo i >/proc/sysrq-trigger; sleep 600')));
  t.match(lost, { helperLost: true, exitCode: null, signal: null, timedOut: false });
});

t.test('one clone, and long outputs', async (t) => {
  await using machine = await startClone(spec, template, startMachine);
  const session = await openSession(machine, deadlines);

  await t.test('head and tail of a stream are kept, and the bytes between are counted', async (t) => {
    const sizes = [0, 1, 131_071, 131_072, 131_073, 262_143, 262_144, 262_145, 400_000, 1_000_003];
    for (const size of sizes) {
      const script = `head -c ${size} /disks/base/lib/libc.so.6`;
      const [plain, more] = [
        await session.request({ ...run(script), factPaths: [] }, 500_000),
        await session.request({ ...run(`${script} >&2`), factPaths: [], capBytes: 2 ** 20 }, 500_000),
      ];
      const whole = more.data['err'] ?? Buffer.alloc(0);
      t.equal(whole.length, size, 'all of it where there is room');
      const ended = readSubjectRun(plain);
      t.equal(ended.stdoutBytes, size);
      t.equal(ended.stdoutDropped, Math.max(0, size - 262_144));
      const [out, tail] = [plain.data['out'] ?? Buffer.alloc(0), plain.data['out-tail']];
      t.ok(out.equals(whole.subarray(0, tail === undefined ? size : 131_072)), `the beginning of ${size}`);
      if (tail !== undefined) t.ok(tail.equals(whole.subarray(-131_072)), `the end of ${size}`);
    }
  });

  await t.test('a line that is waited for is seen wherever it comes', async (t) => {
    const until = { kind: 'line', pattern: '^listening on [0-9]+' } as const;
    const noise = (bytes: number) => `yes 'a line of noise' | head -c ${bytes};`;
    const scripts = [
      'echo listening on 3000; sleep 600',
      'printf "listening on 3000"; sleep 600',
      'echo listening on 3000 >&2; sleep 600',
      'printf listen; sleep 1; echo ing on 3000; sleep 600',
      `${noise(70_000)} echo; echo listening on 3000; sleep 600`,
      `${noise(10_000_000)} echo; echo listening on 3000; sleep 600`,
      'echo listening on 3000; yes',
    ];
    for (const script of scripts) {
      const reply = await session.request({ ...run(script), until }, 500_000);
      t.match(readSubjectRun(reply), { ready: true, timedOut: false, unwatchedBytes: 0 }, script);
    }
    const ended = await session.request({ ...run('echo listening; exit 3'), until }, 500_000);
    t.match(readSubjectRun(ended), { exitCode: 3, timedOut: false });
    t.notOk(readSubjectRun(ended).ready);
    const long = await session.request(
      { ...run(`yes | tr -d '\\n' | head -c 100000; echo; exit 3`), until },
      500_000,
    );
    t.equal(readSubjectRun(long).unwatchedBytes, 100_000 - 65_535);
    const bad = { kind: 'line', pattern: '[' } as const;
    const lost = await session.request({ ...run('echo x; sleep 600'), until: bad }, 500_000);
    t.match(readSubjectRun(lost), { helperLost: true, timedOut: false });
  });
});
