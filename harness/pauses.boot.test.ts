/**
 * Real guests, and everything that takes time from them without their fault: each cell ends in its right tier or
 * without a verdict. Deadlines are short, and every pause is longer than they are.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { buildImages } from '../images/build.ts';
import { resolveCacheFolder } from '../images/cache/cache-folder.ts';
import { readSubjectRun } from './guest/observe.ts';
import { openSession } from './guest/open-session.ts';
import type { Session } from './guest/session.ts';
import { startMachine } from './machine/machine.ts';
import { defaultSettings } from './axes/table.ts';
import { findQemu } from './plan/computer.ts';
import { deadlinesFor, type Deadlines } from './plan/deadlines.ts';
import { buildMachineSpec } from './plan/machine-spec.ts';
import type { Result } from './store/result.ts';

const deadlines = deadlinesFor('tcg');
const cacheDir = resolveCacheFolder();
const pauseMs = 9000;

/** Stops a process, or with a minus its whole group, as Ctrl-Z does. */
async function pause(pid: number, ms: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await sleep(ms);
  process.kill(pid, 'SIGCONT');
}

t.test('the deadline of a run counts the time its guest could have run', async (t) => {
  const images = await buildImages({ kernel: 'bookworm', nodes: ['22'], engines: ['50.0.1'], cacheDir });
  const settings = { ...defaultSettings(), memory: 512 * 1024 * 1024 };
  const qemu = await findQemu();
  const spec = buildMachineSpec(settings, images, { qemu: qemu.path, accelerator: 'tcg' });
  await using machine = await startMachine(spec, { kind: 'boot' });
  const session = await openSession(machine, deadlines);
  const run = async (script: string, ms: number, on: Session = session) =>
    readSubjectRun(
      await on.run(
        { limits: {}, factPaths: [], env: { PATH: '/bin' }, command: ['/bin/sh', '-c', script] },
        { ms, replyMs: deadlines.requestMs },
      ),
    );

  await t.test('a subject that sleeps is late, and ended by a request', async (t) => {
    const late = await run('echo before; sleep 600', 2000);
    t.match(late, { timedOut: true, stopped: 'request', signal: 'SIGKILL', stdout: 'before\n' });
    t.match(await run('echo after', 30_000), { timedOut: false, stopped: null, stdout: 'after\n' });
  });

  await t.test('a guest whose QEMU is stopped is not', async (t) => {
    // Twice, and longer than the deadline each time.
    const work = run('sleep 4; echo done', pauseMs - 1000);
    await sleep(1500);
    await pause(machine.pid, pauseMs);
    await sleep(200);
    await pause(machine.pid, pauseMs);
    t.match(await work, { exitCode: 0, timedOut: false, stdout: 'done\n' });
  });

  await t.test('a guest whose QEMU is stopped before its session answers is not silent', async (t) => {
    const [reply] = await Promise.all([
      session.request({ verb: 'read', paths: ['/proc/uptime'] }, 3000),
      pause(machine.pid, pauseMs),
    ]);
    t.match(reply.texts['/proc/uptime'], /^\d+\.\d\d /);
  });
});

/** A harness in a process group of its own, until it says that the subject starts. */
async function startHarness(test: Test, changes: Partial<Deadlines>) {
  const program = path.resolve(import.meta.dirname, '../dist/harness/fixtures/harness-to-stop.js');
  const child = spawn(process.execPath, [program, cacheDir, JSON.stringify(changes)], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { pid, stdout } = child;
  if (pid === undefined) throw new Error('no harness was started');
  const closed = once(child, 'close');
  test.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-pid, 'SIGKILL');
    await closed;
  });
  let text = '';
  const started = new Promise<void>((resolve) => {
    stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.startsWith('run ')) resolve();
    });
  });
  const ended = closed.then(() => JSON.parse(text.trim().split('\n').at(-1) ?? '') as Result);
  await Promise.race([started, ended]);
  return { pid, qemu: Number(/^run (\d+)/.exec(text)?.[1]), ended };
}

/** Standard, as always, or no verdict; never anything else. */
function isRight(test: Test, result: Result): void {
  const tries = result.attempts.map(({ start, outcome, detail }) => `${start} ${outcome}: ${detail}`);
  const right = result.outcome === 'reached' && result.tier === 'standard';
  test.ok(right || result.outcome === 'broken', `${tries.join('; ')}: ${result.reason}`);
  test.notOk(right ? result.verdict !== 'expected' : result.verdict !== null);
}

t.test('a process group that is stopped while the host proves its tier', async (t) => {
  // The launcher's own deadline, by the guest's clock, is over when the guest goes on.
  const harness = await startHarness(t, { attemptMs: 8000 });
  // Half way: on a quiet computer all of it takes 1.4 s.
  await sleep(600);
  await pause(-harness.pid, pauseMs);
  isRight(t, await harness.ended);
});

t.test('a process group that is stopped while Node starts', async (t) => {
  const harness = await startHarness(t, { attemptMs: 8000 });
  await sleep(100);
  await pause(-harness.pid, pauseMs);
  isRight(t, await harness.ended);
});

t.test('a harness that is stopped alone, while the reply comes into its socket', async (t) => {
  const harness = await startHarness(t, { subjectMs: 20_000, requestMs: 5000 });
  await pause(harness.pid, 30_000);
  const result = await harness.ended;
  t.match(result, {
    outcome: 'reached',
    tier: 'standard',
    verdict: 'expected',
    attempts: [{ outcome: 'reached' }],
  });
});

t.test('a QEMU that is ended from outside by a signal it catches is no guest that died', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const harness = await startHarness(t, {});
    process.kill(harness.qemu, signal);
    const result = await harness.ended;
    t.match(result, {
      outcome: 'reached',
      tier: 'standard',
      verdict: 'expected',
      attempts: [
        { outcome: 'broken', detail: /^QEMU ended because of host-signal: .*terminating on signal/ },
        { outcome: 'reached' },
      ],
    });
  }
});
