/** The cells of a run: boot plans go to the runner, and each result is stored the moment it comes back. */
import type { Cell } from '../matrix/cell.ts';
import { cellKey } from '../store/read-run.ts';
import { planBoots } from './boot-plan.ts';
import type { RunContext } from './context.ts';
import { startOverhead } from './measurement-groups.ts';
import type { CellRun, RunnerEvent } from './runner.ts';

/** Runs cells in rounds: a retry is a boot plan like any other, and its round begins when the one before has ended. */
export async function runCells(todo: readonly Cell[], context: RunContext): Promise<void> {
  const { images, cold, runner, signal } = context;
  let plans = planBoots(todo, images, cold);
  while (plans.length > 0 && !signal.aborted) {
    const expected = new Map(plans.flatMap(({ cells }) => cells.map((cell) => [cellKey(cell), cell])));
    const retries: Cell[] = [];
    const onEvent = (event: RunnerEvent) => void retries.push(...receive(event, expected, context));
    await runner.run(plans, onEvent, signal, context.run.record.id);
    // A clone would only replay what the first one did.
    plans = planBoots(retries, images, true);
  }
}

/** @returns cells to be run once more */
function receive(event: RunnerEvent, expected: Map<string, Cell>, context: RunContext): readonly Cell[] {
  if (event.kind === 'notice') context.options.onNotice?.(event.text);
  if (event.kind === 'notice') return [];
  const key = event.kind === 'started' ? event.cell : cellKey(event.result);
  const cell = expected.get(key);
  // A result counts once, also where a runner delivers it again.
  if (cell === undefined) return [];
  if (event.kind === 'started') {
    context.reporter.onCellStart(cell);
    return [];
  }
  expected.delete(key);
  return keep(cell, event, context);
}

function keep(cell: Cell, { result: found, evidence }: CellRun, context: RunContext): readonly Cell[] {
  const { run, results, reporter } = context;
  const ended = startOverhead(cell, { ...found, evidence: run.writeEvidence(cell, evidence) });
  const { result, next } = results.add(cell, ended);
  reporter.onCellEnd(result);
  if (next.kind === 'done') reporter.onCellDone(next.results);
  return next.kind === 'retry' ? [next.cell] : [];
}
