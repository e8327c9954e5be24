/** `poolproof report` */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { readBounded } from '../../images/bounded-file.ts';
import { PoolproofError, renderError } from '../errors.ts';
import { joinNative } from '../report/native-figures.ts';
import { parseNativeRecord, type NativeRecord } from '../store/native-record.ts';
import { renderOverheadPage } from '../report/overhead-page.ts';
import { renderDetails } from '../report/overhead-details.ts';
import { formats, type FormatName } from '../report/formats.ts';
import { renderTable, wantsColor } from '../report/terminal-table.ts';
import { findCompleteness } from '../store/completeness.ts';
import { findRun } from '../store/find-run.ts';
import { collectResults, isDamage, readRun } from '../store/read-run.ts';
import { textOption, type Context } from './context.ts';
import { renderPage, type PageRun } from './page.ts';
import { isFormat, unknownFormat } from './reporters.ts';

type LoadedRun = PageRun & Readonly<{ damaged: boolean }>;

/** What is whole of each run; what is not is told. */
async function loadRuns(
  context: Context,
  resultsDir: string,
  names: readonly string[],
): Promise<LoadedRun[]> {
  const runs: LoadedRun[] = [];
  for (const name of names) {
    const dir = await findRun(resultsDir, name);
    const stored = await readRun(dir);
    const results = await collectResults(stored.results());
    runs.push({ dir, record: stored.record, results, damaged: stored.problems.some(isDamage) });
    for (const problem of stored.problems) context.err(`${renderError(problem)}\n`);
  }
  return runs;
}

/** One text a run, but one page for all of them: of each cell the newest result counts there. */
async function renderAll(
  format: FormatName,
  runs: readonly PageRun[],
  output: string | undefined,
): Promise<string[]> {
  if (format === 'html') return [await renderPage(runs, output ?? null)];
  return runs.map(({ record, results }) => formats[format].render(record, results));
}

/** Not among the formats of a run: it takes records of real machines too. */
const overheadPage = { name: 'overhead', file: 'overhead.md' } as const;

/** Far beyond a record with all its measurements. */
const maxRecordBytes = 64 * 2 ** 20;

async function loadNative(files: unknown): Promise<readonly NativeRecord[]> {
  const names = Array.isArray(files) ? files.map(String) : [];
  return Promise.all(
    names.map(async (file) => {
      const bytes = await readBounded(file, maxRecordBytes).catch((cause: unknown) => {
        throw new PoolproofError('STORE_NOT_FOUND', 'there is no such record', { file, cause });
      });
      if (bytes.length > maxRecordBytes)
        throw new PoolproofError('STORE_CORRUPT', 'this is too large for a record', { file });
      return parseNativeRecord(bytes.toString('utf8'), file);
    }),
  );
}

/** Exit code: 2 when cells of a run are missing, it has not ended or a line of it is damaged, else 0. */
export async function report(
  context: Context,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  const resultsDir = textOption(options, 'results') ?? 'results';
  const output = textOption(options, 'output');
  const given = Array.isArray(options['format']) ? options['format'].map(String) : ['table'];
  const wanted = [...new Set(given)];
  const unknown = wanted.find((name) => name !== 'table' && name !== overheadPage.name && !isFormat(name));
  if (unknown !== undefined) {
    throw unknownFormat(unknown, ['table', ...Object.keys(formats), overheadPage.name]);
  }
  // Two documents one after the other are neither.
  if (output === undefined && wanted.length > 1) {
    throw new PoolproofError('USAGE', `--format ${wanted.join(' ')}: several reports need a folder`, {
      hint: 'add --output <folder>: each format has its file there',
    });
  }
  const native = await loadNative(options['native']);
  const stored = await loadRuns(context, resultsDir, args.length === 0 ? ['latest'] : args);
  const runs = stored.map((run) => ({ ...run, results: joinNative(run.results, native) }));
  for (const format of wanted) {
    if (format !== overheadPage.name && !isFormat(format)) {
      const color = wantsColor(context.stdout);
      for (const { record, results } of runs) {
        context.out(renderTable(results, { color, run: record }));
        if (options['details'] === true) context.out(`\n${renderDetails(results, { color })}`);
      }
      continue;
    }
    const [texts, fileName] = isFormat(format)
      ? [await renderAll(format, runs, output), formats[format].file]
      : [stored.map(({ record, results }) => renderOverheadPage(record, results, native)), overheadPage.file];
    for (const [index, text] of texts.entries()) {
      if (output === undefined) {
        context.out(text);
        continue;
      }
      await mkdir(output, { recursive: true });
      // Several runs in one folder: each file says whose it is.
      const name = texts.length === 1 ? fileName : `${runs[index]?.record.id ?? ''}-${fileName}`;
      const file = path.join(output, name);
      await writeFileAtomic(file, text);
      context.err(`${file}\n`);
    }
  }
  // What is not there cannot be as expected, whatever the format.
  const complete = runs.every(
    ({ record, results, damaged }) => !damaged && findCompleteness(record, results).state !== 'incomplete',
  );
  return complete ? 0 : 2;
}
