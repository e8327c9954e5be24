/** What every phase of a run works with. */
import type { BuiltImages, ImageEvent } from '../../images/build.ts';
import type { OwnDisk } from '../../images/own-disk.ts';
import type { Deadlines } from '../plan/deadlines.ts';
import type { StartMachine } from '../machine/machine.ts';
import type { Matrix } from '../matrix/cell.ts';
import type { ShardNumber } from '../plan/shard.ts';
import type { Durations } from '../plan/shard-durations.ts';
import type { Reporter } from '../report/reporter.ts';
import type { OpenRun } from '../store/open-run.ts';
import type { prepare, Prepared } from './prepare.ts';
import type { RunResults } from './run-results.ts';
import type { Runner } from './runner.ts';

export type RunOptions = Readonly<{
  /** Folder that holds a folder per run. */
  resultsDir: string;
  /** Folder of a run to finish instead of a new one. It keeps its `only` and `shard`: another one is refused. */
  resume?: string;
  /** Which cells, as `--only` writes it; several are alternatives. @default all */
  only?: readonly string[];
  /** One part of the matrix, cut the same way on every machine that has the same matrix and durations. */
  shard?: ShardNumber;
  /** How long cells took before, for balanced shards. @default every cell alike */
  durations?: Durations;
  /** Image cache. */
  cacheDir: string;
  locked?: boolean;
  /** Read-only disks of the user's own, for every guest. @default none */
  disks?: readonly OwnDisk[];
  /** Guests at a time. @default one a core */
  jobs?: number;
  /** Memory of all guests together, MiB. @default free memory less a reserve */
  memoryBudgetMib?: number;
  /** A cell that did not do what was expected is run so many times more, each on a boot of its own. @default 0 */
  retries?: number;
  /** Repetitions that differ are a failure. @default false */
  failOnFlaky?: boolean;
  /** An overhead that is undecided is a failure. @default false */
  strict?: boolean;
  /** Boot every cell instead of cloning. @default false */
  cold?: boolean;
  /** Size to which saved templates are cut at the end. @default 4 GiB */
  templateCacheBytes?: number;
  reporters?: readonly Reporter[];
  onImageEvent?: (event: ImageEvent) => void;
  /** News for the user that is in no result: a template that failed, a successor used. */
  onNotice?: (text: string) => void;
  signal?: AbortSignal;
  /**
   * Where boot plans are run; the run disposes of it at its end. `uncut` is the matrix without `only` and `shard`: the
   * images are of all its cells. @default this computer
   */
  openRunner?: (prepared: Prepared, options: RunOptions, uncut: Matrix) => Promise<Runner>;
  /** Recorded with the run. */
  recordOptions?: Readonly<Record<string, string | number | boolean | null>>;
}> &
  Seams;

/** What tests of failure paths put in the place of real machines. */
export type Seams = Readonly<{
  /** @default what this computer has */
  prepare?: typeof prepare;
  /** @default QEMU */
  startMachine?: StartMachine;
  /** Other deadlines than the accelerator's, milliseconds of the guest's time. */
  deadlines?: Partial<Deadlines>;
}>;

export type RunContext = Readonly<{
  /** The part of the matrix that this run is about. */
  matrix: Matrix;
  /** By `imagesOf` settings. */
  images: ReadonlyMap<string, BuiltImages>;
  run: OpenRun;
  results: RunResults;
  reporter: Required<Reporter>;
  runner: Runner;
  /** Ends every phase. */
  signal: AbortSignal;
  /** Boots every cell: as requested, or since repetitions need boots of their own. */
  cold: boolean;
  options: RunOptions;
}>;
