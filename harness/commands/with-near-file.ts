/** A hint for an error about a file that is not there: the one that was probably meant. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { PoolproofError } from '../errors.ts';
import { nearestFile } from '../matrix/nearest-file.ts';

/** The same error, or one with the hint where it has none and a file of that ending has a similar name. */
export async function withNearFile(error: unknown): Promise<unknown> {
  if (!(error instanceof PoolproofError)) return error;
  const { code, message, details } = error;
  const { file, hint } = details;
  if (file === undefined || hint !== undefined || existsSync(file)) return error;
  const near = await nearestFile(file, [path.extname(file)]);
  if (near === null) return error;
  return new PoolproofError(code, message, { ...details, hint: `did you mean ${near}?`, cause: error });
}
