/** Read-only disks with data of the user's own, which a subject finds below /disks. */
import { constants } from 'node:fs';
import { copyFile, open, stat } from 'node:fs/promises';
import path from 'node:path';
import { describeSpecialFile, describeUnread } from './bounded-file.ts';
import type { BuiltDisk } from './build.ts';
import { findOrMake } from './cache/find-or-make.ts';
import { blobPath, hashFile, hashRecipe, openCache, saveArtefact } from './cache/image-cache.ts';
import { PoolproofError } from './errors.ts';
import { buildSubjectDisk, type DiskOptions } from './subject-disk.ts';

export type OwnDisk = Readonly<{
  /** Its folder in the guest: `/disks/<name>`. */
  name: string;
  /** An image of erofs, which is attached as it is, or a folder or a file, of which one is made. */
  from: string;
}>;

/** Raise it whenever the code below gives other bytes for the same file. */
const recipeVersion = 1;

/** Disks of a guest's images: see recipes.ts. */
const taken = /^(?:base|host|measure|workloads|swap)$|^(?:node|wasmtime|subject|modules)-/;
// What a serial number has room for.
const namePattern = /^[A-Za-z0-9][\w.-]{0,19}$/;

/** Why a disk cannot have this name; null when it can. */
export function findBadName(name: string): string | null {
  if (!namePattern.test(name)) return 'a name is 1 to 20 letters, digits and _ - .';
  return taken.test(name) ? 'disks of the harness have such names' : null;
}

/** Hashing and copying more takes minutes before the first guest. */
const maxImageBytes = 64 * 2 ** 30;

/** Looks at a disk before anything is fetched or built. @throws PoolproofError SUBJECT_FILE */
export async function checkOwnDisk({ name, from }: OwnDisk): Promise<void> {
  const refuse = (why: string, cause?: unknown): never => {
    throw new PoolproofError('SUBJECT_FILE', `the disk ${name} cannot be read: ${why}`, {
      file: from,
      cause,
    });
  };
  const found = await stat(from).catch((cause: unknown) => refuse(describeUnread(cause), cause));
  const what = await describeSpecialFile(from);
  if (what !== null && !found.isDirectory()) refuse(`it is ${what}, and neither a file nor a folder`);
  if (found.isFile() && found.size > maxImageBytes) refuse(`it has more than ${maxImageBytes / 2 ** 30} GiB`);
}

/**
 * The disk, kept in the cache by its contents: later changes of the file change no guest.
 * @throws PoolproofError SUBJECT_FILE when a file cannot be read, and those of {@link buildSubjectDisk}
 */
export async function buildOwnDisk({ name, from }: OwnDisk, options: DiskOptions): Promise<BuiltDisk> {
  await checkOwnDisk({ name, from });
  const found = await stat(from);
  if (found.isFile() && (await isErofs(from))) return keepImage(name, from, options);
  const to = found.isDirectory() ? '.' : path.basename(from);
  const { disk } = await buildSubjectDisk([{ to, from }], { ...options, bare: true });
  return { ...disk, name };
}

// linux fs/erofs/erofs_fs.h
const superblockAt = 1024;
const erofsMagic = 0xe0f5e1e2;

async function isErofs(file: string): Promise<boolean> {
  const bytes = Buffer.alloc(4);
  await using handle = await open(file, 'r');
  const { bytesRead } = await handle.read(bytes, 0, 4, superblockAt);
  return bytesRead === 4 && bytes.readUInt32LE() === erofsMagic;
}

async function keepImage(name: string, file: string, { cacheDir, onEvent }: DiskOptions): Promise<BuiltDisk> {
  const cache = await openCache(cacheDir);
  const { sha256, size } = await hashFile(file);
  const disk = { name, path: blobPath(cache, sha256), digest: `sha256:${sha256}`, sizeBytes: size };
  const recipe = hashRecipe([recipeVersion, 'own-disk', sha256]);
  await findOrMake(cache, recipe, onEvent, async (folder) => {
    const copy = path.join(folder, 'disk.erofs');
    await copyFile(file, copy, constants.COPYFILE_FICLONE);
    // Not under this recipe, which would then name bytes that are not there.
    if ((await hashFile(copy)).sha256 !== sha256)
      throw new PoolproofError('SUBJECT_FILE', 'the image changed while it was copied', { file });
    return saveArtefact(cache, recipe, copy, { name: `own-disk-${sha256.slice(0, 12)}`, components: [] });
  });
  return disk;
}
