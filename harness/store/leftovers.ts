/** Temporary files that killed processes left in a results folder or in a run: removed before the next writes. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { evidenceFolder } from './evidence.ts';
import { errnoOf, storeError } from './store-error.ts';

const dayMs = 86_400_000;

type Leftover = Readonly<{
  name: RegExp;
  /**
   * Age from which nobody is writing it any more, milliseconds. 0 where the writer holds the folder's lock, or tries
   * again when its file is gone.
   */
  fromMs: number;
}>;

const inResults: readonly Leftover[] = [
  { name: /^\.(?:latest|probe)-[0-9a-f]{12}$/, fromMs: 0 },
  { name: /^\.(?:merge|unpack)-[0-9a-f]{12}$/, fromMs: dayMs },
];

const inRun: readonly Leftover[] = [{ name: /^(?:\.probe-[0-9a-f]{12}|run\.json\.\d+)$/, fromMs: 0 }];

const inEvidence: readonly Leftover[] = [{ name: /^\.tmp-/, fromMs: 0 }];

/** @throws PoolproofError STORE_UNWRITABLE */
export const clearResults = (resultsDir: string): Promise<void> => clear(resultsDir, inResults);

/** The caller holds the run's lock. @throws PoolproofError STORE_UNWRITABLE */
export async function clearRun(dir: string): Promise<void> {
  await clear(dir, inRun);
  await clear(join(dir, evidenceFolder), inEvidence);
}

async function clear(folder: string, leftovers: readonly Leftover[]): Promise<void> {
  try {
    for (const name of await readdir(folder)) {
      const file = join(folder, name);
      const row = leftovers.find((leftover) => leftover.name.test(name));
      if (row !== undefined && (row.fromMs === 0 || (await ageOf(file)) >= row.fromMs))
        await rm(file, { recursive: true, force: true });
    }
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw storeError(error, folder);
  }
}

const ageOf = async (file: string): Promise<number> => Date.now() - (await stat(file)).mtimeMs;
