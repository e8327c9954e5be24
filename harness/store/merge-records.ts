/** Merges the records of several runs, or names the differences that forbid it. */
import { createHash } from 'node:crypto';
import { findDigestDifferences } from './compare-digests.ts';
import type { RunRecord } from './run-record.ts';

/**
 * `cell`: two runs contradict each other about a cell. `run`: two runs with one id are not copies. `unlike`: the runs
 * were made with different matrices, images, QEMU …, which one record cannot hold. `shards`: the parts were not cut
 * alike, or one is missing or there twice. `unfinished`: a run is still written or was killed.
 */
export type ConflictKind = 'cell' | 'run' | 'unlike' | 'shards' | 'unfinished';

export type Conflict = Readonly<{
  kind: ConflictKind;
  text: string;
  /** Nothing is written unless the caller allows unlike runs. */
  blocking: boolean;
}>;

/** Fields that must be equal for several runs to be one, with their names in messages. */
const sameness: readonly Readonly<{ what: string; of: (record: RunRecord) => string }>[] = [
  { what: 'matrix text', of: ({ matrix }) => digest(matrix.text) },
  { what: 'version of poolproof', of: ({ tool }) => tool.version },
  { what: 'QEMU', of: ({ qemu }) => qemu.version },
  { what: 'accelerator', of: ({ accelerator }) => accelerator.kind },
];

/** Optional fields, as each part needs other images, which must be equal where present. */
const parts: readonly Readonly<{
  what: string;
  of: (record: RunRecord) => Readonly<Record<string, string>>;
}>[] = [
  { what: 'guest kernel', of: ({ kernels }) => kernels },
  { what: 'image of', of: ({ images }) => images.components },
];

/** Options that select the part of a run: the whole has none of them. */
const partOptions = ['only', 'shard', 'shardPlan', 'packed'];

export function findRecordConflicts(records: readonly RunRecord[]): readonly Conflict[] {
  const unlike = (what: string, values: ReadonlyMap<string, string>): Conflict[] => {
    const distinct = [...new Set(values.values())];
    if (distinct.length < 2) return [];
    const told = distinct.map((value) => {
      const runs = [...values].flatMap(([id, other]) => (other === value ? [id] : []));
      return `${value} (${runs.join(', ')})`;
    });
    return [{ kind: 'unlike', text: `different ${what}: ${told.join('; ')}`, blocking: true }];
  };
  return [
    ...sameness.flatMap(({ what, of }) =>
      unlike(what, new Map(records.map((record) => [record.id, of(record)]))),
    ),
    ...parts.flatMap(({ what, of }) => {
      const names = new Set(records.flatMap((record) => Object.keys(of(record))));
      return [...names].flatMap((name) =>
        unlike(
          `${what} ${name}`,
          new Map(
            records.flatMap((record) => {
              const value = Object.hasOwn(of(record), name) ? of(record)[name] : undefined;
              return value === undefined ? [] : [[record.id, value] as const];
            }),
          ),
        ),
      );
    }),
    ...findDigestConflicts(records),
    ...findShardConflicts(records),
    ...records
      .filter(({ finishedAt }) => finishedAt === null)
      .map(({ id }): Conflict => ({ kind: 'unfinished', text: `${id} is not finished`, blocking: false })),
  ];
}

/** Each difference is named once, with the first two runs that differ in it. */
function findDigestConflicts(records: readonly RunRecord[]): readonly Conflict[] {
  const known = records.filter(({ digests }) => digests !== undefined);
  const found = new Map<string, Conflict>();
  for (const [place, one] of known.entries()) {
    for (const other of known.slice(place + 1)) {
      for (const what of findDigestDifferences(one, other)) {
        const text = `different: ${what} (${one.id}; ${other.id})`;
        if (!found.has(what)) found.set(what, { kind: 'unlike', text, blocking: true });
      }
    }
  }
  return [...found.values()];
}

