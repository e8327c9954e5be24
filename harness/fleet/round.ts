/**
 * One round of cells on a fleet: decides what a message of a worker means for them. A cell ends once, with a result
 * that fits it, or `broken` when nobody can give one. Holds no connection.
 */
import { isDeepStrictEqual } from 'node:util';
import type { BootPlan } from '../run/boot-plan.ts';
import { endUnasked } from '../run/run-cell.ts';
import type { CellRun, RunnerEvent } from '../run/runner.ts';
import { cellKey } from '../store/read-run.ts';
import type { FleetMachine } from '../store/result.ts';
import { mostLosses } from './job-rules.ts';
import type { GivenUp, Message } from './messages.ts';
import { PendingCells, type LeftCell, type PendingCell } from './pending-cells.ts';

/** A cell whose result came back wrong so often is not tried again. */
const mostRefused = 2;

/** A Redis that forgets is no fault of a cell, but one whose results never arrive ends somehow. */
const mostVanished = 5;

/** Of the run's record: a machine that differs in it may run no cell with those images. */
type Alike = Readonly<{ qemu: string; accelerator: string }>;

export class Round {
  readonly pending: PendingCells;
  /** Cells by the machine that ran them. */
  readonly byMachine = new Map<string, number>();
  readonly #alike: ReadonlyMap<string, Alike>;
  readonly #onEvent: (event: RunnerEvent) => void;
  /** Results of a cell that did not fit it. */
  readonly #refused = new Map<string, number>();
  /** Jobs of a cell that were gone. */
  readonly #vanished = new Map<string, number>();

  /** @param alike by the name of a plan's images */
  constructor(
    plans: readonly BootPlan[],
    alike: ReadonlyMap<string, Alike>,
    onEvent: (event: RunnerEvent) => void,
  ) {
    this.pending = new PendingCells(plans);
    this.#alike = alike;
    this.#onEvent = onEvent;
  }

  notice(text: string): void {
    this.#onEvent({ kind: 'notice', text });
  }

  /** @returns cells to queue again, each in a job of its own */
  hear({ machine, event }: Message): readonly LeftCell[] {
    switch (event.kind) {
      case 'notice':
        this.notice(`${machine.name}: ${event.text}`);
        return [];
      case 'started':
        this.pending.start(event.cell);
        if (this.pending.find(event.cell) !== null) this.#onEvent(event);
        return [];
      case 'ended':
        this.#end(machine, event);
        return [];
      case 'given-up':
        return this.#giveUp(machine, event);
    }
  }

  #end(machine: FleetMachine, { result, evidence }: CellRun): void {
    const key = cellKey(result);
    const waiting = this.pending.find(key);
    // Late, or a second time: another one has counted.
    if (waiting === null) return;
    const problem = findMisfit(waiting, result, machine, this.#alike);
    if (problem === null) {
      this.pending.end(key);
      this.byMachine.set(machine.name, (this.byMachine.get(machine.name) ?? 0) + 1);
      this.#onEvent({ kind: 'ended', result: { ...result, machine }, evidence });
      return;
    }
    this.notice(`${machine.name}: a result does not count: ${problem}`);
    const refused = (this.#refused.get(key) ?? 0) + 1;
    this.#refused.set(key, refused);
    if (refused >= mostRefused) this.#break(waiting, `no machine gave a result that fits: ${problem}`);
  }

  #giveUp({ name }: FleetMachine, { job, reason, lost }: GivenUp): readonly LeftCell[] {
    const left = this.pending.giveUp(job, lost);
    const again = left.filter((cell) => cell.lost < mostLosses);
    for (const cell of left)
      if (cell.lost >= mostLosses)
        this.#break(
          cell,
          `${cell.lost} workers did not finish it, two that ran nothing else; ${name}: ${reason}`,
        );
    return again;
  }

  /** What is left of a job that is gone without a word. @returns cells to queue again */
  lose(job: string): readonly LeftCell[] {
    return this.pending.giveUp(job, 0).filter((cell) => {
      const key = cellKey(cell.cell);
      const times = (this.#vanished.get(key) ?? 0) + 1;
      this.#vanished.set(key, times);
      if (times < mostVanished) return true;
      this.#break(cell, `its job or its result was lost ${times} times`);
      return false;
    });
  }

  #break({ cell, plan }: PendingCell, reason: string): void {
    this.pending.end(cellKey(cell));
    this.#onEvent({ kind: 'ended', ...endUnasked(cell, 'broken', reason, plan.images.digest) });
  }
}

/** Why a valid result is none of this cell in this run; null when it is. */
function findMisfit(
  { cell, plan }: PendingCell,
  { settings, imageDigest }: CellRun['result'],
  machine: FleetMachine,
  alike: ReadonlyMap<string, Alike>,
): string | null {
  const wanted = alike.get(plan.images.kernel);
  if (!isDeepStrictEqual(settings, cell.settings)) return `${cell.id} has other settings there`;
  if (imageDigest !== plan.images.digest) return `it is of images ${imageDigest ?? 'without a digest'}`;
  if (machine.qemu !== wanted?.qemu) return `it is of QEMU ${machine.qemu}`;
  return machine.accelerator === wanted.accelerator
    ? null
    : `it is of the accelerator ${machine.accelerator}`;
}
