/**
 * Cuts a matrix into shards for machines that do not communicate. Equal cells and equal durations give equal shards on
 * every machine; `digestShards` shows whether two machines cut the same way.
 */
import { createHash } from 'node:crypto';
import { PoolproofError } from '../errors.ts';
import type { Cell, Matrix } from '../matrix/cell.ts';
import { bootKey } from './order.ts';
import { type Durations, estimateCell } from './shard-durations.ts';

/** One of several parts, counted from 1. */
export type ShardNumber = Readonly<{ index: number; count: number }>;

export type Shard = Readonly<{
  index: number;
  /** `cellKey`s (`<id>#<repetition>`) in the order of the matrix. */
  keys: readonly string[];
  /** Distinct boots. */
  boots: number;
  /** Estimated, milliseconds of one machine that runs one guest at a time. */
  estimateMs: number;
}>;

/** More shards than this is a typing error: CI systems allow 200 to 256 jobs. */
const maxShards = 1000;

/** Boot of a template under emulation, milliseconds; measured 8–14 s. Cells cloned from it are cheap. */
const bootMs = 10_000;

/** `2/3`. @throws PoolproofError USAGE */
export function parseShard(text: string): ShardNumber {
  const match = /^([1-9]\d{0,3})\/([1-9]\d{0,3})$/.exec(text.trim());
  const [index, count] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || index > count || count > maxShards) {
    throw new PoolproofError('USAGE', `--shard ${text}: expected part/parts, e.g. 2/3`, {
      hint: `the first number is from 1 to the second, the second at most ${maxShards}`,
    });
  }
  return { index, count };
}

type Chunk = Readonly<{ boot: string; cells: readonly Piece[]; ms: number }>;
type Piece = Readonly<{ key: string; place: number; ms: number }>;

/** A boot may be cut into parts of this fraction of a fair share; finer cuts pay for more boots. */
const grains = [1, 2, 4, 8] as const;

/** Up to here also cell by cell, so that no machine stays idle; beyond it the parts are small enough. */
const singleLimit = 1000;

/**
 * Longest first onto the machine with the least to do. Cells of one boot stay together, as they share a
 * template, unless cutting the boot ends the whole sooner: each part then pays for a boot. A shard may be
 * empty when there are more shards than cells.
 */
export function planShards(cells: Iterable<Cell>, count: number, durations: Durations): readonly Shard[] {
  const boots = new Map<string, Piece[]>();
  let place = 0;
  for (const cell of cells) {
    const key = `${cell.id}#${cell.repetition}`;
    const piece = { key, place, ms: estimateCell(cell, durations) };
    place += 1;
    const boot = bootKey(cell.settings);
    const known = boots.get(boot);
    if (known === undefined) boots.set(boot, [piece]);
    else known.push(piece);
  }
  const fairMs = [...boots.values()].reduce((sum, pieces) => sum + bootMs + sumMs(pieces), 0) / count;
  return [...grains, ...(place <= singleLimit ? [Infinity] : [])]
    .map((grain) => distribute(boots, count, fairMs / grain))
    .reduce((best, shards) => (isBetter(shards, best) ? shards : best));
}

/** A machine with nothing to do would be an error where it runs; then the earliest end counts. */
function isBetter(a: readonly Shard[], b: readonly Shard[]): boolean {
  return (
    countEmpty(a) - countEmpty(b) < 0 || (countEmpty(a) === countEmpty(b) && longestMs(a) < longestMs(b))
  );
}

const countEmpty = (shards: readonly Shard[]): number =>
  shards.filter(({ keys }) => keys.length === 0).length;

const longestMs = (shards: readonly Shard[]): number =>
  Math.max(...shards.map(({ estimateMs }) => estimateMs));

function distribute(boots: ReadonlyMap<string, readonly Piece[]>, count: number, partMs: number): Shard[] {
  const chunks = [...boots]
    .flatMap(([boot, pieces]) => cutBoot(boot, pieces, partMs))
    .sort((a, b) => b.ms - a.ms || firstPlace(a) - firstPlace(b));
  const loads = Array.from({ length: count }, () => ({
    ms: 0,
    boots: new Set<string>(),
    pieces: [] as Piece[],
  }));
  for (const chunk of chunks) {
    const least = loads.reduce((best, load) => (load.ms < best.ms ? load : best));
    // A part of a boot that is there already needs no second one.
    least.ms += chunk.ms + (least.boots.has(chunk.boot) ? 0 : bootMs);
    least.boots.add(chunk.boot);
    for (const piece of chunk.cells) least.pieces.push(piece);
  }
  return loads.map(({ ms, boots: taken, pieces }, index) => ({
    index: index + 1,
    keys: pieces.sort((a, b) => a.place - b.place).map(({ key }) => key),
    boots: taken.size,
    estimateMs: Math.round(ms),
  }));
}

const sumMs = (pieces: readonly Piece[]): number => pieces.reduce((sum, { ms }) => sum + ms, 0);
const firstPlace = ({ cells }: Chunk): number => Math.min(...cells.map(({ place }) => place));

/** Parts of about equal length, longest first onto the shortest. */
function cutBoot(boot: string, pieces: readonly Piece[], partMs: number): readonly Chunk[] {
  const parts = Math.min(pieces.length, Math.max(1, Math.ceil(sumMs(pieces) / Math.max(1, partMs))));
  const bins = Array.from({ length: parts }, () => ({ ms: 0, cells: [] as Piece[] }));
  for (const piece of [...pieces].sort((a, b) => b.ms - a.ms || a.place - b.place)) {
    const least = bins.reduce((best, bin) => (bin.ms < best.ms ? bin : best));
    least.cells.push(piece);
    least.ms += piece.ms;
  }
  return bins.map(({ cells, ms }) => ({ boot, cells, ms }));
}

/**
 * The cells of one shard, as a matrix.
 * @throws PoolproofError MATRIX_EMPTY when the shard has none: there are more shards than cells
 */
export function selectShard(
  matrix: Matrix,
  { index, count }: ShardNumber,
  durations: Durations = new Map(),
): Matrix {
  const shard = planShards(matrix.cells(), count, durations)[index - 1];
  if (shard === undefined || shard.keys.length === 0) {
    throw new PoolproofError('MATRIX_EMPTY', `shard ${index}/${count} has no cell`, {
      hint: '`poolproof plan --format github-matrix` or `gitlab` leaves empty shards out',
    });
  }
  const keys = new Set(shard.keys);
  return {
    ...matrix,
    size: keys.size,
    cells: () => ({ [Symbol.iterator]: () => filterKeys(matrix.cells(), keys) }),
  };
}

/** The cells of these keys, `<id>#<repetition>`. */
export function* filterKeys(cells: Iterable<Cell>, keys: ReadonlySet<string>): Generator<Cell> {
  for (const cell of cells) if (keys.has(`${cell.id}#${cell.repetition}`)) yield cell;
}

/** Equal when every cell is in the same shard. Recorded with a run; a merge compares it. */
export function digestShards(shards: readonly Shard[]): string {
  const hash = createHash('sha256');
  for (const { index, keys } of shards) hash.update(`${index}\n${keys.join('\n')}\n`);
  return hash.digest('hex').slice(0, 16);
}
