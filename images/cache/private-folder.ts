/**
 * The cache is believed: guests boot its kernels, clones start from its memory, the wasm host loads its libraries, and
 * nothing of it is read again each time. So nobody else may write there.
 */
import { mkdir, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { PoolproofError } from '../errors.ts';

/** Permission to write for the group and for others. */
const writableByOthers = 0o022;
/** Permission of any kind to go into a folder, for the same. */
const enterableByOthers = 0o011;

/**
 * Makes a folder, for this user alone whatever the umask, or finds one that is there fit for trust.
 * @throws PoolproofError NOT_PRIVATE when it or a folder in it may be written to by others; errors of the system
 */
export async function openPrivateFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const own = await check(folder);
  // Nobody else gets further than here.
  if ((own & enterableByOthers) === 0) return;
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries) if (entry.isDirectory()) await check(path.join(folder, entry.name));
}

/** @returns the folder's mode */
async function check(folder: string): Promise<number> {
  const { uid, mode } = await stat(folder);
  const self = process.geteuid?.() ?? uid;
  if (uid !== self && uid !== 0) {
    throw new PoolproofError(
      'NOT_PRIVATE',
      `the folder belongs to another user (${uid}), who may change it`,
      {
        file: folder,
        hint: `take it with: chown -R ${self} ${folder}, or set POOLPROOF_CACHE to a folder of your own`,
      },
    );
  }
  if ((mode & writableByOthers) !== 0) {
    throw new PoolproofError(
      'NOT_PRIVATE',
      `others may write to this folder (mode ${(mode & 0o777).toString(8)}), and what is in it is trusted`,
      {
        file: folder,
        hint: `when you know all of them: chmod go-w ${folder}; else remove it, or set POOLPROOF_CACHE to another`,
      },
    );
  }
  return mode;
}
