/**
 * The progress of a run. On a terminal: a line for each finished cell that stays, below it
 * a few lines that are redrawn. Elsewhere: plain lines, and a sign of life each minute so that a CI
 * system does not take a quiet job for a dead one.
 */
import { createLogUpdate } from 'log-update';
import type { Cell } from '../matrix/cell.ts';
import { plainLine } from '../outcome/plain-text.ts';
import { tellUndecided } from '../outcome/judge-overhead.ts';
import { observedOf } from '../outcome/repetitions.ts';
import { cellKey } from '../store/read-run.ts';
import type { Result } from '../store/result.ts';
import { formatForm, formatOverheadOf } from './format-overhead.ts';
import { formatServingOf } from './format-serving.ts';
import { formatCount, formatElapsed } from './format-run.ts';
import type { MeasureKind, Reporter, RunStart } from './reporter.ts';
import { sumPhases } from './timings.ts';

/** A terminal that is drawn more often than ten times a second only flickers. */
const drawMs = 100;
const heartbeatMs = 60_000;
/** So many running cells are named. */
const namedCells = 4;

/** Time, replaceable in tests. */
export type Clock = Readonly<{
  /** Milliseconds, monotonic. */
  now(): number;
  /** Calls `tick` every `ms`, without keeping the process alive. @returns what stops it */
  every(ms: number, tick: () => void): () => void;
}>;

const realClock: Clock = {
  now: () => performance.now(),
  every: (ms, tick) => {
    const timer = setInterval(tick, ms).unref();
    return () => clearInterval(timer);
  },
};

/** The cells that are running and done, and their status line. */
class Board {
  readonly #clock: Clock;
  readonly #running = new Map<string, { label: string; since: number }>();
  #startedAt: number;
  total = 0;
  done = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.now();
  }

  start(total: number): void {
    this.total = total;
    this.#startedAt = this.#clock.now();
  }

  add(key: string, label: string): void {
    this.#running.set(key, { label, since: this.#clock.now() });
  }

  /** @returns how long it ran, ms; null when it was not running */
  remove(key: string): number | null {
    const since = this.#running.get(key)?.since;
    this.#running.delete(key);
    return since === undefined ? null : this.#clock.now() - since;
  }

  status(): string {
    const { total, done } = this;
    const elapsed = this.#clock.now() - this.#startedAt;
    // Before a tenth is done an estimate would only be a guess.
    const left =
      done > 0 && done < total && done * 10 >= total
        ? `, about ${formatElapsed((elapsed / done) * (total - done))} left`
        : '';
    return `${done}/${formatCount(total, 'cell')} done, ${this.#running.size} running, ${formatElapsed(elapsed)}${left}`;
  }

  render(width: number): string {
    const named = [...this.#running.values()].slice(0, namedCells);
    const lines = named.map(
      ({ label, since }) => `  ${label.slice(0, width - 12)} ${formatElapsed(this.#clock.now() - since)}`,
    );
    const others = this.#running.size - named.length;
    const more = others > 0 ? [`  and ${others} more`] : [];
    return [...lines, ...more, this.status()].map((line) => line.slice(0, width)).join('\n');
  }
}

