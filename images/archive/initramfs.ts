/** Builds the initramfs: busybox, kernel modules, folders, and the scripts of `guest/`. */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import zlib from 'node:zlib';
import type { Architecture } from '../architectures.ts';
import { busyboxApplets, mountPoint } from '../definitions.ts';
import { PoolproofError } from '../errors.ts';
import { buildProgram, programNamesOf } from '../guest/programs/build-program.ts';
import { readPlainFile } from '../bounded-file.ts';
import { buildCpio, type CpioEntry } from './cpio.ts';
import { moduleName, resolveModules } from './kernel-modules.ts';
import { runProgram, workBounds } from '../run-program.ts';
import { missingTool } from '../source/run-tool.ts';

/** Where init finds the modules and the file `order`, which names them one a line. */
const moduleFolder = 'lib/modules-poolproof';

/** Mount points and places that programs expect to exist. */
const folders: readonly (readonly [string, number])[] = [
  // The root itself: without it anybody may write there, as in any tmpfs.
  ['.', 0o755],
  ...['bin', 'dev', 'disks', 'etc', 'lib', 'proc', 'root', 'run', 'sys', 'usr', 'usr/lib'].map(
    (name) => [name, 0o755] as const,
  ),
  [moduleFolder, 0o755],
  ['tmp', 0o1777],
];

/**
 * Where programs look for the dynamic loader and the libraries (Debian's loader searches its multiarch
 * folders first); all lead to the one flat folder on the base disk, so Node runs without any setting.
 */
function listLibraryLinks({ debian }: Architecture): readonly CpioEntry[] {
  const { libraryFolder, loaderFolder, loader, nodeLine } = debian;
  const target = `${mountPoint('base')}/lib`;
  return [
    ...(loaderFolder === null
      ? [{ kind: 'link', path: `lib/${loader}`, target: `${target}/${loader}` } as const]
      : [{ kind: 'link', path: loaderFolder, target } as const]),
    { kind: 'link', path: `lib/${libraryFolder}`, target },
    { kind: 'link', path: `usr/lib/${libraryFolder}`, target },
    ...(nodeLine === null
      ? []
      : [{ kind: 'link', path: 'usr/share', target: `${mountPoint('base')}/share` } as const]),
  ];
}

export type UnpackedKernel = Readonly<{
  /** As `uname -r` prints it. */
  release: string;
  vmlinuz: string;
  modulesFolder: string;
}>;

/**
 * Finds kernel and modules in unpacked packages: before and after Debian moved /lib to /usr/lib, and after it
 * moved the kernel from /boot to its modules.
 */
export async function findKernel(tree: string): Promise<UnpackedKernel> {
  for (const base of ['lib/modules', 'usr/lib/modules']) {
    for (const release of await readdir(path.join(tree, base)).catch(() => [])) {
      const modulesFolder = path.join(tree, base, release);
      for (const vmlinuz of [
        path.join(tree, 'boot', `vmlinuz-${release}`),
        path.join(tree, 'boot', `vmlinux-${release}`),
        path.join(modulesFolder, 'vmlinuz'),
      ]) {
        if ((await stat(vmlinuz).catch(() => undefined))?.isFile() === true)
          return { release, vmlinuz, modulesFolder };
      }
    }
  }
  throw new PoolproofError('IMAGE_BUILD', 'the kernel packages have no kernel with modules of its release');
}

export type LoadedModule = Readonly<{ name: string; data: Buffer }>;

/** Far beyond any module, and any list of them. */
const maxModuleBytes = 128 * 2 ** 20;

/** The modules of a kernel, by name: those that are built in, and the files of the others. */
export type KernelModules = Readonly<{ builtIn: ReadonlySet<string>; fileOf: ReadonlyMap<string, string> }>;

export async function listModules(folder: string): Promise<KernelModules> {
  const builtIn = String(await readPlainFile(path.join(folder, 'modules.builtin'), maxModuleBytes));
  const files = (await readdir(folder, { recursive: true })).filter((file) =>
    /\.ko(\.(xz|zst))?$/.test(file),
  );
  return {
    builtIn: new Set(builtIn.split('\n').filter(Boolean).map(moduleName)),
    fileOf: new Map(files.map((file) => [moduleName(file), path.join(folder, file)])),
  };
}

/** The wanted modules and those that they need, in the order of loading. @throws PoolproofError IMAGE_BUILD */
export const collectModules = (
  { builtIn, fileOf }: KernelModules,
  wanted: readonly string[],
): Promise<readonly LoadedModule[]> =>
  resolveModules(wanted, builtIn, async (name) => readModule(fileOf.get(name)));

