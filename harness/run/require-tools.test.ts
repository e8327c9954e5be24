import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { installCommand, qemuTool, tools } from '../../images/tools.ts';
import { requireTools } from './require-tools.ts';

const all = [qemuTool, ...tools];
const request = { kernel: 'bookworm', nodes: ['22'], engines: [] };

/** A PATH with these programs and no others. */
async function setPath(t: Test, names: readonly string[]): Promise<string> {
  const folder = t.testdir({ bin: {}, cache: {} });
  await chmod(path.join(folder, 'cache'), 0o700);
  for (const name of names) await writeFile(path.join(folder, 'bin', name), '', { mode: 0o755 });
  const { PATH, POOLPROOF_QEMU } = process.env;
  process.env['PATH'] = path.join(folder, 'bin');
  delete process.env['POOLPROOF_QEMU'];
  t.teardown(() => {
    process.env['PATH'] = PATH;
    if (POOLPROOF_QEMU !== undefined) process.env['POOLPROOF_QEMU'] = POOLPROOF_QEMU;
  });
  return path.join(folder, 'cache');
}

t.test('every missing program is named at once, with the command that installs them', async (t) => {
  const cacheDir = await setPath(t, []);
  await t.rejects(requireTools([{ ...request, cacheDir }]), {
    code: 'QEMU_NOT_FOUND',
    message: `${all
      .map(({ name }) => name)
      .join(', ')
      .replace(/, (\S+)$/, ' and $1')} are not installed`,
    details: { hint: installCommand(all.map(({ packages }) => packages)) },
  });
});

t.test('what the distribution has no package for is brought from another machine', async (t) => {
  const cacheDir = await setPath(t, []);
  await t.rejects(requireTools([{ ...request, cacheDir }], 'zypper'), {
    code: 'QEMU_NOT_FOUND',
    details: {
      hint: /^zypper install qemu-x86 .*; zypper has no package with apt-get, apt-cache and apt-config, .* `poolproof images import`$/,
    },
  });
});

t.test('one that is missing is named alone, and nothing is where all are there', async (t) => {
  const names = all.map(({ name }) => name);
  const cacheDir = await setPath(
    t,
    names.filter((name) => name !== 'mkfs.erofs'),
  );
  await t.rejects(requireTools([{ ...request, cacheDir }]), {
    code: 'TOOL_NOT_FOUND',
    message: 'mkfs.erofs is not installed',
  });
  await setPath(t, names);
  await t.resolves(requireTools([{ ...request, cacheDir }]));
});

t.test('where the images are there, only what runs guests is needed', async (t) => {
  await setPath(t, [qemuTool.name]);
  // No request: no kernel is missing.
  await t.rejects(requireTools([]), { code: 'TOOL_NOT_FOUND', message: 'setpriv is not installed' });
  await setPath(t, [qemuTool.name, 'setpriv']);
  await t.resolves(requireTools([]));
});

t.test('the QEMU of the guests that are wanted is needed, and no other', async (t) => {
  const cacheDir = await setPath(
    t,
    tools.map(({ name }) => name),
  );
  const arm = { ...request, cacheDir, architecture: 'arm64' } as const;
  await t.rejects(requireTools([arm]), {
    code: 'QEMU_NOT_FOUND',
    message: 'qemu-system-aarch64 is not installed',
  });
  await writeFile(path.join(process.env['PATH'] ?? '', 'qemu-system-aarch64'), '', { mode: 0o755 });
  await t.resolves(requireTools([arm]));
});
