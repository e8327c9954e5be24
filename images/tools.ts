/**
 * Programs of this computer that poolproof starts, and the packages that bring them. scripts/set-up has to name those
 * that it installs by itself, before there is a Node; a test holds it against this table.
 */
import { existsSync, readFileSync } from 'node:fs';
import { architectures, defaultArchitecture, type Architecture } from './architectures.ts';

/** Package managers, with the distributions (`ID` and `ID_LIKE` of os-release) that have them. */
export const packageManagers = {
  apt: { install: 'apt-get install --no-install-recommends', systems: ['debian', 'ubuntu'] },
  dnf: { install: 'dnf install', systems: ['fedora', 'rhel', 'centos'] },
  zypper: { install: 'zypper install', systems: ['suse', 'opensuse'] },
  pacman: { install: 'pacman -S', systems: ['arch'] },
  apk: { install: 'apk add', systems: ['alpine'] },
  xbps: { install: 'xbps-install -S', systems: ['void'] },
} as const;

export type PackageManager = keyof typeof packageManagers;

/** By package manager: packages, one a word; null where the distribution has none. */
export type PackageNames = Readonly<Record<PackageManager, string | null>>;

export type Tool = Readonly<{
  name: string;
  packages: PackageNames;
  /** Completes `it …`. */
  use: string;
}>;

const named = (
  apt: string,
  dnf: string | null = apt,
  zypper: string | null = dnf,
  pacman: string | null = dnf,
  apk: string | null = dnf,
  xbps: string | null = dnf,
): PackageNames => ({ apt, dnf, zypper, pacman, apk, xbps });

/** The QEMU of an architecture. */
export const qemuToolOf = ({ qemu }: Architecture): Tool => ({
  name: qemu.program,
  packages: named(qemu.package, ...qemu.otherPackages),
  use: 'runs guests',
});

export const qemuTool = qemuToolOf(defaultArchitecture);

/** All but QEMU. The columns are apt, dnf, zypper, pacman, apk, xbps. */
export const tools: readonly Tool[] = [
  {
    name: 'setpriv',
    // Alpine splits util-linux; busybox' own setpriv knows no --pdeathsig.
    packages: named('util-linux', 'util-linux', 'util-linux', 'util-linux', 'setpriv'),
    use: 'ends QEMU with the harness',
  },
  {
    name: 'flock',
    packages: named('util-linux', 'util-linux', 'util-linux', 'util-linux', 'flock'),
    use: 'keeps two runs apart',
  },
  { name: 'mkfs.erofs', packages: named('erofs-utils'), use: 'builds the disks of a guest' },
  { name: 'dpkg-deb', packages: named('dpkg'), use: 'unpacks packages' },
  {
    name: 'apt-get',
    packages: named('apt', 'apt', null, 'apt', 'apt'),
    use: 'fetches kernels and libraries',
  },
  {
    name: 'apt-cache',
    packages: named('apt', 'apt', null, 'apt', 'apt'),
    use: 'finds the newest version of a package',
  },
  {
    name: 'apt-config',
    packages: named('apt', 'apt', null, 'apt', 'apt'),
    use: 'tells how this computer reaches its mirror',
  },
  {
    name: 'npm',
    packages: named('npm', 'npm', 'npm', 'npm', 'npm', 'nodejs'),
    use: 'fetches Node and koffi',
  },
  {
    name: 'python3',
    packages: named(
      'python3 python3-pip',
      'python3 python3-pip',
      'python3 python3-pip',
      'python python-pip',
      'python3 py3-pip',
    ),
    use: 'fetches libwasmtime, with pip',
  },
  { name: 'xz', packages: named('xz-utils', 'xz'), use: 'unpacks packages' },
];

/** What brings Debian's keys, in the distribution's own package. */
export const keyringPackages: PackageNames = named(
  'debian-archive-keyring',
  'debian-keyring',
  null,
  'debian-archive-keyring',
  'debian-archive-keyring',
  null,
);

/** The package manager of a distribution, from the text of its os-release; null where it says nothing known. */
export function packageManagerOf(osRelease: string): PackageManager | null {
  const words = [...osRelease.matchAll(/^(?:ID|ID_LIKE)="?([^"\n]*)"?$/gm)].flatMap(([, value = '']) =>
    value.split(/[\s-]+/),
  );
  for (const [name, { systems }] of Object.entries(packageManagers)) {
    if (systems.some((system) => words.includes(system))) return name as PackageManager;
  }
  return null;
}

/** That of this computer; null where neither its distribution nor apt is known. */
export function ownPackageManager(): PackageManager | null {
  const file = '/etc/os-release';
  const known = existsSync(file) ? packageManagerOf(readFileSync(file, 'utf8')) : null;
  return known ?? (existsSync('/usr/bin/apt-get') ? 'apt' : null);
}

/** Packages that bring a program; its own name where the table has none. */
export const packagesOfTool = (name: string): PackageNames =>
  [...architectures.map(qemuToolOf), ...tools].find((tool) => tool.name === name)?.packages ?? named(name);

/**
 * The command that installs packages here, e.g. `dnf install xz`; null where the distribution has none of them, or is
 * not known.
 */
export function installCommand(
  wanted: readonly PackageNames[],
  manager: PackageManager | null = ownPackageManager(),
): string | null {
  if (manager === null) return null;
  const words = wanted.flatMap((names) => names[manager]?.split(' ') ?? []);
  return words.length === 0 ? null : `${packageManagers[manager].install} ${[...new Set(words)].join(' ')}`;
}

/** What to do where programs are missing: the command, or Debian's names of the packages. */
export function describeInstall(
  wanted: readonly PackageNames[],
  manager: PackageManager | null = ownPackageManager(),
): string | null {
  if (manager !== null) return installCommand(wanted, manager);
  const words = wanted.flatMap((names) => names.apt?.split(' ') ?? []);
  return words.length === 0 ? null : `install what Debian calls ${[...new Set(words)].join(', ')}`;
}

/** What to do where a program is missing. */
export const installHint = (name: string, manager: PackageManager | null = ownPackageManager()): string =>
  describeInstall([packagesOfTool(name)], manager) ??
  `${manager} has no package that brings it; build the images on a Debian machine and bring them here with ` +
    '`poolproof images export` and `poolproof images import`';