/** The part of the initramfs that scripts do not touch: busybox, its commands, modules in order, folders. */
export function buildBaseArchive(
  modules: readonly LoadedModule[],
  busybox: Uint8Array,
  architecture: Architecture,
): Buffer {
  const order = modules.map(({ name }) => `${name}.ko\n`).join('');
  return buildCpio([
    ...folders.map(([name, mode]): CpioEntry => ({ kind: 'folder', path: name, mode })),
    // The kernel opens it before init runs; /dev/null for the first redirection of a shell.
    { kind: 'device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
    { kind: 'device', path: 'dev/null', mode: 0o666, major: 1, minor: 3 },
    { kind: 'file', path: 'bin/busybox', mode: 0o755, data: busybox },
    ...busyboxApplets.map((name): CpioEntry => ({ kind: 'link', path: `bin/${name}`, target: 'busybox' })),
    { kind: 'file', path: `${moduleFolder}/order`, mode: 0o644, data: Buffer.from(order) },
    ...modules.map(({ name, data }): CpioEntry => ({
      kind: 'file',
      path: `${moduleFolder}/${name}.ko`,
      mode: 0o644,
      data,
    })),
    ...listLibraryLinks(architecture),
    { kind: 'file', path: 'etc/passwd', mode: 0o644, data: Buffer.from('root:x:0:0:root:/root:/bin/sh\n') },
    { kind: 'file', path: 'etc/group', mode: 0o644, data: Buffer.from('root:x:0:\n') },
  ]);
}

/** The part that is this project's own: `init.sh` becomes /init, `session.sh` /session, …; and its programs. */
export async function buildScriptArchive(guestFolder: string, architecture: Architecture): Promise<Buffer> {
  const names = (await readdir(guestFolder)).filter((name) => name.endsWith('.sh'));
  if (!names.includes('init.sh')) {
    throw new PoolproofError('IMAGE_BUILD', `there is no init.sh in ${guestFolder}`, {
      hint: 'npm run build',
    });
  }
  const scripts = await Promise.all(
    names.map(async (name): Promise<CpioEntry> => ({
      kind: 'file',
      path: name.replace(/\.sh$/, ''),
      mode: 0o755,
      data: await readFile(path.join(guestFolder, name)),
    })),
  );
  return buildCpio([
    ...scripts,
    { kind: 'folder', path: 'bin', mode: 0o755 },
    // Where the session's own files are; a subject finds it empty.
    { kind: 'folder', path: 'state', mode: 0o700 },
    ...programNamesOf(architecture).map((name): CpioEntry => ({
      kind: 'file',
      path: `bin/${name}`,
      mode: 0o755,
      data: buildProgram(name, architecture),
    })),
  ]);
}

async function readModule(file: string | undefined): Promise<Buffer | undefined> {
  if (file === undefined) return undefined;
  const bytes = await readPlainFile(file, maxModuleBytes);
  // Suites from trixie on compress modules; busybox' insmod in the guest would have to inflate them.
  if (file.endsWith('.xz')) return inflateXz(file);
  return file.endsWith('.zst') ? inflateZstd(file, bytes) : bytes;
}

async function inflateXz(file: string): Promise<Buffer> {
  const result = await runProgram('xz', ['-dc', file], workBounds);
  if (result.errorCode === 'ENOENT') throw missingTool('xz', 'unpacking a kernel module');
  if (!result.ok) {
    throw new PoolproofError('IMAGE_BUILD', `cannot unpack ${file}: xz ${result.why}`, {
      command: result.command,
      stderr: result.stderr.slice(-2000),
    });
  }
  // Whole: a signed module ends with a newline, without which the kernel finds no signature.
  return result.stdout;
}

/** Ubuntu's from 24.04 on. Node has the format since 22.15, and no other part of poolproof needs a program for it. */
function inflateZstd(file: string, bytes: Buffer): Buffer {
  const { zstdDecompressSync: inflate } = zlib as Partial<typeof zlib>;
  if (inflate === undefined) {
    throw new PoolproofError('IMAGE_BUILD', `cannot unpack ${file}: Node ${process.version} has no zstd`, {
      hint: 'kernel modules in zstd need Node 22.15 or later',
    });
  }
  try {
    return inflate(bytes, { maxOutputLength: workBounds.maxBytes });
  } catch (cause) {
    throw new PoolproofError('IMAGE_BUILD', `cannot unpack ${file}: it is no zstd file`, { cause });
  }
}
