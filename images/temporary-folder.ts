/** Folders that go when they are disposed of, or with the process. */
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { PoolproofError } from './errors.ts';

const atExit = new Set<string>();

process.on('exit', () => {
  for (const file of atExit) rmSync(file, { recursive: true, force: true });
});

/**
 * Removes a file or folder when this process ends by itself: by an error, or at a signal that nothing waits for.
 * @returns takes it back
 */
export function removeAtExit(file: string): () => void {
  atExit.add(file);
  return () => void atExit.delete(file);
}

export type TemporaryFolder = AsyncDisposable & Readonly<{ path: string }>;

/**
 * A folder for this user alone, below the one for temporary files.
 * @throws PoolproofError TMPDIR_UNWRITABLE, DISK_FULL
 */
export async function makeTemporaryFolder(): Promise<TemporaryFolder> {
  const parent = os.tmpdir();
  let folder: string;
  try {
    folder = await mkdtemp(path.join(parent, 'poolproof-'));
  } catch (cause) {
    const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
    if (errno === 'ENOSPC' || errno === 'EDQUOT') {
      throw new PoolproofError('DISK_FULL', `no space left for temporary files in ${parent} (${errno})`, {
        hint: 'make room there, or name another folder with TMPDIR',
        cause,
      });
    }
    throw new PoolproofError('TMPDIR_UNWRITABLE', `no temporary files can be made in ${parent} (${errno})`, {
      hint: 'name a folder that is there and that you may write to with TMPDIR',
      cause,
    });
  }
  const keep = removeAtExit(folder);
  return {
    path: folder,
    [Symbol.asyncDispose]: async () => {
      await rm(folder, { recursive: true, force: true });
      keep();
    },
  };
}
