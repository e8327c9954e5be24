/** What the field's commands share: an ask with the options of the command line. */
import { makeTemporaryFolder } from '../../images/temporary-folder.ts';
import { loadLock } from '../../images/lock.ts';
import type { FieldImages } from '../field/mapping.ts';
import { knownImages } from '../axes/table.ts';
import { bootAsk, remember, type Ask } from '../field/ask.ts';
import type { Result } from '../store/result.ts';
import { cacheOption, finishCells, textOption, type Context } from './context.ts';
import { renderImageEvent } from './image-notices.ts';

type Options = Readonly<Record<string, unknown>>;

export type AskOptions = Readonly<{
  /** Title of the runs it makes. */
  title: string;
  /** Boot every question; a template is only worth its while when the next question needs the same machine. */
  cold: boolean;
  /** Put each question once. */
  once: boolean;
}>;

/** A line a question, on standard error. */
function progress(context: Context): (result: Result) => void {
  let asked = 0;
  return ({ id, outcome, tier }) => {
    asked += 1;
    context.err(`${asked}. ${id}: ${tier ?? outcome}\n`);
  };
}

/** Where the runs of asked guests go: `--results`, else a folder that goes with this process. */
export async function resultsFolder(options: Options): Promise<string> {
  const given = textOption(options, 'results');
  if (given !== undefined) return given;
  return (await makeTemporaryFolder()).path;
}

/** Asks guests what a command wants to know, with its options and a line of progress for each answer. */
export async function openAsk(
  context: Context,
  options: Options,
  { title, cold, once }: AskOptions,
): Promise<Ask> {
  const resultsDir = await resultsFolder(options);
  const ask = bootAsk(
    title,
    {
      resultsDir,
      cacheDir: cacheOption(options),
      cold,
      signal: context.signal,
      reporters: [finishCells(context)],
      onImageEvent: (event) => context.err(renderImageEvent(event)),
      onNotice: (text) => context.err(`notice: ${text}\n`),
      recordOptions: { command: title },
    },
    progress(context),
  );
  return once ? remember(ask) : ask;
}

/** What guests can be made of, with the versions that are pinned. @throws PoolproofError IMAGE_LOCK_INVALID */
export async function loadFieldImages(): Promise<FieldImages> {
  const pins = await loadLock();
  return { ...knownImages, versions: new Map(pins.map(({ name, version }) => [name, version])) };
}
