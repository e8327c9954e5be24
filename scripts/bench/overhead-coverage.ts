/**
 * Does the 95 % interval deserve its name? Measures the baseline against itself, one trial a workload, and
 * counts how often the interval covers 1. 36 of 40 are as few as an honest interval gives in 99 of 100 runs.
 *
 *   node dist/scripts/bench/overhead-coverage.js <wasmtime|v8> [trials] [processes] [folder of workload files]
 *
 * One line of JSON; exit 1 when fewer than 90 % cover.
 */
import { findEngineLibrary } from '../../images/package-files.ts';
import { measureCommand, type MeasureRequest } from '../../images/wasm-host/measure-command.ts';
import { workloads } from '../../images/wasm-host/workloads/catalogue.ts';
import { findWorkloadFiles } from '../../images/workload-files.ts';
import { findLongest } from '../../harness/measure/measurement.ts';
import { configurations } from '../../harness/measure/configurations.ts';
import { runNative } from '../../harness/measure/run-native.ts';
import { coversOne, estimateRatio, least } from '../../harness/measure/statistics.ts';
import { resolveEngine } from '../../harness/plan/requirements.ts';

const [name = 'wasmtime', trials = '40', processes = '8', folder] = process.argv.slice(2);
const { kind, version } = resolveEngine(name);
const [baseline] = configurations[kind];
const request: MeasureRequest = {
  engine: kind,
  version,
  library: version === null ? null : await findEngineLibrary(version),
  profile: 'spin',
  clock: 'time',
  subjects: [baseline, baseline],
  // Whole lives of instances are another quantity: time on the wall, of two threads.
  workloads: workloads.filter(({ kind: what }) => what !== 'life-cycle').map((row) => row.name),
  files: folder ?? (await findWorkloadFiles()),
};

const found: { workload: string; ratio: number; low: number; high: number }[] = [];
while (found.length < Number(trials)) {
  const measured = await runNative(Array.from({ length: Number(processes) }, () => measureCommand(request)));
  for (const [at, { workload }] of (measured[0]?.workloads ?? []).entries()) {
    if (found.length >= Number(trials)) break;
    const logs = measured.flatMap((process) => {
      const [one, other] = [0, 1].map((index) => {
        const row = process.workloads[at];
        return row === undefined ? undefined : findLongest(row, index)?.cpu;
      });
      return one === undefined || other === undefined ? [] : [Math.log(least(other) / least(one))];
    });
    found.push({ workload, ...estimateRatio(logs) });
  }
}
const covered = found.filter(coversOne).length;
process.stdout.write(
  `${JSON.stringify({ engine: name, trials: found.length, processes: Number(processes), covered, found })}\n`,
);
process.exitCode = covered / found.length < 0.9 ? 1 : 0;
