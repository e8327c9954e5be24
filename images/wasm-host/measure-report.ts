/** The line a measuring process prints: `{"poolproof":"measure","schema":1,…}`. Raw samples, no ratio. */
import type { Facts } from '../allocator/facts.ts';
import type { EngineId } from '../allocator/tier.ts';
import type { Subject } from './measure-command.ts';
import type { Usage } from './proc.ts';
import type { Clock } from './workloads/catalogue.ts';

/** Samples of one subject at one length, in the order taken. */
export type Series = Readonly<{
  /** Index into `subjects`. */
  subject: number;
  /** Units of the workload in one sample. */
  length: number;
  /** Thread CPU time, ns; instructions where the clock is `instructions`. */
  cpu: readonly number[];
  /** Time on the wall, ns; kept as evidence, never evaluated. */
  wall: readonly number[];
}>;

export type WorkloadMeasurement = Readonly<{
  workload: string;
  /** sha256 of each subject's machine code; null where the engine does not show it. */
  code: readonly (string | null)[];
  /** Checksums of the first run of each timed subject: equal, or they did different work. */
  checksums: readonly number[];
  series: readonly Series[];
}>;

export type MeasureReport = Readonly<{
  poolproof: 'measure';
  schema: 1;
  engine: EngineId;
  node: string;
  clock: Clock;
  subjects: readonly Subject[];
  /** Factor on the work of each subject: 1 except in a test of the method. */
  planted: readonly number[];
  workloads: readonly WorkloadMeasurement[];
  /** Clock `instructions`: instructions of one step of the control loop, a whole number where they are counted. */
  perStep: number | null;
  facts: Facts;
  /**
   * When the first call into wasm had returned: milliseconds since Node's own start, CPU time of all threads
   * since the creation of the process (ns; instructions where these are counted), memory held.
   */
  start: Readonly<{ wallMs: number; cpuNs: number; usage: Usage }>;
  /** After the last sample. */
  usage: Usage;
}>;
