/** What a fleet costs: the coordinator's CPU per cell and Redis' memory, with fake machines on four workers. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { defaultTiming } from '../../harness/fleet/timing.ts';
import { ownFlags } from './measure.ts';
import { finish, Lab, matrixOf } from '../../harness/fixtures/fleet-lab.ts';

/** Distinct cells of few boots, as in a real matrix. */
const cellsPerBoot = 1000;
const workers = 4;
/** Of each worker, as of a computer with four cores: 64 of one CPU would wait for it and not for the fleet. */
const guests = 4;

const round = (value: number): number => Math.round(value * 100) / 100;

export type FleetFigures = Readonly<{
  cells: number;
  /** Where the results are. */
  files: 'disk' | 'memory';
  /** How long a fake cell sleeps. */
  cellMs: number;
  /** Of the coordinator, its start included. */
  cpuMsPerCell: number;
  /** Of the same until it waits for cells: modules, matrix and plan. */
  startCpuMs: number;
  seconds: number;
  /** Work there is, by the guests that can do it at a time. */
  idealSeconds: number;
  redisPeakMib: number;
  /** Commands that Redis ran, those in its scripts and those of waiting members included. */
  redisCommandsPerCell: number;
}>;

/**
 * The same fleet twice, side by side: with the results on a disk, as usual, and in memory. What ext4 costs depends on
 * what others have deleted there in the last minutes.
 *
 * @param cells a multiple of 1000
 */
export async function benchFleets(
  cells: number,
  folders: Readonly<Record<FleetFigures['files'], string>>,
  cellMs: number,
): Promise<readonly FleetFigures[]> {
  // Inodes that were deleted count for a minute where they are on the disk, else for six.
  execFileSync('sync');
  return Promise.all(
    (['disk', 'memory'] as const).map((files) => benchFleet(cells, files, folders[files], cellMs)),
  );
}

async function benchFleet(
  cells: number,
  files: FleetFigures['files'],
  folder: string,
  cellMs: number,
): Promise<FleetFigures> {
  const place = path.join(folder, `fleet-${cells}`);
  mkdirSync(place);
  await using lab = await Lab.open(place);
  for (let index = 0; index < workers; index += 1)
    await lab.worker(`worker-${index}`, { jobs: guests, cellMs, timing: defaultTiming });
  const started = performance.now();
  const matrix = matrixOf(cellsPerBoot, 'bench', cells / cellsPerBoot);
  // Started as the command is, and shows what the command shows.
  const asCommand = { flags: ownFlags(), progress: true };
  const coordinator = await lab.coordinator('main', matrix, { timing: defaultTiming, ...asCommand });
  const { results, cpuMs } = await finish(coordinator);
  const opened = coordinator.lines.find(({ kind }) => kind === 'opened');
  const reached = results.filter(({ outcome }) => outcome === 'reached');
  if (reached.length !== cells) throw new Error(`${reached.length} of ${cells} cells have reached a tier`);
  const seconds = (performance.now() - started) / 1000;
  const info = String(await lab.redis.command('INFO', 'everything'));
  const figure = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1]);
  const calls = [...info.matchAll(/^cmdstat_.*:calls=(\d+)/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
  return {
    cells,
    files,
    cellMs,
    cpuMsPerCell: round(cpuMs / cells),
    startCpuMs: round(opened?.kind === 'opened' ? opened.cpuMs : NaN),
    seconds: round(seconds),
    idealSeconds: round((cells * cellMs) / 1000 / (workers * guests)),
    redisPeakMib: round(figure('used_memory_peak') / 2 ** 20),
    redisCommandsPerCell: round(calls / cells),
  };
}
