/**
 * Draws the cells of one round of `explore`: the same for the same seed, round and cells before. Half of them stand
 * next to a threshold of the model; of several draws the one with most new pairs of values is taken.
 */
import { axes, defaultSettings, type Settings } from '../axes/table.ts';
import { formatCellId } from '../matrix/cell-id.ts';
import { foreseeInapplicable } from '../plan/applicable.ts';
import { drawMachines, drawSettings, randomFrom, type Random } from './draw-settings.ts';
import { isClose, predictSettings } from './model.ts';
import { listMovable, moveToThreshold } from './near-threshold.ts';
import type { PairCoverage } from './pair-coverage.ts';

type RoundOptions = Readonly<{
  seed: number;
  /** From 0. */
  round: number;
  /** Axes that vary; the others keep their default. */
  names: ReadonlySet<string>;
  cells: number;
  machines: number;
  /** Pairs of the rounds before; those of this round are added. */
  coverage: PairCoverage;
  /** Ids of cells that were drawn before. */
  known: ReadonlySet<string>;
}>;

const mib = 2 ** 20;

/** Draws of which the one with most new pairs is taken. */
const choices = 6;

/** How often a cell is moved next to a threshold. */
const share = 0.5;

/**
 * Cells of a round in which Node does not start, as the model says: many of them wait for a thread or for memory until
 * the deadline of the wasm host, three minutes, in which a job runs sixty other cells.
 */
const maxHanging = 1;

/** Draws in vain after which a round has fewer cells: few axes have few combinations. */
const maxDraws = 1000;

/** Apart for every seed and round. */
const mix = (seed: number, round: number): number =>
  (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(round + 1, 0x85ebca6b)) >>> 0;

/** The settings with every other axis at its default. */
const narrow = (settings: Settings, names: ReadonlySet<string>): Settings => ({
  ...defaultSettings(),
  ...Object.fromEntries(Object.entries(settings).filter(([name]) => names.has(name))),
});

/** What huge pages have to leave of a machine, or it does not get all of them, or has no memory to run anything. */
const leastLeft = 256 * mib;

function applies(settings: Settings): boolean {
  if (settings.hugepages * 2 * mib > settings.memory - leastLeft) return false;
  return foreseeInapplicable(settings) === null;
}

const isHanging = (settings: Settings): boolean => (predictSettings(settings)?.startup ?? null) !== null;

function drawOne(random: Random, machines: readonly Settings[], names: ReadonlySet<string>): Settings | null {
  const drawn = narrow(drawSettings(random, machines), names);
  const movable = listMovable().filter((name) => names.has(name));
  const settings = random() < share ? (moveToThreshold(random, drawn, movable) ?? drawn) : drawn;
  return applies(settings) && !isClose(settings) ? settings : null;
}

export function drawRound({
  seed,
  round,
  names,
  cells: count,
  machines: machineCount,
  coverage,
  known,
}: RoundOptions): readonly Settings[] {
  const random = randomFrom(mix(seed, round));
  // Every round begins with another size of memory, and other axes of the boot that differ for certain.
  const machines = drawMachines(random, machineCount * (round + 1))
    .slice(-machineCount)
    .map((machine) => narrow(machine, names));
  const cells = new Map<string, Settings>();
  let [draws, hanging] = [0, 0];
  while (cells.size < count && draws < maxDraws) {
    let best: Readonly<{ settings: Settings; pairs: number }> | null = null;
    for (let choice = 0; choice < choices; choice += 1) {
      draws += 1;
      const settings = drawOne(random, machines, names);
      if (settings === null || (hanging >= maxHanging && isHanging(settings))) continue;
      const id = formatCellId(settings, axes);
      if (cells.has(id) || known.has(id)) continue;
      const pairs = coverage.countNew(settings);
      if (best === null || pairs > best.pairs) best = { settings, pairs };
    }
    if (best === null) continue;
    if (isHanging(best.settings)) hanging += 1;
    cells.set(formatCellId(best.settings, axes), best.settings);
    coverage.add(best.settings);
  }
  return [...cells.values()];
}
