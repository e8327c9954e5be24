/** Processes of this computer: those below one, and which of them are still there. */
import { readdir, readFile } from 'node:fs/promises';
import { readStatField } from '../../images/allocator/kernel-files.ts';

export type Process = Readonly<{
  pid: number;
  parent: number;
  /** In clock ticks since the boot; with the number it names a process. */
  started: string;
  /** Its command line. */
  words: readonly string[];
}>;

/** Null where it has ended, also where only its parent has not taken note yet. */
async function readProcess(pid: number): Promise<Process | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    if (/^[ZX]$/.test(readStatField(stat, 3) ?? '')) return null;
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1);
    return { pid, parent: Number(readStatField(stat, 4)), started: readStatField(stat, 22) ?? '', words };
  } catch {
    return null;
  }
}

/** All processes below this one. */
export async function listBelow(pid: number): Promise<readonly Process[]> {
  const numbers = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const all = (await Promise.all(numbers.map(readProcess))).filter((each) => each !== null);
  const below = new Set([pid]);
  // A child can have a smaller number than its parent.
  for (let before = 0; before !== below.size;) {
    before = below.size;
    for (const each of all) if (below.has(each.parent)) below.add(each.pid);
  }
  return all.filter((each) => each.pid !== pid && below.has(each.pid));
}

/** Those of them that still run, with the words they have now. */
export async function listLeft(known: readonly Process[]): Promise<readonly Process[]> {
  const now = await Promise.all(known.map(({ pid }) => readProcess(pid)));
  return now.flatMap((each, index) =>
    each !== null && each.started === known[index]?.started ? [each] : [],
  );
}
