/**
 * The sha256 of a library. A module of its own, loaded only for `--digest`: hashing 30 MB costs 0.1 s on hardware, and
 * seconds under emulation.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** sha256 of a file, hexadecimal. */
export function hashFile(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
