/** A bundle from somebody else → a run. Nothing in it is believed before it is checked. */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { PoolproofError } from '../errors.ts';
import {
  type BundledFile,
  type BundleLimits,
  type Manifest,
  bundleError,
  bundleLimits,
  isEvidencePath,
  manifestName,
  parseManifest,
} from './bundle-manifest.ts';
import { evidenceFolder } from './evidence.ts';
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
  }
}

/** Reads the archive once; each entry is checked before and while it is written. */
async function extract(file: string, dir: string, limits: BundleLimits): Promise<Manifest> {
  const state: { manifest?: Manifest; named: Map<string, BundledFile>; failure?: Error } = {
    named: new Map(),
  };
  const seen = new Set<string>();
  let work: Promise<void> = Promise.resolve();
  const stop = new AbortController();
  const stopped = new Promise<void>((resolve) => {
    stop.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const fail = (failure: unknown): void => {
    state.failure ??= failure instanceof Error ? failure : new Error(String(failure));
    stop.abort();
  };
  const take = async (entry: ReadEntry): Promise<void> => {
    const problem = findProblem(entry, state, seen, limits);
    if (problem !== null) throw bundleError(file, problem);
    seen.add(entry.path);
    if (state.manifest === undefined) {
      state.manifest = parseManifest((await collect(entry)).toString('utf8'), file, limits);
      state.named = new Map(state.manifest.files.map((each) => [each.path, each]));
      return;
    }
    const named = state.named.get(entry.path);
    if (named !== undefined) await writeEntry(entry, named, dir, file);
  };
  const parser = new Parser({ strict: true });
  parser.on('entry', (entry: ReadEntry) => {
    // Entries come one at a time: the parser waits for the last one to be read.
    work = work.then(async () => {
      if (state.failure === undefined) await take(entry).catch(fail);
      entry.resume();
    });
  });
  parser.on('error', (cause) => fail(bundleError(file, 'it is not a whole archive', cause)));
  const ended = new Promise<void>((resolve) => void parser.once('end', resolve));
  // Padding is not in any size: a bomb of nothing but zeros would go past all other limits.
  const most = limits.totalBytes + limits.manifestBytes + limits.files * 2048;
  try {
    await pipeline(
      createReadStream(file),
      createGunzip(),
      async (chunks: AsyncIterable<Buffer>) => {
        let length = 0;
        for await (const chunk of chunks) {
          length += chunk.length;
          if (length > most) fail(bundleError(file, `more than ${most} bytes unpacked`));
          stop.signal.throwIfAborted();
          if (!parser.write(chunk)) await Promise.race([onDrain(parser), stopped]);
          stop.signal.throwIfAborted();
        }
        parser.end();
        await Promise.race([ended, stopped]);
      },
      { signal: stop.signal },
    );
    await work;
  } catch (cause) {
    await work;
    throw state.failure ?? explainRead(cause, file);
  }
  if (state.failure !== undefined) throw state.failure;
  if (state.manifest === undefined) throw bundleError(file, 'it is empty');
  const missing = state.manifest.files.find(({ path }) => !seen.has(path));
  if (missing !== undefined) throw bundleError(file, `${missing.path} is missing`);
  return state.manifest;
}

const onDrain = (parser: Parser): Promise<void> =>
  new Promise((resolve) => void parser.once('drain', resolve));

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

async function collect(entry: ReadEntry): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of entry) chunks.push(chunk);
  return Buffer.concat(chunks);
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
  if (cells !== manifest.cells) throw bundleError(file, `it holds ${cells} cells, not ${manifest.cells}`);
}

function explainRead(cause: unknown, file: string): PoolproofError {
  if (cause instanceof PoolproofError) return cause;
  const code = errnoOf(cause);
  if (code === 'ENOENT' || code === 'EACCES' || code === 'EISDIR') {
    return new PoolproofError('STORE_NOT_FOUND', `this bundle cannot be read (${code})`, { file, cause });
  }
  if (code?.startsWith('Z_') === true) return bundleError(file, 'it is not gzip, or cut short', cause);
  return storeError(cause, file);
}
