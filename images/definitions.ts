/**
 * What images are made of, as tables: a kernel, a Node release line, an engine version or a guest
 * library is a row. Exact versions and checksums are in lock.yaml, never here.
 */

import {
  type Architecture,
  type ArchitectureName,
  architectureOf,
  defaultArchitecture,
} from './architectures.ts';
import { parseKernelFile } from './kernel-file.ts';

/** Guest user space comes from one suite whatever the kernel, so that a kernel is the only thing that differs. */
export const guestSuite = defaultArchitecture.debian.suite;

export type KernelDefinition = Readonly<{
  /** Value of the matrix axis `kernel`. */
  name: string;
  /**
   * Debian's are pinned in lock.yaml. Ubuntu's come from the own sources of a computer that has them, and are recorded
   * in its cache.
   */
  distribution: 'debian' | 'ubuntu';
  /** Suite of the distribution; its security suite is read too, where there is one. */
  suite: string;
  /** By architecture the package whose dependency names the real, versioned kernel package; others have none. */
  metaPackages: Readonly<Partial<Record<ArchitectureName, string>>>;
  /** First two numbers of every release of it (`uname -r`); null where the suite moves on. */
  series: string | null;
  /** Its releases end with it. @default none of those that other rows have */
  flavour?: string;
  title: string;
  /** No cell has passed in it yet, on any computer of the project: nothing draws or searches it. */
  untried?: true;
  /** To be loaded before all others. @default none */
  modules?: readonly string[];
  /** Bytes of a page. @default 4096 */
  pageBytes?: number;
  /** Bits of address that it gives a process. @default that of the architecture */
  addressBits?: number;
}>;

const cloud = { 'x86-64': 'linux-image-cloud-amd64', arm64: 'linux-image-cloud-arm64' } as const;
// Ubuntu has arm64 on other mirrors, in its ports archive.
const ubuntu = { 'x86-64': 'linux-image-generic' } as const;

/** The first is the default. */
export const kernels: readonly KernelDefinition[] = [
  {
    name: 'bookworm',
    distribution: 'debian',
    suite: 'bookworm',
    metaPackages: cloud,
    series: '6.1',
    title: 'Debian 12 cloud kernel, 6.1',
  },
  {
    name: 'bullseye',
    distribution: 'debian',
    suite: 'bullseye',
    // Of arm64 the security archive lists versions that it has no files of.
    metaPackages: { 'x86-64': cloud['x86-64'] },
    series: '5.10',
    title: 'Debian 11 cloud kernel, 5.10',
  },
  {
    name: 'trixie',
    distribution: 'debian',
    suite: 'trixie',
    metaPackages: { ...cloud, riscv64: 'linux-image-riscv64' },
    series: '6.12',
    title: 'Debian 13 cloud kernel, 6.12',
  },
  {
    name: 'sid',
    distribution: 'debian',
    suite: 'sid',
    metaPackages: cloud,
    series: null,
    title: "Debian unstable's cloud kernel, the newest there is",
  },
  {
    name: 'noble',
    distribution: 'ubuntu',
    suite: 'noble',
    // Not `-virtual`: it leaves out linux-modules-extra, and which of both has erofs is Ubuntu's business.
    metaPackages: ubuntu,
    series: '6.8',
    title: 'Ubuntu 24.04 kernel, 6.8',
    untried: true,
  },
  {
    name: 'jammy',
    distribution: 'ubuntu',
    suite: 'jammy',
    metaPackages: ubuntu,
    series: '5.15',
    title: 'Ubuntu 22.04 kernel, 5.15',
    untried: true,
  },
  {
    name: 'trixie-16k',
    distribution: 'debian',
    suite: 'trixie',
    metaPackages: { arm64: 'linux-image-arm64-16k' },
    series: '6.12',
    flavour: '16k',
    title: 'Debian 13 kernel with pages of 16 KiB, 6.12',
    // Built into the cloud kernels; here erofs needs it, and its module names it only as a wish.
    modules: ['crc32c_generic'],
    pageBytes: 16_384,
    // With pages of 16 KiB the kernel has 47 bits below the 52 that a program can ask for.
    addressBits: 47,
  },
];

/** Those of which lock.yaml has the packages. */
export const pinnedKernels = kernels.filter(({ distribution }) => distribution === 'debian');

/** The row of a value of the axis `kernel`; undefined where there is none. */
export const findKernelRow = (name: string): KernelDefinition | undefined =>
  kernels.find((row) => row.name === name);

/** Whether cells have passed in a kernel: one that nobody knows counts as tried. */
export const isTried = (row: string): boolean => findKernelRow(row)?.untried !== true;

/**
 * Whether a release, as `uname -r` prints it, can be a row's: of its series and flavour, or of none of the others. A
 * kernel of one's own is the file that QEMU is given.
 */
