/**
 * What images are made of, as tables: a kernel, a Node release line, an engine version or a guest
 * library is a row. Exact versions and checksums are in lock.yaml, never here.
 */

import { guestArchitecture } from './architectures.ts';

/** Guest user space comes from one suite whatever the kernel, so that a kernel is the only thing that differs. */
export const guestSuite = 'bookworm';

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
  /** Package whose dependency names the real, versioned kernel package. */
  metaPackage: string;
  /** First two numbers of every release of it (`uname -r`); null where the suite moves on. */
  series: string | null;
  title: string;
  /** No cell has passed in it yet, on any computer of the project: nothing draws or searches it. */
  untried?: true;
}>;

/** The first is the default. */
export const kernels: readonly KernelDefinition[] = [
  {
    name: 'bookworm',
    distribution: 'debian',
    suite: 'bookworm',
    metaPackage: guestArchitecture.debian.kernelPackage,
    series: '6.1',
    title: 'Debian 12 cloud kernel, 6.1',
  },
  {
    name: 'bullseye',
    distribution: 'debian',
    suite: 'bullseye',
    metaPackage: guestArchitecture.debian.kernelPackage,
    series: '5.10',
    title: 'Debian 11 cloud kernel, 5.10',
  },
  {
    name: 'trixie',
    distribution: 'debian',
    suite: 'trixie',
    metaPackage: guestArchitecture.debian.kernelPackage,
    series: '6.12',
    title: 'Debian 13 cloud kernel, 6.12',
  },
  {
    name: 'sid',
    distribution: 'debian',
    suite: 'sid',
    metaPackage: guestArchitecture.debian.kernelPackage,
    series: null,
    title: "Debian unstable's cloud kernel, the newest there is",
  },
  {
    name: 'noble',
    distribution: 'ubuntu',
    suite: 'noble',
    // Not `-virtual`: it leaves out linux-modules-extra, and which of both has erofs is Ubuntu's business.
    metaPackage: 'linux-image-generic',
    series: '6.8',
    title: 'Ubuntu 24.04 kernel, 6.8',
    untried: true,
  },
  {
    name: 'jammy',
    distribution: 'ubuntu',
    suite: 'jammy',
    metaPackage: 'linux-image-generic',
    series: '5.15',
    title: 'Ubuntu 22.04 kernel, 5.15',
    untried: true,
  },
];

/** Those of which lock.yaml has the packages. */
export const pinnedKernels = kernels.filter(({ distribution }) => distribution === 'debian');

/** Whether cells have passed in a kernel: one that nobody knows counts as tried. */
export const isTried = (row: string): boolean => kernels.find(({ name }) => name === row)?.untried !== true;

/** Whether a release, as `uname -r` prints it, can be a row's: of its series, or of none of the others. */
export function isReleaseOf(row: string, release: string): boolean {
  const found = kernels.find(({ series }) => series !== null && release.startsWith(`${series}.`));
  const wanted = kernels.find(({ name }) => name === row);
  return wanted !== undefined && (found?.series ?? null) === wanted.series;
}

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
  /** Package of `guestSuite`. */
  package: string;
  /** Names the dynamic loader asks for. */
  sonames: readonly string[];
}>;

/** Shared libraries that Node, koffi and libwasmtime name as NEEDED (`readelf -d`), and no more. */
export const libraries: readonly LibraryDefinition[] = [
  {
    package: 'libc6',
    sonames: [
      guestArchitecture.debian.loader,
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
];

/**
 * npm package of Node builds, and the pinned release lines, newest first; any other version goes by its whole number.
 */
export const nodePackage = guestArchitecture.npm.node;
export const nodes: readonly string[] = ['26', '24', '22', '20', '18'];

/** Python package that carries the official libwasmtime, and the library's path inside its wheel. */
export const enginePackage = 'wasmtime';
export const engineLibrary = guestArchitecture.wheel.library;

/**
 * Pinned versions of libwasmtime, newest first; the first is what `engine: wasmtime` means. A new first row is a
 * decision, and not an update of the lock. Any other published version goes by its whole number.
 */
export const engines: readonly [string, ...string[]] = ['50.0.1', '38.0.0'];

/** koffi: its loader and the platform package with the native part; both are pinned to one version. */
export const koffiVersion = '3.3.4';
export const koffiPackages: readonly string[] = ['koffi', guestArchitecture.npm.koffi];

/** What an image is asked to hold. */
export type ImageRequest = Readonly<{
  /** Name of a row of `kernels`. */
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

/**
 * Lock names: `kernel/<row>/<part>`, `debian/<package>`, `npm/<package>@<line or version>`, `pip/<package>@<version>`.
 */
export const lockNames = {
  kernel: (row: string, part: string): string => `kernel/${row}/${part}`,
  debian: (name: string): string => `debian/${name}`,
  workload: (name: string, version: string): string => `npm/${name}@${version}`,
  koffi: (name: string): string => `npm/${name}@${koffiVersion}`,
  node: (line: string): string => `npm/${nodePackage}@${line}`,
  engine: (version: string): string => `pip/${enginePackage}@${version}`,
};

/** Packages of the guest's own user space. */
export const guestPackages: readonly string[] = ['busybox-static', ...libraries.map((row) => row.package)];
