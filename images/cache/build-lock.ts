/** The lock that lets one process at a time build in a cache. */
import { once } from 'node:events';
import path from 'node:path';
import { execa } from 'execa';
import { describeSpecialFile } from '../bounded-file.ts';
import { PoolproofError } from '../errors.ts';
import { missingTool } from '../source/run-tool.ts';
import type { ImageCache } from './image-cache.ts';

/** Of flock when another process holds the lock. */
const takenCode = 75;

/** Another process builds in this cache. */
export type WaitEvent = Readonly<{ kind: 'wait' }>;

type Holder = ReturnType<typeof startHolder>;

/** No `sh -c … &`: cat is the very process that inherits the locked descriptor, and it reports that it is there. */
const startHolder = (file: string, how: readonly string[]) =>
  execa('flock', [...how, '--exclusive', file, 'sh', '-c', 'echo held && exec cat'], {
    stdin: 'pipe',
    reject: false,
    buffer: false,
  });

/**
 * Waits until no other process builds in this cache, and keeps others out until disposed.
 *
 * The lock is held by flock(1), whose child reads from us: when this process ends, however it ends, that pipe closes,
 * the child ends, and the kernel frees the lock. A lock file would outlive a SIGKILL.
 */
export async function holdBuildLock(
  cache: ImageCache,
  onEvent?: (event: WaitEvent) => void,
): Promise<AsyncDisposable> {
  const file = path.join(cache.folder, 'lock');
  const special = await describeSpecialFile(file);
  if (special !== null)
    throw new PoolproofError('CACHE_UNWRITABLE', `the lock is ${special} and not a plain file`, { file });
  // The first try alone says whether another process holds it: how long flock takes also depends on how busy this
  // computer is.
  let held = await tryLock(['--nonblock', `--conflict-exit-code=${takenCode}`]);
  if (held === null) {
    onEvent?.({ kind: 'wait' });
    held = await tryLock([]);
  }
  const { holder } = held ?? fail(undefined);
  return {
    [Symbol.asyncDispose]: async () => {
      holder.stdin.end();
      await holder;
    },
  };

  /** Null when another process holds the lock, which only a try that does not wait says. */
  async function tryLock(how: readonly string[]): Promise<Readonly<{ holder: Holder }> | null> {
    const holder = startHolder(file, how);
    const end = await Promise.race([once(holder.stdout, 'data').then(() => null), holder]);
    // In an object: a process that is awaited is awaited to its end.
    if (end === null) return { holder };
    return end.exitCode === takenCode ? null : fail(end);
  }

  function fail(end: Awaited<Holder> | undefined): never {
    if (end?.code === 'ENOENT') throw missingTool('flock', 'building images');
    throw new PoolproofError('CACHE_UNWRITABLE', `cannot lock ${file}`, { file, cause: end?.cause });
  }
}
