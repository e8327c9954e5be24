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

/** The pinned versions by the digest of their libwasmtime.so: since 38 a library itself says its major version only. */
const pinnedVersions: Readonly<Record<string, string>> = {
  '3127ca42fe7cdd3f0a43a358e79177dcfedd46c1746329826403b9d854de6178': '50.0.1',
  '88b52d17fdd1d3a3120332cf1a8c108a575d208f84d1d98ee8178ddac88d6ca0': '38.0.0',
};

/** Null: a build that is not pinned. */
export const findPinnedVersion = (sha256: string): string | null => pinnedVersions[sha256] ?? null;
