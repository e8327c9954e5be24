/**
 * Benchmarks: `node dist/scripts/bench/main.js [--quick] [--json FILE] [name ...]`. Prints a line a figure and, with
 * --json, adds them to those of this machine in the file. --help lists the names; without any, all are taken.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { execa } from 'execa';
import { readComputer, findQemu } from '../../harness/plan/computer.ts';
import { benchBoots, benchClones, benchOtherTools, benchSharedMemory } from './guests.ts';
import {
  benchColdCell,
  benchDefaultMatrix,
  benchFakeMatrix,
  benchFirstResult,
  benchHelp,
  benchPlan,
} from './harness.ts';
import { benchOverheadCells, benchPlanted, benchTwoBoots } from './overhead-guest.ts';
import { benchHistory, benchReport } from './reports.ts';

const { values, positionals: names } = parseArgs({
  options: { quick: { type: 'boolean' }, json: { type: 'string' }, help: { type: 'boolean' } },
  allowPositionals: true,
});
const { quick = false, json: jsonFile } = values;

/** A figure of one process: what it holds at most would else be that of the largest before it. */
async function runAlone(name: string): Promise<unknown> {
  const { stdout } = await execa(process.execPath, [import.meta.filename, name]);
  return JSON.parse(stdout);
}

/** Figures that are in the file already, of the very same machine; of another one, none. */
async function readKept(file: string, machine: unknown): Promise<object> {
  if (!existsSync(file)) return {};
  const record: unknown = JSON.parse(await readFile(file, 'utf8'));
  const isRecord = (value: unknown): value is Readonly<{ machine: unknown; figures: object }> =>
    typeof value === 'object' && value !== null && 'machine' in value && 'figures' in value;
  return isRecord(record) && isDeepStrictEqual(record.machine, machine) ? record.figures : {};
}

const benchmarks: Readonly<Record<string, () => Promise<unknown>>> = {
  help: () => benchHelp(quick ? 3 : 10),
  plan: () => benchPlan(),
  fake: async () => {
    const figures: unknown[] = [];
    for (const cells of quick ? [100, 1000] : [100, 1000, 10_000])
      figures.push(await runAlone(`fake=${cells}`));
    return figures;
  },
  report: () => benchReport(quick ? 1000 : 10_000, quick ? 2 : 5),
  history: () => benchHistory(quick ? 36 : 365, 500),
  clones: () => benchClones(quick ? 3 : 15, quick ? 20 : 1000),
  others: () => benchOtherTools(quick ? 2 : 10),
  first: () => benchFirstResult(quick ? 1 : 5),
  shared: () => benchSharedMemory(8),
  cell: () => benchColdCell(quick ? 1 : 5),
  matrix: () => benchDefaultMatrix('matrices/default.yaml'),
  boots: () => benchBoots(quick ? 6 : 200, 3),
  planted: () => benchPlanted(quick ? [10] : [0, 5, 10, 20, 50]),
  'two-boots': () => benchTwoBoots(),
  'overhead-cell': () => benchOverheadCells(quick ? ['22'] : ['20', '22', '24']),
};

const alone = /^fake=(\d+)$/.exec(names[0] ?? '');
if (alone !== null) {
  process.stdout.write(`${JSON.stringify(await benchFakeMatrix(Number(alone[1])))}\n`);
} else if (values.help === true) {
  process.stdout.write(`bench [--quick] [--json FILE] [${Object.keys(benchmarks).join('|')} ...]\n`);
} else {
  const figures: Record<string, unknown> = {};
  for (const [name, bench] of Object.entries(benchmarks)) {
    if (names.length > 0 && !names.includes(name)) continue;
    figures[name] = await bench();
    process.stdout.write(`${name} ${JSON.stringify(figures[name])}\n`);
  }
  if (jsonFile !== undefined) {
    const { cores, cpuModel, memTotalMib, kernel, os } = await readComputer();
    const { title } = await findQemu();
    const machine = { cores, cpuModel, memTotalMib, kernel, os, qemu: title, node: process.versions.node };
    // One benchmark can be taken again without the others, on the same machine.
    const kept = await readKept(jsonFile, machine);
    const date = new Date().toISOString().slice(0, 10);
    const record = { date, machine, figures: { ...kept, ...figures } };
    writeFileSync(jsonFile, `${JSON.stringify(record, null, 2)}\n`);
  }
}
