/** A server whose launcher was killed would hold its port for ever: it ends itself. */
import process from 'node:process';

/** Milliseconds between two looks: one system call each. */
const lookEveryMs = 500;

export const launcherName = 'the launcher';

/** Read when the process starts, before a line says that it serves: one killed behind that line is missed too. */
const launcher = process.ppid;

/** Calls back once, when the launcher is no longer this process' parent, or the process it serves for is gone. */
export function watchParents(onGone: (who: string) => void): void {
  const owner = Number(process.env['POOLPROOF_OWNER'] ?? '');
  const timer = setInterval(() => {
    const who =
      process.ppid !== launcher ? launcherName : owner > 1 && !isAlive(owner) ? `process ${owner}` : null;
    if (who === null) return;
    clearInterval(timer);
    onGone(who);
  }, lookEveryMs);
  timer.unref();
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
