/** Runs a matrix on a busy and on a quiet computer: a starved guest must be waited for, never judged. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { resolveCacheFolder } from '../../images/cache/cache-folder.ts';
import { loadMatrix } from '../../harness/matrix/load.ts';
import { selectCells } from '../../harness/matrix/select.ts';
import { runMatrix } from '../../harness/run/run.ts';
import { withFolder } from './measure.ts';

export type LoadRun = Readonly<{
  cells: number;
  reached: number;
  expected: number;
  broken: number;
  /** Cells that needed more than one machine. */
  triedAgain: number;
  /** Templates included: each run builds its own. */
  seconds: number;
}>;

export type LoadFigures = Readonly<{ loops: number; quiet: LoadRun; loaded: LoadRun; ratio: number }>;

/** The images that are there, and no templates: they are built as busy as their cells run. */
function writeCache(folder: string): string {
  const [shared, cache] = [resolveCacheFolder(), path.join(folder, 'cache')];
  mkdirSync(path.join(cache, 'templates'), { recursive: true, mode: 0o700 });
  const own = new Set(['templates', 'experience.json']);
  for (const name of readdirSync(shared).filter((entry) => !own.has(entry)))
    symlinkSync(path.join(shared, name), path.join(cache, name));
  return cache;
}

/** Programs that only compute, while `work` runs; they end with this process, however it ends. */
async function withBusyLoops<T>(count: number, work: () => Promise<T>): Promise<T> {
  const words = ['--pdeathsig', 'KILL', '--', 'sh', '-c', 'while :; do :; done'];
  const loops = Array.from({ length: count }, () => spawn('setpriv', words, { stdio: 'ignore' }));
  const ended = Promise.all(loops.map((loop) => once(loop, 'close')));
  try {
    return await work();
  } finally {
    for (const loop of loops) loop.kill('SIGKILL');
    await ended;
  }
}

async function run(file: string, only: readonly string[]): Promise<LoadRun> {
  return withFolder(async (folder) => {
    const matrix = selectCells(await loadMatrix(file), only);
    const started = performance.now();
    const { results } = await runMatrix(matrix, {
      resultsDir: path.join(folder, 'results'),
      cacheDir: writeCache(folder),
      reporters: [],
    });
    const count = (holds: (result: (typeof results)[number]) => boolean): number =>
      results.filter(holds).length;
    return {
      cells: results.length,
      reached: count(({ outcome }) => outcome === 'reached'),
      expected: count(({ verdict }) => verdict === 'expected'),
      broken: count(({ outcome }) => outcome === 'broken'),
      triedAgain: count(({ attempts }) => attempts.length > 1),
      seconds: Math.round((performance.now() - started) / 100) / 10,
    };
  });
}

/** `only`: cells of the matrix, as `--only` selects them. @default all */
export async function benchLoad(
  file: string,
  loops: number,
  only: readonly string[] = [],
): Promise<LoadFigures> {
  const quiet = await run(file, only);
  const loaded = await withBusyLoops(loops, () => run(file, only));
  return { loops, quiet, loaded, ratio: Math.round((loaded.seconds / quiet.seconds) * 10) / 10 };
}
