/** `poolproof shell <cell>`: a shell inside that cell's guest, with its settings applied. */
import { buildCell } from '../field/results.ts';
import { parseCellId } from '../matrix/cell-id.ts';
import type { Context } from './context.ts';
import { openGuestShell } from './guest-shell.ts';

export async function shell(
  context: Context,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  await openGuestShell(context, buildCell(parseCellId(args[0] ?? '')), options);
  return 0;
}
