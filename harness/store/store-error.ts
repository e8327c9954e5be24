/** Turns a file system error into one to act on. */
import { describeSpecialFile } from '../../images/bounded-file.ts';
import { errnoOf, PoolproofError } from '../errors.ts';

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

export { errnoOf } from '../errors.ts';

/** A pipe or a device where the store keeps a file would be read for ever. @throws STORE_CORRUPT */
export async function refuseSpecialFile(file: string): Promise<void> {
  const what = await describeSpecialFile(file);
  if (what === null) return;
  throw new PoolproofError('STORE_CORRUPT', `this is ${what} and not a plain file`, {
    file,
    hint: 'not written by poolproof; remove it',
  });
}
