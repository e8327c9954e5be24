import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { describeKvm, nameWay } from './describe-kvm.ts';

t.test(
  'doctor tells a /dev/kvm that is missing from one that this user may not open, and the way to it',
  async (t) => {
    const device = path.join(t.testdir({ kvm: '' }), 'kvm');
    t.match(await describeKvm(device), /can be opened/);
    t.match(await describeKvm(`${device}.none`), /^no \/dev\/kvm: guests are emulated$/);
    const groups = 'root:x:0:\nkvm:x:103:somebody\n';
    t.equal(
      nameWay({ gid: 103, mode: 0o20660 }, groups),
      'the group kvm may: sudo usermod -aG kvm "$USER", then log in again',
    );
    for (const closed of [
      { gid: 103, mode: 0o20600 },
      { gid: 0, mode: 0o20660 },
      { gid: 7, mode: 0o20660 },
    ])
      t.equal(nameWay(closed, groups), 'only root may give access to it');
  },
);

t.test(
  'a user without the rights of root is refused',
  { skip: process.getuid?.() === 0 ? false : 'only root can become another user' },
  (t) => {
    // Not below the checkout, which another user may not be able to enter.
    const folder = spawnSync('mktemp', ['-d'], { encoding: 'utf8' }).stdout.trim();
    t.teardown(() => spawnSync('rm', ['-r', folder]));
    chmodSync(folder, 0o755);
    const device = path.join(folder, 'kvm');
    writeFileSync(device, '', { mode: 0o600 });
    const module = fileURLToPath(new URL('../../dist/harness/commands/describe-kvm.js', import.meta.url));
    const script = `const { describeKvm } = await import(${JSON.stringify(module)});
process.setuid(65534);
console.log(await describeKvm(${JSON.stringify(device)}));`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    t.equal(
      stdout,
      `${device} is there, but this user may not open it: guests are emulated; only root may give access to it\n`,
    );
    t.end();
  },
);
