/** The runner of trials of the field's commands, with the options of the command line. */
import { makeTemporaryFolder } from '../../images/temporary-folder.ts';
import { defaultArchitecture } from '../../images/architectures.ts';
import { openCache } from '../../images/cache/image-cache.ts';
import { lockNamesOf } from '../../images/definitions.ts';
import { loadLock } from '../../images/lock.ts';
import { findPublished, recallUnpinned, wantUnpinned } from '../../images/source/unpinned.ts';
import { stat } from 'node:fs/promises';
import { mapReport } from '../field/map.ts';
import type { FieldCase, FieldImages } from '../field/mapping.ts';
import { moveMappings, moveToHost, type OnHost } from '../field/real-host.ts';
import { loadFieldReport, type FieldReport } from '../field/report.ts';
import { compareFailure, endCodes, settleReport, type Reproduction } from '../field/reproduce.ts';
import { symptomOfReport, type Symptom } from '../field/symptom.ts';
import { knownImages, type Settings } from '../axes/table.ts';
import { resolveEngine } from '../plan/requirements.ts';
import { createTrialRunner, memoize, type RunTrial, type TrialEvents } from '../field/run-trial.ts';
import { PoolproofError } from '../errors.ts';
import { formatCellId } from '../matrix/cell-id.ts';
import { plainLine } from '../outcome/plain-text.ts';
import type { Result } from '../store/result.ts';
import { cacheOption, finishCells, notifyOf, textOption, type Context } from './context.ts';

/** Whether a command is given the file of a report, or else a cell's id. */
export const isReport = async (name: string): Promise<boolean> =>
  /\.ya?ml$/.test(name) || (await isFile(name));

export async function isFile(name: string): Promise<boolean> {
  return stat(name).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** A report and the cell that comes nearest to it, on a real host if there is one; and the end that needs no guest. */
export type OpenReport = Readonly<{
  report: FieldReport;
  found: FieldCase;
  host: OnHost;
  settled: Reproduction | null;
  /** The reported failure; null where none is told, or known. */
  symptom: Symptom | null;
  /** Compares it with what a guest did; null where there is nothing to compare. */
  compare: (result: Result) => Reproduction | null;
}>;

function mapToHost(report: FieldReport, images: FieldImages): Readonly<{ host: OnHost; found: FieldCase }> {
  const mapped = mapReport(report, images);
  const host = moveToHost(report, mapped.settings);
  return { host, found: { settings: host.settings, mappings: moveMappings(mapped.mappings, host) } };
}

/**
 * What stands for the engine of a cell that was never published. Only of one that is neither pinned nor was fetched
 * before, its package manager is asked; where it cannot be asked, the fetch that follows says so.
 */
async function findSubstitutes(
  { engine }: Settings,
  { versions }: FieldImages,
  cacheDir: string,
): Promise<ReadonlyMap<string, string>> {
  const { version } = resolveEngine(engine);
  const name = version === null ? null : lockNamesOf(defaultArchitecture).engine(version);
  const wanted = name === null || versions.has(name) ? undefined : wantUnpinned(name);
  if (wanted === undefined || (await recallUnpinned(await openCache(cacheDir), wanted.name)) !== undefined)
    return new Map();
  await using folder = await makeTemporaryFolder();
  const nearest = await findPublished(wanted, folder.path).catch(() => null);
  return new Map(nearest === null ? [] : [[wanted.version, nearest]]);
}

/**
 * @param cacheDir folder of images, which knows what was fetched before
 * @throws PoolproofError FIELD_NOT_FOUND, FIELD_INVALID, FIELD_SCHEMA
 */
export async function openReport(file: string, cacheDir: string): Promise<OpenReport> {
  const report = await loadFieldReport(file);
  const images = await loadFieldImages();
  let { host, found } = mapToHost(report, images);
  if (settleReport(report, found) === null) {
    const substitutes = await findSubstitutes(found.settings, images, cacheDir);
    if (substitutes.size > 0) ({ host, found } = mapToHost(report, { ...images, substitutes }));
  }
  const symptom = symptomOfReport(report);
  return {
    report,
    found,
    host,
    settled: settleReport(report, found),
    symptom,
    compare: (result) => (symptom === null ? null : compareFailure(symptom, result, found.mappings, report)),
  };
}

type Options = Readonly<Record<string, unknown>>;

export type TrialOptions = Readonly<{
  /** Title of the runs it makes. */
  title: string;
  /** Boot every trial; a template is worth its while only when the next trial needs the same machine. */
  cold: boolean;
  /** Run each cell once. */
  once: boolean;
}>;

/** The outcome of a cell and its reason, in one line. */
export const seen = ({ tier, outcome, reason }: Result): string =>
  plainLine(`${tier ?? outcome}: ${reason}`, 300);

/** On standard error: a line per guest when it boots, and one when it has answered. */
function progress(context: Context): TrialEvents {
  let count = 0;
  return {
    onStart: (settings) => {
      count += 1;
      context.err(`${count}. booting ${formatCellId(settings)}\n`);
    },
    onResult: (result) => context.err(`${count}. ${seen(result)}\n`),
  };
}

/**
 * Waits for a search that a signal may end; its callbacks keep the findings until then.
 * @returns undefined where it was ended
 */
export async function untilInterrupted<Value>(search: Promise<Value>): Promise<Value | undefined> {
  return search.catch((error: unknown) => {
    if (error instanceof PoolproofError && error.code === 'INTERRUPTED') return undefined;
    throw error;
  });
}

/** Where the runs of trials go: `--results`, else a folder that goes with this process. */
export async function resultsFolder(options: Options): Promise<string> {
  const given = textOption(options, 'results');
  if (given !== undefined) return given;
  return (await makeTemporaryFolder()).path;
}

/** Why a report ends so, and its end. @returns the exit code */
export function endWith(context: Context, { end, because }: Reproduction): number {
  for (const reason of because) context.out(`${plainLine(reason)}\n`);
  context.out(`${end}\n`);
  return endCodes[end];
}

/** A runner of trials in guests, with a line of progress per result. */
export async function openTrialRunner(
  context: Context,
  options: Options,
  { title, cold, once }: TrialOptions,
): Promise<RunTrial> {
  const resultsDir = await resultsFolder(options);
  const runTrial = createTrialRunner(
    title,
    {
      resultsDir,
      cacheDir: cacheOption(options),
      cold,
      signal: context.signal,
      reporters: [finishCells(context)],
      ...notifyOf(context),
      ...context.seams,
      recordOptions: { command: title },
    },
    progress(context),
  );
  return once ? memoize(runTrial) : runTrial;
}

/** What guests can be made of, with the versions that are pinned. @throws PoolproofError IMAGE_LOCK_INVALID */
export async function loadFieldImages(): Promise<FieldImages> {
  const pins = await loadLock();
  return { ...knownImages, versions: new Map(pins.map(({ name, version }) => [name, version])) };
}
