/** A fake machine whose connections misbehave: lines of its guest are cut, doubled, delayed, changed, or end early. */
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Script } from '../../harness/fixtures/fake-machine.ts';
import type { Exit, Machine, StartMachine } from '../../harness/machine/machine.ts';
import { Qmp } from '../../harness/machine/qmp.ts';
import type { Truth } from './small-runs.ts';

/** The replacement of a guest's line, with its line break; after a wait if there is one. */
export type Piece = Readonly<{ text: string; afterMs?: number }>;

export type FaultyMachine = Readonly<{
  /** The drawn values in words. */
  drawn: string;
  /** Behaviour of the guest, machine by machine; the last one repeats. @default correct */
  scripts?: readonly Script[];
  /** Number of misbehaving machines; the others pass everything on. @default all */
  machines?: number;
  /** The line of the guest, from 0, to which `say` gives the others; each line where it is not there. */
  at?: number;
  /** The replacement of a line. */
  say?: (line: string) => readonly Piece[];
  /** Nothing of the guest is passed on from the line `at` on. */
  mute?: boolean;
  /** QEMU ends by itself after the line `at`. */
  end?: Partial<Exit>;
  /** Said on QEMU's machine protocol. */
  qmp?: readonly string[];
  /** Ends that are right beside those of a run without a fault. */
  alsoRight?: readonly Truth[];
  /** The run is interrupted when so many machines were started, and resumed. */
  interruptAt?: number;
}>;

/** Passes on what the harness says; what the guest says goes line by line through `say`. */
class FaultyStream extends Duplex {
  readonly #inner: Duplex;

  constructor(inner: Duplex, say: (line: string, number: number) => readonly Piece[]) {
    super();
    this.#inner = inner;
    let [pending, count] = ['', 0];
    let last: Promise<void> = Promise.resolve();
    inner.on('data', (chunk: Buffer) => {
      const lines = (pending + chunk.toString('utf8')).split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) {
        const number = count++;
        last = last.then(() => this.#pass(say(line, number)));
      }
    });
  }

  async #pass(pieces: readonly Piece[]): Promise<void> {
    for (const { text, afterMs } of pieces) {
      if (afterMs !== undefined) await sleep(afterMs);
      if (!this.destroyed && text !== '') this.push(text);
    }
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#inner.write(chunk, encoding, done);
  }

  override _read(): void {
    // Pushed when there is something.
  }
}

/** One that only ever says. */
class Speaker extends Duplex {
  override _read(): void {
    // Pushed by its owner.
  }
  override _write(_chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    done();
  }
}

const asItIs = (line: string): readonly Piece[] => [{ text: `${line}\n` }];

function makeFaulty(machine: Machine, fault: FaultyMachine, onStrike: () => void): Machine {
  let finish: (exit: Exit) => void = () => undefined;
  const ended = new Promise<Exit>((resolve) => (finish = resolve));
  const { end, at, say = asItIs, mute = false, qmp } = fault;
  const session = new FaultyStream(machine.session, (line, number) => {
    if (at !== undefined && number < at) return asItIs(line);
    if (at === undefined || number === at) onStrike();
    if (at === number && end !== undefined)
      setImmediate(() =>
        finish({ asked: false, exitCode: 0, signal: null, reason: null, fault: null, stderr: '', ...end }),
      );
    if (mute) return [];
    return at === undefined || number === at ? say(line) : asItIs(line);
  });
  const wire = new Speaker();
  for (const text of qmp ?? []) setImmediate(() => wire.push(text));
  const exited = Promise.race([machine.exited, ended]);
  return { ...machine, session, exited, ...(qmp !== undefined && { qmp: new Qmp(wire, machine.time) }) };
}

/** Machines of which the first so many are faulty; `struck` says whether anything was done to one of them. */
export function faultyMachines(
  start: StartMachine,
  fault: FaultyMachine,
): Readonly<{ start: StartMachine; struck: () => boolean }> {
  let [count, struck] = [0, false];
  return {
    start: async (...words) => {
      const machine = await start(...words);
      count += 1;
      if (count > (fault.machines ?? Infinity)) return machine;
      return makeFaulty(machine, fault, () => (struck = true));
    },
    struck: () => struck,
  };
}
