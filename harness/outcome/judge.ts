/**
 * The whole stage for one observation: outcome, verdict and reason, which are all that this stage contributes to a
 * stored result.
 */
import type { HostReport } from '../../images/allocator/host-report.ts';
import type { Prediction } from '../../images/allocator/prediction.ts';
import type { Checks, Tier } from '../../images/allocator/tier.ts';
import type { Observation } from '../guest/observation.ts';
import type { SubjectProcess } from '../guest/subject-process.ts';
import type { Subject } from '../matrix/subject.ts';
import type { Expectation } from '../matrix/cell.ts';
import type { Asked } from './check-report.ts';
import { classify, type Classification } from './classify.ts';
import type { SubjectSummary } from './classify-foreign.ts';
import { type Expected, compare } from './expect.ts';
import { explain } from './explain.ts';
import type { Outcome, Verdict } from './outcome.ts';
import { describeCut, droppedBytesOf, findLine, keptLines, linesOf } from './output-lines.ts';
import { plainLine } from './plain-text.ts';
import { summarizeProcess } from './summarize-process.ts';

/** A tier's configuration and bytes, as measured by the host (see `Proof`). */
export type Form = Readonly<{
  checks: Checks;
  slots: number | null;
  reservedBytes: number;
  chargedBytes: number;
}>;

/** Summary of one tier attempt of the wasm host. */
export type TierAttempt = Readonly<{
  tier: Tier;
  ok: boolean;
  class: string | null;
  message: string | null;
  pool: string | null;
  bytes: number | null;
}>;

/** The part of a host's report that is stored with the result; the whole report is in the evidence. */
export type HostSummary = Pick<HostReport, 'engine' | 'node' | 'choice' | 'why' | 'proof' | 'warnings'> &
  Readonly<{
    /** The kernel's account of its processes; `up` is null: the proof has what they had. Absent in older results. */
    process?: SubjectProcess;
  }>;

export type Judgement = Readonly<{
  outcome: Outcome;
  reason: string;
  tier: Tier | null;
  form: Form | null;
  predicted: Prediction | null;
  expected: Expected | null;
  verdict: Verdict;
  finding: string | null;
  tiers: readonly TierAttempt[];
  host: HostSummary | null;
  /** Of a foreign subject that ran; absent for the wasm host. */
  subject?: SubjectSummary;
}>;

/**
 * @param prediction from the facts that the observation read back; null without facts, and for subjects that the model
 *   knows nothing of
 * @param foreign the subject that ran instead of the wasm host
 */
export function judge(
  observation: Observation,
  asked: Asked,
  expectation: Expectation | null,
  prediction: Prediction | null,
  foreign: Subject | null = null,
): Judgement {
  const classified = classify(observation, asked, foreign);
  const sought = findMissingError(observation, classified, expectation);
  const dropped = observation.subject === null ? 0 : droppedBytesOf(observation.subject);
  // The expected line may be in the dropped part.
  const isUnknown = sought !== null && dropped > 0;
  const missing = isUnknown ? null : sought;
  const classification: Classification = isUnknown
    ? { ...classified, outcome: noVerdict(classified), reason: `${describeCut(dropped)}${sought}` }
    : classified;
  const { outcome, hostReport } = classification;
  // A tier counts only when proven, so nothing of a report that was not believed is shown as one.
  const proof = outcome === 'reached' ? (hostReport?.proof ?? null) : null;
  const told = classification.foreign;
  const tier = told === undefined ? (proof?.tier ?? null) : isUnknown ? null : told.tier;
  const form = proof === null ? null : pickForm(proof);
  const compared = compare({ outcome, tier, checks: form?.checks ?? null }, expectation, prediction);
  return {
    outcome,
    reason: `${explain(classification, prediction)}${missing ?? ''}${describeStandIns(observation)}`,
    tier,
    form,
    predicted: prediction,
    ...compared,
    ...(missing !== null && compared.verdict !== null && { verdict: 'unexpected' as const }),
    ...(told !== undefined && { subject: told.summary }),
    tiers: outcome === 'reached' || outcome === 'exhausted' ? (hostReport?.attempts.map(shorten) ?? []) : [],
    host: hostReport === null ? null : summarizeHost(hostReport, proof, observation.subject?.process),
  };
}

/** Judgement of a cell that no machine was asked about: it does not apply here, or the harness cannot ask. */
export function judgeUnasked(
  outcome: 'skipped' | 'broken',
  reason: string,
  expectation: Expectation | null,
  prediction: Prediction | null,
): Judgement {
  const compared = compare({ outcome, tier: null, checks: null }, expectation, prediction);
  const nothing = { tier: null, form: null, tiers: [], host: null };
  return { outcome, reason: plainLine(reason), predicted: prediction, ...compared, ...nothing };
}

/** An outcome without a verdict stays what it is. */
const noVerdict = ({ outcome }: Classification): Classification['outcome'] =>
  outcome === 'invalid' ? outcome : 'broken';

/** The phrase that no line matches the pattern that the matrix expects; null where a line does, or none is expected. */
function findMissingError(
  { subject }: Observation,
  { hostReport }: Classification,
  expectation: Expectation | null,
): string | null {
  const pattern = expectation?.error;
  if (pattern === undefined || subject === null) return null;
  const messages =
    hostReport?.attempts.flatMap(({ failure }) => (failure === null ? [] : [failure.message])) ?? [];
  const lines = [...keptLines(subject), ...linesOf(...messages)];
  return findLine(lines, pattern) === null ? ` (no line matches /${plainLine(pattern, 200)}/)` : null;
}

/** Names the settings that a stand-in approximates. */
function describeStandIns({ readBack }: Observation): string {
  const standIns = readBack.filter(({ standIn }) => standIn === true);
  return standIns.map(({ asked, found }) => ` (stand-in: ${found} for ${asked})`).join('');
}

function pickForm({ checks, slots, reservedBytes, chargedBytes }: Form): Form {
  return { checks, slots, reservedBytes, chargedBytes };
}

function shorten({ tier, ok, failure }: HostReport['attempts'][number]): TierAttempt {
  return {
    tier,
    ok,
    class: failure?.class ?? null,
    message: failure === null ? null : plainLine(failure.message, 500),
    pool: failure?.pool ?? null,
    bytes: failure?.bytes ?? null,
  };
}

function summarizeHost(
  { engine, node, choice, why, warnings }: HostReport,
  proof: HostReport['proof'],
  process: SubjectProcess | undefined,
): HostSummary {
  return {
    engine: {
      kind: engine.kind,
      version: plainLine(engine.version, 100),
      ...(engine.library !== undefined && {
        library: {
          saysVersion: plainLine(engine.library.saysVersion, 100),
          sha256: engine.library.sha256 === null ? null : plainLine(engine.library.sha256, 100),
        },
      }),
    },
    node: plainLine(node, 100),
    choice,
    why: plainLine(why, 500),
    proof,
    warnings: warnings.slice(0, 20).map((warning) => plainLine(warning, 500)),
    ...(process !== undefined && { process: summarizeProcess(process) }),
  };
}
