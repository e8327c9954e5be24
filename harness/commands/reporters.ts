/** `--reporter <format[=file]>`: which reports a run writes, and where. */
import { appendFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { PoolproofError } from '../errors.ts';
import { createFormatReporter, type Sink } from '../report/format-reporter.ts';
import { type FormatName, formats } from '../report/formats.ts';
import type { Reporter } from '../report/reporter.ts';
import type { Context } from './context.ts';
import { renderPage } from './page.ts';

export const isFormat = (name: string): name is FormatName => Object.hasOwn(formats, name);

export function unknownFormat(name: string, names: readonly string[]): PoolproofError {
  return new PoolproofError('REPORT_UNKNOWN', `there is no report format ${name}`, {
    hint: `there are ${names.join(', ')}`,
  });
}

export type Wanted = Readonly<{
  name: FormatName;
  /** Null: the run's folder. `-`: standard output. */ file: string | null;
}>;

/** @throws PoolproofError REPORT_UNKNOWN, USAGE when two write to one place */
export function parseReporters(words: unknown): readonly Wanted[] {
  const given = Array.isArray(words) ? words.map(String) : [];
  const wanted = given.map((word): Wanted => {
    const equals = word.indexOf('=');
    const name = equals === -1 ? word : word.slice(0, equals);
    if (!isFormat(name)) throw unknownFormat(name, Object.keys(formats));
    const file = equals === -1 ? null : word.slice(equals + 1);
    if (file === '')
      throw new PoolproofError('USAGE', `--reporter ${word}: which file? - is standard output`);
    return { name, file };
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

function buildSink({ name, file }: Wanted, out: Context['out']): Sink {
  if (file === '-') {
    const write = (text: string): Promise<void> => {
      out(text);
      return Promise.resolve();
    };
    return { append: write, write };
  }
  const placeIn = (dir: string): string => file ?? path.join(dir, formats[name].file);
  const append = (text: string, dir: string): Promise<void> => appendFile(placeIn(dir), text);
  if (file !== null && isShared(file)) return { append, write: append };
  const streamed = 'stream' in formats[name];
  return {
    append,
    // What is streamed is read while it grows (`tail -f`): the file must stay the same file.
    write: (text, dir) => (streamed ? writeFile : writeFileAtomic)(placeIn(dir), text),
  };
}

/** The page with what the guests left behind; its links lead from where it is to the run's folder. */
function createPageReporter(sink: Sink, file: string | null): Reporter {
  return {
    onRunEnd: async ({ record, dir, results }) =>
      sink.write(
        await renderPage(
          [{ dir, record, results }],
          file === '-' ? null : path.dirname(file ?? path.join(dir, 'x')),
        ),
        dir,
      ),
  };
}

/** Every run leaves its page in its folder, whatever else is wanted. */
export function buildReporters(wanted: readonly Wanted[], out: Context['out']): readonly Reporter[] {
  const page: Wanted = { name: 'html', file: null };
  const others = wanted.filter(({ name, file }) => name !== 'html' || file !== null);
  return [page, ...others].map((each) =>
    each.name === 'html'
      ? createPageReporter(buildSink(each, out), each.file)
      : createFormatReporter(formats[each.name], buildSink(each, out)),
  );
}
