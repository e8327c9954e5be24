/**
 * What is going on while a run runs. On a terminal: a line for each finished cell that stays, below it
 * a few lines that are redrawn. Elsewhere: plain lines, and a sign of life each minute so that a CI
 * system does not take a quiet job for a dead one.
 */
import { createLogUpdate } from 'log-update';
import type { Cell } from '../matrix/cell.ts';
import { plainLine } from '../outcome/plain-text.ts';
import { tellUndecided } from '../outcome/judge-overhead.ts';
import { observedOf } from '../outcome/repetitions.ts';
import type { Result } from '../store/result.ts';
import { tellOverhead } from './overhead-words.ts';
import type { Reporter } from './reporter.ts';

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

export function createProgress(stream: NodeJS.WriteStream, clock: Clock = realClock): Reporter {
  const running = new Map<string, { label: string; since: number }>();
  let total = 0;
  let done = 0;
  let startedAt = clock.now();
  const live = stream.isTTY ? createLogUpdate(stream, { showCursor: true }) : null;
  const say = (line: string) => (live === null ? void stream.write(`${line}\n`) : live.persist(line));
  let changed = true;
  let stop = () => {};

  const status = () => {
    const elapsed = clock.now() - startedAt;
    // Before a tenth is done an estimate would only be a guess.
    const left =
      done > 0 && done < total && done * 10 >= total
        ? `, about ${tellTime((elapsed / done) * (total - done))} left`
        : '';
    return `${done}/${total} cells done, ${running.size} running, ${tellTime(elapsed)}${left}`;
  };
  const draw = () => {
    if (live === null || !changed) return;
    changed = false;
    const names = [...running.values()].slice(0, namedCells);
    const width = Math.max(20, stream.columns || 80) - 1;
    const lines = names.map(
      ({ label, since }) => `  ${label.slice(0, width - 12)} ${tellTime(clock.now() - since)}`,
    );
    const more = running.size > names.length ? [`  and ${running.size - names.length} more`] : [];
    live([...lines, ...more, status()].map((line) => line.slice(0, width)).join('\n'));
  };

  return {
    onRunStart: ({ cells, doneBefore, dir }) => {
      total = cells;
      startedAt = clock.now();
      const before = doneBefore > 0 ? `, ${doneBefore} done before` : '';
      say(`${cells} cells to run${before}, results in ${plainLine(dir)}`);
      const stops =
        live === null
          ? [clock.every(heartbeatMs, () => say(status()))]
          : [clock.every(drawMs, draw), clock.every(1000, () => (changed = true))];
      stop = () => stops.forEach((end) => end());
    },
    onCellStart: (cell) => {
      running.set(keyOf(cell), { label: labelOf(cell), since: clock.now() });
      changed = true;
    },
    onCellEnd: (result) => {
      const since = running.get(keyOf(result))?.since;
      running.delete(keyOf(result));
      done += 1;
      changed = true;
      say(`[${done}/${total}] ${tellCell(result, since === undefined ? null : clock.now() - since)}`);
    },
    onMeasureStart: (measured, cells) => {
      running.set(measureKey(measured), { label: `overhead: ${labelOf(measured)}`, since: clock.now() });
      changed = true;
      say(`measuring the overhead of ${tellForm(measured)} in ${labelOf(measured)}${tellShare(cells)}`);
    },
    onMeasureEnd: (results) => {
      const [first] = results;
      const ended = results.find((result) => running.delete(measureKey(result))) ?? first;
      changed = true;
      if (ended !== undefined) say(`overhead of ${tellForm(ended)}: ${plainLine(tellOverhead(ended))}`);
      for (const result of results) {
        if (result.verdict !== 'expected') say(tellCell(result, null));
      }
    },
    onRunEnd: ({ interrupted }) => {
      stop();
      live?.clear();
      live?.done();
      if (interrupted) stream.write(`interrupted after ${done} of ${total} cells\n`);
    },
  };
}

const measureKey = (result: Readonly<{ id: string; repetition: number }>): string =>
  `overhead of ${keyOf(result)}`;

/** `conservative/explicit, wasmtime 50.0.1, Node 22` */
function tellForm({ tier, form, host, settings }: Result): string {
  const engine = host === null ? settings.engine : `${host.engine.kind} ${host.engine.version}`;
  return plainLine(`${tier ?? ''}/${form?.checks ?? ''}, ${engine}, Node ${settings.node}`, 200);
}

const tellShare = (cells: number): string => (cells === 1 ? '' : `, for ${cells} cells`);

function keyOf({ id, repetition }: Readonly<{ id: string; repetition: number }>): string {
  return `${id}#${repetition}`;
}

function labelOf({ id, repetition }: Readonly<Pick<Cell, 'id' | 'repetition'>>): string {
  return plainLine(repetition === 1 ? id : `${id} (repetition ${repetition})`, 200);
}

/** `memory=512M,…: conservative (3.1 s)`; what went another way than expected says so. */
function tellCell(result: Result, elapsedMs: number | null): string {
  const time = elapsedMs === null ? '' : ` (${(elapsedMs / 1000).toFixed(1)} s)`;
  const retried = result.attempts.length > 1 ? `, ${result.attempts.length} machines` : '';
  const surprise =
    result.verdict === 'unexpected'
      ? ` UNEXPECTED, expected ${plainLine(result.expected?.text ?? 'something else')}: ${plainLine(result.reason)}`
      : result.verdict === null
        ? `: ${plainLine(result.reason)}`
        : result.verdict === 'undecided'
          ? `, undecided: ${plainLine(tellUndecided(result))}`
          : '';
  return `${labelOf(result)}: ${observedOf(result)}${time}${retried}${surprise}`;
}

/** `8 s`, `1m 20s`, `2h 05m` */
export function tellTime(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const pad = (value: number) => String(value).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${pad(seconds % 60)}s`;
  return `${Math.floor(seconds / 3600)}h ${pad(Math.floor((seconds % 3600) / 60))}m`;
}
