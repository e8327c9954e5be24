import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { findQemu } from './computer.ts';

/** Makes a script count as QEMU for this test. */
async function useQemu(test: Test, script: string): Promise<void> {
  const file = path.join(test.testdir(), 'qemu');
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  const before = process.env['POOLPROOF_QEMU'];
  process.env['POOLPROOF_QEMU'] = file;
  test.teardown(() => {
    if (before === undefined) delete process.env['POOLPROOF_QEMU'];
    else process.env['POOLPROOF_QEMU'] = before;
  });
}

t.test('the version of QEMU is in the first line that it prints', async (t) => {
  await useQemu(t, 'echo "QEMU emulator version 7.2.22 (Debian 1:7.2)"; echo "Copyright"');
  t.match(await findQemu(), { version: '7.2.22', title: 'QEMU emulator version 7.2.22 (Debian 1:7.2)' });
});

const refused: readonly (readonly [title: string, script: string, code: string, message: RegExp])[] = [
  ['never ends', 'exec sleep 60', 'QEMU_FAILED', /--version took longer than 0\.5 s$/],
  ['has a child that never ends', 'sleep 60 & wait', 'QEMU_FAILED', /--version took longer than 0\.5 s$/],
  ['prints without end', 'exec yes "QEMU version 9.0"', 'QEMU_FAILED', /--version wrote more than 256 KiB$/],
  ['fails', 'echo broken >&2; exit 1', 'QEMU_FAILED', /--version ended with exit code 1$/],
  ['prints no version', 'echo hello', 'QEMU_FAILED', /--version gave no version$/],
  ['is too old', 'echo "QEMU emulator version 5.2.0"', 'QEMU_TOO_OLD', /7\.2 is the oldest/],
];

for (const [title, script, code, message] of refused) {
  t.test(`a QEMU whose --version ${title} is refused`, async (t) => {
    await useQemu(t, script);
    await t.rejects(findQemu({ timeoutMs: 500, maxBytes: 256 * 1024 }), { code, message });
  });
}

t.test('a QEMU that is not there, or is a folder, is refused', async (t) => {
  process.env['POOLPROOF_QEMU'] = '/no/such/qemu';
  t.teardown(() => delete process.env['POOLPROOF_QEMU']);
  await t.rejects(findQemu(), { code: 'QEMU_NOT_FOUND' });
  process.env['POOLPROOF_QEMU'] = '/tmp';
  await t.rejects(findQemu(), { code: 'QEMU_NOT_FOUND', message: /EACCES/ });
});
