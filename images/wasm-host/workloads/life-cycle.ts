/** Instances that come and go: the cost of a request apart from its own work. Pure data. */
import type { Workload } from './catalogue.ts';

export type LifeCycle = Readonly<{
  module: string;
  /** Pages of 4 KiB written in each instance. */
  touched: number;
  /** Pages of 64 KiB added one by one. */
  grown: number;
  /** Threads of one process that do the same at once. */
  threads: 1 | 2;
}>;

type Row = Readonly<{ name: string; memory: string; touched: number; grown: number; length: number }>;

/** Lengths of some 3 ms. */
const rows: readonly Row[] = [
  { name: 'instantiate-64k-touch-0', memory: '64k', touched: 0, grown: 0, length: 400 },
  { name: 'instantiate-64k-touch-4', memory: '64k', touched: 4, grown: 0, length: 300 },
  { name: 'instantiate-64k-touch-15', memory: '64k', touched: 15, grown: 0, length: 200 },
  { name: 'instantiate-1m-touch-0', memory: '1m', touched: 0, grown: 0, length: 200 },
  { name: 'instantiate-1m-touch-4', memory: '1m', touched: 4, grown: 0, length: 150 },
  { name: 'instantiate-1m-touch-15', memory: '1m', touched: 15, grown: 0, length: 150 },
  { name: 'instantiate-10m-touch-4', memory: '10m', touched: 4, grown: 0, length: 80 },
  { name: 'grow-64-pages', memory: '64k', touched: 0, grown: 64, length: 8 },
];

const threadCounts = [1, 2] as const;

const nameOf = ({ name }: Row, threads: 1 | 2): string => (threads === 1 ? name : `${name}-2-threads`);

/** By workload name. */
export const lifeCycles: Readonly<Record<string, LifeCycle>> = Object.fromEntries(
  threadCounts.flatMap((threads) =>
    rows.map((row) => {
      const { memory, touched, grown } = row;
      return [nameOf(row, threads), { module: `life-${memory}`, touched, grown, threads }] as const;
    }),
  ),
);

/** Their rows of the catalogue. */
export const lifeCycleWorkloads: readonly Workload[] = threadCounts.flatMap((threads) =>
  rows.map((row): Workload => {
    const { memory, touched, grown, length } = row;
    return {
      name: nameOf(row, threads),
      kind: 'life-cycle',
      module: `life-${memory}`,
      length,
      unit: 'instances',
      workingSet: grown > 0 ? `64 KiB to ${64 + grown * 64} KiB` : `${touched * 4} KiB of ${memory}B`,
      standsFor: `${grown > 0 ? 'a memory that grows page by page' : 'an instance a request'}, ${threads === 1 ? 'one thread' : 'two threads at once'}`,
      // Page faults clear pages by `rep stosb`, counted by the byte; a second thread is emulated in turns.
      clocks: ['time'],
      // V8 gives memory back when its collector runs, not when an instance ends.
      engines: ['wasmtime'],
    };
  }),
);