function findShardConflicts(records: readonly RunRecord[]): readonly Conflict[] {
  const conflict = (text: string): Conflict => ({ kind: 'shards', text, blocking: false });
  const shards = records.flatMap(({ id, options }) => {
    const match = /^(\d+)\/(\d+)$/.exec(String(options['shard'] ?? ''));
    return match === null ? [] : [{ id, index: Number(match[1]), count: Number(match[2]) }];
  });
  const [first] = shards;
  if (first === undefined) return [];
  if (new Set(shards.map(({ count }) => count)).size > 1) {
    return [
      conflict(
        `shards of different cuts: ${shards.map(({ index, count }) => `${index}/${count}`).join(', ')}`,
      ),
    ];
  }
  const plans = new Set(
    records.flatMap(({ options }) => (options['shardPlan'] == null ? [] : [options['shardPlan']])),
  );
  const found = new Map<number, string[]>();
  for (const { id, index } of shards) found.set(index, [...(found.get(index) ?? []), id]);
  const missing = Array.from({ length: first.count }, (_, place) => place + 1).filter(
    (index) => !found.has(index),
  );
  return [
    ...(plans.size > 1 ? [conflict('the machines did not cut alike: give all the same --timings')] : []),
    ...(missing.length === 0
      ? []
      : [conflict(`missing: ${missing.map((index) => `${index}/${first.count}`).join(', ')}`)]),
    ...[...found].flatMap(([index, ids]) =>
      ids.length < 2
        ? []
        : [conflict(`${index}/${first.count} is there ${ids.length} times: ${ids.join(', ')}`)],
    ),
  ];
}

/**
 * One record for all. Its id is made of theirs, so that merging the same runs again gives the same id and bytes.
 * Values that differ between the test machines are joined as `A / B`; of cores and memory the least counts.
 * @param cells number of distinct cells found
 * @throws RangeError without a record
 */
export function mergeRecords(records: readonly RunRecord[], cells: number): RunRecord {
  const sorted = [...records].sort((a, b) => (a.id < b.id ? -1 : 1));
  const [first] = sorted;
  if (first === undefined) throw new RangeError('nothing to merge');
  const ids = [...new Set(sorted.map(({ id }) => id))];
  const startedAt = least(sorted.map((record) => record.startedAt));
  const stamp = startedAt.replace(/\.\d+Z$/, 'Z').replace(/[-:]/g, '');
  const finished = sorted.map(({ finishedAt }) => finishedAt);
  const machines = sorted.map(({ machine }) => machine);
  const join = (values: readonly string[]): string => [...new Set(values)].sort().join(' / ');
  const models = machines.flatMap(({ cpuModel }) => (cpuModel === null ? [] : [cpuModel]));
  const selection = mergeSelections(sorted);
  const digests = mergeDigests(sorted);
  const { selection: _selection, digests: _digests, ...same } = first;
  return {
    ...same,
    ...(selection !== null && { selection }),
    ...(digests !== null && { digests }),
    id: `${stamp}-${digest(ids.join(' ')).slice(0, 6)}`,
    matrix: { ...first.matrix, size: Math.max(cells, expectedSize(sorted)) },
    startedAt,
    finishedAt: finished.some((time) => time === null)
      ? null
      : (finished
          .flatMap((time) => time ?? [])
          .sort()
          .at(-1) ?? null),
    resumedAt: sorted.flatMap(({ resumedAt }) => resumedAt).sort(),
    machine: {
      cpuModel: models.length === 0 ? null : join(models),
      cores: Math.min(...machines.map(({ cores }) => cores)),
      memTotal: Math.min(...machines.map(({ memTotal }) => memTotal)),
      kernel: join(machines.map(({ kernel }) => kernel)),
      os: join(machines.map(({ os }) => os)),
    },
    accelerator: {
      kind: first.accelerator.kind,
      reason: join(sorted.map(({ accelerator }) => accelerator.reason)),
    },
    kernels: unite(sorted.map(({ kernels }) => kernels)),
    images: mergeImages(sorted),
    options: { ...commonOptions(sorted), merged: ids.join(' ') },
  };
}

