/** The commands that repeat what a page shows, ready to paste. */
import type { RunRecord } from '../../store/run-record.ts';

const flags = { cold: '--cold', strict: '--strict', failOnFlaky: '--fail-on-flaky' } as const;

/**
 * Runs the same cells again, or some of them, as they were run.
 * @returns null for a run of another command, as `explore`: no matrix has its cells
 */
export function formatRunCommand(
  { matrix, selection, options }: RunRecord,
  some: readonly string[] | null = null,
): string | null {
  if (options['command'] !== undefined) return null;
  const { only = [], shard = null } = selection ?? {};
  const { retries } = options;
  return [
    `poolproof run ${quoteShell(matrix.file)}`,
    ...(some ?? only).map((one) => `--only ${quoteShell(one)}`),
    ...(shard === null || some !== null ? [] : [`--shard ${shard.index}/${shard.count}`]),
    ...Object.entries(flags).flatMap(([name, flag]) => (options[name] === true ? [flag] : [])),
    ...(typeof retries === 'number' ? [`--retries ${retries}`] : []),
    ...formatOwn(options),
  ].join(' ');
}

/** A shell in a guest with the settings of a cell. */
export const formatShellCommand = ({ options }: RunRecord, id: string): string =>
  [`poolproof shell ${quoteShell(id)}`, ...formatOwn(options)].join(' ');

/** The user's own files: a record has their names, not their places. */
function formatOwn({ kernel, disks }: RunRecord['options']): readonly string[] {
  const names = typeof disks === 'string' ? disks.split(' ') : [];
  return [
    ...(typeof kernel === 'string' ? [`--kernel ${quoteShell(kernel)}`] : []),
    ...names.map((name) => `--disk ${quoteShell(`${name}=<path>`)}`),
  ];
}

/** A shell reads the text as one word, whatever is in it. */
export function quoteShell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
