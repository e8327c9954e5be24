/** Stores the estimates of a computer: a cache, so an unreadable file counts as empty. */
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { noEstimates, type RunEstimates } from '../plan/run-estimates.ts';

const count = z.number().nonnegative();

const fileSchema = z.object({
  schema: z.literal(1),
  durationsMs: z.record(z.string(), count),
  peaksMib: z.record(z.string(), count),
});

const fileOf = (cacheDir: string): string => path.join(cacheDir, 'experience.json');

/** The estimates kept; empty where none were kept or the file is damaged. */
export async function loadExperience(cacheDir: string): Promise<RunEstimates> {
  try {
    const { durationsMs, peaksMib } = fileSchema.parse(JSON.parse(await readFile(fileOf(cacheDir), 'utf8')));
    return {
      durations: new Map(Object.entries(durationsMs)),
      peaksMib: new Map(Object.entries(peaksMib)),
    };
  } catch {
    return noEstimates;
  }
}

/** Of two runs that end at once one's experience is lost, which costs nothing but time. */
export async function saveExperience(cacheDir: string, { durations, peaksMib }: RunEstimates): Promise<void> {
  const value: z.infer<typeof fileSchema> = {
    schema: 1,
    durationsMs: Object.fromEntries(durations),
    peaksMib: Object.fromEntries(peaksMib),
  };
  try {
    await mkdir(cacheDir, { recursive: true, mode: 0o700 });
    await writeFileAtomic(fileOf(cacheDir), JSON.stringify(value));
  } catch {
    // A cache that cannot be written costs the next run its order and nothing else.
  }
}
