/** The harness' own cost: start, plan, and a matrix of fake machines. */
import type { ArchitectureName } from '../../images/architectures.ts';
import { resolveCacheFolder } from '../../images/cache/cache-folder.ts';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { conservativeReport } from '../../harness/fixtures/outcome/observations.ts';
import { fakeMachines } from '../../harness/fixtures/fake-machine.ts';
import { loadMatrix, parseMatrix } from '../../harness/matrix/load.ts';
import { fakePrepared as prepared } from '../../harness/fixtures/fake-prepared.ts';
import { runMatrix, runPrepared } from '../../harness/run/run.ts';
import {
  compareInTurn,
  ownFlags,
  pair,
  readCores,
  spreadOf,
  timeProcess,
  withFolder,
  type InTurn,
  type Spread,
} from './measure.ts';

const cli = path.resolve(import.meta.dirname, '../../harness/cli.js');

/** `poolproof --help` beside an empty Node, seconds. */
export async function benchHelp(n: number): Promise<Readonly<{ help: Spread; emptyNode: Spread }>> {
  const help: number[] = [];
  const empty: number[] = [];
  for (let index = 0; index < n; index += 1) {
    help.push((await timeProcess(process.execPath, [cli, '--help'])).seconds);
    empty.push((await timeProcess(process.execPath, ['-e', '0'])).seconds);
  }
  return { help: spreadOf(help), emptyNode: spreadOf(empty) };
}

/** `poolproof plan` of 100,000 cells. */
export async function benchPlan(): Promise<Readonly<{ cells: number; seconds: number; peakMib: number }>> {
  return withFolder(async (folder) => {
    const file = path.join(folder, 'large.yaml');
    writeFileSync(
      file,
      'axes: {memory: [512M, 1G, 2G, 4G], overcommit: [0, 1, 2], thp: [always, madvise, never], node: [20, 22, 24, 26]}\nrepeat: 694\n',
    );
    return {
      cells: 4 * 3 * 3 * 4 * 694,
      ...(await timeProcess(process.execPath, [cli, 'plan', file, '--json'])),
    };
  });
}

