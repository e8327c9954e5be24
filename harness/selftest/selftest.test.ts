import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { project } from '../../images/paths.ts';
import { fakeSeams } from '../fixtures/fake-commands.ts';
import type { ClockReading } from '../guest/template-clock.ts';
import { listCores } from '../machine/cpu-identity.ts';
import { boundRate } from './clock-checks.ts';
import { describeCpuinfo } from './describe-hardware.ts';
import { describeTimes } from './figures.ts';
import { renderPage } from './page.ts';
import { listBelow, listLeft } from './processes.ts';
import { checks, isPassed, runSelftest, selectChecks, type SelftestRecord } from './selftest.ts';

t.test('each check has a name of its own, and names a file that is there', (t) => {
  t.equal(new Set(checks.map(({ name }) => name)).size, checks.length);
  for (const { name, beside } of checks)
    t.ok(existsSync(path.join(project.root, beside)), `${name}: ${beside}`);
  t.end();
});

t.test('checks are selected by name, and a wrong name is refused with the right one', (t) => {
  t.same(selectChecks([]), checks);
  t.match(selectChecks(['entropy', 'boots']), [{ name: 'boots' }, { name: 'entropy' }]);
  t.throws(() => selectChecks(['entrpy']), { code: 'USAGE', details: { hint: 'did you mean entropy?' } });
  t.throws(() => selectChecks(['qqqqqqqqq']), {
    code: 'USAGE',
    details: { hint: /^there are accelerator, / },
  });
  t.end();
});

t.test('two readings of a clock bound its rate', (t) => {
  const reading = (guestMs: number, beforeMs: number): ClockReading => ({
    ...{ guestMs, beforeMs, afterMs: beforeMs + 20, guestTimeMs: beforeMs },
  });
  const rows: readonly (readonly [string, number, boolean])[] = [
    ['right', 4000, true],
    ['a fifth too fast', 4800, false],
    ['a fifth too slow', 3200, false],
    ['1 % too fast', 4040, true],
  ];
  for (const [title, guestMs, holds] of rows) {
    const { low, high } = boundRate(reading(0, 0), reading(guestMs, 4000));
    t.equal(low <= 1.02 && high >= 0.98, holds, `${title}: ${low}–${high}`);
  }
  t.end();
});

