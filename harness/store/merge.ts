/** Runs of many machines → one run. What they contradict each other in is reported, never settled in silence. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PoolproofError } from '../errors.ts';
import { evidenceFolder, listEvidence } from './evidence.ts';
import { type Completeness, findCompleteness } from './completeness.ts';
import { type Conflict, findRecordConflicts, mergeRecords } from './merge-records.ts';
import { cellKey, cellsFile, readRun, type StoredRun } from './read-run.ts';
import type { Result } from './result.ts';
import { pointLatest } from './find-run.ts';
import { type RunRecord, writeRecord } from './run-record.ts';
import { storeError } from './store-error.ts';

export type MergeOptions = Readonly<{
  /** Folder in which the merged run gets its own. */
  resultsDir: string;
  /** Merge also what was made with different matrices, images or QEMU. @default false */
  allowUnlike?: boolean;
}>;

export type Merged = Readonly<{
  /** Folder of the merged run; null when a blocking conflict kept it from being written. */
  dir: string | null;
  record: RunRecord;
  cells: number;
  /** Lines left out because another line of the same cell counts. */
  superseded: number;
  /** Cells the runs should have together and have not; the least that must be where they do not list them. */
  missing: number;
  /** The same in full, by name where the runs list their cells. */
  completeness: Completeness;
  /** Results whose evidence was not there. */
  withoutEvidence: number;
  conflicts: readonly Conflict[];
  /** Lines that could not be read. */
  problems: readonly PoolproofError[];
}>;

/** Remembered of a line between the two passes: a few bytes, whatever the size of the run. */
type Chosen = {
  id: string;
  repetition: number;
  run: number;
  ordinal: number;
  startedAt: string;
  decision: string;
};

/** More conflicts over cells than these are a count. */
const conflictLimit = 100;

/**
 * Merges run folders. Of a cell that is in several runs the newest result counts. The result depends on the
 * runs alone and not on their order. Nothing half written stays.
 * @throws PoolproofError STORE_* of a run that cannot be read, USAGE without a run or when this merge is there
 * already, STORE_UNWRITABLE, DISK_FULL
 */
export async function mergeRunFolders(dirs: readonly string[], options: MergeOptions): Promise<Merged> {
  const runs = (await Promise.all(dirs.map((dir) => readRun(dir)))).sort((a, b) =>
    a.record.id === b.record.id ? (a.dir < b.dir ? -1 : 1) : a.record.id < b.record.id ? -1 : 1,
  );
  if (runs.length === 0) throw new PoolproofError('USAGE', 'missing runs to merge');
  const { chosen, conflicts: cellConflicts, superseded, problems } = await choose(runs);
  const records = runs.map((run) => run.record);
  const conflicts = [...findRecordConflicts(records), ...cellConflicts];
  const record = mergeRecords(records, chosen.size);
  const completeness = findCompleteness(record, [...chosen.values()]);
  const summary = {
    record,
    cells: chosen.size,
    superseded,
    missing: completeness.missing,
    completeness,
    conflicts,
    problems,
  };
  if (conflicts.some(({ blocking }) => blocking) && options.allowUnlike !== true) {
    return { ...summary, dir: null, withoutEvidence: 0 };
  }
  const target = join(options.resultsDir, record.id);
  if ((await stat(target).catch(() => null)) !== null) {
    throw new PoolproofError('USAGE', 'the merged run already exists', {
      file: target,
      hint: 'remove that folder first',
    });
  }
  const temporary = join(options.resultsDir, `.merge-${randomBytes(6).toString('hex')}`);
  try {
    await mkdir(join(temporary, evidenceFolder), { recursive: true });
    const withoutEvidence = await writeCells(temporary, runs, chosen);
    await writeRecord(temporary, record);
    await rename(temporary, target);
    await pointLatest(options.resultsDir);
    return { ...summary, dir: target, withoutEvidence };
  } catch (cause) {
    // The first failure is the one to tell.
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw storeError(cause, target);
  }
}

