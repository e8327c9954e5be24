import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import type { MachineSpec } from '../plan/machine-spec.ts';
import { startMachine, type Machine } from './machine.ts';
import { channels } from './spec.ts';

/** Runs something while this process may open only so many more files. */
async function withFewFiles(more: number, work: () => Promise<unknown>): Promise<void> {
  const before = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? '1024';
  // Started first: later no process can be. It sets one limit for each line.
  const setter = spawn('sh', [
    '-c',
    `while read -r n; do prlimit --pid ${process.pid} --nofile=$n: && echo; done`,
  ]);
  const set = async (soft: number | string): Promise<void> => {
    setter.stdin.write(`${soft}\n`);
    await once(setter.stdout, 'data');
  };
  const open = new Set(readdirSync('/proc/self/fd').map(Number));
  let limit = 0;
  // What is open may have gaps, which are filled first.
  for (let free = 0; free < more; limit += 1) if (!open.has(limit)) free += 1;
  await set(limit);
  await work().finally(async () => {
    await set(before);
    setter.stdin.end();
    await once(setter, 'close');
  });
}

/** Starts a program of our own as QEMU; `script` says what it does with its machine protocol. */
async function startImpostor(test: Test, script: string): Promise<Machine> {
  const qemu = path.join(test.testdir(), 'qemu');
  writeFileSync(qemu, `#!/bin/sh\nexec >&${channels.qmp}\n${script}\nexec sleep 60 >&-\n`);
  chmodSync(qemu, 0o755);
  const spec: MachineSpec = {
    qemu,
    accelerator: 'tcg',
    cpuModel: 'max',
    memoryMib: 512,
    cpus: 1,
    kernel: '/kernel',
    initramfs: '/initramfs',
    disks: [],
    icountShift: null,
  };
  const machine = await startMachine(spec, { kind: 'boot' });
  test.teardown(() => machine.stop());
  return machine;
}

const nonsense: readonly (readonly [title: string, script: string, message: RegExp])[] = [
  ['garbage', `printf 'Segmentation fault\\n'`, /no message: "Segmentation fault"/],
  ['null', `echo null`, /no message: "null"/],
  ['a list', `echo '[1]'`, /no message: "\[1\]"/],
  ['half an object', `echo '{"return": {'`, /no message/],
  ['bytes that are no text', `printf '\\377\\000\\033]0;x\\007\\n'`, /no message/],
  ['a line of 300 MB', `head -c 300000000 /dev/zero | tr '\\0' x`, /a line of more than 1 MiB/],
];

for (const [title, script, message] of nonsense) {
  t.test(`a QEMU that answers with ${title} is ended, and the command fails`, async (t) => {
    const before = process.memoryUsage().rss;
    const machine = await startImpostor(t, script);
    await t.rejects(machine.qmp.execute('query-status', {}, 20_000), { code: 'QMP_ERROR', message });
    const exit = await machine.exited;
    t.match(
      exit,
      { asked: false, signal: 'SIGKILL', fault: message },
      'the machine ends, and its end says why',
    );
    await t.rejects(machine.qmp.execute('query-status', {}, 20_000), { code: 'QMP_ERROR', message });
    t.ok(process.memoryUsage().rss - before < 150e6, 'what was sent is not kept');
  });
}

t.test('messages of a shape that nobody asked for are passed over', async (t) => {
  const machine = await startImpostor(
    t,
    [
      `echo '{"QMP": null}'`,
      `echo '{"event": 7, "data": null}'`,
      `echo '{"event": "RESUME", "data": [1]}'`,
      `echo '{"id": "1", "return": 5}'`,
      `echo '{"id": 99, "error": null}'`,
      `echo '{"id": 0, "return": {}}'`,
      `echo '{"id": 1, "error": "no description"}'`,
    ].join('\n'),
  );
  // The answers were sent before the questions, which the harness may not have asked by then.
  await t.rejects(machine.qmp.execute('query-status', {}, 2000), { code: 'QMP_ERROR' });
});

t.test('half a line, and then silence, is no answer within the deadline', async (t) => {
  const machine = await startImpostor(t, `printf '{"return": {'`);
  await t.rejects(machine.qmp.execute('query-status', {}, 500), {
    code: 'QMP_ERROR',
    message: /within 500 ms/,
  });
  const ended = await startImpostor(t, `printf '{"return": {'; exit 0`);
  await t.rejects(ended.qmp.execute('query-status', {}, 20_000), { code: 'QMP_ERROR', message: /closed/ });
});

t.test('a character cut between two chunks is put together', async (t) => {
  const machine = await startImpostor(
    t,
    `read -r line <&${channels.qmp}; printf '{"id": 0, "return": {}}\\n{"id": 1, "error": {"desc": "gr\\303'; sleep 0.2; printf '\\274n"}}\\n'`,
  );
  const sent = machine.qmp.execute('query-status', {}, 20_000);
  await t.rejects(sent, { code: 'QMP_ERROR', message: 'query-status: grün' });
});

t.test('the reason that QEMU gives for its end comes with it', async (t) => {
  const event = (data: unknown): string => `echo '${JSON.stringify({ event: 'SHUTDOWN', data })}'`;
  const hear = `read -r line <&${channels.qmp}; echo '{"id": 0, "return": {}}'`;
  const rows: readonly (readonly [data: unknown, reason: string | null])[] = [
    [{ guest: false, reason: 'host-signal' }, 'host-signal'],
    [{ guest: true, reason: 'guest-reset' }, 'guest-reset'],
    [{ guest: true }, null],
    ['host-signal', null],
  ];
  for (const [data, reason] of rows) {
    // Nobody executes a command: what a machine that was booted says is heard too.
    const machine = await startImpostor(t, `${hear}; ${event(data)}; exit 0`);
    t.match(await machine.exited, { asked: false, exitCode: 0, signal: null, reason });
  }
});

t.test('a machine that cannot be started for want of open files is a sentence', async (t) => {
  const { spec } = await startImpostor(t, '');
  await withFewFiles(3, () =>
    t.rejects(startMachine(spec, { kind: 'boot' }), {
      code: 'QEMU_FAILED',
      message: 'QEMU could not be started',
      details: { stderr: /EMFILE/, hint: /ulimit -n/ },
    }),
  );
});
