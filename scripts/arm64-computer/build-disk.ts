/**
 * The disk of an arm64 computer: Debian 13 from its own packages, none of whose scripts run, Node, this package and a
 * checkout of it, both with the modules that npm installs on arm64, and the images of its guests
 */
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { architectureOf } from '../../images/architectures.ts';
import { buildErofs, makeTreeFolder, writeTreeFile } from '../../images/archive/erofs.ts';
import { unpackDeb, unpackNpm } from '../../images/archive/unpack.ts';
import { openCache } from '../../images/cache/image-cache.ts';
import { loadLock } from '../../images/lock.ts';
import { project } from '../../images/paths.ts';
import { AptRoot, resolveSources } from '../../images/source/apt.ts';
import { recallMirror } from '../../images/source/debian-mirror.ts';
import { downloadNpm } from '../../images/source/npm.ts';
import { runTool } from '../../images/source/run-tool.ts';
import { exportImages } from '../../images/transfer.ts';

const arm64 = architectureOf('arm64');
const suite = 'trixie';
/** Release line of the Node there. */
const nodeLine = '22';

/** What set-up and doctor ask for on Debian, beside what every Debian has. */
const packages = [
  '?essential',
  ...[
    'qemu-system-x86',
    'qemu-system-arm',
    'erofs-utils',
    'util-linux',
    'xz-utils',
    'python3',
    'python3-pip',
  ],
  ...['apt', 'debian-archive-keyring'],
];

/** Documents and translations, a third of all bytes. */
const unread = ['doc', 'man', 'locale', 'info', 'bug', 'lintian'].map((name) => `usr/share/${name}`);

/** Where things are on the computer. */
export const places = {
  package: '/opt/package/node_modules/poolproof/dist/harness/cli.js',
  checkout: '/opt/checkout',
  images: '/opt/images.tar',
  path: ['/opt/node/bin', '/opt/npm/node_modules/.bin', '/usr/local/bin', '/usr/bin', '/usr/sbin'].join(':'),
} as const;

export type DiskRequest = Readonly<{
  /** The disk. */
  file: string;
  /** Empty; it holds what the disk is made of. */
  folder: string;
  cacheDir: string;
  /** Their images come along. */
  images: Readonly<{ kernel: string; nodes: readonly string[]; engines: readonly string[] }>;
}>;

/** @throws PoolproofError where something cannot be fetched */
export async function buildDisk({ file, folder, cacheDir, images }: DiskRequest): Promise<void> {
  const tree = path.join(folder, 'tree');
  await installDebian(tree, path.join(folder, 'apt'), cacheDir);
  const nodeVersion = await installNode(tree, path.join(folder, 'npm'));
  await installPackage(tree, folder, nodeVersion);
  await exportImages(path.join(tree, places.images), { architecture: 'arm64', ...images, cacheDir });
  await buildErofs(tree, file);
}

/** Debian's packages with all they depend on, unpacked, and the few files that their scripts would have written. */
async function installDebian(tree: string, aptFolder: string, cacheDir: string): Promise<void> {
  const cache = await openCache(cacheDir);
  const apt = new AptRoot(aptFolder, { suite, architecture: arm64 }, async () => {
    const remembered = await recallMirror(cache.folder);
    return (await resolveSources(suite, { remembered })).sources;
  });
  // Reads the lists, and leaves the settings of this apt.
  await apt.find('base-files');
  await runTool('apt-get', ['install', '--yes', '--download-only', '--no-install-recommends', ...packages], {
    code: 'IMAGE_FETCH',
    doing: `fetching Debian ${suite} for arm64`,
    env: { APT_CONFIG: path.join(aptFolder, 'apt.conf'), DEBIAN_FRONTEND: 'noninteractive' },
  });
  // Before the packages, which have files in both.
  for (const name of ['bin', 'sbin', 'lib']) {
    await makeTreeFolder(tree, `usr/${name}`);
    await symlink(`usr/${name}`, path.join(tree, name));
  }
  const archives = path.join(aptFolder, 'cache/archives');
  for (const name of (await readdir(archives)).filter((one) => one.endsWith('.deb')).sort())
    await unpackDeb(path.join(archives, name), tree);
  // What other disks are mounted at.
  await makeTreeFolder(tree, 'mnt');
  await removeAll(unread.map((name) => path.join(tree, name)));
  await writeTreeFile(tree, 'etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n');
  await writeTreeFile(tree, 'etc/group', 'root:x:0:\n');
  // Doctor wants to see one; without a network nobody asks it.
  await writeTreeFile(tree, 'etc/apt/sources.list', `deb http://mirror.invalid/debian ${suite} main\n`);
}

async function removeAll(files: readonly string[]): Promise<void> {
  await runTool('rm', ['-rf', ...files], { code: 'IMAGE_BUILD', doing: 'removing what nobody reads' });
}

/** npm's Node, and npm itself. Returns the version of Node. */
async function installNode(tree: string, folder: string): Promise<string> {
  const name = arm64.npm?.node ?? '';
  const version = (await loadLock()).find((pin) => pin.name === `npm/${name}@${nodeLine}`)?.version ?? '';
  const file = await downloadNpm(name, version, folder);
  if (file === undefined) throw new Error(`npm has no ${name} ${version}`);
  await unpackNpm(file, path.join(tree, 'opt/node'), /^bin\/node$/);
  await npm(['install', '--prefix', path.join(tree, 'opt/npm'), 'npm@11'], folder);
  return `v${version}`;
}

/** On x86-64 npm installs the modules of arm64 when it is told so. */
const likeArm64 = ['--ignore-scripts', '--omit=dev', `--cpu=${arm64.nodeName}`, '--os=linux', '--libc=glibc'];

async function npm(words: readonly string[], cwd: string): Promise<string> {
  const quiet = ['--no-audit', '--no-fund', '--silent'];
  const options = { code: 'IMAGE_FETCH', doing: `npm ${words[0] ?? ''}`, cwd } as const;
  return (await runTool('npm', [...words, ...quiet], options)).stdout;
}

/** The package as a user installs it, and a checkout that set-up finds complete. */
async function installPackage(tree: string, folder: string, nodeVersion: string): Promise<void> {
  const user = path.join(tree, 'opt/package');
  await mkdir(user, { recursive: true });
  await writeFile(path.join(user, 'package.json'), '{ "private": true }\n');
  const packed = await npm(['pack', '--ignore-scripts', '--pack-destination', folder], project.root);
  await npm(['install', ...likeArm64, path.join(folder, packed)], user);

  const checkout = path.join(tree, places.checkout);
  await makeTreeFolder(checkout, '.');
  const copy =
    'cd "$0" && { git ls-files -z; find dist -type f -print0; } | tar -c --null -T - | tar -x -C "$1"';
  const doing = 'copying the checkout';
  await runTool('sh', ['-c', copy, project.root, checkout], { code: 'IMAGE_BUILD', doing });
  await npm(['ci', ...likeArm64], checkout);
  const lock = path.join(checkout, 'package-lock.json');
  const sum = 'cksum <"$0"';
  const { stdout } = await runTool('sh', ['-c', sum, lock], { code: 'IMAGE_BUILD', doing });
  // As scripts/set-up leaves it: there is no network on that computer.
  await writeFile(path.join(checkout, 'node_modules/.poolproof'), `${stdout} ${nodeVersion}\n`);
}
