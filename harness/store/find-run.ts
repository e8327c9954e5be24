/** The runs in a results folder, and the link `latest` next to them. */
import { randomBytes } from 'node:crypto';
import { readdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { PoolproofError } from '../errors.ts';
import { runFile } from './run-record.ts';
import { errnoOf } from './store-error.ts';

const runName = /^\d{8}T\d{6}Z-[0-9a-f]{6}$/;

/** Names of the runs in `resultsDir`, oldest first; empty when the folder is not there. */
export async function listRuns(resultsDir: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(resultsDir, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && runName.test(entry.name))
      .map((entry) => entry.name)
      .sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw new PoolproofError('STORE_NOT_FOUND', 'this folder cannot be read', {
      file: resultsDir,
      cause: error,
    });
  }
}

/** The run before the newest is `latest~1`. By name and not by link: the link may be missing in a copied folder. */
const fromLatest = /^latest(?:~(\d{1,4}))?$/;

/** A run id, cut off. Shorter ones are words that somebody mistyped. */
const startOfRun = /^\d{4}[\dTZ]*(?:-[0-9a-f]*)?$/;

/**
 * Folder of the run that `name` means: a run's folder, a run id or the beginning of only one, `latest` (the default),
 * or `latest~2` for the second before it.
 * @throws PoolproofError STORE_NOT_FOUND, also where several runs begin with the name
 */
export async function findRun(resultsDir: string, name = 'latest'): Promise<string> {
  const runs = await listRuns(resultsDir);
  const back = fromLatest.exec(name);
  const fits = startOfRun.test(name) ? runs.filter((run) => run.startsWith(name)) : [];
  const id = back === null ? fits[0] : runs.at(-1 - Number(back[1] ?? 0));
  if (fits.length > 1)
    throw new PoolproofError('STORE_NOT_FOUND', `${fits.length} runs begin with ${name}`, {
      file: resultsDir,
      hint: `say more of one: ${fits.slice(-5).join(', ')}`,
    });
  if (id !== undefined) return join(resultsDir, id);
  for (const dir of [name, join(resultsDir, name)]) {
    if (await holdsRun(dir)) return dir;
  }
  throw new PoolproofError('STORE_NOT_FOUND', `no run ${name}`, {
    file: resultsDir,
    hint: runs.length === 0 ? 'this folder holds no run yet' : `runs here: ${runs.slice(-5).join(', ')}`,
  });
}

async function holdsRun(dir: string): Promise<boolean> {
  try {
    return (await readdir(dir)).includes(runFile);
  } catch {
    return false;
  }
}

/**
 * Replaces `latest` by rename: a reader sees the old run or the new one. Another run that starts may clear the link
 * away before it is renamed.
 */
export async function linkLatest(resultsDir: string, id: string): Promise<void> {
  for (let rest = 3; ; rest -= 1) {
    try {
      await tryLink(resultsDir, id);
      return;
    } catch (error) {
      if (rest === 1 || errnoOf(error) !== 'ENOENT') throw error;
    }
  }
}

async function tryLink(resultsDir: string, id: string): Promise<void> {
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
