/** Samples a QEMU process: the run and wait time of its threads, and whether it is stopped. */
import { readdirSync, readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { readStatField } from '../../images/allocator/kernel-files.ts';
import type { Sample, ThreadTimes } from './guest-time.ts';

function read(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}

/**
 * Kernel functions in which a task of a frozen cgroup waits: of version 2, of version 1. Its state looks like sleep.
 */
const frozenIn = /freezer_trap|refrigerator/;

/** T: stopped by a signal; t: by a debugger. */
function isStopped(folder: string): boolean {
  const state = readStatField(read(`${folder}/stat`) ?? '', 3) ?? '';
  return /^[Tt]/.test(state) || frozenIn.test(read(`${folder}/wchan`) ?? '');
}

/** `<ns on a core> <ns waited for one> <slices>` for each thread; absent without CONFIG_SCHED_INFO. */
function readThreads(folder: string): ReadonlyMap<number, ThreadTimes> | null {
  let ids: string[];
  try {
    ids = readdirSync(`${folder}/task`);
  } catch {
    return null; // it has ended: who waits for it is told elsewhere
  }
  const threads = new Map<number, ThreadTimes>();
  for (const id of ids) {
    const [ran, waited] = (read(`${folder}/task/${id}/schedstat`) ?? '').split(' ').map(Number);
    if (ran === undefined || waited === undefined) continue;
    threads.set(Number(id), { ranMs: ran / 1e6, waitedMs: waited / 1e6 });
  }
  return threads.size === 0 ? null : threads;
}

/** Costs about ten small reads: to be called once or twice a second, not in a loop. */
export function sampleProcess(pid: number): Sample {
  const folder = `/proc/${pid}`;
  return {
    monotonicMs: performance.now(),
    bootMs: uptime() * 1000,
    stopped: isStopped(folder),
    threads: readThreads(folder),
  };
}
