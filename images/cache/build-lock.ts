/** The lock that lets one process at a time build in a cache. */
import { once } from 'node:events';
import path from 'node:path';
import { execa } from 'execa';
import { describeSpecialFile } from '../bounded-file.ts';
import { PoolproofError } from '../errors.ts';
import { missingTool } from '../source/run-tool.ts';
import type { ImageCache } from './image-cache.ts';

/**
 * Waits until no other process builds in this cache, and keeps others out until disposed.
 *
 * The lock is held by flock(1), whose child reads from us: when this process ends, however it ends, that pipe closes,
 * the child ends, and the kernel frees the lock. A lock file would outlive a SIGKILL.
 */
export async function holdBuildLock(cache: ImageCache, onWait?: () => void): Promise<AsyncDisposable> {
  const file = path.join(cache.folder, 'lock');
  const special = await describeSpecialFile(file);
  if (special !== null)
    throw new PoolproofError('CACHE_UNWRITABLE', `the lock is ${special} and not a plain file`, { file });
  // No `sh -c … &`: cat is the very process that inherits the locked descriptor, and it reports that it is there.
  const holder = execa('flock', ['--exclusive', file, 'sh', '-c', 'echo held && exec cat'], {
    stdin: 'pipe',
    reject: false,
    buffer: false,
  });
  const waiting = setTimeout(() => onWait?.(), 500);
  try {
    await Promise.race([
      once(holder.stdout, 'data'),
      holder.then((result) => Promise.reject(lockError(result))),
    ]);
  } finally {
    clearTimeout(waiting);
  }
  return {
    [Symbol.asyncDispose]: async () => {
      holder.stdin.end();
      await holder;
    },
  };

  function lockError(result: Awaited<typeof holder>): PoolproofError {
    if (result.code === 'ENOENT') return missingTool('flock', 'building images');
    return new PoolproofError('CACHE_UNWRITABLE', `cannot lock ${file}`, { file, cause: result.cause });
  }
}
