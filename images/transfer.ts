/** Exports built images as one archive, and imports them on a computer without package managers. */
import { resolveCacheFolder } from './cache/cache-folder.ts';
import { randomUUID } from 'node:crypto';
import { link, mkdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { create } from 'tar';
import { checkArchive, extractBlobs, manifestName, type Manifest } from './archive/archive-check.ts';
import { buildImages, isBuilt, type BuildRequest } from './build.ts';
import { findInCache, openJob, type Job, type RecordedArtefact } from './resolve-build.ts';
import { holdBuildLock, type WaitEvent } from './cache/build-lock.ts';
import {
  blobPath,
  hasBlob,
  hashFile,
  makeWorkFolder,
  openCache,
  saveArtefact,
  type Artefact,
  type ImageCache,
} from './cache/image-cache.ts';
import { PoolproofError } from './errors.ts';
import type { Pin } from './lock.ts';
import { rememberSuccessor } from './source/component-store.ts';
import { diskFullError, isDiskFull } from './source/run-tool.ts';
import { recordSubjectDisk, type WantedFile } from './subject-disk.ts';
import { makeTemporaryFolder, removeAtExit } from './temporary-folder.ts';
import { isOwnKernelPart, recallOwnKernel, rememberOwnKernel } from './source/own-kernel.ts';
import { listUnpinned, rememberUnpinned } from './source/unpinned.ts';

type ExportRequest = BuildRequest &
  Readonly<{
    /** Files of each foreign subject that is to come along. @default none */
    subjects?: readonly (readonly WantedFile[])[];
  }>;

/** Name of the archive in a folder where it is looked for by the digest of its images. */
export const nameArchive = (digest: string): string => `${digest.replace(':', '-')}.tar.gz`;

export type Exported = Readonly<{
  file: string;
  sizeBytes: number;
  digest: string;
  images: readonly string[];
}>;

/**
 * Builds missing images and packs all into one archive, with which another Linux machine needs neither apt nor pip nor
 * mkfs. Packed with gzip where the name ends in `.gz` or `.tgz`. The file appears when it is whole, or not at all.
 *
 * @throws PoolproofError those of `buildImages` and of `buildSubjectDisk`, DISK_FULL, IMAGE_ARCHIVE when the file
 * cannot be written
 */
export async function exportImages(
  file: string,
  { subjects = [], ...request }: ExportRequest,
): Promise<Exported> {
  const built = await buildImages(request);
  const job = await openJob(request, request);
  const found = await findInCache(job);
  const images = [...found.artefacts.values(), ...(found.initramfs === undefined ? [] : [found.initramfs])];
  const { onEvent } = request;
  for (const files of subjects) {
    const options = { cacheDir: job.cache.folder, ...(onEvent && { onEvent }) };
    images.push(...(await recordSubjectDisk(files, options)));
  }
  // Subjects can share a package.
  const artefacts = [...new Map(images.map((one) => [one.recipe, one])).values()];
  const unpinned = await listRecorded(job);
  const manifest: Manifest = {
    schema: 1,
    digest: built.digest,
    artefacts: artefacts.map(({ recipe, artefact }) => ({ recipe, artefact })),
    successors: [...found.components.values()].flatMap((component) => {
      const pin = job.pins.get(component.name);
      if (component.successorOf === undefined || pin === undefined) return [];
      const { name, package: packageName, version, sha256, size } = component;
      return [{ pin: pin.sha256, successor: { name, package: packageName, version, sha256, size } }];
    }),
    ...(unpinned.length > 0 && { unpinned }),
  };
  return {
    file,
    sizeBytes: await writeArchive(file, manifest, job.cache, onEvent),
    digest: built.digest,
    images: artefacts.map(({ artefact }) => artefact.name),
  };
}

/** Returns its size, bytes. */
async function writeArchive(
  file: string,
  manifest: Manifest,
  cache: ImageCache,
  onEvent: ExportRequest['onEvent'],
): Promise<number> {
  await using _lock = await holdBuildLock(cache, onEvent);
  await using work = await makeWorkFolder(cache);
  const partial = `${file}.${randomUUID()}.partial`;
  const keep = removeAtExit(partial);
  try {
    await mkdir(path.join(work.path, 'blobs'));
    await writeFile(path.join(work.path, manifestName), JSON.stringify(manifest));
    const blobs = [...new Set(manifest.artefacts.map(({ artefact }) => artefact.sha256))];
    for (const sha256 of blobs) await link(blobPath(cache, sha256), path.join(work.path, 'blobs', sha256));
    await create(
      {
        file: partial,
        cwd: work.path,
        gzip: /\.(gz|tgz)$/.test(file),
        portable: true,
        mtime: new Date(0),
        strict: true,
      },
      // The manifest first: it lists what may follow.
      [manifestName, ...blobs.map((sha256) => `blobs/${sha256}`)],
    );
    await rename(partial, file);
  } catch (cause) {
    await rm(partial, { force: true });
    if (isDiskFull(String(cause))) throw diskFullError(`writing ${file}`, cause);
    throw new PoolproofError('IMAGE_ARCHIVE', `cannot write ${file}`, { file, cause });
  } finally {
    keep();
  }
  return (await stat(file)).size;
}

/** What the cache records of this job beside the lock. */
const listRecorded = async (job: Job): Promise<Pin[]> => [
  ...(await listUnpinned(job.cache)).filter(({ name }) => job.unpinned.has(name)),
  ...(await recallOwnKernel(job.cache, job.kernel)),
];

export type Imported = Readonly<{ digest: string; images: readonly string[] }>;

/**
 * Takes the images of an archive into the cache. Before a byte is written the whole archive is read and
 * refused if anything in it is not a plain file that its list of contents names, with the size named there;
 * then every file's checksum is compared. Checksums prove that the archive is undamaged, not who made it:
 * compare the digest with the one that the export printed.
 *
 * @throws PoolproofError IMAGE_ARCHIVE, IMAGE_CHECKSUM, DISK_FULL, CACHE_UNWRITABLE
 */
export async function importImages(
  file: string,
  cacheDir: string = resolveCacheFolder(),
  onEvent?: (event: WaitEvent) => void,
): Promise<Imported> {
  const manifest = await checkArchive(file);
  const cache = await openCache(cacheDir);
  await using _lock = await holdBuildLock(cache, onEvent);
  await using work = await makeWorkFolder(cache);
  const wanted = new Map<string, RecordedArtefact>();
  for (const entry of manifest.artefacts) {
    if (!(await isIntact(cache, entry.artefact))) wanted.set(entry.artefact.sha256, entry);
  }
  await checkSpace(
    cache.folder,
    [...wanted.values()].reduce((sum, { artefact }) => sum + artefact.size, 0),
  );
  const unpackedFolder = path.join(work.path, 'blobs');
  await mkdir(unpackedFolder);
  await extractBlobs(file, new Set(wanted.keys()), unpackedFolder);
  for (const [sha256] of wanted) {
    const found = await hashFile(path.join(work.path, 'blobs', sha256));
    if (found.sha256 === sha256) continue;
    throw new PoolproofError('IMAGE_CHECKSUM', `${file}: blobs/${sha256} has sha256 ${found.sha256}`, {
      file,
    });
  }
  // Only now, with every file checked, does the cache change.
  for (const { recipe, artefact } of manifest.artefacts) {
    const unpacked = path.join(work.path, 'blobs', artefact.sha256);
    const source = wanted.has(artefact.sha256) ? unpacked : blobPath(cache, artefact.sha256);
    wanted.delete(artefact.sha256);
    await saveArtefact(cache, recipe, source, artefact);
  }
  for (const { pin, successor } of manifest.successors) await rememberSuccessor(cache, pin, successor);
  const unpinned = manifest.unpinned ?? [];
  const parts = unpinned.filter(({ name }) => isOwnKernelPart(name));
  for (const pin of unpinned) if (!parts.includes(pin)) await rememberUnpinned(cache, pin);
  // An archive holds one kernel.
  const row = parts[0]?.name.split('/')[1];
  if (row !== undefined) await rememberOwnKernel(cache, row, parts);
  return { digest: manifest.digest, images: manifest.artefacts.map(({ artefact }) => artefact.name) };
}

/**
 * Takes the images of a request, and nothing else, from an archive of somebody else. They come into a cache of their
 * own first, and into this one only if together they have the digest.
 *
 * @param digest `BuiltImages.digest` of the request
 * @throws PoolproofError IMAGE_CHECKSUM when it is of other images, IMAGE_ARCHIVE when images are missing; those of
 * `importImages`
 */
export async function importVerified(file: string, request: BuildRequest, digest: string): Promise<void> {
  await using place = await makeTemporaryFolder();
  const trial = { ...request, cacheDir: path.join(place.path, 'cache') };
  await importImages(file, trial.cacheDir);
  // Nothing is to be fetched or built in the place of what is missing.
  if (!(await isBuilt(trial)))
    throw new PoolproofError('IMAGE_ARCHIVE', `${file} lacks images that the lock names`, { file });
  const verified = path.join(place.path, 'verified.tar');
  const found = await exportImages(verified, trial);
  if (found.digest !== digest)
    throw new PoolproofError('IMAGE_CHECKSUM', `${file} has images ${found.digest}, not ${digest}`, { file });
  await importImages(verified, request.cacheDir, request.onEvent);
}

/** Existing files are not unpacked again, but trusted only after reading them. */
async function isIntact(cache: ImageCache, { sha256, size }: Artefact): Promise<boolean> {
  return (await hasBlob(cache, sha256, size)) && (await hashFile(blobPath(cache, sha256))).sha256 === sha256;
}

async function checkSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < bytes)
    throw diskFullError(`unpacking ${Math.ceil(bytes / 2 ** 20)} MiB into ${folder}`);
}
