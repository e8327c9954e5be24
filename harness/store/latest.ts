/** The link `latest` beside the runs. */
import { randomBytes } from 'node:crypto';
import { rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { listRuns } from './find-run.ts';

/** Replaces `latest` by rename: a reader sees the old run or the new one. */
export async function linkLatest(resultsDir: string, id: string): Promise<void> {
  const temporary = join(resultsDir, `.latest-${randomBytes(6).toString('hex')}`);
  try {
    await symlink(id, temporary);
    await rename(temporary, join(resultsDir, 'latest'));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** After a merge: to the newest run by name, which is what `latest` means to every command. */
export async function pointLatest(resultsDir: string): Promise<void> {
  const newest = (await listRuns(resultsDir)).at(-1);
  if (newest !== undefined) await linkLatest(resultsDir, newest);
}
