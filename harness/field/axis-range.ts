/** The values of an axis in the order in which they give a wasm host more. */
import { PoolproofError } from '../errors.ts';
import { axes, knownImages } from '../matrix/axes.ts';
import { formatValue, parseValue } from '../matrix/cell-id.ts';
import type { AxisName, Settings } from '../matrix/cell.ts';

const [kib, mib, gib, tib] = [2 ** 10, 2 ** 20, 2 ** 30, 2 ** 40];

export type AxisRange = Readonly<{
  axis: AxisName;
  /** Number of values. */
  length: number;
  /** Settings with the axis at its value of this index. */
  at: (base: Settings, index: number) => Settings;
  /** Canonical text of that value. */
  text: (index: number) => string;
}>;

type Span = Readonly<{ from: number; to: number; step: number }>;

/** Where a search begins and ends when nobody says otherwise. Values of sizes are bytes. */
const spans: Readonly<Partial<Record<AxisName, Span>>> = {
  // Smaller guests do not boot; larger ones change no tier. 8 MiB is as fine as a guest's own use is steady.
  memory: { from: 256 * mib, to: 16 * gib, step: 8 * mib },
  addressSpace: { from: 256 * mib, to: 8 * tib, step: 8 * mib },
  dataLimit: { from: 32 * mib, to: 16 * gib, step: 8 * mib },
  maxMapCount: { from: 128, to: 65_530, step: 1 },
  overcommitRatio: { from: 1, to: 1000, step: 1 },
  overcommitKbytes: { from: 64 * mib, to: 64 * gib, step: 8 * mib },
  swap: { from: 8 * mib, to: 16 * gib, step: 8 * mib },
  hugepages: { from: 0, to: 4096, step: 4 },
  cgroupMemory: { from: 16 * mib, to: 16 * gib, step: 8 * mib },
  stackLimit: { from: 256 * kib, to: gib, step: 256 * kib },
  addressBits: { from: 36, to: 46, step: 1 },
  memories: { from: 0, to: 4000, step: 1 },
  tables: { from: 0, to: 4000, step: 1 },
  tableElements: { from: 0, to: 200_000, step: 100 },
  stacks: { from: 0, to: 4000, step: 1 },
  maxMemory: { from: 64 * kib, to: 8 * gib, step: 64 * kib },
  reservation: { from: 0, to: 16 * gib, step: 8 * mib },
  guard: { from: 0, to: 8 * gib, step: 8 * mib },
  cpus: { from: 1, to: 8, step: 1 },
};

/** Words and versions, in the order given here; engines from the oldest. */
const lists: Readonly<Partial<Record<AxisName, readonly string[]>>> = {
  overcommit: ['2', '0', '1'],
  thp: ['always', 'madvise', 'never'],
  engine: knownImages.engines.map((version) => `wasmtime@${version}`).reverse(),
  node: [...knownImages.nodes].reverse(),
  kernel: knownImages.kernels,
  profile: ['spin', 'wasmtime'],
};

/**
 * @param from,to as one writes them in a cell id; bounds of the search
 * @throws PoolproofError `USAGE` for an axis without an order, or bounds that are none.
 */
export function rangeOf(axis: AxisName, from?: string, to?: string): AxisRange {
  const span = spans[axis];
  if (span !== undefined) return spanRange(axis, bound(axis, span, from, to));
  const values = lists[axis];
  if (values === undefined) {
    throw new PoolproofError('USAGE', `\`${axis}\` has no order to search in`, {
      hint: `these have: ${[...Object.keys(spans), ...Object.keys(lists)].join(', ')}`,
    });
  }
  const place = (text: string | undefined, otherwise: number): number => {
    if (text === undefined) return otherwise;
    const found = values.indexOf(formatValue(axes, axis, parseValue(axis, text)));
    if (found < 0) throw new PoolproofError('USAGE', `${text} is not among ${values.join(', ')}`);
    return found;
  };
  const chosen = values.slice(place(from, 0), place(to, values.length - 1) + 1);
  if (chosen.length < 2) throw new PoolproofError('USAGE', `\`${axis}\` has fewer than two values to search`);
  const at = (index: number): string => chosen[index] ?? '';
  return {
    axis,
    length: chosen.length,
    at: (base, index) => ({ ...base, [axis]: parseValue(axis, at(index)) }),
    text: at,
  };
}

function bound(axis: AxisName, span: Span, from?: string, to?: string): Span {
  const number = (text: string | undefined, otherwise: number): number => {
    if (text === undefined) return otherwise;
    const value = parseValue(axis, text);
    if (typeof value !== 'number') throw new PoolproofError('USAGE', `${text} is no bound of \`${axis}\``);
    return value;
  };
  const [low, high] = [number(from, span.from), number(to, span.to)];
  if (high - low < span.step)
    throw new PoolproofError('USAGE', `\`${axis}\`: the bounds leave nothing to search`);
  return { from: low, to: high, step: span.step };
}

function spanRange(axis: AxisName, { from, to, step }: Span): AxisRange {
  const value = (index: number): number => Math.min(to, from + index * step);
  return {
    axis,
    length: Math.ceil((to - from) / step) + 1,
    at: (base, index) => ({ ...base, [axis]: value(index) }),
    text: (index) => formatValue(axes, axis, value(index)),
  };
}
