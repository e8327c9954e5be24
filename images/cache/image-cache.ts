/** The cache: files named by their sha256, and records of the recipes that made them. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, chmod, constants, mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { PoolproofError } from '../errors.ts';
import { diskFullError, isDiskFull } from '../source/run-tool.ts';
import { ownFolder, type TemporaryFolder } from '../temporary-folder.ts';
import { resolveCacheFolder } from './cache-folder.ts';
import { openPrivateFolder } from './private-folder.ts';

/**
 * A folder of files named by their sha256, and small records that say what was made from what.
 *
 * Own code rather than cacache: QEMU opens these files, import checks them and people compare them with
 * `sha256sum`, so a file's name should be the digest in the lock, on one level; and the fast path must not
 * read them. What is left is unique name + rename, which is a page of code.
 *
 *     blobs/<sha256>           fetched packages, kernels, initramfs, disks; mode 0444
 *     artefacts/<recipe>.json  digest, size and mtime of what a recipe gave
 *     successors/<pin>.json    what is used for a pin that Debian dropped
 *     unpinned/<name>.json     what was fetched for a version that nothing pins
 *     kernels/<row>.json       packages of a kernel that nothing pins
 *     apt/<suite>/             private apt roots
 *     mirror.json              the Debian mirror that `poolproof setup` was given
 *     tmp/                     work of whoever holds the lock
 *     lock                     see build-lock.ts
 */
export type ImageCache = Readonly<{ folder: string }>;

export const artefactSchema = z.strictObject({
  schema: z.literal(1),
  /** E.g. `kernel-bookworm`, `node-22`. */
  name: z.string().regex(/^[\w.@-]+$/),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  size: z.int().nonnegative(),
  mtimeMs: z.number(),
  /** Names and digests of the packages it was made of. */
  components: z.array(z.string().regex(/^[0-9a-f]{64}$/)),
  /** What else is known of it, e.g. a kernel's release. */
  facts: z.record(z.string(), z.string()),
});

export type Artefact = Readonly<z.infer<typeof artefactSchema>>;

/** @throws PoolproofError CACHE_UNWRITABLE, DISK_FULL, NOT_PRIVATE */
export async function openCache(folder: string = resolveCacheFolder()): Promise<ImageCache> {
  try {
    await openPrivateFolder(folder);
    for (const sub of ['blobs', 'artefacts', 'successors', 'unpinned', 'tmp']) {
      await mkdir(path.join(folder, sub), { recursive: true, mode: 0o700 });
    }
    await access(folder, constants.W_OK);
  } catch (cause) {
    if (cause instanceof PoolproofError) throw cause;
    if (isDiskFull(String(cause))) throw diskFullError(`creating ${folder}`, cause);
    throw new PoolproofError('CACHE_UNWRITABLE', `cannot write to the cache folder ${folder}`, {
      file: folder,
      hint: 'set POOLPROOF_CACHE to a folder you may write to',
      cause,
    });
  }
  return { folder };
}

export const blobPath = (cache: ImageCache, sha256: string): string =>
  path.join(cache.folder, 'blobs', sha256);

const artefactPath = (cache: ImageCache, recipe: string): string =>
  path.join(cache.folder, 'artefacts', `${recipe}.json`);

/** A folder for half-made things; only the holder of the build lock makes one. */
export async function makeWorkFolder(cache: ImageCache): Promise<TemporaryFolder> {
  return ownFolder(await mkdtemp(path.join(cache.folder, 'tmp', 'work-')));
}

export async function hasBlob(cache: ImageCache, sha256: string, size: number): Promise<boolean> {
  const found = await stat(blobPath(cache, sha256)).catch(() => undefined);
  return found?.isFile() === true && found.size === size;
}

/** Moves a finished file of the same file system into the cache; it is read-only from then on. */
export async function addBlob(cache: ImageCache, file: string, sha256: string): Promise<string> {
  const target = blobPath(cache, sha256);
  // An import has unpacked it to its place already.
  if (path.resolve(file) === path.resolve(target)) return target;
  // Two recipes can give the same bytes (Node 22, and the version it is pinned to): a new time would make the
  // first one's record void.
  const known = await hashFile(target).catch(() => undefined);
  if (known?.sha256 === sha256) {
    await rm(file, { force: true });
    return target;
  }
  await chmod(file, 0o444);
  await rename(file, target);
  return target;
}

export async function hashFile(file: string): Promise<Readonly<{ sha256: string; size: number }>> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash);
  return { sha256: hash.digest('hex'), size: (await stat(file)).size };
}

/** The key of a recipe: everything the bytes depend on, in a fixed order. */
export const hashRecipe = (recipe: unknown): string =>
  createHash('sha256').update(JSON.stringify(recipe)).digest('hex');

/**
 * What a recipe gave before, if its file is still as it was left: size and time are compared, bytes are not
 * (`verifyImages` does that). A record that cannot be read counts as none.
 */
export async function findArtefact(cache: ImageCache, recipe: string): Promise<Artefact | undefined> {
  const text = await readFile(artefactPath(cache, recipe), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const artefact = parseArtefact(text);
  if (artefact === undefined) return undefined;
  const file = await stat(blobPath(cache, artefact.sha256)).catch(() => undefined);
  return file?.size === artefact.size && file.mtimeMs === artefact.mtimeMs ? artefact : undefined;
}

export function parseArtefact(text: string): Artefact | undefined {
  try {
    return artefactSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Moves a built file into the cache and records what it is; the record comes last. */
export async function saveArtefact(
  cache: ImageCache,
  recipe: string,
  file: string,
  about: Readonly<{ name: string; components: readonly string[]; facts?: Readonly<Record<string, string>> }>,
): Promise<Artefact> {
  const { sha256, size } = await hashFile(file);
  const { mtimeMs } = await stat(await addBlob(cache, file, sha256));
  const artefact: Artefact = {
    schema: 1,
    name: about.name,
    sha256,
    size,
    mtimeMs,
    components: [...about.components],
    facts: { ...about.facts },
  };
  await writeFileAtomic(artefactPath(cache, recipe), `${JSON.stringify(artefact)}\n`);
  return artefact;
}