async function choose(runs: readonly StoredRun[]): Promise<
  Readonly<{
    chosen: ReadonlyMap<string, Chosen>;
    conflicts: readonly Conflict[];
    superseded: number;
    problems: readonly PoolproofError[];
  }>
> {
  const chosen = new Map<string, Chosen>();
  const contradicted: Conflict[] = [];
  const problems: PoolproofError[] = [];
  let superseded = 0;
  for (const [number, run] of runs.entries()) {
    let ordinal = 0;
    for await (const result of run.results()) {
      const key = cellKey(result);
      const { id, repetition, startedAt } = result;
      const candidate = { id, repetition, run: number, ordinal, startedAt, decision: decisionOf(result) };
      ordinal += 1;
      const known = chosen.get(key);
      if (known !== undefined) {
        superseded += 1;
        const other = runs[known.run];
        if (other !== undefined && known.run !== number) {
          contradicted.push(...contradict(key, known, candidate, other.record.id, run.record.id));
        }
        // Within a run the later line counts, between runs the newer; of equals the last run's.
        if (known.run !== number && candidate.startedAt < known.startedAt) continue;
      }
      chosen.set(key, candidate);
    }
    problems.push(...run.problems);
  }
  const more = contradicted.length - conflictLimit;
  const told = contradicted.slice(0, conflictLimit);
  if (more > 0) told.push({ kind: 'cell', text: `and ${more} more cells`, blocking: false });
  return { chosen, conflicts: told, superseded, problems };
}

function decisionOf({ outcome, tier, form, verdict }: Result): string {
  return `${tier ?? outcome}${form === null ? '' : `, ${form.checks} checks`}${verdict === null ? '' : `, ${verdict}`}`;
}

function contradict(key: string, known: Chosen, other: Chosen, knownId: string, otherId: string): Conflict[] {
  if (knownId === otherId) {
    if (known.decision === other.decision && known.startedAt === other.startedAt) return [];
    return [{ kind: 'run', text: `two runs are called ${knownId} and differ in ${key}`, blocking: false }];
  }
  if (known.decision === other.decision) return [];
  return [
    {
      kind: 'cell',
      text: `${key}: ${known.decision} in ${knownId}, ${other.decision} in ${otherId}; the newer counts`,
      blocking: false,
    },
  ];
}

/** The second pass. @returns how many results lost their evidence */
async function writeCells(
  dir: string,
  runs: readonly StoredRun[],
  chosen: ReadonlyMap<string, Chosen>,
): Promise<number> {
  let withoutEvidence = 0;
  const handle = await open(join(dir, cellsFile), 'wx');
  try {
    for (const [number, run] of runs.entries()) {
      let ordinal = 0;
      for await (const { result, line } of run.entries()) {
        const choice = chosen.get(cellKey(result));
        const isChosen = choice?.run === number && choice.ordinal === ordinal;
        ordinal += 1;
        if (!isChosen) continue;
        const copied = await copyEvidence(run.dir, dir, result.evidence);
        if (!copied) withoutEvidence += 1;
        await handle.write(`${copied ? line : withoutItsEvidence(line)}\n`);
      }
    }
    await handle.datasync();
  } finally {
    await handle.close();
  }
  return withoutEvidence;
}

/** The line as it was, with fields that this version does not know. */
const withoutItsEvidence = (line: string): string =>
  JSON.stringify({ ...(JSON.parse(line) as object), evidence: null });

/** False where there was nothing to copy. */
async function copyEvidence(from: string, to: string, evidence: string | null): Promise<boolean> {
  if (evidence === null) return true;
  const files = await listEvidence(from, evidence);
  for (const file of files ?? []) {
    await mkdir(join(to, dirname(file)), { recursive: true });
    await copyFile(join(from, file), join(to, file), constants.COPYFILE_FICLONE);
  }
  return files !== null;
}
