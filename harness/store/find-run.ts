/** The runs in a results folder, and the link `latest` next to them. */
import { randomBytes } from 'node:crypto';
import { readdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { nearest } from '../axes/nearest-word.ts';
import { PoolproofError } from '../errors.ts';
import { loadRecord, runFile } from './run-record.ts';
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

/** `latest`, or a tag; the run before the newest is `latest~1`, the one before the last of a tag `nightly~1`. */
const countedBack = /^(.+?)(?:~(\d{1,4}))?$/;

/** A run id, cut off. Shorter ones are words that somebody mistyped. */
const startOfRun = /^\d{4}[\dTZ]*(?:-[0-9a-f]*)?$/;

/** Cannot be taken for a run id, a path, `latest` or `name~1`. */
const tagName = /^(?!latest$)[a-z][\w.-]{0,63}$/i;

/** @throws PoolproofError USAGE when it is no tag for runs */
export function checkTag(tag: string): void {
  if (tagName.test(tag)) return;
  throw new PoolproofError('USAGE', `--tag ${tag}: this cannot name runs`, {
    hint: 'a tag has letters, digits and . _ -, begins with a letter, and is not latest',
  });
}

/** The tag that a run was given, or null; also where its record cannot be read. */
async function readTag(dir: string): Promise<string | null> {
  const record = await loadRecord(dir).catch(() => null);
  const tag = record?.options['tag'];
  return typeof tag === 'string' ? tag : null;
}

/** Tags of the runs, newest run first, each once. */
export async function listTags(resultsDir: string): Promise<readonly string[]> {
  const runs = [...(await listRuns(resultsDir))].reverse();
  const tags = await Promise.all(runs.map((id) => readTag(join(resultsDir, id))));
  return [...new Set(tags.flatMap((tag) => tag ?? []))];
}

/** Ids of the runs that the name counts in, oldest first: all for `latest`, else those with that tag. */
async function listCounted(resultsDir: string, runs: readonly string[], name: string) {
  // By name and not by link: the link may be missing in a copied folder.
  if (name === 'latest') return runs;
  if (!tagName.test(name)) return [];
  const tags = await Promise.all(runs.map((id) => readTag(join(resultsDir, id))));
  return runs.filter((_, place) => tags[place] === name);
}

/**
 * Folder of the run that `name` means: a run's folder, a run id or the beginning of only one, `latest` (the default), a
 * tag for the newest run with it, or `latest~2` and `nightly~2` for the second before it.
 * @throws PoolproofError STORE_NOT_FOUND, also where the name means several runs
 */
export async function findRun(resultsDir: string, name = 'latest'): Promise<string> {
  const runs = await listRuns(resultsDir);
  const [, word = '', back = '0'] = countedBack.exec(name) ?? [];
  const fits = startOfRun.test(name) ? runs.filter((run) => run.startsWith(name)) : [];
  if (fits.length > 1) throw ambiguous(resultsDir, `${fits.length} runs begin with ${name}`, fits);
  const counted = await listCounted(resultsDir, runs, word);
  const id = fits[0] ?? counted.at(-1 - Number(back));
  const folders: string[] = [];
  for (const dir of [name, join(resultsDir, name)]) if (await holdsRun(dir)) folders.push(dir);
  const [folder] = folders;
  if (id === undefined && folder !== undefined) return folder;
  if (id !== undefined && folder !== undefined && counted.length > 0 && name !== 'latest')
    throw ambiguous(resultsDir, `${name} is the tag of a run and the folder of one`, [id, `./${folder}`]);
  if (id !== undefined) return join(resultsDir, id);
  const known = [...(await listTags(resultsDir)).slice(0, 5), ...runs.slice(-5)];
  const near = nearest(word, ['latest', ...known]);
  const only = `only ${counted.length} ${counted.length === 1 ? 'run has' : 'runs have'} the tag ${word}`;
  throw new PoolproofError('STORE_NOT_FOUND', `no run ${name}`, {
    file: resultsDir,
    hint:
      word !== 'latest' && counted.length > 0
        ? only
        : runs.length === 0
          ? 'this folder holds no run yet'
          : `${near === null ? '' : `did you mean ${near}? `}runs here: ${known.join(', ')}`,
  });
}

const ambiguous = (file: string, message: string, names: readonly string[]): PoolproofError =>
  new PoolproofError('STORE_NOT_FOUND', message, { file, hint: `say one: ${names.slice(-5).join(', ')}` });

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
