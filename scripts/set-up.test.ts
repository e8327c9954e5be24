import { spawnSync } from 'node:child_process';
import { copyFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import t, { type Test } from 'tap';

const poolproof = fileURLToPath(new URL('poolproof', import.meta.url));

// In a container the file of another distribution may not be laid over this one's.
const inside = ['--map-root-user', '--mount'];
const canMount = spawnSync('unshare', [...inside, 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;
const options = { skip: !canMount && 'no mount namespaces here' };

/**
 * Runs set-up where only these programs are found, on a distribution of that os-release.
 * @param machine what `uname -m` says instead of the truth
 */
async function setUp(t: Test, osRelease: string, programs: readonly string[], machine?: string) {
  const dir = t.testdir({ osRelease, bin: {}, cache: {} });
  const wanted = 'sh cat dirname uname mkdir grep tr id mktemp tail rm sudo'.split(' ');
  for (const name of wanted) {
    const { stdout } = await execa('sh', ['-c', `command -v ${name}`], { reject: false });
    if (path.isAbsolute(stdout)) await symlink(stdout, path.join(dir, 'bin', name));
  }
  if (machine !== undefined) {
    await rm(path.join(dir, 'bin/uname'));
    const uname = `#!/bin/sh\n[ "$1" = -m ] && echo ${machine} || echo Linux\n`;
    await writeFile(path.join(dir, 'bin/uname'), uname, { mode: 0o755 });
  }
  for (const name of programs)
    await writeFile(path.join(dir, 'bin', name), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  const script = 'mount --bind "$1" /etc/os-release && PATH=$2 exec "$3" --version';
  const args = [path.join(dir, 'osRelease'), path.join(dir, 'bin'), poolproof];
  return execa('unshare', [...inside, 'sh', '-c', script, 'sh', ...args], {
    env: { POOLPROOF_CACHE: path.join(dir, 'cache') },
    reject: false,
  });
}

t.test('a command runs in the folder in which it is called', async (t) => {
  const node = '#!/bin/sh\npwd\nprintf "%s\\n" "$@"\n';
  const dir = t.testdir({ checkout: { scripts: { 'set-up': '' } }, bin: {}, mine: {} });
  const own = path.join(dir, 'checkout/scripts/poolproof');
  await copyFile(poolproof, own);
  await writeFile(path.join(dir, 'bin/node'), node, { mode: 0o755 });
  const { stdout } = await execa(own, ['plan', 'my matrix.yaml'], {
    cwd: path.join(dir, 'mine'),
    env: { PATH: `${path.join(dir, 'bin')}:${process.env['PATH'] ?? ''}` },
  });
  const [folder, ...words] = stdout.split('\n');
  t.equal(folder, path.join(dir, 'mine'));
  t.same(words.slice(-3), [path.join(dir, 'checkout/dist/harness/cli.js'), 'plan', 'my matrix.yaml']);
});

t.test(
  'without apt the packages are named as the distribution names them, and set-up ends with 3',
  async (t) => {
    for (const [id, install, others] of [
      [
        'fedora',
        'dnf install qemu-system-x86-core erofs-utils util-linux xz python3',
        'dnf install apt dpkg debian-keyring',
      ],
      ['"opensuse-leap"\nID_LIKE="suse opensuse"', 'zypper install qemu-x86 erofs-utils', null],
      ['arch', 'pacman -S qemu-system-x86 erofs-utils', 'pacman -S apt dpkg debian-archive-keyring'],
      [
        'alpine',
        'apk add qemu-system-x86_64 erofs-utils setpriv flock xz',
        'apk add apt dpkg debian-archive-keyring',
      ],
      ['void', 'xbps-install -S qemu erofs-utils util-linux xz python3', 'xbps-install -S apt dpkg'],
    ] as const) {
      const { exitCode, stderr } = await setUp(t, `ID=${id}\n`, []);
      t.equal(exitCode, 3, id);
      t.match(stderr, `\n  sudo ${install}`, id);
      if (others === null) t.notMatch(stderr, 'build images here', id);
      else t.match(stderr, `\n  sudo ${others} \n`, id);
      t.match(stderr, /images import/);
    }
  },
);

t.test('a distribution that is not known is asked for packages by their Debian names', options, async (t) => {
  const { exitCode, stderr } = await setUp(t, 'ID=unheard-of\n', ['python3', 'xz']);
  t.equal(exitCode, 3);
  t.match(
    stderr,
    /missing: qemu-system-x86 erofs-utils [^]*\n {2}with the package manager of this distribution/,
  );
  t.notMatch(stderr, /sudo|apt-get/);
});

t.test('an apt beside another package manager is not used to install', options, async (t) => {
  const { exitCode, stderr } = await setUp(t, 'ID=fedora\n', ['apt-get', 'python3', 'xz']);
  t.equal(exitCode, 3);
  t.match(stderr, /sudo dnf install qemu-system-x86-core erofs-utils util-linux python3-pip nodejs npm/);
});

t.test(
  'Ubuntu, and what names no distribution, install with apt; what that cannot is shown',
  options,
  async (t) => {
    for (const osRelease of ['ID=ubuntu\nID_LIKE=debian\n', '']) {
      const { exitCode, stderr } = await setUp(t, osRelease, ['apt-get', 'sudo']);
      t.equal(exitCode, 3);
      t.match(stderr, /installing qemu-system-x86 erofs-utils [^]*apt could not install qemu-system-x86/);
    }
  },
);

t.test(
  'an arm64 computer gets the QEMU of its own guests too, and others are refused',
  options,
  async (t) => {
    const { exitCode, stderr } = await setUp(t, 'ID=fedora\n', [], 'aarch64');
    t.equal(exitCode, 3);
    t.match(stderr, /dnf install qemu-system-x86-core qemu-system-aarch64-core erofs-utils/);
    t.match(await setUp(t, 'ID=debian\n', [], 's390x'), {
      exitCode: 3,
      stderr: /an x86-64 or arm64 machine is needed; this is s390x/,
    });
  },
);
