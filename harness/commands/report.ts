/** `poolproof report` */
import { statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { readBounded } from '../../images/bounded-file.ts';
import { PoolproofError } from '../errors.ts';
import type { Format, RenderOptions } from '../report/format.ts';
import { type FormatTable, formats } from '../report/formats.ts';
import { buildRunView } from '../report/run-view.ts';
import { wantsColor } from '../report/wants-color.ts';
import { parseNativeRecord, type NativeRecord } from '../store/native-record.ts';
import type { Context } from './context.ts';
import { addEvidence } from './evidence.ts';
import { loadReadable } from './load-readable.ts';
import { publishRuns, type ShownRun } from './publish-runs.ts';
import { partValues } from './registry.ts';
import { findFormat } from './reporters.ts';

type Options = Readonly<{
  results?: string | undefined;
  format?: readonly string[] | undefined;
  native?: readonly string[] | undefined;
  output?: string | undefined;
  site?: string | undefined;
  url?: string | undefined;
  details?: boolean | undefined;
}>;

/** Far beyond a record with all its measurements. */
const maxRecordBytes = 64 * 2 ** 20;

const isFile = (name: string): boolean => statSync(name, { throwIfNoEntry: false })?.isFile() === true;

async function loadNative(files: readonly string[]): Promise<readonly NativeRecord[]> {
  return Promise.all(
    files.map(async (file) => {
      const bytes = await readBounded(file, maxRecordBytes).catch((cause: unknown) => {
        throw new PoolproofError('STORE_NOT_FOUND', 'there is no such record', { file, cause });
      });
      if (bytes.length > maxRecordBytes)
        throw new PoolproofError('STORE_CORRUPT', 'this is too large for a record', { file });
      return parseNativeRecord(bytes.toString('utf8'), file);
    }),
  );
}

/** A document per run, or one of all of them where the format makes one. */
async function renderRuns(
  format: Format,
  runs: readonly ShownRun[],
  reportDir: string | null,
  options: RenderOptions,
): Promise<readonly string[]> {
  const views =
    format.showsEvidence === true
      ? await Promise.all(runs.map(({ dir, view }) => addEvidence(view, dir, reportDir)))
      : runs.map(({ view }) => view);
  return format.renderTogether === undefined
    ? views.map((view) => format.render(view, options))
    : [format.renderTogether(views, options)];
}

/** A folder, and the address at which it will be read, '' where that is not known. */
type Site = Readonly<{ folder: string; address: string }>;

/** Null where none is asked for. @throws PoolproofError USAGE */
function resolveSite({ site: folder, url, output }: Options, named: readonly string[]): Site | null {
  if (folder === undefined) {
    if (url === undefined) return null;
    throw new PoolproofError('USAGE', '--url is the address of a site', {
      hint: 'add --site <folder>, or leave out --url: a single page says nothing of its address',
    });
  }
  if (output !== undefined || named.join() !== 'table') {
    throw new PoolproofError('USAGE', '--site writes its own formats and files', {
      hint: 'leave out --format and --output: the site has the page and the JSON of each run',
    });
  }
  if (url === undefined) return { folder, address: '' };
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return { folder, address: url };
  throw new PoolproofError('USAGE', `--url ${url}: the address of a web site is needed`, {
    hint: 'such as https://example.org/poolproof/, where the folder of --site will be read',
  });
}

async function publish(
  { err }: Context,
  runs: readonly ShownRun[],
  { folder, address }: Site,
): Promise<void> {
  const missing = await publishRuns(runs, folder, address);
  if (missing !== null) err(`notice: links to the site show no picture; for one: npm install ${missing}\n`);
  err(`${path.join(folder, 'index.html')}\n`);
}

/** What is not there cannot be as expected, whatever the format. */
const exitCodeOf = (runs: readonly ShownRun[]): 0 | 2 =>
  runs.every(({ view, damaged }) => !damaged && view.state.state !== 'incomplete') ? 0 : 2;

/**
 * Exit code: 2 when cells of a run are missing, it has not ended or a line of it is damaged, else 0. The table's last
 * line has that of the run: where the two differ, a notice says so.
 * @param table the formats there are
 */
export async function report(
  context: Context,
  args: readonly string[],
  options: Options,
  table: FormatTable = formats,
): Promise<number> {
  const { results: resultsDir = 'results', output = null } = options;
  const named = partValues(options.format ?? ['table'], (word) => Object.hasOwn(table, word));
  const records = partValues(options.native ?? [], isFile);
  const wanted = [...new Set(named.values)];
  const names = [...named.others, ...records.others, ...args];
  const chosen = wanted.map((name) => findFormat(name, table));
  const site = resolveSite(options, named.values);
  // Two documents one after the other are neither.
  if (output === null && wanted.length > 1) {
    throw new PoolproofError('USAGE', `--format ${wanted.join(' ')}: several reports need a folder`, {
      hint: 'add --output <folder>: each format has its file there',
    });
  }
  const native = await loadNative(records.values);
  const runs: ShownRun[] = [];
  for (const name of names.length === 0 ? ['latest'] : names) {
    const run = await loadReadable(context, resultsDir, name);
    runs.push({ ...run, view: buildRunView(run, { native }) });
  }
  if (site !== null) {
    await publish(context, runs, site);
    return exitCodeOf(runs);
  }
  const renderOptions = { color: wantsColor(context.stdout), details: options.details === true };
  for (const format of chosen) {
    const texts = await renderRuns(format, runs, output, renderOptions);
    for (const [index, text] of texts.entries()) {
      if (output === null || format.file === null) {
        context.out(text);
        continue;
      }
      await mkdir(output, { recursive: true });
      // Several runs in one folder: each file says whose it is.
      const name = texts.length === 1 ? format.file : `${runs[index]?.view.record.id ?? ''}-${format.file}`;
      const file = path.join(output, name);
      await writeFileAtomic(file, text);
      context.err(`${file}\n`);
    }
  }
  const code = exitCodeOf(runs);
  const shows = chosen.some(({ file }) => file === null) && output === null;
  if (shows && runs.some(({ view }) => view.exitCode !== code))
    context.err(`notice: that is the exit code of the run; report itself ends with ${code}\n`);
  return code;
}
