/** What the file system refused, as an error one can act on. */
import { PoolproofError } from '../errors.ts';

/** ENOSPC and EDQUOT are a full disk; everything else means that the folder cannot be written. */
export function storeError(cause: unknown, file: string): PoolproofError {
  if (cause instanceof PoolproofError) return cause;
  const code = errnoOf(cause);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new PoolproofError(
      'DISK_FULL',
      `no space left for results (${code}); what was written stays readable`,
      {
        file,
        cause,
        hint: 'make room, then continue with: poolproof run --resume',
      },
    );
  }
  return new PoolproofError('STORE_UNWRITABLE', `cannot write results here (${code ?? 'unknown error'})`, {
    file,
    cause,
    hint: 'choose another folder with --results DIR',
  });
}

/** `ENOENT` and its like; null for errors that did not come from the system. */
export function errnoOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}