/** Milliseconds a cell, with machines that answer at once: what the harness adds, evidence and flushes included. */
export async function benchFakeMatrix(
  cells: number,
  parent: string,
): Promise<Readonly<{ cells: number; msPerCell: number; cpuMsPerCell: number; peakMib: number }>> {
  const folder = mkdtempSync(path.join(parent, 'fake-'));
  // Distinct cells of few boots, as in a real matrix.
  const each = Math.min(cells, 1000);
  const sizes = Array.from({ length: Math.ceil(cells / each) }, (_, index) => `${512 + 64 * index}M`);
  const counts = Array.from({ length: each }, (_, index) => 65_530 + index);
  const text = `axes: {memory: [${sizes.join(', ')}], maxMapCount: [${counts.join(', ')}]}\n`;
  const matrix = parseMatrix(text, 'fake.yaml');
  const stdout = `${JSON.stringify(conservativeReport)}\n`;
  const [started, cpu] = [performance.now(), process.cpuUsage()];
  await runPrepared(matrix, prepared, {
    resultsDir: path.join(folder, 'results'),
    cacheDir: path.join(folder, 'cache'),
    cold: true,
    startMachine: fakeMachines([{ stdout }]),
  });
  const used = process.cpuUsage(cpu);
  return {
    cells,
    msPerCell: Math.round(((performance.now() - started) / cells) * 100) / 100,
    cpuMsPerCell: Math.round(((used.user + used.system) / 1000 / cells) * 100) / 100,
    peakMib: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

/** The matrix without its `measure:`, which is the figure of another benchmark. */
export function writeTiersOnly(matrix: string, folder: string): string {
  const file = path.join(folder, path.basename(matrix));
  writeFileSync(file, readFileSync(matrix, 'utf8').replace(/^measure:.*\n/m, ''));
  return file;
}

/**
 * CPU time of the harness itself, without QEMU, milliseconds a cell: a matrix from cached templates, four times in one
 * process. The first time with the start of Node and of everything that is loaded; after that what it costs a process
 * that runs on, as one with a longer matrix does: the median of three.
 */
export async function benchOwnTime(
  matrix: string,
  folder: string,
): Promise<Readonly<{ cells: number; firstMsPerCell: number; cpuMsPerCell: Spread }>> {
  const cells = await loadMatrix(writeTiersOnly(matrix, folder));
  let count = 0;
  const samples: number[] = [];
  let before: NodeJS.CpuUsage | undefined;
  for (let index = 0; index < 4; index += 1) {
    const options = { resultsDir: folder, cacheDir: resolveCacheFolder(), reporters: [] };
    count = (await runMatrix(cells, options)).results.length;
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    samples.push((user + system) / 1000 / count);
  }
  const [first = NaN, ...later] = samples;
  return { cells: count, firstMsPerCell: roundTenth(first), cpuMsPerCell: spreadOf(later) };
}

const roundTenth = (value: number): number => Math.round(value * 10) / 10;

/** One cell through the command line, booted: seconds of the whole process. */
export async function benchColdCell(n: number): Promise<Spread> {
  return withFolder(async (folder) => {
    const seconds: number[] = [];
    for (let index = 0; index < n; index += 1) {
      const words = [
        'run',
        'matrices/smoke.yaml',
        '--only',
        'memory=512M,overcommit=0',
        '--cold',
        '--results',
        folder,
      ];
      seconds.push((await timeProcess(process.execPath, [cli, ...words])).seconds);
    }
    return spreadOf(seconds);
  });
}

/**
 * A matrix through the command line, tiers only: templates cached, built on the way, and every cell booted; seconds.
 */
export async function benchDefaultMatrix(matrix: string): Promise<
  Readonly<{
    cachedSeconds: number;
    buildingSeconds: number;
    coldSeconds: number;
    ratio: number;
    /** Share of the cores' time that was used while the matrix ran from cached templates. */
    cpuUse: number;
    /**
     * CPU time of the whole command, start, table and page included, without QEMU; of the run from cached templates.
     */
    commandCpuSeconds: number;
  }>
> {
  const templates = path.join(resolveCacheFolder(), 'templates');
  return withFolder(async (folder) => {
    const tiersOnly = writeTiersOnly(matrix, folder);
    const run = (more: readonly string[]) =>
      timeProcess(process.execPath, [...ownFlags(), cli, 'run', tiersOnly, '--results', folder, ...more]);
    for (const name of existsSync(templates) ? readdirSync(templates) : [])
      rmSync(path.join(templates, name), { recursive: true, force: true });
    const building = await run([]);
    const before = readCores();
    const cached = await run([]);
    const after = readCores();
    const cold = await run(['--cold']);
    return {
      cachedSeconds: roundTenth(cached.seconds),
      buildingSeconds: roundTenth(building.seconds),
      coldSeconds: roundTenth(cold.seconds),
      ratio: Math.round((cold.seconds / cached.seconds) * 100) / 100,
      cpuUse: Math.round(((after.busy - before.busy) / (after.all - before.all)) * 100) / 100,
      commandCpuSeconds: roundTenth(cached.cpuSeconds),
    };
  });
}

/**
 * The matrix in guests of x86-64 and of another architecture, in turn, through the command line, tiers only and from
 * cached templates: seconds of the whole command.
 * @throws Error when a run ends with a cell that is not as expected
 */
export async function benchMatrixBeside(
  matrix: string,
  arch: ArchitectureName,
  pairs: number,
): Promise<InTurn> {
  return withFolder(async (folder) => {
    const own = writeTiersOnly(matrix, folder);
    const other = path.join(folder, `${arch}.yaml`);
    writeFileSync(other, readFileSync(own, 'utf8').replace(/^axes:$/m, `axes:\n  arch: [${arch}]`));
    const run = (file: string) => async () => {
      const words = ['run', file, '--results', path.join(folder, path.basename(file, '.yaml'))];
      await timeProcess(process.execPath, [...ownFlags(), cli, ...words]);
    };
    // The first of each builds its templates.
    await pair(1, run(own), run(other));
    return compareInTurn(await pair(pairs, run(own), run(other)));
  });
}

/** Seconds from `./scripts/run` to the first line of a result, everything cached. */
export async function benchFirstResult(n: number): Promise<Spread> {
  return withFolder(async (folder) => {
    const seconds: number[] = [];
    for (let index = 0; index < n; index += 1) {
      const started = performance.now();
      const script = path.resolve(import.meta.dirname, '../../../scripts/run');
      const child = spawn(script, ['--results', folder], {
        stdio: ['ignore', 'ignore', 'pipe'],
        detached: true,
      });
      let text = '';
      await new Promise<void>((resolve, reject) => {
        child.stderr.on('data', (chunk: Buffer) => {
          text += chunk.toString();
          if (/^\[1\//m.test(text)) resolve();
        });
        child.once('close', () => reject(new Error(`no result: ${text}`)));
      });
      seconds.push((performance.now() - started) / 1000);
      child.removeAllListeners('close');
      const closed = new Promise((resolve) => child.once('close', resolve));
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
      await closed;
    }
    return spreadOf(seconds);
  });
}
