/** Instantiates, uses and drops instances of one module in libwasmtime, in one thread or in two at once. */
import { Worker } from 'node:worker_threads';
import type { Library, Pointer } from './libwasmtime.ts';
import type { Running } from './workloads/instance.ts';
import type { LifeCycle } from './workloads/life-cycle.ts';

/** Shared by the threads of a process: all may use one engine and one module of libwasmtime. */
export type Shared = Readonly<{ library: string; engine: bigint; module: bigint }>;

/** Data of a second thread. */
export type Second = Shared & Readonly<{ cycle: LifeCycle; control: SharedArrayBuffer }>;

/** Cells of `control`: the requested number of instances (-1: end), and the result. */
export const asked = 0;
export const done = 1;
export const result = 2;
export const controlBytes = 12;

const name = Buffer.from('live');

/** A loop over whole lives of instances; returns the pages that were added. */
export function makeLives(
  library: Library,
  engine: Pointer,
  module: Pointer,
  { touched, grown }: LifeCycle,
): (count: number) => number {
  const trap = Buffer.alloc(8);
  const instance = Buffer.alloc(64);
  const found = Buffer.alloc(64);
  const cells = Buffer.alloc(16 * 2);
  return (count) => {
    let sum = 0;
    for (let at = 0; at < count; at += 1) {
      const store = library.pointer('wasmtime_store_new', engine, null, null);
      const context = library.pointer('wasmtime_store_context', store);
      library.raise(library.pointer('wasmtime_instance_new', context, module, null, 0, instance, trap));
      library.raiseTrap(trap);
      library.call('wasmtime_instance_export_get', context, instance, name, name.length, found);
      cells.writeInt32LE(touched, 0);
      cells.writeInt32LE(grown, 16);
      // wasmtime_extern_t: the handle is at 8.
      library.raise(
        library.pointer('wasmtime_func_call_unchecked', context, found.subarray(8), cells, 2, trap),
      );
      library.raiseTrap(trap);
      sum = (sum + touched + cells.readInt32LE(0)) | 0;
      library.call('wasmtime_store_delete', store);
    }
    return sum;
  };
}

/** @param shared for a second thread; it opens the library itself */
export function startLives(library: Library, shared: Shared, cycle: LifeCycle): Running {
  const lives = makeLives(library, shared.engine, shared.module, cycle);
  if (cycle.threads === 1) return { run: lives, drop: () => undefined };
  const control = new SharedArrayBuffer(controlBytes);
  const cells = new Int32Array(control);
  const workerData: Second = { ...shared, cycle, control };
  const worker = new Worker(new URL('measure-life-thread.js', import.meta.url), { workerData, execArgv: [] });
  worker.unref();
  // Up before the first sample.
  Atomics.wait(cells, done, 0, 30_000);
  if (Atomics.load(cells, done) === 0) throw new Error('the second thread did not start');
  return {
    run: (count) => {
      Atomics.store(cells, done, 0);
      Atomics.store(cells, asked, count);
      Atomics.notify(cells, asked);
      const own = lives(count);
      Atomics.wait(cells, done, 0);
      return (own + Atomics.load(cells, result)) | 0;
    },
    drop: () => {
      Atomics.store(cells, asked, -1);
      Atomics.notify(cells, asked);
    },
  };
}
