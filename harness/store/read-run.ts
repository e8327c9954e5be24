/** Reads a run line by line, so that ten thousand cells take no more memory than one. */
import { createReadStream } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { PoolproofError } from '../errors.ts';
import { parseResult } from './result-schema.ts';
import type { Result } from './result.ts';
import { type RunRecord, loadRecord } from './run-record.ts';
import { errnoOf, refuseSpecialFile } from './store-error.ts';

export const cellsFile = 'cells.jsonl';

/** A result is a few KB; a line longer than this is no result and is skipped without keeping it. */
const lineLimit = 4 * 2 ** 20;

export type Entry = Readonly<{ result: Result; line: string }>;

export type StoredRun = Readonly<{
  /** Folder, symbolic links resolved. */
  dir: string;
  record: RunRecord;
  /** Streams the whole lines in the order written; restartable. */
  results(): AsyncIterable<Result>;
  /**
   * The same with each line as it was written: a newer poolproof may have put fields there that this one does not know.
   */
  entries(): AsyncIterable<Entry>;
  /**
   * Problems of the last pass over `results()`: STORE_CORRUPT (a damaged line), STORE_TORN (the cut last line of a run
   * that was killed or is still written), STORE_SCHEMA. Complete when it has ended.
   */
  problems: readonly PoolproofError[];
}>;

/** @throws STORE_NOT_FOUND, STORE_SCHEMA, STORE_CORRUPT for run.json; lines never throw */
export async function readRun(dir: string): Promise<StoredRun> {
  const record = await loadRecord(dir);
  const folder = await realpath(dir);
  const problems: PoolproofError[] = [];
  async function* entries(): AsyncIterable<Entry> {
    problems.length = 0;
    for await (const entry of readEntries(join(folder, cellsFile))) {
      if (entry instanceof PoolproofError) problems.push(entry);
      else yield entry;
    }
  }
  async function* results(): AsyncIterable<Result> {
    for await (const { result } of entries()) yield result;
  }
  return { dir: folder, record, results, entries, problems };
}

/** All results of a run, in order; of a cell that is there twice (id and repetition) the later counts. */
export async function collectResults(results: AsyncIterable<Result>): Promise<readonly Result[]> {
  const byCell = new Map<string, Result>();
  for await (const result of results) byCell.set(cellKey(result), result);
  return [...byCell.values()];
}

/** The unique key of a cell in a run. */
export function cellKey({ id, repetition }: Readonly<{ id: string; repetition: number }>): string {
  return `${id}#${repetition}`;
}

/** Every line as a result or as the problem with it. A missing file is an empty run. */
export async function* readResults(file: string): AsyncIterable<Result | PoolproofError> {
  for await (const entry of readEntries(file)) yield entry instanceof PoolproofError ? entry : entry.result;
}

async function* readEntries(file: string): AsyncIterable<Entry | PoolproofError> {
  let number = 0;
  for await (const line of readLines(file)) {
    number += 1;
    if (line.kind === 'torn') yield tornLine(file, number);
    else if (line.kind === 'long') {
      yield new PoolproofError('STORE_CORRUPT', 'this line is too long', { file, line: number });
    } else {
      const result = parseResult(line.text, file, number);
      yield result instanceof PoolproofError ? result : { result, line: line.text };
    }
  }
}

function tornLine(file: string, line: number): PoolproofError {
  return new PoolproofError('STORE_TORN', 'the last line is cut short and was left out', {
    file,
    line,
    hint: 'the run was killed or is still being written; --resume runs that cell again',
  });
}

/** Whether a line is damaged: no run that poolproof wrote, killed or not, has one. A cut last line is none. */
export const isDamage = ({ code }: PoolproofError): boolean => code !== 'STORE_TORN';

type Line =
  Readonly<{ kind: 'whole'; text: string }> | Readonly<{ kind: 'long' }> | Readonly<{ kind: 'torn' }>;

/** Lines by newline alone (readline also splits at other separators), with a bound on their length. */
async function* readLines(file: string): AsyncIterable<Line> {
  let parts: Buffer[] = [];
  let length = 0;
  const take = (): Line => {
    const text = length > lineLimit ? null : Buffer.concat(parts, length).toString('utf8');
    parts = [];
    length = 0;
    return text === null ? { kind: 'long' } : { kind: 'whole', text };
  };
  const keep = (part: Buffer) => {
    length += part.length;
    if (length > lineLimit) parts = [];
    else parts.push(part);
  };
  await refuseSpecialFile(file);
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      let start = 0;
      for (let newline = chunk.indexOf(0x0a); newline >= 0; newline = chunk.indexOf(0x0a, start)) {
        keep(chunk.subarray(start, newline));
        yield take();
        start = newline + 1;
      }
      if (start < chunk.length) keep(chunk.subarray(start));
    }
  } catch (error) {
    // A run that was killed before its first cell ended has no file yet.
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  if (length > 0) yield { kind: 'torn' };
}
