/**
 * The reason for an outcome in one sentence: why this tier and no better one, with the numbers that decide. The
 * engine's message comes first; the model's numbers are used where both name the same pool.
 */
import { describeShortfall } from '../../images/allocator/explain.ts';
import type { Attempt, AttemptFailure, HostReport } from '../../images/allocator/host-report.ts';
import type { Pool, Prediction, Shortfall } from '../../images/allocator/prediction.ts';
import { formatBytes } from '../../images/allocator/sizes.ts';
import type { Classification } from './classify.ts';
import { plainLine } from './plain-text.ts';

/** The reason for a cell: the classification's own sentence, or a better one where numbers are known. */
export function explain(classification: Classification, prediction: Prediction | null): string {
  const { outcome, reason, hostReport } = classification;
  if (outcome === 'crashed' && prediction?.outcome === 'crashed' && prediction.startup !== null) {
    return plainLine(`${describeShortfall(prediction.startup)}; ${reason}`);
  }
  if ((outcome === 'reached' || outcome === 'exhausted') && hostReport !== null) {
    return plainLine(explainReport(hostReport, prediction));
  }
  return `${reason}${explainForeign(classification, prediction)}`;
}

/** The numbers by which a host of the model's table came no further, where it came as far as the model says. */
function explainForeign({ outcome, foreign }: Classification, prediction: Prediction | null): string {
  if (foreign === undefined || outcome !== prediction?.outcome) return '';
  const refused = prediction.tiers.findLast(({ fits }) => !fits);
  return refused?.fits === false ? `; ${describeShortfall(refused.shortfall)}` : '';
}

function explainReport(report: HostReport, prediction: Prediction | null): string {
  const failed = report.attempts.filter((attempt) => !attempt.ok);
  const only = report.choice === 'auto' ? '' : ` (${report.choice} was forced)`;
  if (failed.length === 0) return only === '' ? 'every pool could be mapped' : `it fits${only}`;
  const sentences = failed.map((attempt) => ({
    tier: attempt.tier,
    text: explainAttempt(attempt, prediction),
  }));
  // One failure needs no name: the tier above the one reached is the one that failed.
  const text = sentences.map((sentence) =>
    failed.length === 1 ? sentence.text : `${sentence.tier}: ${sentence.text}`,
  );
  return `${text.join('; ')}${only}`;
}

function explainAttempt({ tier, failure, predicted }: Attempt, prediction: Prediction | null): string {
  if (failure === null) return 'failed without a reason';
  const model = predicted ?? prediction?.tiers.find((candidate) => candidate.tier === tier) ?? null;
  const shortfall = model?.fits === false ? model.shortfall : null;
  if (shortfall !== null && namesSamePool(failure, shortfall)) {
    return describeShortfall(withEngineBytes(shortfall, failure));
  }
  if (failure.pool !== null && failure.bytes !== null) {
    const errno = failure.errno === null ? '' : ` (${failure.errno})`;
    return `${failure.pool} pool needs ${formatBytes(failure.bytes)}, which the kernel refused${errno}`;
  }
  return plainLine(failure.message, 300);
}

/** Pools of the model that a class of failure can refer to; classes not listed refer to none. */
const poolsOf: Readonly<Partial<Record<AttemptFailure['class'], readonly Pool[]>>> = {
  'stack-guard': ['stack-guards'],
  'instance-mapping': ['linear-memory', 'memory'],
  'v8-memory': ['linear-memory', 'memory'],
  'guards-disabled': ['linear-memory', 'memory'],
  thread: ['process', 'code'],
  'v8-fatal': ['process', 'code', 'linear-memory'],
};

function namesSamePool(failure: AttemptFailure, shortfall: Shortfall): boolean {
  if (failure.class === 'unsupported') return shortfall.limit === 'feature';
  if (failure.class === 'pool-mapping') return failure.pool === shortfall.pool;
  return poolsOf[failure.class]?.includes(shortfall.pool) ?? false;
}

/** The engine's number is exact; the model may have rounded, or added the surrounding mappings. */
function withEngineBytes(shortfall: Shortfall, failure: AttemptFailure): Shortfall {
  const { bytes } = failure;
  if (bytes === null || shortfall.unit !== 'bytes' || bytes <= shortfall.available) return shortfall;
  return { ...shortfall, needed: bytes };
}
