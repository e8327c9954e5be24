/** Runs a tool to its end, and turns its failure into an error to act on. */
import { PoolproofError, type ErrorCode } from '../errors.ts';
import { runProgram, workBounds } from '../run-program.ts';
import { installHint } from '../tools.ts';

export type ToolOptions = Readonly<{
  /** Code of the error when the tool fails. */
  code: ErrorCode;
  /** The activity, e.g. `fetching libc6`: starts the error's sentence. */
  doing: string;
  hint?: string;
  cwd?: string;
  env?: Readonly<Record<string, string>>;
}>;

export const isDiskFull = (text: string): boolean => /no space left on device|ENOSPC|EDQUOT/i.test(text);

export function diskFullError(doing: string, cause?: unknown): PoolproofError {
  return new PoolproofError('DISK_FULL', `no space left while ${doing}`, {
    hint: 'free some space, run `poolproof images gc`, or move the cache with POOLPROOF_CACHE',
    cause,
  });
}

/**
 * Runs one tool to its end and returns its standard output.
 *
 * @throws PoolproofError TOOL_NOT_FOUND, DISK_FULL, or the given code with the tool's last lines.
 */
export async function runTool(
  file: string,
  args: readonly string[],
  options: ToolOptions,
): Promise<Readonly<{ stdout: string; stderr: string }>> {
  const result = await runProgram(file, args, {
    ...workBounds,
    // Messages are matched and shown: one language, whatever the machine's.
    env: { LC_ALL: 'C.UTF-8', ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  if (result.ok) return { stdout: result.stdout.toString('utf8').trimEnd(), stderr: result.stderr };
  if (result.errorCode === 'ENOENT') throw missingTool(file, options.doing);
  const stderr = result.stderr.split('\n').slice(-20).join('\n');
  if (isDiskFull(stderr)) throw diskFullError(options.doing, result.cause);
  throw new PoolproofError(
    options.code,
    `${options.doing} failed: ${result.ended === null ? lastLine(stderr) || result.why : result.why}`,
    {
      command: result.command,
      stderr,
      cause: result.cause,
      ...(options.hint === undefined ? {} : { hint: options.hint }),
    },
  );
}

export function missingTool(file: string, doing: string): PoolproofError {
  return new PoolproofError('TOOL_NOT_FOUND', `${file} is needed for ${doing} and was not found`, {
    hint: installHint(file),
  });
}

/** The line most likely to have the reason: the last one that calls itself an error, otherwise the last. */
function lastLine(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  return (lines.findLast((line) => /^(E:|ERROR|npm error)/i.test(line)) ?? lines.at(-1) ?? '').trim();
}
