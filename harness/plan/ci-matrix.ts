/** A plan of shards in the words of a CI system: one job a shard, never one a cell. */
import { PoolproofError } from '../errors.ts';
import type { Shard } from './shard.ts';

export const ciFormats = ['github-matrix', 'gitlab'] as const;
export type CiFormat = (typeof ciFormats)[number];

/** Jobs a CI system takes from one matrix: GitHub's documented limit, and GitLab's for `parallel:matrix`. */
const jobLimits: Readonly<Record<CiFormat, number>> = { 'github-matrix': 256, gitlab: 200 };

/**
 * `github-matrix`: one line of JSON for `strategy.matrix`, to be read with `fromJSON`. `gitlab`: YAML for
 * `parallel:matrix` below a job of a child pipeline. Shards without cells get no job.
 * @throws PoolproofError USAGE when the CI system does not take so many jobs, MATRIX_EMPTY without a cell
 */
export function renderCiMatrix(format: CiFormat, shards: readonly Shard[]): string {
  const filled = shards.filter(({ keys }) => keys.length > 0);
  if (filled.length === 0) throw new PoolproofError('MATRIX_EMPTY', 'there is no cell to plan');
  if (filled.length > jobLimits[format]) {
    throw new PoolproofError('USAGE', `${filled.length} jobs; ${format} takes ${jobLimits[format]} at most`, {
      hint: `--shards ${jobLimits[format]}`,
    });
  }
  const jobs = filled.map(({ index, keys, estimateMs }) => ({
    shard: `${index}/${shards.length}`,
    // Job and artifact names may hold no slash.
    name: `${index}-of-${shards.length}`,
    cells: keys.length,
    minutes: Math.ceil(estimateMs / 60_000),
  }));
  return renderers[format](jobs);
}

type Job = Readonly<{ shard: string; name: string; cells: number; minutes: number }>;

const renderers: Readonly<Record<CiFormat, (jobs: readonly Job[]) => string>> = {
  'github-matrix': (jobs) => `${JSON.stringify({ include: jobs })}\n`,
  gitlab: (jobs) =>
    [
      'parallel:',
      '  matrix:',
      ...jobs.map(({ shard, name }) => `    - SHARD: '${shard}'\n      SHARD_NAME: '${name}'`),
      '',
    ].join('\n'),
};
