/**
 * A run that is being written: its folder, its lock, its lines. Everything that can refuse (folder,
 * lock, resume) refuses here, before a guest boots.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, realpath, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PoolproofError } from '../errors.ts';
import { addEvidence, type Evidence, evidenceFolder, writeEvidence } from './evidence.ts';
import { linkLatest } from './find-run.ts';
import { clearResults, clearRun } from './leftovers.ts';
import { type LineLog, openLineLog } from './line-log.ts';
import { type Lock, takeLock } from './lock.ts';
import { cellKey, cellsFile, isDamage, readResults } from './read-run.ts';
import { type Result, resultSchema } from './result.ts';
import { findDigestDifferences } from './compare-digests.ts';
import { type RunRecord, loadRecord, runFile, writeRecord } from './run-record.ts';
import { errnoOf, storeError } from './store-error.ts';

/** What the caller knows about a run; the store adds the rest. */
export type RunInit = Omit<RunRecord, 'schema' | 'id' | 'startedAt' | 'finishedAt' | 'resumedAt'>;

export type OpenRun = AsyncDisposable &
  Readonly<{
    dir: string;
    record: RunRecord;
    /** `cellKey` of the cells already there; empty for a new run. */
    done: ReadonlySet<string>;
    /** Stored lines that could not be read, a torn last line among them; for the person who resumes. */
    problems: readonly PoolproofError[];
    /**
     * The line is in the file when this returns, and on the disk half a second later. @throws DISK_FULL,
     * STORE_UNWRITABLE, STORE_BUSY
     */
    appendResult(result: Result): void;
    /** @returns the folder, relative to the run's. @throws DISK_FULL, STORE_UNWRITABLE */
    writeEvidence(cell: Readonly<{ id: string; repetition: number }>, files: Evidence): string;
    /** Adds files to evidence that `writeEvidence` wrote. @throws DISK_FULL, STORE_UNWRITABLE */
    addEvidence(folder: string, files: Evidence): void;
    /** Stamps `finishedAt`: every cell of the run has its line. */
    finish(): Promise<RunRecord>;
    /** Frees the lock. Also by `await using`. */
    close(): Promise<void>;
  }>;

/**
 * Starts a run in a folder of its own below `resultsDir` and points `latest` at it.
 * @throws STORE_UNWRITABLE, DISK_FULL, STORE_BUSY, TOOL_NOT_FOUND
 */
