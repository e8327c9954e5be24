/**
 * Moves settings next to a threshold of the model, where a mistake of the model shows first. At the threshold itself
 * chance decides (`isClose`), so the cell is the nearest one of which the model is sure.
 */
import { axes, type AxisTable, rowsOf, type Settings } from '../axes/table.ts';
import { rangeOf, type AxisRange } from './axis-range.ts';
import { listOf, pick, type Random } from './draw-settings.ts';
import { isClose, predictSettings, summarize } from './model.ts';

/** Places at which a range is looked at for flips; between two that differ, halving finds the flip. */
const looks = 48;

/** The axes on which a cell can be moved without another boot. */
export const listMovable = (table: AxisTable = axes): readonly string[] =>
  rowsOf(table)
    .filter(({ applies, search }) => applies !== 'boot' && search !== undefined)
    .map(({ name }) => name);

/** Indexes of a range at which the answer differs from that of the index before. */
export function findFlips(length: number, answer: (index: number) => string): readonly number[] {
  const step = Math.max(1, Math.floor(length / looks));
  const flips: number[] = [];
  for (let low = 0; low < length - 1; low += step) {
    let [before, after] = [low, Math.min(length - 1, low + step)];
    const first = answer(before);
    if (answer(after) === first) continue;
    while (after - before > 1) {
      const middle = before + Math.floor((after - before) / 2);
      if (answer(middle) === first) before = middle;
      else after = middle;
    }
    flips.push(after);
  }
  return flips;
}

/** The first index from `start` on, in this direction, that is not close; null where the range ends before. */
function leave(
  start: number,
  length: number,
  direction: 1 | -1,
  close: (index: number) => boolean,
): number | null {
  const isInside = (distance: number): boolean => {
    const index = start + direction * distance;
    return index >= 0 && index < length;
  };
  if (!close(start)) return start;
  let [low, high] = [0, 1];
  while (isInside(high) && close(start + direction * high)) [low, high] = [high, high * 2];
  if (!isInside(high)) return null;
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2);
    if (close(start + direction * middle)) low = middle;
    else high = middle;
  }
  return start + direction * high;
}

/** The settings with one axis of `names` moved next to a flip of the model; null where that axis flips nowhere. */
export function moveToThreshold(
  random: Random,
  settings: Settings,
  names: readonly string[],
): Settings | null {
  if (names.length === 0) return null;
  const range: AxisRange = rangeOf(pick(random, listOf(names)));
  const flips = findFlips(range.length, (index) => summarize(predictSettings(range.at(settings, index))));
  if (flips.length === 0) return null;
  const flip = pick(random, listOf(flips));
  const up = random() < 0.5;
  const index = leave(up ? flip : flip - 1, range.length, up ? 1 : -1, (at) =>
    isClose(range.at(settings, at)),
  );
  return index === null ? null : range.at(settings, index);
}
