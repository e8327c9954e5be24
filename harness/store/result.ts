/** One line of cells.jsonl. */
import type { Prediction } from '../../images/allocator/prediction.ts';
import type { Facts } from '../../images/allocator/facts.ts';
import type { Tier } from '../../images/allocator/tier.ts';
import type { MachineEnd } from '../guest/observation.ts';
import type { ReadBack } from '../axes/guest-settings.ts';
import type { Settings } from '../axes/table.ts';
import type { Expected } from '../outcome/expect.ts';
import type { SubjectSummary } from '../outcome/classify-foreign.ts';
import type { Form, HostSummary, TierAttempt } from '../outcome/judge.ts';
import type { Outcome, Verdict } from '../outcome/outcome.ts';
import type { OverheadSource } from '../outcome/overhead.ts';
import type { CellServing } from '../outcome/serving.ts';
import type { OverheadSummary } from '../measure/figures.ts';

export type { TierAttempt } from '../outcome/judge.ts';

export const resultSchema = 1;

/** One try on one machine: a cell has two when the first machine did not come up. */
export type MachineAttempt = Readonly<{
  start: 'boot' | 'clone';
  outcome: Outcome;
  detail: string;
  machineEnd: MachineEnd | null;
}>;

/** A cell that was run several times: how often each thing happened. */
export type StoredDistribution = Readonly<{
  verdict: Verdict | 'flaky';
  /** Repetitions that are trials of the subject. */
  judged: number;
  /** The other repetitions: broken, invalid, skipped. */
  silent: number;
  /** Share of the judged repetitions with Wilson's interval of 95 %, 0–1. */
  shares: readonly Readonly<{ observed: Tier | Outcome; count: number; low: number; high: number }>[];
}>;

/** A machine of a fleet: the name it chose, and what may matter to a result. Has no address. */
export type FleetMachine = Readonly<{
  name: string;
  /** `7.2.22`. */
  qemu: string;
  accelerator: 'kvm' | 'tcg';
  cpuModel: string;
  /** `uname -r`. */
  kernel: string;
}>;

export type Result = Readonly<{
  schema: typeof resultSchema;
  id: string;
  repetition: number;
  settings: Settings;
  outcome: Outcome;
  /** One sentence: why this outcome, with the deciding numbers. */
  reason: string;
  tier: Tier | null;
  /** The tier's configuration; null unless reached. */
  form: Form | null;
  predicted: Prediction | null;
  /** The expectation and its source: the matrix, or the prediction. */
  expected: Expected | null;
  verdict: Verdict;
  /** The difference between model and guest, whatever the verdict; null if they agree. */
  finding: string | null;
  /** The host's own attempts at tiers. */
  tiers: readonly TierAttempt[];
  attempts: readonly MachineAttempt[];
  readBack: readonly ReadBack[];
  facts: Facts | null;
  host: HostSummary | null;
  /** How a foreign subject ended; absent where the wasm host ran, and where nothing did. Its tier is not proven. */
  subject?: SubjectSummary;
  /** Milliseconds by phase. */
  timings: Readonly<Record<string, number>>;
  /** Which machine of a fleet made it; absent where the run's own computer did, which is in the record. */
  machine?: FleetMachine;
  /** Digest of what the cell ran on (images and machine), so that like is compared with like. */
  imageDigest: string | null;
  startedAt: string;
  /** Folder of the evidence, relative to the run's folder; null when there is none (skipped). */
  evidence: string | null;
  /** In the line that ended a cell with repetitions or retries: all of them together. */
  distribution?: StoredDistribution;
  /**
   * The overhead of the tier: one figure per workload and mean. Absent where the matrix does not request it, in older
   * lines, and until it is measured: then a second line of the cell has it.
   */
  overhead?: readonly OverheadSummary[];
  /** Source of these figures, or the reason for having none; absent where `overhead` is. */
  overheadSource?: OverheadSource;
  /** What a request costs a server here. Absent where the matrix does not request it, and until it is measured. */
  serving?: CellServing;
}>;
