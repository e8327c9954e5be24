/** A bundle from somebody else → a run. Nothing in it is believed before it is checked. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ReadEntry } from 'tar';
import { readTar, TarError, type TarProgress } from '../../images/archive/read-tar.ts';
import { describeUnread } from '../../images/bounded-file.ts';
import { removeAtExit } from '../../images/temporary-folder.ts';
import { PoolproofError } from '../errors.ts';
import {
  type BundledFile,
  type BundleLimits,
  type Manifest,
  bundleError,
  bundleLimits,
  manifestName,
  parseManifest,
} from './bundle-manifest.ts';
import { evidenceFolder, isEvidencePath } from './evidence.ts';
import { cellsFile, readRun } from './read-run.ts';
import { errnoOf, storeError } from './store-error.ts';

export type Unpacked = Readonly<{
  /** Folder of the run. */
  dir: string;
  run: string;
  selection: Manifest['selection'];
  cells: number;
}>;

/**
 * Unpacks a bundle into a folder of its own below `resultsDir`. Refused: everything that is not a plain file
 * named in the list of contents, once, with its size and checksum; paths other than the store's own; more than
 * the limits; a newer schema; a damaged line. Checksums prove that nothing was lost, not who packed it. Nothing
 * half written stays.
 * @throws PoolproofError BUNDLE_INVALID, STORE_SCHEMA, USAGE when the run is there already, DISK_FULL,
 * STORE_UNWRITABLE
 */
export async function unpackBundle(
  file: string,
  resultsDir: string,
  limits: BundleLimits = bundleLimits,
): Promise<Unpacked> {
  const temporary = join(resultsDir, `.unpack-${randomBytes(6).toString('hex')}`);
  const keep = removeAtExit(temporary);
  try {
    await mkdir(join(temporary, evidenceFolder), { recursive: true });
    const manifest = await extract(file, temporary, limits);
    await checkRun(file, temporary, manifest);
    const dir = join(resultsDir, manifest.run);
    if ((await stat(dir).catch(() => null)) !== null) {
      throw new PoolproofError('USAGE', `run ${manifest.run} is there already`, {
        file: dir,
        hint: 'unpack into another folder with --results DIR',
      });
    }
    await rename(temporary, dir);
    return { dir, run: manifest.run, selection: manifest.selection, cells: manifest.cells };
  } catch (cause) {
    // The first failure is the one to tell.
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw cause instanceof PoolproofError ? cause : storeError(cause, resultsDir);
  } finally {
    keep();
  }
}

/** Of an entry, besides its bytes: its header, a header for a long path with that path, and padding. */
const entryBytes = 2048;
/** A bundle may be padded at its end. */
const paddingBytes = 64 * 1024;

/**
 * A list of contents holds a checksum of 32 random bytes for each file: gzip makes it 3.4 times
 * smaller (measured: 100 to 10,000 files), and 30 MB of `[` 1,028 times. A short one that packs better is let through.
 */
const isLikelyList = (bytes: number, packedBytes: number): boolean => bytes <= 64 * 1024 + packedBytes * 16;

/** Reads the archive once; each entry is checked before and while it is written. */
async function extract(file: string, dir: string, limits: BundleLimits): Promise<Manifest> {
  const state: { manifest?: Manifest; named: Map<string, BundledFile> } = { named: new Map() };
  const seen = new Set<string>();
  let most = limits.manifestBytes + entryBytes + paddingBytes;
  const take = async (entry: ReadEntry, { packedBytes }: TarProgress): Promise<void> => {
    const problem = findProblem(entry, state, seen, limits);
    if (problem !== null) throw bundleError(file, problem);
    seen.add(entry.path);
    if (state.manifest === undefined) {
      const text = await collect(entry, (length) => {
        if (!isLikelyList(length, packedBytes()))
          throw bundleError(
            file,
            `its list of contents has ${entry.size} bytes: more than such a bundle has`,
          );
      });
      state.manifest = parseManifest(text, file, limits);
      state.named = new Map(state.manifest.files.map((each) => [each.path, each]));
      most += state.manifest.files.reduce((sum, { size }) => sum + size + entryBytes, 0);
      return;
    }
    const named = state.named.get(entry.path);
    if (named !== undefined) await writeEntry(entry, named, dir, file);
  };
  try {
    await readTar(file, { totalBytes: () => most }, take);
  } catch (cause) {
    throw explainRead(cause, file);
  }
  if (state.manifest === undefined) throw bundleError(file, 'it is empty');
  const missing = state.manifest.files.find(({ path }) => !seen.has(path));
  if (missing !== undefined) throw bundleError(file, `${missing.path} is missing`);
  return state.manifest;
}

