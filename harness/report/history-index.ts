/**
 * The results of every cell in every run of a folder, in one small file beside them. It is made from the runs and
 * nothing else: delete it at any time, and the next reader makes it again.
 */
import { describeSpecialFile } from '../../images/bounded-file.ts';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { PoolproofError } from '../errors.ts';
import { findCompleteness } from '../store/completeness.ts';
import { listRuns } from '../store/find-run.ts';
import { cellKey, cellsFile } from '../store/read-run.ts';
import { cellIdSchema } from '../store/cell-id-schema.ts';
import { readFronts } from '../store/read-fronts.ts';
import { type RunRecord, loadRecord, runFile } from '../store/run-record.ts';
import type { Result } from '../store/result.ts';
import type { LineFront } from '../store/scan-line.ts';
import { formatMissing } from './format-completeness.ts';
import { groupBy, zip } from './group-by.ts';

export const indexFile = 'index.json';

const indexSchema = 2;

const stateSchema = z
  .tuple([z.string(), z.string().nullable(), z.string().nullable(), z.string().nullable()])
  .readonly();

const shape = z.object({
  schema: z.literal(indexSchema),
  /** Cell ids; runs name them by place. */
  cells: z.array(cellIdSchema),
  /** Outcome, tier, checks, verdict. */
  states: z.array(stateSchema),
  runs: z.array(
    z.object({
      id: z.string(),
      /** Sizes and times of the run's files when they were read: where these differ it is read again. */
      stamp: z.string(),
      damaged: z.int(),
      finished: z.boolean(),
      /** The missing part of the run as a sentence; null for a complete one. */
      missing: z.string().nullable(),
      /** Ids of the runs this one was merged from: those are not counted again. */
      merged: z.array(z.string()),
      /** Cell, state, cell, state, … a pair a repetition. */
      cells: z.array(z.int().nonnegative()),
    }),
  ),
});

type Index = z.infer<typeof shape>;
export type IndexedRun = Index['runs'][number];

/** Outcome, tier, checks and verdict as stored. */
export type IndexedState = Readonly<z.infer<typeof stateSchema>>;

export type HistoryIndex = Readonly<{
  cells: readonly string[];
  states: readonly IndexedState[];
  /** Oldest first; without runs that a merged one contains. */
  runs: readonly IndexedRun[];
  /** Runs that had to be read. */
  read: number;
  /** Runs that cannot be read at all: a record that is missing, damaged or newer. */
  unreadable: readonly PoolproofError[];
  /** False where the folder cannot be written: the next reader has the same work. */
  saved: boolean;
}>;

/** The part of an index that a cell's history is made of. */
export type IndexedCells = Pick<HistoryIndex, 'cells' | 'states'> &
  Readonly<{ runs: readonly Pick<IndexedRun, 'id' | 'cells'>[] }>;

/**
 * The index of `resultsDir`, up to date: runs that are new or have changed are read, line by line, and runs
 * that are gone are dropped.
 * @throws PoolproofError STORE_NOT_FOUND when the folder cannot be read
 */
export async function loadHistoryIndex(
  resultsDir: string,
  onRead: (run: string, done: number, of: number) => void = () => undefined,
): Promise<HistoryIndex> {
  const known = await readIndex(join(resultsDir, indexFile));
  const ids = await listRuns(resultsDir);
  const stamps = await Promise.all(ids.map((id) => stampOf(join(resultsDir, id))));
  const byId = new Map(known?.runs.map((run) => [run.id, run]));
  const intern = new Interner(known);
  const runs: IndexedRun[] = [];
  const unreadable: PoolproofError[] = [];
  const stamped = zip(ids, stamps);
  const stale = stamped.filter(([id, stamp]) => byId.get(id)?.stamp !== stamp);
  let read = 0;
  for (const [id, stamp] of stamped) {
    const old = byId.get(id);
    if (old?.stamp === stamp) {
      runs.push(old);
      continue;
    }
    read += 1;
    onRead(id, read, stale.length);
    try {
      runs.push(await readForIndex(join(resultsDir, id), id, stamp, intern));
    } catch (error) {
      // A run that cannot be read hides no other; it is reported, and tried again next time.
      if (!(error instanceof PoolproofError)) throw error;
      unreadable.push(error);
    }
  }
  const index: Index = { schema: indexSchema, cells: intern.cells, states: intern.states, runs };
  const changed = read > unreadable.length || runs.length !== (known?.runs.length ?? 0);
  const saved = changed ? await save(join(resultsDir, indexFile), index) : true;
  const inMerged = new Set(runs.flatMap(({ merged }) => merged));
  return {
    cells: index.cells,
    states: index.states,
    runs: runs.filter(({ id }) => !inMerged.has(id)),
    read,
    unreadable,
    saved,
  };
}

