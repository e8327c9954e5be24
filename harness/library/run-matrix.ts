/** A run, with its options in groups. */
import type { ImageEvent } from '../../images/build.ts';
import { resolveCacheFolder } from '../../images/cache/cache-folder.ts';
import { PoolproofError } from '../errors.ts';
import type { Matrix } from '../matrix/cell.ts';
import { parseShard } from '../plan/shard.ts';
import type { Reporter } from '../report/reporter.ts';
import type { RunOptions as FlatOptions, Seams } from '../run/context.ts';
import { runMatrix as run, type RunSummary } from '../run/run.ts';
import { checkTag, findRun } from '../store/find-run.ts';
import { loadDurations } from './stored-runs.ts';

export type RunOptions = Readonly<{
  /** Folder that holds a folder per run; it is made where it is missing. */
  resultsDir: string;
  /**
   * A run to finish instead of a new one: its folder, id, tag, or `latest`. It keeps its `select` and its tag: others
   * are refused.
   */
  resume?: string;
  /** A name for the run, such as `nightly`. Several may have it: it finds the newest, `nightly~1` the one before. */
  tag?: string;
  /** Which cells. @default all */
  select?: Readonly<{
    /** Expressions as `--only` takes them, such as `memory=512M|1G,overcommit=2`; several are alternatives. */
    only?: readonly string[];
    /** One part, such as `2/3`, cut the same way on every machine that has the same matrix and durations. */
    shard?: string;
    /** A run (folder, id, tag or `latest`) whose times balance the shards. @default every cell alike */
    durations?: string;
  }>;
  limits?: Readonly<{
    /** Guests at a time. @default one per core */
    jobs?: number;
    /** Memory of all guests together, MiB. @default free memory less a reserve */
    memoryMib?: number;
  }>;
  /** Repetitions of what did not do as expected, and what counts as a failure beside an unexpected cell. */
  retry?: Readonly<{
    /** How many times more such a cell is run, each on a boot of its own. @default 0 */
    times?: number;
    /** Repetitions that differ give exit code 1. @default false */
    failOnFlaky?: boolean;
    /** An overhead that is undecided gives exit code 1. @default false */
    strict?: boolean;
  }>;
  cache?: Readonly<{
    /** Folder of images and templates. @default `$POOLPROOF_CACHE`, else `~/.cache/poolproof` */
    dir?: string;
    /** Refuse a successor of a pinned package (IMAGE_LOCKED). @default false */
    locked?: boolean;
    /** Boot every cell instead of cloning a template. @default false */
    cold?: boolean;
    /** Size to which saved templates are cut at the end, bytes. @default 4 GiB */
    templateBytes?: number;
  }>;
  /** They hear each cell as it ends. */
  reporters?: readonly Reporter[];
  onImageEvent?: (event: ImageEvent) => void;
  /** Hears what no result says: a template that failed, a successor of a pinned package that was used. */
  onNotice?: (text: string) => void;
  /** Ends the run: cells in flight are kept, and `interrupted` of the summary is true. */
  signal?: AbortSignal;
}>;

/**
 * Runs a matrix and stores a line per cell the moment it ends. What happens in a cell is in its result.
 * @throws PoolproofError USAGE for a tag; USAGE, CELL_NOT_FOUND, MATRIX_EMPTY for a selection; QEMU_*, IMAGE_*,
 *   TOOL_NOT_FOUND, OS_UNSUPPORTED, CACHE_UNWRITABLE, NOT_PRIVATE for what is needed before the first cell; STORE_* for
 *   the results' folder; DISK_FULL, TOO_MANY_FILES, NO_MEMORY where the computer gives out.
 */
export async function runMatrix(matrix: Matrix, options: RunOptions): Promise<RunSummary> {
  return runWith(matrix, options, {});
}

/** The same with what only commands and tests of failure paths set. */
export async function runWith(
  matrix: Matrix,
  { resultsDir, resume, tag, select = {}, limits = {}, retry = {}, cache = {}, ...hooks }: RunOptions,
  extra: Seams & Pick<FlatOptions, 'recordOptions' | 'openRunner' | 'disks'>,
): Promise<RunSummary> {
  const { only = [], shard, durations } = select;
  const { times: retries = 0, failOnFlaky = false, strict = false } = retry;
  const { dir: cacheDir = resolveCacheFolder(), locked = false, cold = false, templateBytes } = cache;
  const { jobs, memoryMib } = limits;
  if (tag !== undefined) checkTag(tag);
  if (tag !== undefined && resume !== undefined)
    throw new PoolproofError('USAGE', '--tag and --resume exclude each other: a run keeps its tag');
  return run(matrix, {
    ...hooks,
    ...extra,
    resultsDir,
    ...(resume !== undefined && { resume: await findRun(resultsDir, resume) }),
    ...(only.length > 0 && { only }),
    ...(shard !== undefined && { shard: parseShard(shard) }),
    ...(durations !== undefined && { durations: await loadDurations(resultsDir, durations) }),
    ...(jobs !== undefined && { jobs }),
    ...(memoryMib !== undefined && { memoryBudgetMib: memoryMib }),
    retries,
    failOnFlaky,
    strict,
    cacheDir,
    locked,
    cold,
    ...(templateBytes !== undefined && { templateCacheBytes: templateBytes }),
    recordOptions: {
      only: only.length === 0 ? null : only.join(' or '),
      jobs: jobs ?? null,
      cold,
      ...(retries > 0 && { retries }),
      ...(tag !== undefined && { tag }),
      ...extra.recordOptions,
    },
  });
}
