/**
 * Round trip of field reports. capture.sh runs in a guest with random settings, its report becomes a cell, and the
 * report captured in that cell must be equal in every deciding fact. Prints the seed. `node dist/scripts/round-trip.js
 * [--settings 50] [--seed N] [--machines 5]`
 */
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { resolveCacheFolder } from '../images/cache/cache-folder.ts';
import { loadFieldImages } from '../harness/commands/field-context.ts';
import { buildCases } from '../harness/field/cell-matrix.ts';
import { mapReport } from '../harness/field/map.ts';
import type { FieldImages } from '../harness/field/mapping.ts';
import { parseFieldReport } from '../harness/field/report.ts';
import { formatCellId } from '../harness/matrix/cell-id.ts';
import type { Settings } from '../harness/axes/table.ts';
import { findInapplicable } from '../harness/plan/applicable.ts';
import { imagesOf } from '../harness/plan/requirements.ts';
import { prepare, type Prepared } from '../harness/run/prepare.ts';
import { captureInGuest } from './capture-in-guest.ts';
import { compareReports } from './compare-reports.ts';
import { drawMachines, drawSettings, randomFrom, type Random } from '../harness/field/draw-settings.ts';

const cacheDir = resolveCacheFolder();

/** A command of a user; programs that are not in a guest end with 127 there and here. */
function drawWords(random: Random, { engine, env, stacks, memories }: Settings): readonly string[] {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  if (engine === 'v8') return ['node', '-e', 'console.log(1)'];
  if (random() < 0.5) return ['env', ...variables, 'spin', 'up'];
  const options = [
    ...(stacks === null ? [] : ['-O', `pooling-total-stacks=${stacks}`]),
    ...(memories === null ? [] : ['-O', `pooling-total-memories=${memories}`]),
  ];
  return ['wasmtime', 'serve', ...options, 'app.wasm'];
}

type Trip = Readonly<{
  first: Settings;
  second: Settings;
  words: readonly string[];
  differences: readonly string[];
}>;

/** Settings, their report, the cell made of it, and what differs between both reports. */
export async function roundTrip(
  first: Settings,
  words: readonly string[],
  prepared: Prepared,
  known: FieldImages,
): Promise<Trip> {
  const report = parseFieldReport(
    await captureInGuest({ prepared, cacheDir, settings: first, words }),
    'first',
  );
  const second = mapReport(report, known).settings;
  const again = parseFieldReport(
    await captureInGuest({ prepared, cacheDir, settings: second, words }),
    'second',
  );
  return { first, second, words, differences: compareReports(report, again, words[0] === 'node') };
}

/** Everything a round trip needs, ready. */
export async function prepareTrips(all: readonly Settings[]): Promise<readonly [Prepared, FieldImages]> {
  const cases = all.map((settings) => ({ settings, expect: null }));
  const prepared = await prepare(buildCases('Round trip', cases).cells(), { cacheDir });
  return [prepared, await loadFieldImages()];
}

/** Settings in which at least a shell runs: in smaller ones nothing can be captured. */
export function drawTrips(seed: number, count: number, machineCount: number) {
  const random = randomFrom(seed);
  const machines = drawMachines(random, machineCount);
  const trips = new Map<string, readonly [Settings, readonly string[]]>();
  while (trips.size < count) {
    const settings = drawSettings(random, machines);
    const words = drawWords(random, settings);
    trips.set(formatCellId(settings), [settings, words]);
  }
  return [...trips.values()];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      settings: { type: 'string', default: '50' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      machines: { type: 'string', default: '5' },
    },
  });
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  const drawn = drawTrips(Number(values.seed), Number(values.settings), Number(values.machines));
  const [prepared, known] = await prepareTrips(drawn.map(([settings]) => settings));
  const trips = drawn.filter(([settings]) => {
    const built = prepared.images.get(imagesOf(settings));
    return built !== undefined && findInapplicable(settings, built) === null;
  });
  say(
    `seed ${values.seed}: ${trips.length} settings; ${drawn.length - trips.length} do not apply to their kernel`,
  );
  let unequal = 0;
  for (const [index, [settings, words]] of trips.entries()) {
    const { second, differences } = await roundTrip(settings, words, prepared, known);
    if (differences.length > 0) unequal += 1;
    say(
      `${index + 1}. ${differences.length === 0 ? 'equal' : 'DIFFERS'}  ${formatCellId(settings)}  ${words.join(' ')}`,
    );
    for (const difference of differences) say(`   ${difference}`);
    if (differences.length > 0) say(`   became ${formatCellId(second)}`);
  }
  say(`${trips.length - unequal} equal, ${unequal} not`);
  process.exitCode = unequal > 0 ? 1 : 0;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
