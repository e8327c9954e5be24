/**
 * Benchmarks: `node dist/scripts/bench/main.js [--quick] [--json FILE] [name ...]`. Prints one line per figure and,
 * with --json, adds them to those of this machine in the file. --help lists the names; without any, all are taken.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { execa } from 'execa';
import { findQemu, readComputer } from '../../harness/plan/computer.ts';
import { ownFlags, withFolder, type InTurn } from './measure.ts';

// Measurements in this process run without the modules of other benchmarks.
const fleet = () => import('./fleet.ts');
const guests = () => import('./guests.ts');
const harness = () => import('./harness.ts');
const load = () => import('./load.ts');
const overhead = () => import('./overhead-guest.ts');
const reports = () => import('./reports.ts');
const requests = () => import('./request-boots.ts');
const serve = () => import('./serve.ts');

const { values, positionals: names } = parseArgs({
  options: { quick: { type: 'boolean' }, json: { type: 'string' }, help: { type: 'boolean' } },
  allowPositionals: true,
});
const { quick = false, json: jsonFile } = values;

// Servers and guests end with this process, which a signal would end without a word.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const defaultMatrix = 'matrices/default.yaml';

// Where the harness' own time is measured its files are in memory: ext4 passes by inodes that were deleted in the last
// minutes, one by one (fs/ext4/ialloc.c, recently_deleted), and what other benchmarks removed would be most of the
// figure.
const inMemory = '/dev/shm';

/**
 * A figure of one process, started as scripts/run starts the harness: what it holds at most would else be that of the
 * largest before it.
 */
async function runAlone(words: readonly string[]): Promise<unknown> {
  const { stdout } = await execa(process.execPath, [...ownFlags(), import.meta.filename, ...words]);
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

const nameArm64 = ({ a, b, ratio }: InTurn) => ({ 'x86-64': a, arm64: b, ratio });

const benchmarks: Readonly<Record<string, () => Promise<unknown>>> = {
  help: async () => (await harness()).benchHelp(quick ? 3 : 10),
  plan: async () => (await harness()).benchPlan(),
  fake: () =>
    withFolder(async (folder) => {
      const figures: unknown[] = [];
      for (const cells of quick ? [100, 1000] : [100, 1000, 10_000])
        figures.push(await runAlone([`fake=${cells}`, folder]));
      return figures;
    }, inMemory),
  fleet: () =>
    withFolder((disk) =>
      withFolder(async (memory) => {
        const figures: unknown[] = [];
        for (const cells of quick ? [1000] : [1000, 10_000])
          figures.push(...(await (await fleet()).benchFleets(cells, { disk, memory }, quick ? 0 : 1000)));
        return figures;
      }, inMemory),
    ),
  report: async () => (await reports()).benchReport(quick ? 1000 : 10_000, quick ? 2 : 5),
  history: async () => (await reports()).benchHistory(quick ? 36 : 365, 500),
  clones: async () => (await guests()).benchClones(quick ? 3 : 15, quick ? 20 : 1000),
  others: async () => (await guests()).benchOtherTools(quick ? 2 : 10),
  first: async () => (await harness()).benchFirstResult(quick ? 1 : 5),
  shared: async () => (await guests()).benchSharedMemory(8),
  cell: async () => (await harness()).benchColdCell(quick ? 1 : 5),
  matrix: async () => (await harness()).benchDefaultMatrix(defaultMatrix),
  load: () =>
    withFolder(async (folder) => {
      const { writeTiersOnly } = await harness();
      const matrix = writeTiersOnly(defaultMatrix, folder);
      return (await load()).benchLoad(matrix, 20, quick ? ['memory=512M,overcommit=2'] : []);
    }),
  own: () => withFolder((folder) => runAlone(['own', folder]), inMemory),
  boots: async () => (await guests()).benchBoots(quick ? 6 : 200, 3),
  arm64: async () => ({
    clones: nameArm64(await (await guests()).benchClonesBeside('arm64', quick ? 3 : 15)),
    matrix: nameArm64(await (await harness()).benchMatrixBeside(defaultMatrix, 'arm64', quick ? 1 : 3)),
  }),
  'arm64-boots': async () => (await guests()).benchBoots(quick ? 6 : 200, 2, 'arm64'),
  planted: async () => (await overhead()).benchPlanted(quick ? [10] : [0, 5, 10, 20, 50]),
  'two-boots': async () => (await overhead()).benchTwoBoots(),
  endurance: async () =>
    (await serve()).benchEndurance({
      requests: quick ? 20_000 : 1_000_000,
      tiers: ['standard', 'conservative', 'on-demand'],
      connections: [1, 16, 64],
    }),
  'planted-requests': async () => (await serve()).benchPlantedRequests(quick ? [10] : [0, 10, 50]),
  'request-boots': async () =>
    (await requests()).benchRequestBoots(
      ['spin-sizes', 'wasm-host'],
      ['standard', 'conservative', 'on-demand'],
      quick ? 2 : 5,
    ),
  'overhead-cell': async () => (await overhead()).benchOverheadCells(quick ? ['22'] : ['20', '22', '24']),
};

/** The request of {@link runAlone}: the figure, in that folder. */
async function measureAlone(name: string, folder: string): Promise<unknown> {
  const { benchFakeMatrix, benchOwnTime } = await harness();
  const cells = /^fake=(\d+)$/.exec(name)?.[1];
  return cells === undefined ? benchOwnTime(defaultMatrix, folder) : benchFakeMatrix(Number(cells), folder);
}

const [alone = '', aloneFolder] = names;
if (aloneFolder !== undefined && isAbsolute(aloneFolder)) {
  process.stdout.write(`${JSON.stringify(await measureAlone(alone, aloneFolder))}\n`);
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
