/** Explains a real host in a cell: how it chooses its pool, what the pool maps, and the limit that stops it. */
import { AllocatorError } from '../../images/allocator/allocator-error.ts';
import { describeShortfall } from '../../images/allocator/explain.ts';
import { hosts, type Launch } from '../../images/allocator/hosts.ts';
import { listMappings } from '../../images/allocator/mappings.ts';
import { resolveLaunch } from '../../images/allocator/predict-foreign.ts';
import { findSubject, predictCell } from '../outcome/predict-cell.ts';
import { resolveProgram } from '../plan/subject-host.ts';
import type { Result } from '../store/result.ts';
import { describeMapping, describeStop } from './model-text.ts';
import { firstShortfall } from './raised-limits.ts';

export type HostExplanation = Readonly<{
  /** How it decides, and what its pool maps. */
  maps: readonly string[];
  /** Prediction and limit, beside what was seen. */
  predicted: string;
}>;

const decisions: Readonly<Record<Launch['pooling'], string>> = {
  pool: 'makes its pool, or ends',
  'on-demand': 'makes no pool: each memory is mapped when it is needed',
  probe:
    'tries to map 4 TiB; if that succeeds it makes its pool or ends, otherwise it maps memories on demand',
};

/** Null for a program that is not in the table, and for one that refuses its variables or options. */
export function describeHost({
  settings,
  facts,
  predicted,
  outcome,
  tier,
  finding,
}: Result): HostExplanation | null {
  const subject = findSubject(settings);
  const prediction = predicted ?? predictCell(settings, facts);
  if (subject?.host === undefined || prediction === null) return null;
  try {
    const program = resolveProgram(subject, settings);
    if (program === null) return null;
    const { pooling, configuration } = resolveLaunch(subject.host, program);
    const { title, engineOf } = hosts[subject.host];
    const { version } = program;
    const engine = engineOf(version);
    const inside = engine === version ? '' : ` with wasmtime ${engine}`;
    const strict = settings.overcommit === 2;
    const mappings = listMappings(configuration).map((mapping) => describeMapping(mapping, strict));
    const stop = firstShortfall(prediction);
    const limit = stop === null ? describeStop(prediction.tiers.at(-1)) : describeShortfall(stop);
    const seen = `${tier ?? outcome}${finding === null ? '' : ` (${finding})`}`;
    return {
      maps: [
        `host: ${title}, ${subject.program?.says ?? version}${inside}: ${decisions[pooling]}`,
        ...(pooling === 'on-demand' ? [] : [`its pool maps: ${mappings.join('; ')}`]),
      ],
      predicted: `predicted: ${prediction.tier ?? prediction.outcome}; seen: ${seen}; limit: ${limit}`,
    };
  } catch (error) {
    if (error instanceof AllocatorError) return null;
    throw error;
  }
}
