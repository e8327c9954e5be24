/** `--reporter <format[=file]>`: which reports a run writes, and where. */
import { appendFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { PoolproofError } from '../errors.ts';
import { createFormatReporter, type Format, type Sink } from '../report/format.ts';
import { type FormatTable, formats } from '../report/formats.ts';
import type { Reporter } from '../report/reporter.ts';
import type { Context } from './context.ts';
import { addEvidence } from './evidence.ts';

/** @throws PoolproofError REPORT_UNKNOWN */
export function findFormat(name: string, table: FormatTable): Format {
  const format = Object.hasOwn(table, name) ? table[name] : undefined;
  if (format !== undefined) return format;
  throw new PoolproofError('REPORT_UNKNOWN', `there is no report format ${name}`, {
    hint: `there are ${Object.keys(table).join(', ')}`,
  });
}

/** The formats that a run can write. */
const duringRuns: FormatTable = Object.fromEntries(
  Object.entries<Format>(formats).filter(([, { storedOnly }]) => storedOnly !== true),
);

/** `tap`, `tap=file` */
export const isReporter = (word: string): boolean => Object.hasOwn(duringRuns, word.split('=', 1)[0] ?? '');

export type Wanted = Readonly<{
  name: string;
  format: Format;
  /** Null: the run's folder. `-`: standard output. */ file: string | null;
}>;

/** @throws PoolproofError REPORT_UNKNOWN, USAGE when two write to one place */
export function parseReporters(words: unknown): readonly Wanted[] {
  const given = Array.isArray(words) ? words.map(String) : [];
  const wanted = given.map((word): Wanted => {
    const equals = word.indexOf('=');
    const name = equals === -1 ? word : word.slice(0, equals);
    const format = findFormat(name, duringRuns);
    const file = equals === -1 ? null : word.slice(equals + 1);
    if (file === '')
      throw new PoolproofError(
        'USAGE',
        `--reporter ${word}: missing file name after "=" ("-" is standard output)`,
      );
    return { name, format, file };
  });
  const places = wanted.map(({ name, file }) => file ?? ` ${name}`);
  const twice = places.find((place, index) => places.indexOf(place) !== index);
  if (twice !== undefined) {
    throw new PoolproofError('USAGE', `--reporter: two reports in one place: ${twice.trim()}`);
  }
  return wanted;
}

/** GitHub's summary file belongs to all steps of a job: it is added to, never replaced. */
const isShared = (file: string): boolean => file === process.env['GITHUB_STEP_SUMMARY'];

function buildSink({ name, format, file }: Wanted, out: Context['out']): Sink {
  if (file === '-') {
    const write = (text: string): Promise<void> => {
      out(text);
      return Promise.resolve();
    };
    return { append: write, write };
  }
  const placeIn = (dir: string): string => file ?? path.join(dir, format.file ?? name);
  const append = (text: string, dir: string): Promise<void> => appendFile(placeIn(dir), text);
  if (file !== null && isShared(file)) return { append, write: append };
  return {
    append,
    // A streamed report is read while it grows (`tail -f`): the file must stay the same file.
    write: (text, dir) => (format.stream === undefined ? writeFileAtomic : writeFile)(placeIn(dir), text),
  };
}

/** Every run leaves its page in its folder, whatever else is wanted. */
export function buildReporters(wanted: readonly Wanted[], out: Context['out']): readonly Reporter[] {
  const page: Wanted = { name: 'html', format: formats.html, file: null };
  const others = wanted.filter(({ name, file }) => name !== page.name || file !== null);
  return [page, ...others].map((each) => {
    const { format, file } = each;
    const placeOf = (dir: string): string | null =>
      file === '-' ? null : file === null ? dir : path.dirname(file);
    const sink = buildSink(each, out);
    if (format.showsEvidence !== true) return createFormatReporter(format, sink);
    return createFormatReporter(format, sink, (run, dir) => addEvidence(run, dir, placeOf(dir)));
  });
}
