/** What a fleet costs: the coordinator's CPU per cell and Redis' memory, with fake machines on four workers. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { finish, Lab, matrixOf } from '../../harness/fixtures/fleet-lab.ts';

/** Distinct cells of few boots, as in a real matrix. */
const cellsPerBoot = 1000;
const workers = 4;
const guests = 16;

const round = (value: number): number => Math.round(value * 100) / 100;

/** @param cells a multiple of 1000 */
export async function benchFleet(
  cells: number,
  folder: string,
  cellMs: number,
): Promise<
  Readonly<{
    cells: number;
    /** Of the coordinator, its start included. */
    cpuMsPerCell: number;
    seconds: number;
    /** Work there is, by the guests that can do it at a time. */
    idealSeconds: number;
    redisPeakMib: number;
  }>
> {
  const place = path.join(folder, `fleet-${cells}`);
  mkdirSync(place);
  await using lab = await Lab.open(place);
  for (let index = 0; index < workers; index += 1)
    await lab.worker(`worker-${index}`, { jobs: guests, cellMs });
  const started = performance.now();
  const coordinator = await lab.coordinator('main', matrixOf(cellsPerBoot, 'bench', cells / cellsPerBoot));
  const { results, cpuMs } = await finish(coordinator);
  if (results.length !== cells) throw new Error(`${results.length} of ${cells} cells have a line`);
  const info = String(await lab.redis.command('INFO', 'memory'));
  const peak = Number(/^used_memory_peak:(\d+)/m.exec(info)?.[1]);
  return {
    cells,
    cpuMsPerCell: round(cpuMs / cells),
    seconds: round((performance.now() - started) / 1000),
    idealSeconds: round((cells * cellMs) / 1000 / (workers * guests)),
    redisPeakMib: round(peak / 2 ** 20),
  };
}
