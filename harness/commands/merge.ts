/** `poolproof merge <run|bundle…>` */
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PoolproofError } from '../errors.ts';
import { unpackBundle } from '../store/bundle-unpack.ts';
import { formatCompleteness } from '../report/format-completeness.ts';
import { findRun } from '../store/find-run.ts';
import { mergeRunFolders } from '../store/merge.ts';
import { formatCount } from '../report/format-run.ts';
import { textOption, type Context } from './context.ts';

/** Exit code: 0, 1 when the runs contradict each other or something is missing, 2 when nothing was written. */
export async function merge(
  context: Context,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  if (args.length === 0) throw new PoolproofError('USAGE', 'missing runs or bundles to merge');
  const resultsDir = textOption(options, 'results') ?? 'results';
  const output = textOption(options, 'output') ?? resultsDir;
  await mkdir(output, { recursive: true });
  // Beside the target and not in /tmp: evidence may be large. The dot keeps it out of the list of runs.
  const work = await mkdtemp(join(output, '.bundles-'));
  try {
    const dirs: string[] = [];
    for (const [place, name] of args.entries()) {
      const isFile = (await stat(name).catch(() => null))?.isFile() === true;
      // A folder for each: two bundles may hold the same run.
      dirs.push(
        isFile ? (await unpackBundle(name, join(work, String(place)))).dir : await findRun(resultsDir, name),
      );
    }
    const merged = await mergeRunFolders(dirs, {
      resultsDir: output,
      allowUnlike: options['allowUnlike'] === true,
    });
    for (const { code, message, details } of merged.problems) {
      context.err(`${code}: line ${details.line ?? 0}: ${message}\n`);
    }
    for (const { kind, text } of merged.conflicts) context.err(`conflict (${kind}): ${text}\n`);
    const { completeness } = merged;
    const { missingSentence, missingNames } = formatCompleteness(completeness);
    if (missingSentence !== null) context.err(`${missingSentence}\n`);
    for (const cell of missingNames) context.err(`  ${cell}\n`);
    if (options['json'] === true) {
      const { problems, ...rest } = merged;
      context.out(`${JSON.stringify({ schema: 1, ...rest, problems: problems.length }, null, 2)}\n`);
    } else if (merged.dir === null) {
      context.err('nothing was merged; --allow-unlike merges runs that were made differently\n');
    } else {
      const left = merged.superseded === 0 ? '' : `, ${merged.superseded} older results left out`;
      context.out(
        `${merged.dir}: ${formatCount(merged.cells, 'cell')} of ${formatCount(args.length, 'run')}${left}\n`,
      );
    }
    if (merged.dir === null) return 2;
    return merged.conflicts.length + merged.problems.length > 0 || completeness.state !== 'complete' ? 1 : 0;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