export function isReleaseOf(row: string, release: string): boolean {
  if (parseKernelFile(row) !== null) return true;
  const found = kernels.find(
    ({ series, flavour = '' }) =>
      series !== null && release.startsWith(`${series}.`) && flavour === flavourOf(release),
  );
  const wanted = findKernelRow(row);
  if (wanted === undefined) return false;
  return found === undefined ? wanted.series === null : found === wanted;
}

/** `16k` of `6.12.118+deb13-arm64-16k`. */
const flavourOf = (release: string): string =>
  kernels.find(({ flavour }) => flavour !== undefined && release.endsWith(`-${flavour}`))?.flavour ?? '';

/**
 * Modules a guest loads before it can see its disks and its console. What a kernel has built in is left
 * out of its image, dependencies are added; the order of loading follows from them.
 */
export const guestModules: readonly string[] = [
  'virtio_pci',
  'virtio_blk',
  'virtio_console',
  // Without a hardware source of entropy an emulated guest can wait for its first random number.
  'virtio_rng',
  'erofs',
];

/**
 * Commands the guest finds in /bin; each is a link to busybox. A fixed list, because asking the binary
 * would mean running guest code on the test machine.
 */
export const busyboxApplets: readonly string[] = (
  '[ [[ ash awk base64 basename blockdev cat chgrp chmod chown chroot clear cmp cp cttyhack cut date dd df ' +
  'diff dirname dmesg du echo ed egrep env expr false fgrep find fold free getopt grep groups gunzip gzip ' +
  'halt head hexdump hostname id insmod ionice kill killall less ln losetup ls lsmod md5sum mdev mkdir ' +
  'mkfifo mknod mkswap mktemp modprobe more mount mv nice nl nohup nproc nsenter od paste pidof pivot_root ' +
  'poweroff printf ps pwd readlink realpath reboot renice reset rm rmdir rmmod sed seq setpriv setsid sh ' +
  'sha256sum shuf sleep sort stat strings stty swapoff swapon switch_root sync sysctl tac tail tar taskset ' +
  'tee test time timeout top touch tr true truncate tty umount uname uniq unlink unshare uptime usleep vi ' +
  'watch watchdog wc which whoami xargs xxd yes zcat'
)
  .split(' ')
  // Not in Debian's static build; kept out here rather than as dead links in the guest.
  .filter((name) => name !== 'nice' && name !== 'nohup');

export type LibraryDefinition = Readonly<{
  /** Package of the guest's suite. */
  package: string;
  /** Names the dynamic loader asks for. */
  sonames: readonly string[];
  /** Scripts below usr/share/nodejs that Debian's Node reads from there. @default none */
  scripts?: readonly string[];
}>;

/** What Debian's Node needs beside the libraries of every other (`readelf -d`, `strings`). */
const debianNodeLibraries: readonly LibraryDefinition[] = [
  { package: 'libnode137', sonames: ['libnode.so.137'] },
  { package: 'libada-url0-3', sonames: ['libada-url0.so.3'] },
  {
    package: 'libbrotli1',
    sonames: ['libbrotlicommon.so.1', 'libbrotlidec.so.1', 'libbrotlienc.so.1'],
  },
  { package: 'libcares2', sonames: ['libcares.so.2'] },
  { package: 'libhdr-histogram6', sonames: ['libhdr_histogram.so.6'] },
  { package: 'libicu78', sonames: ['libicudata.so.78', 'libicui18n.so.78', 'libicuuc.so.78'] },
  { package: 'libllhttp9.4', sonames: ['libllhttp.so.9.4'] },
  { package: 'libnghttp2-14', sonames: ['libnghttp2.so.14'] },
  { package: 'libsimdjson33', sonames: ['libsimdjson.so.33'] },
  { package: 'libsimdutf35', sonames: ['libsimdutf.so.35'] },
  { package: 'libsqlite3-0', sonames: ['libsqlite3.so.0'] },
  { package: 'libssl3t64', sonames: ['libcrypto.so.3', 'libssl.so.3'] },
  { package: 'libuv1t64', sonames: ['libuv.so.1'] },
  { package: 'libzstd1', sonames: ['libzstd.so.1'] },
  { package: 'zlib1g', sonames: ['libz.so.1'] },
  { package: 'node-acorn', sonames: [], scripts: ['acorn/dist/acorn.js', 'acorn-walk/dist/walk.js'] },
  { package: 'node-undici', sonames: [], scripts: ['undici/undici-fetch.js'] },
];

/** Shared libraries that Node, koffi and libwasmtime name as NEEDED (`readelf -d`), and no more. */
export const librariesOf = ({ debian }: Architecture): readonly LibraryDefinition[] => [
  {
    package: 'libc6',
    sonames: [
      debian.loader,
      'libc.so.6',
      'libm.so.6',
      // Empty since glibc 2.34, but still named by what was linked against an older one.
      'libdl.so.2',
      'libpthread.so.0',
      'librt.so.1',
    ],
  },
  { package: 'libgcc-s1', sonames: ['libgcc_s.so.1'] },
  { package: 'libstdc++6', sonames: ['libstdc++.so.6'] },
  // Node 26 is the first that needs it.
  { package: 'libatomic1', sonames: ['libatomic.so.1'] },
  ...(debian.nodeLine === null ? [] : debianNodeLibraries),
];

