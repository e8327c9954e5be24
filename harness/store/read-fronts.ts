/** Reads the start of each line of a run, for readers of hundreds of runs that need a few fields of each line. */
import { readFile, stat } from 'node:fs/promises';
import { PoolproofError } from '../errors.ts';
import { readResults } from './read-run.ts';
import { parseResult } from './result-schema.ts';
import type { Result } from './result.ts';
import { type LineFront, scanLine } from './scan-line.ts';
import { errnoOf, refuseSpecialFile } from './store-error.ts';

export type Fronts = Readonly<{
  fronts: readonly LineFront[];
  /**
   * Lines that cannot be read. Of a line whose front is as the store writes it the rest is not looked at: damage
   * behind the verdict is found by `readRun`.
   */
  damaged: number;
}>;

/** A larger file is streamed: a run of 500 cells has 2 MB. */
const wholeLimit = 64 * 2 ** 20;

/** A missing file is an empty run. */
export async function readFronts(file: string, limit = wholeLimit): Promise<Fronts> {
  await refuseSpecialFile(file);
  try {
    const { size } = await stat(file);
    return size > limit ? await streamFronts(file) : scanWhole(await readFile(file), file);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return { fronts: [], damaged: 0 };
    throw error;
  }
}

function scanWhole(bytes: Buffer, file: string): Fronts {
  const fronts: LineFront[] = [];
  let damaged = 0;
  let start = 0;
  for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, start)) {
    // As Latin-1: no text that is read has anything but ASCII, and decoding costs more than reading.
    const front =
      scanLine(bytes.toString('latin1', start, end)) ?? parseFront(bytes.toString('utf8', start, end), file);
    if (front === null) damaged += 1;
    else fronts.push(front);
    start = end + 1;
  }
  // A line without a line break was cut off.
  return { fronts, damaged: start < bytes.length ? damaged + 1 : damaged };
}

async function streamFronts(file: string): Promise<Fronts> {
  const fronts: LineFront[] = [];
  let damaged = 0;
  for await (const line of readResults(file)) {
    if (line instanceof PoolproofError) damaged += 1;
    else fronts.push(frontOf(line));
  }
  return { fronts, damaged };
}

function parseFront(text: string, file: string): LineFront | null {
  const result = parseResult(text, file, 0);
  return result instanceof PoolproofError ? null : frontOf(result);
}

function frontOf({ id, repetition, outcome, tier, form, verdict }: Result): LineFront {
  return { id, repetition, outcome, tier, checks: form?.checks ?? null, verdict };
}
