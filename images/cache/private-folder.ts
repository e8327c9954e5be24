/**
 * Keeps a cache private. The cache is trusted: guests boot its kernels, clones start from its memory, the wasm host
 * loads its libraries, and none of it is read again each time. So nobody else may write there.
 */
import { createHash } from 'node:crypto';
import { createReadStream, type Dirent, type Stats } from 'node:fs';
import { chmod, lstat, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { PoolproofError } from '../errors.ts';

/** Permission to write for the group and for others. */
const writableByOthers = 0o022;
/** For everybody, who are no group that a user may have for himself. */
const writableByAll = 0o002;
/** Permission of any kind to go into a folder, for the same. */
const enterableByOthers = 0o011;
const sticky = 0o1000;

/** While it exists, nothing in the cache is trusted yet: the next one to open the cache finishes the check. */
const doubtFile = 'doubted';
const blobsFolder = 'blobs';

/** Folders that are made again from blobs, or fetched again, when they cannot be trusted. */
const derived = [
  'accelerator',
  'apt',
  'artefacts',
  'engines',
  'experience.json',
  'mirror.json',
  'modules',
  'nodes',
  'successors',
  'templates',
  'toolchain',
  'unpinned',
  'workloads',
];
/** Every name that belongs in a cache: a folder with others in it is none, and is left as it is. */
const known = new Set([...derived, blobsFolder, doubtFile, 'lock', 'tmp']);

/**
 * Makes the folder of a cache, for this user alone whatever the umask, or finds one that is there fit for trust. One of
 * this user's that others could write to, as a umask of 002 leaves it, becomes private: blobs whose checksum is not
 * their name and everything that has no checksum are removed, and a warning of the process says so.
 *
 * @throws PoolproofError NOT_PRIVATE when others own or may write to it or to what is in it; errors of the system
 */
export async function openPrivateFolder(folder: string): Promise<void> {
  if ((await mkdir(folder, { recursive: true, mode: 0o700 })) !== undefined) await chmod(folder, 0o700);
  const own = await stat(folder);
  refuseOtherOwner(folder, own);
  const isOpen = (own.mode & writableByOthers) !== 0;
  // Nobody else gets further than here.
  const entries =
    isOpen || (own.mode & enterableByOthers) !== 0 ? await readdir(folder, { withFileTypes: true }) : [];
  const openSubfolders = await findOpen(folder, entries);
  if (isOpen || openSubfolders.length > 0) await close(folder, own, entries);
  else if (!(await exists(path.join(folder, doubtFile)))) return;
  await removeDoubtful(folder);
}

/** The subfolders that others may write to. */
async function findOpen(folder: string, entries: readonly Dirent[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of entries) {
    if (!entry.isDirectory()) continue;
    const subfolder = path.join(folder, entry.name);
    const status = await stat(subfolder);
    refuseOtherOwner(subfolder, status);
    if ((status.mode & writableByOthers) !== 0) found.push(subfolder);
  }
  return found;
}

function refuseOtherOwner(file: string, { uid }: Stats): void {
  const self = process.geteuid?.() ?? uid;
  if (uid === self || uid === 0) return;
  throw new PoolproofError('NOT_PRIVATE', `this belongs to another user (${uid}), who may change it`, {
    file,
    hint: `take it with: chown -R ${self} ${file}, or set POOLPROOF_CACHE to a folder of your own`,
  });
}

function refuseOpen(file: string, { mode }: Stats): PoolproofError {
  const words = `others may write here (mode ${(mode & 0o7777).toString(8)}), and what is in a cache is trusted`;
  return new PoolproofError('NOT_PRIVATE', words, {
    file,
    hint: 'remove that cache, or set POOLPROOF_CACHE to a folder of your own',
  });
}

/** Makes a cache of this user's private, and marks its content as doubtful. */
async function close(folder: string, status: Stats, entries: readonly Dirent[]): Promise<void> {
  const isOurs = status.uid === (process.geteuid?.() ?? status.uid);
  const foreign = entries.find(({ name }) => !known.has(name));
  if (foreign !== undefined) {
    throw new PoolproofError(
      'NOT_PRIVATE',
      `others may write here or below, and ${JSON.stringify(foreign.name)} is not part of a cache`,
      {
        file: folder,
        hint: 'chmod -R go-w it if you trust it, or set POOLPROOF_CACHE to a folder of its own',
      },
    );
  }
  // With the sticky bit it is a folder for everybody, as /tmp is.
  if (!isOurs || (status.mode & sticky) !== 0) throw refuseOpen(folder, status);
  const blobs = path.join(folder, blobsFolder);
  const files = (await readdir(blobs).catch(() => [])).map((name) => path.join(blobs, name));
  // Somebody who still has such a file open writes to it also when the folder is private.
  for (const file of [...entries.map(({ name }) => path.join(folder, name)), ...files]) {
    const each = await lstat(file);
    refuseOtherOwner(file, each);
    if (!each.isSymbolicLink() && (each.mode & writableByAll) !== 0) throw refuseOpen(file, each);
  }
  await writeFile(path.join(folder, doubtFile), '', { mode: 0o600 });
  for (const entry of entries) {
    if (entry.isDirectory()) await chmod(path.join(folder, entry.name), 0o700);
  }
  await chmod(folder, 0o700);
}

async function removeDoubtful(folder: string): Promise<void> {
  for (const name of derived) await rm(path.join(folder, name), { recursive: true, force: true });
  const blobs = path.join(folder, blobsFolder);
  let damaged = 0;
  for (const entry of await readdir(blobs, { withFileTypes: true }).catch(() => [])) {
    const file = path.join(blobs, entry.name);
    if (entry.isFile() && (await hash(file)) === entry.name) continue;
    damaged += 1;
    await rm(file, { recursive: true, force: true });
  }
  await rm(path.join(folder, doubtFile), { force: true });
  process.emitWarning(
    `others could write to the cache ${folder}: it is private now; its files were checked${
      damaged === 0 ? '' : ` (${damaged} removed)`
    }, and what has no checksum is made again`,
    'Poolproof',
  );
}

async function hash(file: string): Promise<string> {
  const sum = createHash('sha256');
  await pipeline(createReadStream(file), sum);
  return sum.digest('hex');
}

const exists = async (file: string): Promise<boolean> =>
  lstat(file).then(
    () => true,
    () => false,
  );
