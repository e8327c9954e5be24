/** A format as a reporter of a run: written while cells end where the format can be, else at the end. */
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';
import type { Format } from './formats.ts';
import type { Reporter } from './reporter.ts';

/** The pieces of a text that can be written before the run has ended; together they are what `render` gives. */
export type FormatStream = Readonly<{
  head: string;
  /** All repetitions of one cell. */
  renderCell(results: readonly Result[]): string;
  /** `record` as it is at the end: the one at the start was not finished. */
  renderTail(record: RunRecord, results: readonly Result[], interrupted: boolean): string;
}>;

/** Where a text goes. */
export type Sink = Readonly<{
  /** In the order of the calls; may be called again before it has ended. `dir` is the run's folder. */
  append(text: string, dir: string): Promise<void>;
  /** The whole text at once, replacing what is there. */
  write(text: string, dir: string): Promise<void>;
}>;

/**
 * A run that is taken up again is told at its end: its first cells ended before this reporter was there, and half
 * a report would look like a whole one.
 */
export function createFormatReporter(format: Format, sink: Sink): Reporter {
  let stream: FormatStream | null = null;
  let dir = '';
  // What failed while cells ended is thrown at the end: the run's results are stored all the same.
  let written: Promise<void> = Promise.resolve();
  const append = (text: string): void => {
    written = written.then(() => sink.append(text, dir));
    written.catch(() => undefined);
  };
  const start = (record: RunRecord): FormatStream | null => format.stream?.(record) ?? null;
  return {
    onRunStart: async ({ record, dir: folder, doneBefore }) => {
      dir = folder;
      stream = doneBefore > 0 ? null : start(record);
      if (stream !== null) await sink.write(stream.head, dir);
    },
    onCellDone: (results) => {
      if (stream !== null) append(stream.renderCell(results));
    },
    onRunEnd: async ({ record, results, interrupted }) => {
      if (stream === null) {
        await sink.write(format.render(record, results), dir);
        return;
      }
      append(stream.renderTail(record, results, interrupted));
      await written;
    },
  };
}