t.test('processes below another are found, and those that are left when it is gone', async (t) => {
  // tail writes once it is tail: before, the shell's child still has the shell's words.
  const shell = spawn('sh', ['-c', 'tail -f /proc/version & wait'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const closed = once(shell, 'exit');
  await once(shell.stdout, 'data');
  const below = await listBelow(shell.pid!);
  t.match(below, [{ words: ['tail', '-f', '/proc/version'], parent: shell.pid }]);
  shell.kill('SIGKILL');
  await closed;
  t.match(await listLeft(below), [{ pid: below[0]!.pid, words: below[0]!.words }]);
  process.kill(below[0]!.pid, 'SIGKILL');
  for (let tries = 0; tries < 100 && (await listLeft(below)).length > 0; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 20));
  t.same(await listLeft(below), []);
  t.same(await listLeft([{ ...below[0]!, pid: process.pid }]), [], 'a number that another process has now');
});

t.test('the processor is described by what KVM depends on', (t) => {
  const cpuinfo = 'vendor_id\t: AuthenticAMD\nflags\t\t: fpu svm constant_tsc hypervisor\n';
  t.equal(describeCpuinfo(cpuinfo), 'AMD, itself a virtual machine, svm constant_tsc');
  t.equal(describeCpuinfo('vendor_id\t: GenuineIntel\nflags\t\t: vmx\n'), 'Intel, no virtual machine, vmx');
  t.equal(describeCpuinfo(''), 'unknown, no virtual machine');
  const core = (implementer: string): string => `CPU implementer\t: ${implementer}\nCPU part\t: 0xd0c\n`;
  t.equal(describeCpuinfo(core('0x41')), 'Arm, part 0xd0c');
  t.equal(describeCpuinfo(core('0x00')), 'implementer 0x00, part 0xd0c');
  t.end();
});

t.test('times are told as their median and quartiles', (t) => {
  t.equal(describeTimes([1000, 4000, 2000, 3000, 5000]), 'median 3.00 s, half of them within 2.00–4.00 s');
  t.equal(describeTimes([]), 'no times');
  t.end();
});

const record: SelftestRecord = {
  ...{ schema: 1, poolproof: '1.0.0', startedAt: '2026-11-28T17:53:11.000Z', seconds: 60 },
  computer: { cpuModel: 'a | b', cores: 2, memTotalMib: 1024, kernel: '6.1', os: 'Debian', hardware: 'AMD' },
  ...{ qemu: 'QEMU 7.2', accelerator: { kind: 'tcg', reason: 'there is no /dev/kvm' }, guestKernel: '6.1.0' },
  ...{ boots: 2, clones: 3 },
  checks: [
    { name: 'a', assumes: 'b', beside: 'c', status: 'holds', found: '1 < 2', seconds: 1 },
    { name: 'd', assumes: 'e', beside: 'f', status: 'noted', found: 'g', seconds: 0.25 },
  ],
};

t.test('the page has the facts of the computer and a row per check, as literal text', (t) => {
  const page = renderPage(record);
  t.match(page, /^# Selftest: all 2 checks passed\n/);
  t.match(page, '| CPU | a \\| b (AMD), 2 cores, 1024 MiB |');
  t.match(page, '| a | ✓ holds | b | 1 &lt; 2 | `c` | 1.0 |');
  t.match(page, '| d | · noted | e | g | `f` | 0.3 |');
  const failed = {
    ...record,
    checks: [{ ...record.checks[0]!, status: 'fails' as const }, record.checks[1]!],
  };
  t.match(renderPage(failed), /^# Selftest: 1 of 2 checks failed\n[^]*✗ fails/);
  t.same([isPassed(record), isPassed(failed)], [true, false]);
  t.end();
});

t.test('kinds of cores are noted where guests are emulated, and decide where KVM runs them', async (t) => {
  const { prepare, ...seams } = fakeSeams([{}]);
  const found = async (accelerator: 'kvm' | 'tcg') => {
    const { checks: results } = await runSelftest({
      ...{ arch: 'x86-64', cacheDir: path.join(t.testdirName, 'cache'), only: ['cores'] },
      ...seams,
      prepare: async (...words) => ({
        ...(await prepare(...words)),
        accelerator: { accelerator, reason: 'fake' },
      }),
    });
    return results[0];
  };
  const kinds = listCores(readFileSync('/proc/cpuinfo', 'utf8')).length;
  t.match(await found('tcg'), { status: 'noted', found: /^2 cores of / });
  t.match(await found('kvm'), { status: kinds === 1 ? 'holds' : 'fails', found: /^2 cores of [^;]*$/ });
});

t.test('a guest that does not come up fails the check that needs it, and no other thing', async (t) => {
  const cacheDir = path.join(t.testdir(), 'cache');
  const heard: string[] = [];
  const { checks: found } = await runSelftest({
    ...{ arch: 'x86-64', cacheDir, boots: 2, clones: 2, only: ['boots', 'accelerator'] },
    ...fakeSeams([{ exitAtStart: true }]),
    onCheck: ({ name }, { number, of }) => heard.push(`${number}/${of} ${name}`),
  });
  t.match(found, [
    { name: 'accelerator', status: 'fails', found: /^MACHINE_EXITED: / },
    {
      name: 'boots',
      status: 'fails',
      found: /^0 of 2 answered: no times; lost: MACHINE_EXITED: .*; MACHINE/,
    },
  ]);
  t.same(heard, ['1/2 accelerator', '2/2 boots']);
});

t.test('a defect is no finding, and an interrupted selftest is none', async (t) => {
  const cacheDir = path.join(t.testdir(), 'cache');
  const options = { arch: 'x86-64', cacheDir, boots: 1, only: ['boots'] } as const;
  await t.rejects(runSelftest({ ...options, ...fakeSeams([{ startFails: true }]) }), {
    message: 'not a PoolproofError',
  });
  const aborted = AbortSignal.abort();
  await t.rejects(runSelftest({ ...options, ...fakeSeams([{}]), signal: aborted }), { code: 'INTERRUPTED' });
});
