/** In which order samples are taken, and how one is. */
import type { Reading } from './measure-clock.ts';
import type { Series } from './measure-report.ts';
import type { Running } from './workloads/instance.ts';

/**
 * Subjects by index, A B … then … B A, `samples` times each: what drifts in time meets all alike.
 * Before each sample comes an untimed run, or the subject at the turn would find its caches warm.
 */
export function orderSamples(subjects: number, samples: number): readonly number[] {
  const forward = Array.from({ length: subjects }, (_, index) => index);
  return Array.from({ length: samples }, (_, round) =>
    round % 2 === 0 ? forward : [...forward].reverse(),
  ).flat();
}

/** Units of the untimed run before a sample of `length` units. */
export const warmLength = (length: number): number => Math.max(1, Math.ceil(length / 4));

/** Takes all samples of one workload. `lengths` in units. */
export function takeSamples(
  running: readonly Running[],
  lengths: readonly number[],
  samples: number,
  clock: () => Reading,
): readonly Series[] {
  const series = running.flatMap((_, subject) =>
    lengths.map((length) => ({ subject, length, cpu: [] as number[], wall: [] as number[] })),
  );
  for (const subject of orderSamples(running.length, samples)) {
    for (const row of series) {
      const run = running[subject]?.run;
      if (row.subject !== subject || run === undefined) continue;
      run(warmLength(row.length));
      const start = clock();
      run(row.length);
      const end = clock();
      row.cpu.push(end.cpuNs - start.cpuNs);
      row.wall.push(end.wallNs - start.wallNs);
    }
  }
  return series;
}