function findProblem(
  { path, type, size }: ReadEntry,
  { manifest, named }: Readonly<{ manifest?: Manifest; named: ReadonlyMap<string, BundledFile> }>,
  seen: ReadonlySet<string>,
  limits: BundleLimits,
): string | null {
  if (type !== 'File') return `${path} is a ${type} and not a plain file`;
  if (seen.has(path)) return `${path} is there twice`;
  if (manifest === undefined) {
    if (path !== manifestName) return `it does not begin with ${manifestName}`;
    return size <= limits.manifestBytes ? null : `its list of contents has ${size} bytes`;
  }
  const file = named.get(path);
  if (file === undefined) return `${path} is not in its list of contents`;
  return file.size === size ? null : `${path} has ${size} bytes, not ${file.size}`;
}

async function collect(entry: ReadEntry, check: (length: number) => void): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of entry) {
    length += chunk.length;
    check(length);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function writeEntry(entry: ReadEntry, named: BundledFile, dir: string, file: string): Promise<void> {
  const target = join(dir, named.path);
  await mkdir(dirname(target), { recursive: true });
  const hash = createHash('sha256');
  // `wx`: never through anything that is there already. Not executable, whatever the archive says.
  const handle = await open(target, 'wx', 0o644);
  try {
    for await (const chunk of entry) {
      hash.update(chunk);
      await handle.write(chunk);
    }
  } finally {
    await handle.close();
  }
  if (hash.digest('hex') !== named.sha256)
    throw bundleError(file, `${named.path} is damaged: its checksum differs`);
}

/** What the files say must be what the list of contents says, and readable to the last line. */
async function checkRun(file: string, dir: string, manifest: Manifest): Promise<void> {
  const run = await readRun(dir);
  if (run.record.id !== manifest.run)
    throw bundleError(file, `it holds run ${run.record.id}, not ${manifest.run}`);
  let cells = 0;
  for await (const { evidence, id } of run.results()) {
    cells += 1;
    if (evidence !== null && !isEvidencePath(`${evidence}/stdout`)) {
      throw bundleError(file, `the evidence of ${id} is not below ${evidenceFolder}/`);
    }
  }
  const newer = run.problems.find(({ code }) => code === 'STORE_SCHEMA');
  if (newer !== undefined) throw newer;
  const [problem] = run.problems;
  if (problem !== undefined)
    throw bundleError(file, `${cellsFile}: line ${problem.details.line}: ${problem.message}`);
  if (cells !== manifest.cells)
    throw bundleError(file, `its number of cells is ${cells}, not ${manifest.cells}`);
}

function explainRead(cause: unknown, file: string): PoolproofError {
  if (cause instanceof PoolproofError) return cause;
  if (cause instanceof TarError) return bundleError(file, `it ${cause.message}`, cause);
  const code = errnoOf(cause);
  if (code === 'ENOENT' || code === 'EACCES' || code === 'EISDIR') {
    return new PoolproofError('STORE_NOT_FOUND', `cannot read the bundle: ${describeUnread(cause)}`, {
      file,
      cause,
    });
  }
  if (code?.startsWith('Z_') === true) return bundleError(file, 'it is not gzip, or cut short', cause);
  return storeError(cause, file);
}
