/** A matrix whose cells all run in one kernel: `--kernel`. */
import { nameKernel } from '../../images/kernel-file.ts';
import { PoolproofError } from '../errors.ts';
import { formatCellId } from './cell-id.ts';
import type { Cell, Matrix } from './cell.ts';

/** @param kernel null changes nothing @throws PoolproofError USAGE where the matrix itself names kernels */
export function withKernel(matrix: Matrix, kernel: string | null): Matrix {
  if (kernel === null) return matrix;
  if (matrix.axes.some(({ name }) => name === 'kernel')) {
    throw new PoolproofError('USAGE', '--kernel and the axis `kernel` of this matrix exclude each other', {
      hint: 'name the file in the matrix: kernel: {file: bzImage, modules: folder}',
    });
  }
  const change = (cell: Cell): Cell => {
    const settings = { ...cell.settings, kernel: nameKernel(kernel) };
    return { ...cell, settings, kernelFile: kernel, id: formatCellId(settings) };
  };
  return {
    ...matrix,
    cells: function* () {
      for (const cell of matrix.cells()) yield change(cell);
    },
  };
}
