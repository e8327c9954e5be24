/** Draws random cells whose outcome the model is sure of: the same for the same seed. */
import { isClose } from '../harness/field/model.ts';
import { formatCellId } from '../harness/matrix/cell-id.ts';
import type { Settings } from '../harness/axes/table.ts';
import { drawSettings, type Random } from './draw-settings.ts';

export type DrawnCells = Readonly<{
  cells: readonly Settings[];
  /** Number of cells that were drawn anew because they were so close to a limit that chance decides. */
  close: number;
}>;

/** @param narrow applied to each draw, for a run on few images */
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
