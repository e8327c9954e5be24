/** Folders that go when they are disposed of, or with the process. */
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PoolproofError } from './errors.ts';
import { endPrograms } from './run-program.ts';

/** A killed program and Node's own threads finish a write while their folder is removed: for at most a second. */
const removal: Readonly<{ tries: number; pauseMs: number }> = { tries: 50, pauseMs: 20 };

const isStillWritten = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOTEMPTY';

const atExit = new Set<string>();

process.on('exit', () => {
  // Whatever still writes there ends first, in whatever order modules were loaded.
  endPrograms();
  for (const file of atExit) {
    try {
      removeNow(file);
    } catch (error) {
      process.stderr.write(`${file} cannot be removed: ${String(error)}\n`);
    }
  }
});

function removeNow(file: string): void {
  for (let left = removal.tries; ; left -= 1) {
    try {
      rmSync(file, { recursive: true, force: true });
      return;
    } catch (error) {
      if (left === 0 || !isStillWritten(error)) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, removal.pauseMs);
    }
  }
}

async function remove(file: string): Promise<void> {
  for (let left = removal.tries; ; left -= 1) {
    try {
      await rm(file, { recursive: true, force: true });
      return;
    } catch (error) {
      if (left === 0 || !isStillWritten(error)) throw error;
      await sleep(removal.pauseMs);
    }
  }
}

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
  return ownFolder(folder);
}

/** Makes a folder one that goes when it is disposed of, or with this process. */
export function ownFolder(folder: string): TemporaryFolder {
  const keep = removeAtExit(folder);
  return {
    path: folder,
    [Symbol.asyncDispose]: async () => {
      await remove(folder);
      keep();
    },
  };
}
