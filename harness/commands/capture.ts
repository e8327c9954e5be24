/** `poolproof capture`: the script that makes a field report, or its report of this machine. */
import { execa } from 'execa';
import { readCaptureScript } from '../../images/capture/capture-script.ts';
import { PoolproofError } from '../errors.ts';
import type { Context } from './context.ts';

export async function capture(
  context: Context,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  if (options['run'] !== true) {
    if (args.length > 0) {
      throw new PoolproofError('USAGE', 'missing --run: a command only runs with it', {
        hint: 'poolproof capture --run -- spin up; without --run the script is printed',
      });
    }
    context.out(await readCaptureScript());
    return 0;
  }
  // The report so far is printed also when the command is interrupted.
  context.finishOnSignal();
  // The command goes to the shell as arguments, never as text of a command line.
  const result = await execa(
    '/bin/sh',
    ['-c', await readCaptureScript(), 'capture.sh', ...(args.length > 0 ? ['--', ...args] : [])],
    {
      stdin: 'inherit',
      stderr: 'inherit',
      stripFinalNewline: false,
      reject: false,
      cancelSignal: context.signal,
    },
  );
  context.out(result.stdout);
  return result.exitCode ?? 130;
}
