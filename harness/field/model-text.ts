/** Formats mappings and limits of the model for an explanation. */
import { describeShortfall } from '../../images/allocator/explain.ts';
import type { Mapping } from '../../images/allocator/mappings.ts';
import type { TierPrediction } from '../../images/allocator/prediction.ts';
import { formatBytes } from '../../images/allocator/sizes.ts';

/**
 * Charged: what strict overcommit counts. In the other modes nothing is charged for a mapping without
 * reservation.
 */
export function describeMapping(
  { pool, bytes, writableBytes, count, protection, noReserve, maps }: Mapping,
  strict: boolean,
): string {
  const times = count === 1 ? '' : `${count} x `;
  const size = bytes === 0 ? formatBytes(writableBytes) : formatBytes(bytes);
  const charged = writableBytes > 0 && (strict || !noReserve);
  const rights = protection === 'none' ? 'no access' : 'read-write';
  if (bytes === 0 && writableBytes === 0) return `${pool}: ${maps} mappings`;
  return `${pool}: ${times}${size} ${rights}, ${charged ? `${formatBytes(writableBytes * count)} charged` : 'not charged'}`;
}

/** Limits in words: both numbers, or the scarcest one that held. */
export function describeStop(model: TierPrediction | undefined): string {
  if (model === undefined) return 'the model says nothing';
  if (!model.fits) return describeShortfall(model.shortfall);
  const { tightest } = model;
  return tightest === null
    ? 'nothing limits it'
    : tightest.chance === true
      ? `it fits in most runs: ${describeShortfall(tightest)}`
      : `it fits; scarcest is ${tightest.limit}: ${tightest.pool} takes ${tightest.unit === 'bytes' ? formatBytes(tightest.needed) : tightest.needed} of ${tightest.unit === 'bytes' ? formatBytes(tightest.available) : tightest.available}`;
}
