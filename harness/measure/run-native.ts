/** Runs measuring processes on this machine, one at a time: they would disturb each other. */
import { runProgram } from '../../images/run-program.ts';
import { PoolproofError } from '../errors.ts';
import { parseMeasurement, type Measurement } from './measurement.ts';

export type Command = Readonly<{ command: string; args: readonly string[] }>;

export type NativeOptions = Readonly<{
  signal?: AbortSignal;
  /** Called after each process: how many are done, and what this one measured. */
  onProcess?: (done: number, measured: Measurement) => void;
  /** Longest a process may take. @default 300 000 */
  timeoutMs?: number;
}>;

/**
 * Runs the commands in order.
 *
 * @throws PoolproofError MEASURE_FAILED when one fails, or when two forms computed different things;
 * INTERRUPTED
 */
export async function runNative(
  commands: readonly Command[],
  { signal, onProcess, timeoutMs = 300_000 }: NativeOptions = {},
): Promise<readonly Measurement[]> {
  const measured: Measurement[] = [];
  for (const command of commands) {
    const one = await runOne(command, signal, timeoutMs);
    measured.push(one);
    onProcess?.(measured.length, one);
  }
  checkChecksums(measured);
  return measured;
}

async function runOne(
  { command, args }: Command,
  signal: AbortSignal | undefined,
  timeoutMs: number,
): Promise<Measurement> {
  const result = await runProgram(command, args, {
    timeoutMs,
    maxBytes: 16 * 1024 * 1024,
    ...(signal === undefined ? {} : { signal }),
  });
  if (result.ended === 'caller') throw new PoolproofError('INTERRUPTED', 'measuring was interrupted');
  if (!result.ok) {
    throw new PoolproofError('MEASURE_FAILED', `a measuring process ${result.why}`, {
      command: [command, ...args].join(' '),
      stderr: result.stderr.slice(-2000),
    });
  }
  return parseMeasurement(result.stdout.toString('utf8'));
}

/** @throws PoolproofError MEASURE_FAILED: forms that computed different things cannot be compared. */
export function checkChecksums(measured: readonly Measurement[]): void {
  const known = new Map<string, number>();
  for (const { workloads } of measured) {
    for (const { workload, checksums } of workloads) {
      for (const checksum of checksums) {
        const before = known.get(workload) ?? checksum;
        if (before !== checksum) {
          throw new PoolproofError('MEASURE_FAILED', `${workload} computed ${before}, then ${checksum}`);
        }
        known.set(workload, before);
      }
    }
  }
}
