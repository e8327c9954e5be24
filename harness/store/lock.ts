/**
 * One writer per run. The lock is flock(2), held by flock(1) in a child whose standard input is a pipe from us: when we
 * die, however we die, the pipe closes, the child ends and the kernel frees the lock. A lock file with a pid in it
 * would outlive a SIGKILL and its pid can be somebody else's by then.
 */
import { join } from 'node:path';
import { execa } from 'execa';
import { PoolproofError } from '../errors.ts';
import { refuseSpecialFile } from './store-error.ts';

const lockFile = '.lock';

/** flock(1) exits with this when another process holds the lock. */
const conflict = 75;

export type Lock = Readonly<{
  /** False once the child that holds the lock is gone. */
  held(): boolean;
  release(): Promise<void>;
}>;

/** A lock is there or is not at once; on a network's file system whose server is away, flock(2) waits for ever. */
const lockMs = 20_000;

/** @throws STORE_BUSY when another process holds it, STORE_UNWRITABLE, TOOL_NOT_FOUND */
export async function takeLock(dir: string, waitMs = lockMs): Promise<Lock> {
  const file = join(dir, lockFile);
  await refuseSpecialFile(file);
  const args = ['--exclusive', '--nonblock', '--conflict-exit-code', String(conflict), file];
  // `detached`: a Ctrl-C is sent to the whole foreground group and must not take the lock from us
  // while the last lines are written.
  const child = execa('flock', [...args, 'sh', '-c', 'echo held; exec cat >/dev/null'], {
    stdin: 'pipe',
    detached: true,
    reject: false,
  });
  const answer = await new Promise<'held' | 'ended' | 'late'>((resolve) => {
    const timer = setTimeout(() => {
      // A child that hangs in the kernel ends when the file system answers; it is not waited for.
      child.kill('SIGKILL');
      child.stdin.destroy();
      child.stdout.destroy();
      child.stderr.destroy();
      child.nodeChildProcess.unref();
      resolve('late');
    }, waitMs);
    const decide = (how: 'held' | 'ended'): void => {
      clearTimeout(timer);
      resolve(how);
    };
    child.stdout.once('data', () => decide('held'));
    void child.then(() => decide('ended'));
  });
  if (answer === 'late') throw explainSilence(file, waitMs);
  if (answer === 'ended') throw explainRefusal(await child, file);
  let held = true;
  void child.then(() => (held = false));
  return {
    held: () => held,
    release: async () => {
      child.stdin.end();
      await child;
    },
  };
}

const explainSilence = (file: string, waitMs: number): PoolproofError =>
  new PoolproofError('STORE_UNWRITABLE', `this folder could not be locked within ${waitMs / 1000} s`, {
    file,
    hint: 'is its file system there? Choose a folder on a local one with --results DIR',
  });

type Refusal = Readonly<{
  exitCode?: number | undefined;
  code?: string | undefined;
  stderr: string;
  escapedCommand: string;
}>;

function explainRefusal({ exitCode, code, stderr, escapedCommand }: Refusal, file: string): PoolproofError {
  if (exitCode === conflict) {
    return new PoolproofError('STORE_BUSY', 'another run is writing into this folder', {
      file,
      hint: 'wait for it, or choose another folder with --results DIR',
    });
  }
  if (code === 'ENOENT') {
    const command = escapedCommand;
    return new PoolproofError('TOOL_NOT_FOUND', 'flock (package util-linux) is not installed', { command });
  }
  return new PoolproofError('STORE_UNWRITABLE', 'this folder cannot be locked', {
    file,
    command: escapedCommand,
    stderr,
    hint: 'choose a folder on a local file system with --results DIR',
  });
}
