/** A matrix before its run: the prediction for each cell, and the cells that share a boot. */
import type { Prediction } from '../../images/allocator/prediction.ts';
import type { Cell, Matrix } from '../matrix/cell.ts';
import { estimateCell } from '../outcome/predict-cell.ts';
import { foreseeInapplicable } from '../plan/applicable.ts';
import { bootKey } from '../plan/order.ts';

export type PlannedCell = Readonly<{
  cell: Cell;
  /** Number of its boot from 1: cells of one boot are clones of one template. */
  boot: number;
  /** From the settings alone, not yet from the facts of a guest. Null for a subject that the model knows nothing of. */
  predicted: Prediction | null;
  /** Why a run will skip it, as far as that is known before there are images. */
  skipped: string | null;
}>;

const knownLimit = 10_000;

/** Predictions by what they depend on: repetitions and THP have the same one again and again. */
export function createPredictor(): (cell: Pick<Cell, 'settings' | 'subject'>) => Prediction | null {
  const known = new Map<string, Prediction | null>();
  return ({ settings, subject }) => {
    const { thp: _thp, kernel: _kernel, ...deciding } = settings;
    const key = JSON.stringify(deciding);
    const before = known.get(key);
    if (before !== undefined) return before;
    if (known.size >= knownLimit) known.clear();
    const prediction = estimateCell(settings, subject);
    known.set(key, prediction);
    return prediction;
  };
}

/** The cells in the order of the matrix; boots nothing. `selectCells` takes a part of a matrix. */
export function* planMatrix(matrix: Matrix): Generator<PlannedCell> {
  const boots = new Map<string, number>();
  const predict = createPredictor();
  for (const cell of matrix.cells()) {
    const key = bootKey(cell.settings);
    const boot = boots.get(key) ?? boots.size + 1;
    boots.set(key, boot);
    const skipped = foreseeInapplicable(cell.settings, cell.subject ?? null);
    yield { cell, boot, predicted: skipped === null ? predict(cell) : null, skipped };
  }
}