export async function createRun(resultsDir: string, init: RunInit, now = new Date()): Promise<OpenRun> {
  const id = runId(now);
  const dir = join(resultsDir, id);
  await probe(resultsDir);
  await clearResults(resultsDir);
  await attempt(dir, () => mkdir(dir));
  const lock = await takeLock(dir);
  try {
    const startedAt = now.toISOString();
    const stamps = { startedAt, finishedAt: null, resumedAt: [] };
    const record: RunRecord = { ...init, schema: resultSchema, id, ...stamps };
    await attempt(dir, () => mkdir(join(dir, evidenceFolder)));
    await writeRecord(dir, record);
    await attempt(join(resultsDir, 'latest'), () => linkLatest(resultsDir, id));
    const { log } = await openLineLog(join(dir, cellsFile));
    return buildRun(dir, record, lock, log, new Set(), []);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/**
 * Continues a run: drops a torn last line and says which cells are there. A damaged line is refused before anything
 * changes: what was there is not known, and what damaged it may have damaged more.
 * @param dir folder of the run, e.g. `results/latest`
 * @throws STORE_NOT_FOUND, STORE_BUSY, STORE_SCHEMA, STORE_CORRUPT with the line; USAGE when matrix, images, QEMU or
 * accelerator are not those the run was started with: its cells would not be comparable
 */
export async function resumeRun(dir: string, init: RunInit, now = new Date()): Promise<OpenRun> {
  await loadRecord(dir);
  const folder = await realpath(dir);
  await probe(folder);
  const lock = await takeLock(folder);
  try {
    // Read again under the lock: a run that just ended has changed it.
    const old = await loadRecord(folder);
    refuseOther(old, init, join(folder, runFile));
    const done = new Set<string>();
    const problems: PoolproofError[] = [];
    for await (const line of readResults(join(folder, cellsFile))) {
      if (line instanceof PoolproofError) {
        if (isDamage(line)) throw refuseDamage(line);
        problems.push(line);
      } else done.add(cellKey(line));
    }
    const record = { ...old, finishedAt: null, resumedAt: [...old.resumedAt, now.toISOString()] };
    await attempt(folder, () => mkdir(join(folder, evidenceFolder), { recursive: true }));
    await clearRun(folder);
    await clearResults(dirname(folder));
    await writeRecord(folder, record);
    const { log } = await openLineLog(join(folder, cellsFile));
    return buildRun(folder, record, lock, log, done, problems);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** `20261123T230311Z-a1b2c3` */
function runId(now: Date): string {
  const time = now
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:]/g, '');
  return `${time}-${randomBytes(3).toString('hex')}`;
}

function buildRun(
  dir: string,
  record: RunRecord,
  lock: Lock,
  log: LineLog,
  done: ReadonlySet<string>,
  problems: readonly PoolproofError[],
): OpenRun {
  let closing: Promise<void> | null = null;
  const close = () => (closing ??= log.close().finally(() => lock.release()));
  return {
    dir,
    record,
    done,
    problems,
    appendResult: (result) => {
      if (!lock.held()) {
        throw new PoolproofError('STORE_BUSY', 'the lock on this run was lost', {
          file: dir,
          hint: 'continue with: poolproof run --resume',
        });
      }
      log.append(JSON.stringify(result));
    },
    writeEvidence: (cell, files) => writeEvidence(dir, cell, files),
    addEvidence: (folder, files) => addEvidence(dir, folder, files),
    finish: async () => {
      const finished = { ...record, finishedAt: new Date().toISOString() };
      await writeRecord(dir, finished);
      return finished;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function refuseDamage({ code, message, details }: PoolproofError): PoolproofError {
  return new PoolproofError(code, `cannot resume: ${message}`, {
    hint: 'remove that line, and its cell runs again; or start a new run (without --resume)',
    ...details,
  });
}

/** What must be equal for two halves of a run to be one run, in the words of the message. */
const sameness: readonly Readonly<{ what: string; of: (run: RunInit) => string }>[] = [
  { what: 'the matrix', of: (run) => run.matrix.text },
  { what: 'the images', of: (run) => run.images.digest },
  { what: 'QEMU', of: (run) => run.qemu.version },
  { what: 'the accelerator', of: (run) => run.accelerator.kind },
];

function refuseOther(old: RunRecord, init: RunInit, file: string): void {
  const subjects = Object.keys(init.digests?.subjects ?? {});
  // A definition in a file of its own changes no text of the matrix.
  if (old.digests === undefined && subjects.length > 0) {
    throw new PoolproofError(
      'USAGE',
      `cannot resume: the run was started by an older version, which did not record what ${subjects.join(', ')} is`,
      { file, hint: 'start a new run (without --resume)' },
    );
  }
  const changed = [
    ...sameness.filter(({ of }) => of(old) !== of(init)).map(({ what }) => what),
    ...findDigestDifferences(old, init),
  ];
  if (changed.length === 0) return;
  throw new PoolproofError(
    'USAGE',
    `cannot resume: ${changed.join(', ')} changed since the run was started`,
    {
      file,
      hint: 'start a new run (without --resume), or undo the change',
    },
  );
}

async function attempt(file: string, action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (cause) {
    throw storeError(cause, file);
  }
}

/**
 * `mkdir -p` by hand: Node's own (20.20) never returns where a file system refuses new folders with
 * ENOENT although the parent is there, e.g. below /proc.
 */
async function makeFolder(dir: string): Promise<void> {
  const failure = await tryMkdir(dir);
  if (failure === null) return;
  const parent = dirname(dir);
  if (errnoOf(failure) !== 'ENOENT' || parent === dir || (await stat(parent).catch(() => null)) !== null)
    throw failure;
  await makeFolder(parent);
  const again = await tryMkdir(dir);
  if (again !== null) throw again;
}

/** Null when the folder is there now. */
async function tryMkdir(dir: string): Promise<Error | null> {
  try {
    await mkdir(dir);
    return null;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return null;
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Writes and removes a file: permission bits do not tell (root, read-only mounts, quotas). */
async function probe(dir: string): Promise<void> {
  const file = join(dir, `.probe-${randomBytes(6).toString('hex')}`);
  await attempt(dir, async () => {
    await makeFolder(dir);
    const handle = await open(file, 'wx');
    try {
      await handle.write('poolproof\n');
      await handle.datasync();
    } finally {
      await handle.close();
      await rm(file, { force: true });
    }
  });
}
