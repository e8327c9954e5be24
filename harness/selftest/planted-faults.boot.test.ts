/** Real guests with faults that are planted: the selftest finds each of them. One check is run for each. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { resolveCacheFolder } from '../../images/cache/cache-folder.ts';
import { project } from '../../images/paths.ts';
import { plantCache, plantQemu, withFiles, withQemu } from '../fixtures/planted-faults.ts';
import type { prepare } from '../run/prepare.ts';
import { isPassed, runSelftest } from './selftest.ts';

function makeFolder(test: Test): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'poolproof-planted-'));
  test.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What the one check finds. */
async function ask(test: Test, folder: string, name: string, planted: typeof prepare): Promise<string> {
  const cacheDir = plantCache(folder, resolveCacheFolder());
  const record = await runSelftest({
    ...{ arch: 'x86-64', cacheDir, only: [name], boots: 1, clones: 4, prepare: planted },
  });
  const [result] = record.checks;
  test.match(record.checks, [{ name, status: 'fails' }], result?.found ?? 'nothing');
  test.equal(isPassed(record), false);
  return result?.found ?? '';
}

t.test('a clock that is off by a fifth', async (t) => {
  const folder = makeFolder(t);
  const mhz = Number(/^cpu MHz\s*: (\d+)/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]);
  // The guest takes the TSC for slower than it is, and believes its own measurement only where that is near.
  const words = `clocksource=tsc tsc=reliable tsc_early_khz=${Math.round((mhz * 1000) / 1.2)}`;
  const qemu = await plantQemu(folder, `exec "$qemu" "\${@//clocksource=hpet tsc=unstable/${words}}"`);
  t.match(await ask(t, folder, 'clock-rate', withQemu(qemu)), /^boot: between \+1\d\.\d % and \+2\d\.\d %/);
});

t.test('a template whose clones all draw the same random numbers', async (t) => {
  const folder = makeFolder(t);
  // In place of what reseeds: says that it waits, reads as much and does nothing. Before the template is saved it lets
  // the kernel reseed by itself, which then happens in no clone for some seconds.
  const script = `#!/bin/busybox sh
if [ -e /woken ]; then /bin/busybox sleep 9; /bin/busybox head -c 16 /dev/urandom >/dev/null; fi
: >/woken
echo
exec /bin/busybox dd bs=48 count=1 of=/dev/null 2>/dev/null
`;
  const wake = { path: 'bin/wake', kind: 'file', mode: 0o755, data: Buffer.from(script) } as const;
  t.match(
    await ask(t, folder, 'entropy', withFiles(folder, [wake])),
    /^[1-3] of 5 machines drew a number that/,
  );
});

t.test('a QEMU that ignores share=off', async (t) => {
  const folder = makeFolder(t);
  const qemu = await plantQemu(folder, 'exec "$qemu" "${@//share=off/share=on}"');
  t.match(await ask(t, folder, 'memory', withQemu(qemu)), /memory is another$/);
});

t.test('a session that lies about a sysctl', async (t) => {
  const folder = makeFolder(t);
  const session = readFileSync(path.join(project.sourceFolder, 'guest/session.sh'), 'utf8');
  const honest = '/state/read-files "$@" >&3';
  t.ok(session.includes(honest));
  const lie = 's#^\\(/proc/sys/vm/max_map_count\\):.*#\\1:65530#';
  const data = Buffer.from(session.replace(honest, `/state/read-files "$@" | sed '${lie}' >&3`));
  const entry = { path: 'session', kind: 'file', mode: 0o644, data } as const;
  t.equal(
    await ask(t, folder, 'settings', withFiles(folder, [entry])),
    '/proc/sys/vm/max_map_count: written 70000, the session reads 65530, a program 70000',
  );
});

for (const [which, guard] of [
  ['its machine', 'true'],
  ['a machine before that', 'mkdir "${0%/*}/once" 2>/dev/null'],
] as const)
  t.test(`a kill of the harness that leaves a process of ${which}`, async (t) => {
    const folder = makeFolder(t);
    // A child of QEMU's that outlives it, and ends with this test where nothing else ends it.
    const words = `tail -f --pid=${process.pid} /dev/null`;
    const child = `setsid ${words} </dev/null >/dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- &`;
    const qemu = await plantQemu(folder, `if ${guard}; then ${child}\nfi\nexec "$qemu" "$@"`);
    t.match(
      await ask(t, folder, 'kill-resume', withQemu(qemu)),
      /^the killed run left a process: \d+ tail -f --pid=\d+ \/dev\/null(;|$)/,
    );
  });
