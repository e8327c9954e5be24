import { readFileSync } from 'node:fs';
import t from 'tap';
import { architectureOf } from './architectures.ts';
import {
  describeInstall,
  installCommand,
  installHint,
  keyringPackages,
  packageManagerOf,
  packageManagers,
  packagesOfTool,
  qemuTool,
  qemuToolOf,
  tools,
} from './tools.ts';

const script = readFileSync(new URL('../scripts/set-up', import.meta.url), 'utf8');

t.test('the set-up script installs what the table says', (t) => {
  const needed = [...script.matchAll(/^need (\S+) (.+)$/gm)];
  t.ok(needed.length > 3);
  for (const [, name = '', packages = ''] of needed) {
    t.ok(
      [qemuTool, ...tools].some((tool) => tool.name === name),
      `${name} is in the table`,
    );
    t.ok(packagesOfTool(name).apt?.split(' ').includes(packages), `${name} is in ${packages}`);
  }
  t.equal(packagesOfTool('no-such-tool').apk, 'no-such-tool');
  t.end();
});

t.test('the set-up script has the same names of packages for every package manager', (t) => {
  const table = /^names='\n([^']*)'$/m.exec(script)?.[1] ?? '';
  const rows = table
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  t.ok(rows.length > 8, table);
  const emulators = [qemuTool, qemuToolOf(architectureOf('arm64'))];
  const known = [...[...emulators, ...tools].map(({ packages }) => packages), keyringPackages];
  // Node comes with npm everywhere, and by a name of its own.
  const rest = rows.filter(([apt]) => apt !== 'nodejs');
  for (const [place, manager] of Object.keys(packageManagers).entries()) {
    const words = (names: readonly (string | null | undefined)[]): string[] =>
      [...new Set(names.flatMap((name) => name?.split(/[ ,]/) ?? []))].filter((name) => name !== '-').sort();
    t.same(
      words(rest.map((row) => row[place])),
      words(known.map((names) => names[manager as keyof typeof names])),
      manager,
    );
    t.match(
      script,
      packageManagers[manager as keyof typeof packageManagers].install.split(' --')[0],
      manager,
    );
  }
  t.end();
});

t.test('a distribution is known by its own name, or by what it is like', (t) => {
  for (const [osRelease, manager] of [
    ['ID=debian\n', 'apt'],
    ['NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n', 'apt'],
    ['ID="rocky"\nID_LIKE="rhel centos fedora"\n', 'dnf'],
    ['ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n', 'zypper'],
    ['ID=manjaro\nID_LIKE=arch\n', 'pacman'],
    ['ID=alpine\n', 'apk'],
    ['ID="void"\n', 'xbps'],
    ['ID=unheard-of\n', null],
    ['', null],
  ] as const)
    t.equal(packageManagerOf(osRelease), manager, osRelease);
  t.end();
});

t.test(
  'what is missing is installed by one command, and where no package has it something else is said',
  (t) => {
    const wanted = ['mkfs.erofs', 'setpriv', 'flock', 'python3'].map(packagesOfTool);
    t.equal(
      installCommand(wanted, 'apt'),
      'apt-get install --no-install-recommends erofs-utils util-linux python3 python3-pip',
    );
    t.equal(installCommand(wanted, 'apk'), 'apk add erofs-utils setpriv flock python3 py3-pip');
    t.equal(installCommand(wanted, 'xbps'), 'xbps-install -S erofs-utils util-linux python3 python3-pip');
    t.equal(installCommand(wanted, null), null);
    t.equal(
      describeInstall(wanted, null),
      'install what Debian calls erofs-utils, util-linux, python3, python3-pip',
    );
    t.equal(describeInstall([], null), null);
    t.equal(describeInstall(wanted, 'apk'), installCommand(wanted, 'apk'));
    t.equal(installCommand([], 'dnf'), null);
    t.equal(installCommand([keyringPackages], 'zypper'), null);
    t.equal(installHint('xz', 'pacman'), 'pacman -S xz');
    t.match(installHint('apt-get', 'zypper'), /^zypper has no package .*images import/);
    t.end();
  },
);