export function createProgress(stream: NodeJS.WriteStream, clock: Clock = realClock): Reporter {
  const board = new Board(clock);
  const live = stream.isTTY ? createLogUpdate(stream, { showCursor: true }) : null;
  let changed = true;
  let stop = () => {};
  const say = (line: string) => {
    changed = true;
    if (live === null) stream.write(`${line}\n`);
    else live.persist(line);
  };
  const draw = () => {
    if (changed) live?.(board.render(Math.max(20, stream.columns || 80) - 1));
    changed = false;
  };
  return {
    onRunStart: (start) => {
      board.start(start.cells);
      say(formatStart(start));
      const stops =
        live === null
          ? [clock.every(heartbeatMs, () => say(board.status()))]
          : [clock.every(drawMs, draw), clock.every(1000, () => (changed = true))];
      stop = () => stops.forEach((end) => end());
    },
    onCellStart: (cell) => {
      board.add(cellKey(cell), labelOf(cell));
      changed = true;
    },
    onCellEnd: (result) => {
      const waitedMs = board.remove(cellKey(result));
      // The end of a cell on another machine is often read together with its start: the time between says nothing.
      const elapsedMs = result.machine === undefined ? waitedMs : sumPhases(result);
      board.done += 1;
      say(`[${board.done}/${board.total}] ${formatEnd(result, elapsedMs)}`);
    },
    onMeasureStart: (measured, cells, kind) => {
      board.add(measureKey(measured), `${kind}: ${labelOf(measured)}`);
      const share = cells === 1 ? '' : `, for ${cells} cells`;
      say(`measuring ${whatOf[kind]} of ${formatMeasured(measured)} in ${labelOf(measured)}${share}`);
    },
    onMeasureEnd: (results, kind) => {
      const [measured] = [
        ...results.filter((result) => board.remove(measureKey(result)) !== null),
        ...results,
      ];
      if (measured !== undefined) say(formatFigures(measured, kind));
      for (const result of results) {
        if (result.verdict !== 'expected') say(formatEnd(result, null));
      }
    },
    onRunEnd: ({ interrupted }) => {
      stop();
      live?.clear();
      live?.done();
      if (interrupted)
        stream.write(`interrupted after ${board.done} of ${formatCount(board.total, 'cell')}\n`);
    },
  };
}

function formatStart({ record: { accelerator }, cells, doneBefore, dir }: RunStart): string {
  const before = doneBefore > 0 ? `, ${doneBefore} done before` : '';
  const how = accelerator.kind === 'kvm' ? 'with KVM' : 'emulated';
  return `${formatCount(cells, 'cell')} to run${before}, ${how} (${plainLine(accelerator.reason)}), results in ${plainLine(dir)}`;
}

const formatters = { overhead: formatOverheadOf, requests: formatServingOf } as const;
const whatOf = { overhead: 'the overhead', requests: 'requests' } as const;

const formatFigures = (result: Result, kind: MeasureKind): string =>
  `${kind} of ${formatMeasured(result)}: ${plainLine(formatters[kind](result))}`;

const measureKey = (result: Readonly<{ id: string; repetition: number }>): string =>
  `figures of ${cellKey(result)}`;

/** `conservative/explicit, wasmtime 50.0.1, Node 22`; `conservative, spin-sizes` */
function formatMeasured(result: Result): string {
  const { tier, subject } = result;
  return plainLine(subject === undefined ? formatForm(result) : `${tier ?? 'no tier'}, ${subject.name}`, 200);
}

function labelOf({ id, repetition }: Readonly<Pick<Cell, 'id' | 'repetition'>>): string {
  return plainLine(repetition === 1 ? id : `${id} (repetition ${repetition})`, 200);
}

/** `memory=512M,…: conservative (3.1 s)`; a surprise says why. */
function formatEnd(result: Result, elapsedMs: number | null): string {
  const time = elapsedMs === null ? '' : ` (${(elapsedMs / 1000).toFixed(1)} s)`;
  const where = result.machine === undefined ? '' : ` on ${result.machine.name}`;
  const retried = result.attempts.length > 1 ? `, ${result.attempts.length} machines` : '';
  const surprise =
    result.verdict === 'unexpected'
      ? ` UNEXPECTED, expected ${plainLine(result.expected?.text ?? 'something else')}: ${plainLine(result.reason)}`
      : result.verdict === null
        ? `: ${plainLine(result.reason)}`
        : result.verdict === 'undecided'
          ? `, undecided: ${plainLine(tellUndecided(result))}`
          : '';
  return `${labelOf(result)}: ${observedOf(result)}${time}${where}${retried}${surprise}`;
}
