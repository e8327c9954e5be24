/**
 * Programs of this computer that poolproof starts, and the Debian packages that bring them. scripts/set-up has to
 * name those that it installs by itself, before there is a Node; a test holds it against this table.
 */

import { guestArchitecture } from './architectures.ts';

export type Tool = Readonly<{
  name: string;
  /** Debian packages, one a word. */
  package: string;
  /** Completes `it …`. */
  use: string;
}>;

const { program, package: qemuPackage } = guestArchitecture.qemu;

export const qemuTool: Tool = { name: program, package: qemuPackage, use: 'runs guests' };

/** All but QEMU. */
export const tools: readonly Tool[] = [
  { name: 'setpriv', package: 'util-linux', use: 'ends QEMU with the harness' },
  { name: 'flock', package: 'util-linux', use: 'keeps two runs apart' },
  { name: 'mkfs.erofs', package: 'erofs-utils', use: 'builds the disks of a guest' },
  { name: 'dpkg-deb', package: 'dpkg', use: 'unpacks packages' },
  { name: 'apt-get', package: 'apt', use: 'fetches kernels and libraries' },
  { name: 'apt-cache', package: 'apt', use: 'finds the newest version of a package' },
  { name: 'apt-config', package: 'apt', use: 'tells how this computer reaches its mirror' },
  { name: 'npm', package: 'npm', use: 'fetches Node and koffi' },
  { name: 'python3', package: 'python3 python3-pip', use: 'fetches libwasmtime, with pip' },
  { name: 'xz', package: 'xz-utils', use: 'unpacks packages' },
];

/** Packages that bring a program; its own name where the table has none. */
export const packageOfTool = (name: string): string =>
  [qemuTool, ...tools].find((tool) => tool.name === name)?.package ?? name;
