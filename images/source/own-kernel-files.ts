/** A kernel of one's own from files of this computer: read, checked, and named by its contents. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { collectModules, listModules, type LoadedModule } from '../archive/initramfs.ts';
import { readKernelImage, readOwnConfig, type KernelImage } from '../archive/kernel-image.ts';
import { findMissing } from '../archive/kernel-needs.ts';
import { describeUnread, readPlainFile, SpecialFileError } from '../bounded-file.ts';
import { guestModules } from '../definitions.ts';
import { PoolproofError } from '../errors.ts';
import { parseKernelFile } from '../kernel-file.ts';

export type OwnKernelFiles = Readonly<{
  /** Of its contents: names its artefacts. */
  digest: string;
  release: string;
  bytes: Buffer;
  modules: readonly LoadedModule[];
}>;

/** Far beyond any kernel, and any configuration. */
const [maxImageBytes, maxConfigBytes] = [256 * 2 ** 20, 4 * 2 ** 20];

async function readImage(file: string): Promise<Buffer> {
  return readPlainFile(file, maxImageBytes).catch((cause: unknown) => {
    throw new PoolproofError('KERNEL_UNFIT', `the kernel cannot be read: ${describeUnread(cause)}`, {
      file,
      cause,
      hint: 'results have the name of a kernel alone: give its place with --kernel',
    });
  });
}

/** The folder with the modules of that release: itself, or where packages and `make modules_install` put it. */
async function findModulesFolder(given: string, release: string): Promise<string> {
  const places = ['.', release, `lib/modules/${release}`, `usr/lib/modules/${release}`];
  for (const place of places) {
    const folder = path.join(given, place);
    if ((await stat(path.join(folder, 'modules.builtin')).catch(() => null)) !== null) return folder;
  }
  throw new PoolproofError('KERNEL_UNFIT', `there are no modules of ${release} here`, {
    file: given,
    hint: `a folder with modules.builtin is needed, such as lib/modules/${release}`,
  });
}

/** The configuration: in the kernel, or a file where packages and builds leave it. */
async function findConfig(
  image: KernelImage,
  file: string,
  modulesFolder: string | null,
): Promise<string | null> {
  const beside = path.dirname(file);
  const places = [
    path.join(beside, `config-${image.release}`),
    path.join(beside, `${path.basename(file)}.config`),
    // In a build: <tree>/arch/x86/boot/bzImage.
    path.join(beside, '../../../.config'),
    ...(modulesFolder === null
      ? []
      : ['config', 'build/.config'].map((name) => path.join(modulesFolder, name))),
  ];
  for (const place of places) {
    const text = await readPlainFile(place, maxConfigBytes).then(String, () => null);
    if (text?.includes('CONFIG_') === true) return text;
  }
  return readOwnConfig(image);
}

const refuseModule =
  (folder: string | null) =>
  (cause: unknown): never => {
    if (!(cause instanceof SpecialFileError)) throw cause;
    throw new PoolproofError('KERNEL_UNFIT', `a module cannot be read: it ${cause.message}`, {
      ...(folder !== null && { file: folder }),
      cause,
    });
  };

/**
 * The kernel that a value of the axis `kernel` names by its file; null for the name of a row.
 * @throws PoolproofError KERNEL_UNFIT for a file that is no kernel or lacks what a guest needs, by name
 */
export async function readOwnKernelFiles(kernel: string): Promise<OwnKernelFiles | null> {
  const named = parseKernelFile(kernel);
  if (named === null) return null;
  const { file } = named;
  const bytes = await readImage(file);
  const image = readKernelImage(bytes, file);
  const folder = named.modules === null ? null : await findModulesFolder(named.modules, image.release);
  const config = await findConfig(image, file, folder);
  const known = folder === null ? null : await listModules(folder).catch(refuseModule(folder));
  const missing = findMissing({
    config,
    builtIn: known?.builtIn ?? null,
    modules: new Set(known?.fileOf.keys()),
  });
  if (missing.length > 0) {
    throw new PoolproofError('KERNEL_UNFIT', `Linux ${image.release} lacks ${missing.join(', ')}`, {
      file,
      hint:
        missing.some((text) => text.includes('it is a module')) && folder === null
          ? 'give the folder of its modules with --modules, or `modules` in a matrix'
          : 'turn these options on in its configuration (CONFIG_…)',
    });
  }
  const modules = known === null ? [] : await collectModules(known, guestModules).catch(refuseModule(folder));
  const hash = createHash('sha256').update(bytes);
  for (const { name, data } of modules) hash.update(`\0${name}\0`).update(data);
  return { digest: hash.digest('hex'), release: image.release, bytes, modules };
}
