/** A format of reports, and a format as a reporter of a run: written while cells end, or at the end. */
import type { RunRecord } from '../store/run-record.ts';
import { type CellView, buildCells } from './cell-view.ts';
import type { Reporter } from './reporter.ts';
import { type RunResults, type RunView, buildRunView } from './run-view.ts';

export type RenderOptions = Readonly<{
  /** Escape sequences for colour, for a terminal; see `wantsColor`. @default false */
  color?: boolean;
  /** Width of the terminal in characters. @default 100 */
  width?: number;
  /** With the overhead of each workload, where a format can leave it out. @default false */
  details?: boolean;
}>;

export type Format = Readonly<{
  /** File name in the run's folder; null where the format is only printed. */
  file: string | null;
  description: string;
  /** Pure: equal views give equal bytes. */
  render(view: RunView, options?: RenderOptions): string;
  /** Several runs as one document: of each cell the newest result counts. @default a document for each */
  renderTogether?(views: readonly RunView[], options?: RenderOptions): string;
  /** For what can be written before the last cell has ended. */
  stream?(record: RunRecord): FormatStream;
  /** It shows what the guests left behind, which is loaded for it only. @default false */
  showsEvidence?: boolean;
  /** Only for stored runs: not a reporter of `run`. @default false */
  storedOnly?: boolean;
}>;

/** The pieces of a text that can be written before the run has ended; together they are what `render` gives. */
export type FormatStream = Readonly<{
  head: string;
  renderCell(cell: CellView): string;
  renderTail(view: RunView): string;
}>;

/** Where a text goes. */
export type Sink = Readonly<{
  /** In the order of the calls; may be called again before it has ended. `dir` is the run's folder. */
  append(text: string, dir: string): Promise<void>;
  /** The whole text at once, replacing the old file. */
  write(text: string, dir: string): Promise<void>;
}>;

/**
 * A resumed run is written at its end: its first cells ended before this reporter was there, and half a report would
 * look like a whole one.
 * @param load adds what the format shows beside the results, such as evidence
 */
export function createFormatReporter(
  format: Format,
  sink: Sink,
  load?: (run: RunResults, dir: string) => Promise<RunResults>,
): Reporter {
  let stream: FormatStream | null = null;
  let dir = '';
  let failOnFlaky = false;
  // A failure while cells end is thrown at the end: the run's results are stored all the same.
  let written: Promise<void> = Promise.resolve();
  const append = (text: string): void => {
    written = written.then(() => sink.append(text, dir));
    written.catch(() => undefined);
  };
  return {
    onRunStart: async ({ record, dir: folder, doneBefore }) => {
      dir = folder;
      failOnFlaky = record.options['failOnFlaky'] === true;
      stream = doneBefore > 0 ? null : (format.stream?.(record) ?? null);
      if (stream !== null) await sink.write(stream.head, dir);
    },
    onCellDone: (results) => {
      if (stream === null) return;
      for (const cell of buildCells(results, { failOnFlaky })) append(stream.renderCell(cell));
    },
    onRunEnd: async ({ record, results, interrupted, dir: folder }) => {
      if (stream === null) {
        const run = load === undefined ? { record, results } : await load({ record, results }, folder);
        await sink.write(format.render(buildRunView(run)), folder);
        return;
      }
      append(stream.renderTail(buildRunView({ record, results }, { interrupted })));
      await written;
    },
  };
}
