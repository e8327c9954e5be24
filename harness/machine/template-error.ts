/** Turns a file system error about a template into one to act on. */
import { errnoOf, PoolproofError } from '../errors.ts';

/** An error of the system as one of ours; others stay as they are. */
export function templateError(cause: unknown, folder: string): unknown {
  const errno = errnoOf(cause);
  if (cause instanceof PoolproofError || errno === null) return cause;
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    return new PoolproofError('DISK_FULL', `no space for a template in ${folder} (${errno})`, {
      hint: 'free some space, or boot every cell with --cold',
      cause,
    });
  }
  return new PoolproofError('CACHE_UNWRITABLE', `no template can be kept in ${folder} (${errno})`, {
    file: folder,
    hint: 'boot every cell with --cold, or set POOLPROOF_CACHE to a folder you may write to',
    cause,
  });
}