/** Pinned release lines of Node, newest first; any other version goes by its whole number. */
export const nodes: readonly string[] = ['26', '24', '22', '20', '18'];

/** Those of an architecture. */
export const nodesOf = ({ debian }: Pick<Architecture, 'debian'>): readonly string[] =>
  debian.nodeLine === null ? nodes : [debian.nodeLine];

/** Whether a line or a whole version can be there for an architecture: npm has any, Debian one. */
export const hasNode = (node: string, architecture: Architecture): boolean =>
  architecture.npm !== null || nodesOf(architecture).includes(node);

/** `24.21.0` of `24.21.0+dfsg+~cs24.13.4-1`: Debian's own part of a version says nothing of Node. */
export const withoutRevision = (version: string): string => version.replace(/[+~].*/, '');

/** Python package that carries the official libwasmtime. */
export const enginePackage = 'wasmtime';

/**
 * Pinned versions of libwasmtime, newest first; the first is what `engine: wasmtime` means. A new first row is a
 * decision, and not an update of the lock. Any other published version goes by its whole number.
 */
export const engines: readonly [string, ...string[]] = ['50.0.1', '38.0.0'];

/** Those of an architecture. */
export const enginesOf = ({ wheel }: Pick<Architecture, 'wheel'>): readonly string[] =>
  wheel === null ? [] : engines;

/** koffi: its loader and the platform package with the native part; both are pinned to one version. */
export const koffiVersion = '3.3.4';
export const koffiPackagesOf = ({ npm }: Architecture): readonly string[] =>
  npm === null ? [] : ['koffi', npm.koffi];

/** What an image is asked to hold. */
export type ImageRequest = Readonly<{
  /** @default x86-64 */
  architecture?: ArchitectureName;
  /** Name of a row of `kernels`, or a file: see kernel-file.ts. */
  kernel: string;
  /** Release lines or whole versions, e.g. `['22', '20.11.1']`; each becomes a disk of its own. */
  nodes: readonly string[];
  /** Versions of libwasmtime, e.g. `['50.0.1']`; each becomes a disk of its own. */
  engines: readonly string[];
  /** Also the disks with the measuring program and with its workloads. @default false */
  measure?: boolean;
}>;

/** Where init mounts a disk inside the guest. */
export const mountPoint = (disk: string): string => `/disks/${disk}`;

export const nodeDisk = (line: string): string => `node-${line}`;
export const engineDisk = (version: string): string => `${enginePackage}-${version}`;

/** Path of the Node binary inside the guest. */
export const nodePath = (line: string): string => `${mountPoint(nodeDisk(line))}/bin/node`;

/** Path of libwasmtime inside the guest. */
export const enginePath = (version: string): string =>
  `${mountPoint(engineDisk(version))}/lib/libwasmtime.so`;

/** Disk of the measuring program. */
export const measureDisk = 'measure';
export const measureProgram = `${mountPoint(measureDisk)}/measure.cjs`;

/** Disk of what it runs: kernels, and modules and inputs of the real programs. */
export const workloadsDisk = 'workloads';

/** Folder of the compiled wasm host inside the guest; `../allocator` and koffi resolve from there. */
export const hostFolder = `${mountPoint('host')}/wasm-host`;

export const requestedArchitecture = ({ architecture }: Pick<ImageRequest, 'architecture'>): Architecture =>
  architecture === undefined ? defaultArchitecture : architectureOf(architecture);

/**
 * Lock names: `kernel/<row>/<part>`, `debian/<package>` (Node too, where npm has none),
 * `npm/<package>@<line or version>`, `pip/<package>@<version>`. Before those but npm's, whose packages have a name per
 * architecture, stands the architecture where it is not x86-64: `arm64/debian/<package>`.
 */
export const lockNamesOf = ({ lockPrefix, npm }: Architecture) => ({
  kernel: (row: string, part: string): string => `${lockPrefix}kernel/${row}/${part}`,
  debian: (name: string): string => `${lockPrefix}debian/${name}`,
  workload: (name: string, version: string): string => `npm/${name}@${version}`,
  koffi: (name: string): string => `npm/${name}@${koffiVersion}`,
  node: (line: string): string => (npm === null ? `${lockPrefix}debian/nodejs` : `npm/${npm.node}@${line}`),
  engine: (version: string): string => `${lockPrefix}pip/${enginePackage}@${version}`,
});

/** Those of x86-64. */
export const lockNames = lockNamesOf(defaultArchitecture);

/** Packages of the guest's own user space. */
export const guestPackagesOf = (architecture: Architecture): readonly string[] => [
  'busybox-static',
  ...librariesOf(architecture).map((row) => row.package),
];
