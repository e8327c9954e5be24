/** One line of cells.jsonl. */
import type { HostReport } from '../../images/allocator/host-report.ts';
import type { Prediction } from '../../images/allocator/prediction.ts';
import type { Facts } from '../../images/allocator/facts.ts';
import type { Checks, Tier } from '../../images/allocator/tier.ts';
import type { MachineEnd, ReadBack } from '../guest/observation.ts';
import type { Expectation, Settings } from '../matrix/cell.ts';
import type { Outcome, Verdict } from '../outcome/outcome.ts';

export const resultSchema = 1;

/** How one tier attempt of the wasm host ended, in short; the whole is in the evidence. */
export type TierAttempt = Readonly<{
  tier: Tier;
  ok: boolean;
  class: string | null;
  message: string | null;
  pool: string | null;
  bytes: number | null;
}>;

/** One try on one machine: a cell has two when the first machine did not come up. */
export type MachineAttempt = Readonly<{
  start: 'boot' | 'clone';
  outcome: Outcome;
  detail: string;
  machineEnd: MachineEnd | null;
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
  /** What the tier looks like; null unless reached. */
  form: Readonly<{
    checks: Checks;
    slots: number | null;
    reservedBytes: number;
    chargedBytes: number;
  }> | null;
  predicted: Prediction | null;
  /** What was expected and where that came from: the matrix, or the prediction. */
  expected: Readonly<{
    source: 'matrix' | 'prediction';
    text: string;
    expectation: Expectation | null;
  }> | null;
  verdict: Verdict;
  /** The host's own attempts at tiers. */
  tiers: readonly TierAttempt[];
  attempts: readonly MachineAttempt[];
  readBack: readonly ReadBack[];
  facts: Facts | null;
  host: Pick<HostReport, 'engine' | 'node' | 'choice' | 'why' | 'proof' | 'warnings'> | null;
  /** Milliseconds by phase. */
  timings: Readonly<Record<string, number>>;
  /** Digest of what the cell ran on (images and machine), to tell like from unlike. */
  imageDigest: string | null;
  startedAt: string;
  /** Folder of the evidence, relative to the run's folder; null when there is none (skipped). */
  evidence: string | null;
}>;
