/** Selects the part of a matrix for a run: `--only`, `--shard`, or the recorded cells of an unfinished run. */
import { PoolproofError } from '../errors.ts';
import type { Cell, Matrix } from '../matrix/cell.ts';
import { selectCells } from '../matrix/select.ts';
import { digestShards, filterKeys, planShards, selectShard, type ShardNumber } from './shard.ts';
import type { Durations } from './shard-durations.ts';

/** More cells than this are not listed by name: the record would be as large as the results. */
const listedCells = 20_000;

/** The record of a run's part; `run-record.ts` documents its fields. */
export type Selection = Readonly<{
  of: number;
  repeat: number;
  only: readonly string[];
  shard: Readonly<ShardNumber & { of: number; plan: string }> | null;
  cells: readonly string[] | null;
}>;

export type SelectedPart = Readonly<{
  /** The cells to run, as a matrix. */
  matrix: Matrix;
  /** The same before it was cut into shards: its images are those of every shard. */
  uncut: Matrix;
  selection: Selection;
}>;

export type PartOptions = Readonly<{
  /** Expressions; several are alternatives. @default all cells */
  only?: readonly string[];
  shard?: ShardNumber;
  /** @default every cell alike */
  durations?: Durations;
}>;

/** @throws PoolproofError USAGE, CELL_NOT_FOUND of an expression; MATRIX_EMPTY of an empty shard */
export function selectPart(
  whole: Matrix,
  { only = [], shard, durations = new Map() }: PartOptions,
): SelectedPart {
  const uncut = selectCells(whole, only);
  const matrix = shard === undefined ? uncut : selectShard(uncut, shard, durations);
  const cut =
    shard === undefined
      ? null
      : {
          ...shard,
          of: uncut.size,
          plan: digestShards(planShards(uncut.cells(), shard.count, durations)),
        };
  return { matrix, uncut, selection: describeSelection(whole, matrix, only, cut) };
}

function describeSelection(
  whole: Matrix,
  matrix: Matrix,
  only: readonly string[],
  shard: Selection['shard'],
): Selection {
  const cells = matrix.size > listedCells ? null : Array.from(matrix.cells(), keyOf);
  return { of: whole.size, repeat: whole.repeat, only, shard, cells };
}

const keyOf = ({ id, repetition }: Cell): string => `${id}#${repetition}`;

/** The recorded part of an unfinished run; an older one has only the command's options. */
export type Recorded = Readonly<{
  selection?: Selection;
  options: Readonly<Record<string, string | number | boolean | null>>;
}>;

/**
 * The part that an unfinished run is. Options of the command line must agree with it.
 * @throws PoolproofError USAGE when it is another one, or when the matrix has other cells now
 */
export function selectRecordedPart(whole: Matrix, recorded: Recorded, given: PartOptions): SelectedPart {
  const { only, shard, plan } = readPart(recorded);
  refuseOtherPart(given, only, shard);
  const listed = recorded.selection?.cells ?? null;
  if (listed === null) {
    const part = selectPart(whole, { ...given, only, ...(shard !== null && { shard }) });
    if (plan === null || part.selection.shard === null || part.selection.shard.plan === plan) return part;
    throw new PoolproofError(
      'USAGE',
      'cannot resume: the matrix would be cut in another way than when the run started',
      {
        hint: 'give the same --durations as then',
      },
    );
  }
  const uncut = selectCells(whole, only);
  const wanted = new Set(listed);
  const matrix: Matrix = {
    ...whole,
    size: wanted.size,
    cells: () => ({ [Symbol.iterator]: () => filterKeys(uncut.cells(), wanted) }),
  };
  const there = new Set(Array.from(matrix.cells(), keyOf));
  const lost = listed.find((key) => !there.has(key));
  if (lost !== undefined) {
    throw new PoolproofError(
      'USAGE',
      `cannot resume: the matrix changed since the run was started: it has no ${lost}`,
      {
        file: whole.file,
        hint: 'start a new run (without --resume), or undo the change',
      },
    );
  }
  return {
    matrix,
    uncut,
    selection: describeSelection(whole, matrix, only, recorded.selection?.shard ?? null),
  };
}

function readPart({ selection, options }: Recorded): Readonly<{
  only: readonly string[];
  shard: ShardNumber | null;
  plan: string | null;
}> {
  if (selection !== undefined) {
    const { only, shard } = selection;
    return {
      only,
      shard: shard === null ? null : { index: shard.index, count: shard.count },
      plan: shard?.plan ?? null,
    };
  }
  const { only, shard, shardPlan } = options;
  const cut = /^(\d+)\/(\d+)$/.exec(typeof shard === 'string' ? shard : '');
  return {
    only: typeof only === 'string' ? [only] : [],
    shard: cut === null ? null : { index: Number(cut[1]), count: Number(cut[2]) },
    plan: typeof shardPlan === 'string' ? shardPlan : null,
  };
}

function refuseOtherPart(given: PartOptions, only: readonly string[], shard: ShardNumber | null): void {
  const refuse = (option: string, now: string, then: string): never => {
    throw new PoolproofError(
      'USAGE',
      `cannot resume: ${option} ${now} was given, the run was started with ${then}`,
      {
        hint: `leave out ${option}: a resumed run keeps its part`,
      },
    );
  };
  if (given.only !== undefined && [...given.only].sort().join('\n') !== [...only].sort().join('\n'))
    refuse('--only', given.only.join(' '), only.length === 0 ? 'all cells' : `--only ${only.join(' ')}`);
  const tell = ({ index, count }: ShardNumber): string => `${index}/${count}`;
  if (given.shard !== undefined && (shard === null || tell(given.shard) !== tell(shard)))
    refuse('--shard', tell(given.shard), shard === null ? 'no shard' : `--shard ${tell(shard)}`);
}