/**
 * The cells of all parts. Where a shard is not there, its cells are known by number only: the record is of as many
 * cells as were cut. Null where a record has no list of cells.
 */
function mergeSelections(records: readonly RunRecord[]): NonNullable<RunRecord['selection']> | null {
  const all = records.map(({ selection }) => selection);
  const known = all.filter((selection) => selection !== undefined);
  const [first] = known;
  if (first === undefined || known.length < all.length) return null;
  const listed = known.map(({ cells }) => cells);
  const cells = listed.every((keys) => keys !== null) ? [...new Set(listed.flat())] : null;
  const of = Math.max(...known.map((selection) => selection.of));
  const expressions = new Set(known.map(({ only }) => JSON.stringify(only)));
  // Parts of other expressions are together what any of them selects.
  const only =
    expressions.size === 1 ? first.only : [...new Set(known.flatMap((selection) => selection.only))].sort();
  const whole = known.some((selection) => selection.only.length === 0);
  return {
    of,
    repeat: Math.max(...known.map(({ repeat }) => repeat)),
    only: whole ? [] : only,
    shard: null,
    cells,
  };
}

/** Null unless all have them: a digest without one part would vouch for it. */
function mergeDigests(records: readonly RunRecord[]): NonNullable<RunRecord['digests']> | null {
  const known = records.flatMap(({ digests }) => digests ?? []);
  const [first] = known;
  if (first === undefined || known.length < records.length) return null;
  return {
    matrix: first.matrix,
    subjects: unite(known.map(({ subjects }) => subjects)),
    cases: unite(known.map(({ cases }) => cases)),
  };
}

/** Cells that the runs are to have together, whether they have them or not. */
export function expectedSize(records: readonly RunRecord[]): number {
  const selections = records.map(({ selection }) => selection);
  const cells = mergeSelections(records)?.cells ?? null;
  // Shards are parts of the whole cut, even if one of them is missing.
  const cut = selections.map((selection) => selection?.shard?.of ?? 0);
  if (cells !== null) return Math.max(cells.length, ...cut);
  return Math.max(estimateSize(records), ...cut);
}

/** Parts of a matrix are as large as they are; whole runs are each as large as the whole. */
function estimateSize(records: readonly RunRecord[]): number {
  const distinct = [...new Map(records.map((record) => [record.id, record])).values()];
  const isPart = ({ options }: RunRecord) =>
    partOptions.some((name) => options[name] != null && options[name] !== false);
  const sum = distinct.filter(isPart).reduce((total, { matrix }) => total + matrix.size, 0);
  return Math.max(sum, ...distinct.filter((record) => !isPart(record)).map(({ matrix }) => matrix.size), 0);
}

function mergeImages(records: readonly RunRecord[]): RunRecord['images'] {
  const digests = [...new Set(records.map(({ images }) => images.digest))].sort();
  const packages = unite(records.map(({ images }) => images.packages ?? {}));
  const [only] = digests;
  return {
    // Parts that need different images have different digests: the digest of them all stands for all.
    digest: digests.length === 1 && only !== undefined ? only : `sha256:${digest(digests.join('\n'))}`,
    components: unite(records.map(({ images }) => images.components)),
    ...(Object.keys(packages).length > 0 && { packages }),
  };
}

function commonOptions(records: readonly RunRecord[]): RunRecord['options'] {
  const [first] = records;
  return Object.fromEntries(
    Object.entries(first?.options ?? {}).filter(
      ([name, value]) =>
        !partOptions.includes(name) && records.every(({ options }) => options[name] === value),
    ),
  );
}

type Texts = Readonly<Record<string, string>>;

/** All entries, by name. */
const unite = (all: readonly Texts[]): Texts =>
  Object.fromEntries(
    all.flatMap((texts) => Object.entries(texts)).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  );

const least = (values: readonly string[]): string => [...values].sort()[0] ?? '';

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
