/**
 * Draws random settings over every axis of the table, the same for the same seed. Few machines are drawn and many cells
 * share each: an axis of the boot costs a boot, the others a clone.
 */
import type { Axis } from '../axes/axis.ts';
import { isClose } from './model.ts';
import { formatCellId } from '../matrix/cell-id.ts';
import { axes, type AxisTable, defaultSettings, rowsOf, type Settings } from '../axes/table.ts';

/** From 0 to less than 1. */
export type Random = () => number;

/** Mulberry32: 32 bits of state are enough for some thousand draws, and any seed gives them again. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pick<T>(random: Random, values: readonly [T, ...T[]]): T {
  return values[Math.floor(random() * values.length)] ?? values[0];
}

/** The first of a non-empty list known only at run time. */
export function listOf<T>([first, ...others]: readonly T[]): readonly [T, ...T[]] {
  if (first === undefined) throw new RangeError('an empty list');
  return [first, ...others];
}

const set = (settings: Settings, axis: string, value: unknown): Settings => ({ ...settings, [axis]: value });

/** Settings with a random value for one axis; `keep` is the chance that it stays as it is. */
function draw(random: Random, settings: Settings, row: Axis<unknown>, keep: number): Settings {
  return random() < keep ? settings : set(settings, row.name, pick(random, listOf(row.draw.values)));
}

/** Machines: the default one, and others that differ from it in axes of the boot. */
export function drawMachines(random: Random, count: number, table: AxisTable = axes): readonly Settings[] {
  const boot = rowsOf(table).filter(({ applies }) => applies === 'boot');
  const sizes = table.memory.draw.values;
  return Array.from({ length: count }, (_, index) => {
    const own = set(defaultSettings(table), 'memory', sizes[index % sizes.length] ?? table.memory.default);
    // Each boot axis in turn differs for certain, so that few machines cover them all.
    const sure = boot[(index % (boot.length - 1)) + 1];
    return boot
      .filter(({ name }) => name !== 'memory')
      .reduce((settings, row) => {
        if (row !== sure) return draw(random, settings, row, 0.75);
        const values = row.draw.values.filter((value) => value !== row.default);
        return values.length === 0 ? settings : set(settings, row.name, pick(random, listOf(values)));
      }, own);
  });
}

/** One cell on one of the machines. */
export function drawSettings(
  random: Random,
  machines: readonly Settings[],
  table: AxisTable = axes,
): Settings {
  return rowsOf(table)
    .filter(({ applies }) => applies !== 'boot')
    .reduce(
      (settings, row) => {
        const keep = row.core ? 0 : 1 - (row.draw.share ?? 0.15);
        return draw(random, settings, row, keep);
      },
      pick(random, listOf(machines)),
    );
}

/** Axes of which some cell has a value that is not the default, as far as they have another one. */
export function findUncovered(cells: readonly Settings[], table: AxisTable = axes): readonly string[] {
  return rowsOf(table)
    .filter((row) => {
      const isDefault = (value: unknown): boolean => row.format(value) === row.format(row.default);
      return !row.draw.values.every(isDefault) && cells.every((settings) => isDefault(row.pick(settings)));
    })
    .map(({ name }) => name);
}

export type DrawnCells = Readonly<{
  cells: readonly Settings[];
  /** Number of cells that were drawn anew because they were so close to a limit that chance decides. */
  close: number;
}>;

/**
 * Cells of which the model is sure.
 * @param narrow applied to each draw, for a run on few images
 */
export function drawCells(
  random: Random,
  count: number,
  machines: readonly Settings[],
  narrow: (settings: Settings) => Settings = (settings) => settings,
): DrawnCells {
  const cells = new Map<string, Settings>();
  let close = 0;
  while (cells.size < count) {
    const settings = narrow(drawSettings(random, machines));
    if (isClose(settings)) close += 1;
    else cells.set(formatCellId(settings), settings);
  }
  return { cells: [...cells.values()], close };
}
