/** The events of a run: the only contract between running and showing. */
import type { Cell } from '../matrix/cell.ts';
import type { Result } from '../store/result.ts';
import type { RunRecord } from '../store/run-record.ts';

export type RunStart = Readonly<{
  record: RunRecord;
  /** Folder of the run. */
  dir: string;
  /** Cells this run will end: those done before a `--resume` are not among them. */
  cells: number;
  /** Cells done before a `--resume`. */
  doneBefore: number;
}>;

export type RunEnd = Readonly<{
  record: RunRecord;
  dir: string;
  /** All results of the run, also those from before a `--resume`. */
  results: readonly Result[];
  /** The user ended it (SIGINT, SIGTERM). */
  interrupted: boolean;
}>;

/** The price of memory accesses, or of requests. */
export type MeasureKind = 'overhead' | 'requests';

/** Calls come in this order; cells overlap. A reporter that cannot write throws. */
export type Reporter = Readonly<{
  onRunStart?(start: RunStart): void | Promise<void>;
  onCellStart?(cell: Cell): void;
  /** One repetition has ended and its line is stored. */
  onCellEnd?(result: Result): void;
  /**
   * All repetitions and retries of a cell have ended, in their order, and its measurement. Not called for a cell that
   * was interrupted.
   */
  onCellDone?(results: readonly Result[]): void;
  /** After the cells: the figures of one, for `cells` of them, are being measured in its guest. */
  onMeasureStart?(measured: Result, cells: number, kind: MeasureKind): void;
  /** These cells have their figures now, or the reason why not; their lines are stored. */
  onMeasureEnd?(results: readonly Result[], kind: MeasureKind): void;
  onRunEnd?(end: RunEnd): void | Promise<void>;
}>;

/** One reporter out of many: each hears everything, also when another fails; then the first failure is thrown. */
export function multiplex(reporters: readonly Reporter[]): Required<Reporter> {
  const each = (tell: (reporter: Reporter) => void) => {
    const [failure] = reporters.flatMap((reporter) => catchOne(() => tell(reporter)));
    if (failure !== undefined) throw failure;
  };
  const eachAsync = async (tell: (reporter: Reporter) => void | Promise<void>) => {
    const ends = await Promise.allSettled(reporters.map(async (reporter) => tell(reporter)));
    for (const end of ends) if (end.status === 'rejected') throw asError(end.reason);
  };
  return {
    onRunStart: (start) => eachAsync((reporter) => reporter.onRunStart?.(start)),
    onCellStart: (cell) => each((reporter) => reporter.onCellStart?.(cell)),
    onCellEnd: (result) => each((reporter) => reporter.onCellEnd?.(result)),
    onCellDone: (results) => each((reporter) => reporter.onCellDone?.(results)),
    onMeasureStart: (...words) => each((reporter) => reporter.onMeasureStart?.(...words)),
    onMeasureEnd: (...words) => each((reporter) => reporter.onMeasureEnd?.(...words)),
    onRunEnd: (end) => eachAsync((reporter) => reporter.onRunEnd?.(end)),
  };
}

function catchOne(action: () => void): readonly Error[] {
  try {
    action();
    return [];
  } catch (error) {
    return [asError(error)];
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
