import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { architectureOf } from '../../images/architectures.ts';
import { findExecutable, findQemu, qemuVariable, readComputer } from './computer.ts';
import { nameCpu, parseQemuVersion } from './parse-computer.ts';

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

t.test('each architecture has a variable that names its QEMU', (t) => {
  t.equal(qemuVariable(architectureOf('x86-64')), 'POOLPROOF_QEMU');
  t.equal(qemuVariable(architectureOf('arm64')), 'POOLPROOF_QEMU_ARM64');
  t.end();
});

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
  [
    'is older in its major version',
    'echo "QEMU emulator version 5.2.0"',
    'QEMU_TOO_OLD',
    /7\.2 is the oldest/,
  ],
  ['is older in its minor version', 'echo "QEMU emulator version 7.1.0"', 'QEMU_TOO_OLD', /is 7\.1\.0; 7\.2/],
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

t.test('a version of QEMU is whole without its third number', (t) => {
  t.match(parseQemuVersion('QEMU emulator version 10.0\n'), { version: '10.0.0', isSupported: true });
  t.match(parseQemuVersion('QEMU emulator version 7.2\n'), { version: '7.2.0', isSupported: true });
  t.equal(parseQemuVersion('Copyright\nversion 7.2'), null, 'only the first line counts');
  t.end();
});

t.test('a program is looked for in PATH, and QEMU where nothing names another', async (t) => {
  const { PATH, POOLPROOF_QEMU } = process.env;
  t.teardown(() => {
    process.env['PATH'] = PATH;
    if (POOLPROOF_QEMU !== undefined) process.env['POOLPROOF_QEMU'] = POOLPROOF_QEMU;
  });
  delete process.env['POOLPROOF_QEMU'];
  const folder = t.testdir({ plain: '' });
  await writeFile(path.join(folder, 'tool'), '', { mode: 0o755 });
  process.env['PATH'] = `:${folder}`;
  t.equal(await findExecutable('tool'), path.join(folder, 'tool'));
  t.equal(await findExecutable('plain'), null, 'a file that cannot be executed');
  await t.rejects(findQemu(), { code: 'QEMU_NOT_FOUND', message: /is not installed$/ });
  delete process.env['PATH'];
  t.equal(await findExecutable('tool'), null);
});

t.test(
  'the least that memory, its own cgroup and those above it leave is what guests can have',
  async (t) => {
    const meminfo = 'MemTotal: 8388608 kB\nMemAvailable:    4194304 kB\n';
    const proc = (cgroup: string) => ({ meminfo, self: { cgroup } });
    const plain = await readComputer(t.testdir({ proc: proc('1:cpu:/old\n') }));
    t.match(plain, { memAvailableMib: 4096, os: 'unknown' });
    t.ok(plain.cores >= 1 && plain.memTotalMib > 0);
    const limited = t.testdir({
      etc: { 'os-release': 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n' },
      proc: proc('0::/user/run\n'),
      sys: {
        fs: {
          cgroup: {
            user: {
              'memory.max': '2147483648\n',
              'memory.current': '1073741824\n',
              'cpu.max': '50000 100000\n',
              run: { 'memory.max': 'max\n', 'memory.current': '5\n', 'cpu.max': 'max 100000\n' },
            },
          },
        },
      },
    });
    t.match(await readComputer(limited), {
      memAvailableMib: 1024,
      cores: 1,
      os: 'Debian GNU/Linux 12 (bookworm)',
    });
    t.match(await readComputer(t.testdir({})), { memAvailableMib: 0 }, 'nothing can be read');
    t.match(await readComputer(), { kernel: /^\d/ });
  },
);

t.test('a CPU that Node has no name for is named as its kernel knows it', (t) => {
  const core = 'processor\t: 0\nCPU implementer\t: 0x61\nCPU part\t: 0x022\n';
  const board = `${core}\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n`;
  for (const [models, cpuinfo, name] of [
    [[], '', 'unknown'],
    [['AMD EPYC ', 'AMD EPYC '], core, 'AMD EPYC'],
    [['unknown'], core, 'implementer 0x61, part 0x022'],
    [['unknown'], board, 'Raspberry Pi 5 Model B Rev 1.0'],
    [['Neoverse-N1'], core, 'Neoverse-N1'],
  ] as const)
    t.equal(nameCpu(models, cpuinfo), name);
  t.end();
});
