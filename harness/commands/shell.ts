/** `poolproof shell <cell>`: a shell inside that cell's guest, with its settings applied. */
import { buildCell } from '../field/results.ts';
import { parseCellId } from '../matrix/cell-id.ts';
import type { Context } from './context.ts';
import type { DiskOptions } from './disk-option.ts';
import { openGuestShell } from './guest-shell.ts';
import { type KernelOptions, useKernel } from './kernel-option.ts';

export async function shell(
  context: Context,
  args: readonly string[],
  options: KernelOptions & DiskOptions & Readonly<Record<string, unknown>>,
): Promise<number> {
  await openGuestShell(context, buildCell(useKernel(parseCellId(args[0] ?? ''), options)), options);
  return 0;
}
