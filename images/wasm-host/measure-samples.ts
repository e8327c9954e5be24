/** Takes the samples of a measurement in their order. */
import type { EngineKind } from '../allocator/tier.ts';
import type { Reading } from './measure-clock.ts';
import { formatSubject, type Subject } from './measure-command.ts';
import type { Series } from './measure-report.ts';
import type { Running } from './workloads/instance.ts';

/**
 * Subjects worth a sample, by index. One that runs the same instructions as the first costs nothing by
 * proof and not by measurement: the same machine code, or for V8, which does not show its code, the same
 * checks. The first one's repetition is the pair of equals that shows the noise, as long as there is
 * anything to compare; a subject alone is always sampled.
 */
export function chooseTimed(
  subjects: readonly Subject[],
  code: readonly (string | null)[],
  engine: EngineKind,
): readonly number[] {
  const [first] = subjects;
  if (first === undefined || subjects.length === 1) return subjects.map((_, index) => index);
  const same = (index: number): boolean =>
    engine === 'v8' ? subjects[index]?.checks === first.checks : code[index] === code[0];
  const repeats = (subject: Subject): boolean => formatSubject(subject) === formatSubject(first);
  const timed = subjects.flatMap((subject, index) => (repeats(subject) || !same(index) ? [index] : []));
  // Only the baseline against itself, if nothing else was requested.
  return timed.every((index) => same(index)) && !subjects.every(repeats) ? [] : timed;
}

/**
 * Subjects by index, each pair of rounds A B … then … B A: what drifts in time meets all alike. Every pair
 * starts with another subject, so that each is as often at the turn, where a subject comes twice in a row.
 * Before each sample there is an untimed run, or that second one would find its caches warm.
 */
export function orderSamples(subjects: number, samples: number): readonly number[] {
  return Array.from({ length: samples }, (_, round) => {
    const first = Math.floor(round / 2);
    const forward = Array.from({ length: subjects }, (_, at) => (first + at) % subjects);
    return round % 2 === 0 ? forward : forward.reverse();
  }).flat();
}

/** Units of the untimed run before a sample of `length` units. */
export const warmLength = (length: number): number => Math.max(1, Math.ceil(length / 4));

/** Lets all run `units` in turns, a sample's length at a time, untimed. */
export function settle(running: readonly Pick<Running, 'run'>[], units: number, length: number): void {
  for (let done = 0; done < units; done += length) {
    for (const { run } of running) run(length);
  }
}

/** Takes all samples of one workload. `lengths` in units. */
export function takeSamples(
  running: readonly (Pick<Running, 'run'> & Readonly<{ subject: number }>)[],
  lengths: readonly number[],
  samples: number,
  clock: () => Reading,
): readonly Series[] {
  const rows = running.map(({ subject, run }) => ({
    run,
    series: lengths.map((length) => ({ subject, length, cpu: [] as number[], wall: [] as number[] })),
  }));
  for (const index of orderSamples(rows.length, samples)) {
    const row = rows[index];
    if (row === undefined) continue;
    for (const { length, cpu, wall } of row.series) {
      row.run(warmLength(length));
      const start = clock();
      row.run(length);
      const end = clock();
      cpu.push(end.cpuNs - start.cpuNs);
      wall.push(end.wallNs - start.wallNs);
    }
  }
  return rows.flatMap(({ series }) => series);
}
