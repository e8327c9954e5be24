/** A run, or what failed in it, as one file that can be sent: results, evidence, checksums. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile, rename, rm, stat } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { Header, Pack, ReadEntry } from 'tar';
import { removeAtExit } from '../../images/temporary-folder.ts';
import { PoolproofError } from '../errors.ts';
import { type BundledFile, type Manifest, bundleSchema, manifestName } from './bundle-manifest.ts';
import { listEvidence } from './evidence.ts';
import { type Entry, cellKey, cellsFile, readRun } from './read-run.ts';
import type { Result } from './result.ts';
import { runFile } from './run-record.ts';
import { storeError } from './store-error.ts';

export type PackOptions = Readonly<{
  /** Only cells that did not do as expected, were not judged, or contradict the model. @default false */
  failed?: boolean;
}>;

export type Packed = Readonly<{
  file: string;
  cells: number;
  files: number;
  sizeBytes: number;
  /** Lines of the run that could not be read and are not in the bundle. */
  problems: readonly PoolproofError[];
}>;

/** Somebody has to look at these cells. A `skipped` one says nothing. */
export function isFailed({ verdict, outcome, finding }: Result): boolean {
  return (verdict !== 'expected' && outcome !== 'skipped') || finding !== null;
}

/**
 * Packs the run in `dir` into `file` (.tgz). Equal runs give equal bytes. A run that is still written gives
 * the cells that have ended. The file appears when it is whole, or not at all.
 * @throws PoolproofError STORE_*, CELL_NOT_FOUND when `failed` selects no cell, DISK_FULL
 */
export async function packRun(dir: string, file: string, options: PackOptions = {}): Promise<Packed> {
  const run = await readRun(dir);
  const failed = options.failed === true;
  const kept = new Map<string, Entry>();
  for await (const entry of run.entries()) kept.set(cellKey(entry.result), entry);
  for (const [key, { result }] of kept) if (failed && !isFailed(result)) kept.delete(key);
  if (failed && kept.size === 0) {
    throw new PoolproofError('CELL_NOT_FOUND', 'every cell did as expected: there is nothing to pack', {
      file: run.dir,
    });
  }
  const lines = Buffer.from([...kept.values()].map(({ line }) => `${line}\n`).join(''));
  const record = failed
    ? { ...run.record, options: { ...run.record.options, packed: 'failed' } }
    : run.record;
  const made = new Map([
    [runFile, Buffer.from(`${JSON.stringify(record, null, 2)}\n`)],
    [cellsFile, lines],
  ]);
  const evidence = (
    await Promise.all(
      [...kept.values()].map(async ({ result }) => (await listEvidence(run.dir, result.evidence)) ?? []),
    )
  ).flat();
  const files: BundledFile[] = [];
  for (const path of [...made.keys(), ...evidence.sort()]) {
    files.push(describe(path, made.get(path) ?? (await readFile(join(run.dir, path)))));
  }
  const manifest: Manifest = {
    schema: bundleSchema,
    run: run.record.id,
    selection: failed ? 'failed' : 'all',
    cells: kept.size,
    files,
  };
  const partial = `${file}.${randomBytes(6).toString('hex')}.partial`;
  const keep = removeAtExit(partial);
  try {
    await writeArchive(partial, manifest, async (path) => made.get(path) ?? readFile(join(run.dir, path)));
    await rename(partial, file);
  } catch (cause) {
    await rm(partial, { force: true });
    throw storeError(cause, file);
  } finally {
    keep();
  }
  const { size: sizeBytes } = await stat(file);
  return { file, cells: kept.size, files: files.length, sizeBytes, problems: run.problems };
}

const describe = (path: string, content: Buffer): BundledFile => ({
  path,
  size: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
});

async function writeArchive(
  target: string,
  manifest: Manifest,
  read: (path: string) => Promise<Buffer>,
): Promise<void> {
  // `portable` and one fixed time for all: nothing of this computer, and equal bytes for equal runs.
  const pack = new Pack({ gzip: true, portable: true, strict: true });
  const out = createWriteStream(target, { flags: 'wx' });
  const written = once(out, 'finish');
  // Both ends may fail while the other is waited for.
  written.catch(() => undefined);
  pack.pipe(out);
  await addFile(pack, manifestName, Buffer.from(`${JSON.stringify(manifest)}\n`));
  for (const { path, sha256 } of manifest.files) {
    const content = await read(path);
    if (describe(path, content).sha256 !== sha256) {
      throw new PoolproofError('STORE_BUSY', `${path} changed while it was packed`, { file: path });
    }
    await addFile(pack, path, content);
    if (out.errored) throw out.errored;
  }
  pack.end();
  await written;
}

/** One plain file, packed from bytes and not from a path: the bytes that were measured are those packed. */
async function addFile(pack: Pack, path: string, content: Buffer): Promise<void> {
  const header = new Header({ path, size: content.length, mode: 0o644, type: 'File', mtime: new Date(0) });
  const entry = new ReadEntry(header);
  const ended = new Promise<void>((resolve) => void entry.once('end', resolve));
  pack.add(entry);
  entry.write(content);
  entry.end();
  await ended;
}