/** Runs that are in memory, as {@link loadHistoryIndex} gives those of a folder. Parts of one run are one run. */
export function indexRuns(
  runs: readonly Readonly<{ record: Pick<RunRecord, 'id' | 'startedAt'>; results: readonly Result[] }>[],
): IndexedCells {
  const intern = new Interner(null);
  const oldestFirst = [...runs].sort((a, b) => (a.record.startedAt < b.record.startedAt ? -1 : 1));
  return {
    cells: intern.cells,
    states: intern.states,
    runs: [...groupBy(oldestFirst, ({ record }) => record.id)].map(([id, parts]) => {
      const results = parts.flatMap((part) => part.results);
      const byKey = new Map(
        results.map((result) => [
          cellKey(result),
          intern.add({ ...result, checks: result.form?.checks ?? null }),
        ]),
      );
      return { id, cells: [...byKey.values()].flat() };
    }),
  };
}

/** Null when there is none, or none that can be used: it is made again. */
async function readIndex(file: string): Promise<Index | null> {
  if ((await describeSpecialFile(file)) !== null) return null;
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const parsed = shape.safeParse(value);
  if (!parsed.success) return null;
  const { cells, states, runs } = parsed.data;
  const holds = runs.every(
    (run) =>
      run.cells.length % 2 === 0 &&
      run.cells.every((number, place) => number < (place % 2 === 0 ? cells : states).length),
  );
  return holds ? parsed.data : null;
}

async function stampOf(dir: string): Promise<string> {
  const stamps = await Promise.all(
    [runFile, cellsFile].map(async (name) => {
      const found = await stat(join(dir, name), { bigint: true }).catch(() => null);
      return found === null ? '-' : `${found.size}@${found.mtimeNs}`;
    }),
  );
  return stamps.join(' ');
}

async function readForIndex(dir: string, id: string, stamp: string, intern: Interner): Promise<IndexedRun> {
  const [record, { fronts, damaged }] = await Promise.all([
    loadRecord(dir),
    readFronts(join(dir, cellsFile)),
  ]);
  const byKey = new Map<string, readonly [number, number]>();
  for (const front of fronts) byKey.set(cellKey(front), intern.add(front));
  return {
    id,
    stamp,
    damaged,
    finished: record.finishedAt !== null,
    missing: formatMissing(findCompleteness(record, fronts)),
    merged: String(record.options['merged'] ?? '')
      .split(' ')
      .filter((name) => name !== ''),
    cells: [...byKey.values()].flat(),
  };
}

/** Each text once, however many runs have it. */
class Interner {
  readonly cells: string[];
  readonly states: IndexedState[];
  readonly #cellPlaces: Map<string, number>;
  readonly #statePlaces: Map<string, number>;

  constructor(known: Index | null) {
    this.cells = [...(known?.cells ?? [])];
    this.states = [...(known?.states ?? [])];
    this.#cellPlaces = new Map(this.cells.map((id, place) => [id, place]));
    this.#statePlaces = new Map(this.states.map((state, place) => [keyOf(state), place]));
  }

  add(front: Pick<LineFront, 'id' | 'outcome' | 'tier' | 'checks' | 'verdict'>): readonly [number, number] {
    const { id } = front;
    const state: IndexedState = [front.outcome, front.tier, front.checks, front.verdict];
    return [
      placeOf(this.cells, this.#cellPlaces, id, id),
      placeOf(this.states, this.#statePlaces, keyOf(state), state),
    ];
  }
}

const keyOf = (state: IndexedState): string => state.join(' ');

function placeOf<Item>(items: Item[], places: Map<string, number>, key: string, item: Item): number {
  const known = places.get(key);
  if (known !== undefined) return known;
  places.set(key, items.length);
  return items.push(item) - 1;
}

/** False where the folder may only be read: an index is a help and no result. */
async function save(file: string, index: Index): Promise<boolean> {
  try {
    await writeFileAtomic(file, JSON.stringify(index));
    return true;
  } catch {
    return false;
  }
}

/** Records of some runs, for what changed between them. */
export async function loadRecords(
  resultsDir: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, RunRecord>> {
  const records = await Promise.all(ids.map((id) => loadRecord(join(resultsDir, id))));
  return new Map(zip(ids, records));
}
