/**
 * Evidence of a cell: one folder per cell, files whose names the harness chose and whose content
 * it did not. A folder appears whole, by rename, and before the line that points to it.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf, storeError } from './store-error.ts';

export const evidenceFolder = 'evidence';

/**
 * Content by file name; `attempt-1/console.log` puts it in a folder. The names in use are in results/README.md. What is
 * empty makes no file.
 */
export type Evidence = Readonly<Record<string, string | Uint8Array>>;

/** A file larger than this keeps its beginning and its end. */
const fileLimit = 8 * 2 ** 20;

const safeName = /^(?:[a-z0-9][a-z0-9-]{0,40}\/)?[a-z0-9][a-z0-9.-]{0,60}$/;

/** Whether the store takes a file of evidence by that name. */
export const isEvidenceName = (name: string): boolean => safeName.test(name);

/** As the store names them: no path leaves the folder, no name begins with a dot. */
const evidencePath =
  /^evidence\/[A-Za-z0-9_][A-Za-z0-9._-]{0,199}\/(?:[a-z0-9][a-z0-9-]{0,40}\/)?[a-z0-9][a-z0-9.-]{0,60}$/;

export const isEvidencePath = (path: string): boolean => evidencePath.test(path);

/** `memory_512M-overcommit_2-…-1f2e3d4c`: safe on every file system, short, and unique by its hash. */
export function evidenceName(id: string, repetition: number): string {
  const hash = createHash('sha256').update(`${id}#${repetition}`).digest('hex').slice(0, 10);
  const words = id
    .replaceAll('=', '_')
    .replaceAll(',', '-')
    .replace(/[^A-Za-z0-9._-]+/g, '_')
    .replace(/^[.-]+/, '')
    .slice(0, 80);
  return `${words}${repetition === 1 ? '' : `-r${repetition}`}-${hash}`;
}

/**
 * Writes (or replaces) the evidence of a cell. Synchronous: some twenty small calls into the page cache take
 * 0.3 ms, and through the thread pool ten times that, which a matrix of thousands of cells pays each time.
 * @returns its folder relative to the run's
 * @throws DISK_FULL, STORE_UNWRITABLE
 */
export function writeEvidence(
  dir: string,
  cell: Readonly<{ id: string; repetition: number }>,
  files: Evidence,
): string {
  const folder = join(evidenceFolder, evidenceName(cell.id, cell.repetition));
  const target = join(dir, folder);
  const temporary = join(dir, evidenceFolder, `.tmp-${randomBytes(6).toString('hex')}`);
  try {
    mkdirSync(temporary, { recursive: true });
    const made = new Set<string>();
    for (const [name, content] of Object.entries(files)) {
      if (!isEvidenceName(name)) throw new RangeError(`not a name for evidence: ${name}`);
      if (content.length === 0) continue;
      const parent = dirname(name);
      if (parent !== '.' && !made.has(parent)) mkdirSync(join(temporary, parent));
      made.add(parent);
      writeFileSync(join(temporary, name), limitSize(content));
    }
    replaceFolder(temporary, target);
  } catch (cause) {
    // The disk may be full: what was half written must not stay. The first failure is the one to tell.
    try {
      rmSync(temporary, { recursive: true, force: true });
    } catch {
      // Its name says that it is half written: it goes when the run is resumed.
    }
    throw cause instanceof RangeError ? cause : storeError(cause, target);
  }
  return folder;
}

/**
 * Adds files to the evidence of a cell, for later measurements. Each appears whole, by rename.
 * @param folder as `writeEvidence` returned it
 * @throws DISK_FULL, STORE_UNWRITABLE
 */
export function addEvidence(dir: string, folder: string, files: Evidence): void {
  for (const [name, content] of Object.entries(files)) {
    if (!safeName.test(name) || name.includes('/')) throw new RangeError(`not a name for evidence: ${name}`);
    const target = join(dir, folder, name);
    const temporary = join(dir, evidenceFolder, `.tmp-${randomBytes(6).toString('hex')}`);
    try {
      writeFileSync(temporary, limitSize(content));
      renameSync(temporary, target);
    } catch (cause) {
      rmSync(temporary, { force: true });
      throw storeError(cause, target);
    }
  }
}

/**
 * Paths below the run's folder of what a cell left behind: plain files with the names the store gives. Whatever else
 * somebody put there stays there; links are not followed.
 * @param folder as a line has it, which may come from others
 * @returns null where there is no such folder
 */
export async function listEvidence(dir: string, folder: string | null): Promise<readonly string[] | null> {
  // A path that is not the store's own is never walked.
  if (folder === null || !isEvidencePath(`${folder}/stdout`)) return null;
  const walk = async (below: string, depth: number): Promise<readonly string[]> => {
    const entries = await readdir(join(dir, below), { withFileTypes: true });
    const nested = entries.map(async (entry) => {
      const path = `${below}/${entry.name}`;
      if (entry.isFile()) return isEvidencePath(path) ? [path] : [];
      return entry.isDirectory() && depth > 0 ? walk(path, depth - 1) : [];
    });
    return (await Promise.all(nested)).flat();
  };
  const there = await lstat(join(dir, folder)).catch(() => null);
  return there?.isDirectory() === true ? walk(folder, 1) : null;
}

/** An earlier try's evidence is there only when a run is resumed: looking for it each time is not needed. */
function replaceFolder(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'EEXIST') throw error;
    rmSync(to, { recursive: true, force: true });
    renameSync(from, to);
  }
}

function limitSize(content: string | Uint8Array): Uint8Array {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  if (bytes.length <= fileLimit) return bytes;
  const half = fileLimit / 2;
  const note = `\n[poolproof: ${bytes.length - fileLimit} bytes left out]\n`;
  return Buffer.concat([bytes.subarray(0, half), Buffer.from(note), bytes.subarray(-half)]);
}
