/** One QEMU process: started, watched, ended. It dies with the harness, whatever kills the harness. */
import { mkdtemp, open, readFile, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Duplex } from 'node:stream';
import { execa, type Options } from 'execa';
import { PoolproofError } from '../errors.ts';
import { ConsoleLog } from './console.ts';
import { Qmp } from './qmp.ts';
import { buildArguments, channels, formatCommand, type Start } from './spec.ts';
import type { MachineSpec } from '../plan/machine-spec.ts';

/** How QEMU ended. `asked` when the harness stopped it. */
export type Exit = Readonly<{
  asked: boolean;
  exitCode: number | null;
  signal: string | null;
  /** QEMU's own words, last 4 KiB. */
  stderr: string;
}>;

export type Machine = AsyncDisposable &
  Readonly<{
    spec: MachineSpec;
    start: Start['kind'];
    /** For the evidence. */
    command: string;
    pid: number;
    /** The port the session in the guest listens on. */
    session: Duplex;
    qmp: Qmp;
    console: ConsoleLog;
    /** The serial line's other direction, for an interactive shell. */
    serial: Duplex;
    /** Resolves when the process has ended; never rejects. */
    exited: Promise<Exit>;
    /** Most resident memory QEMU has held so far, MiB; null when it cannot be read (it has ended). */
    readPeakMib(): Promise<number | null>;
    /** Ends QEMU at once: its state is not needed, every disk is read-only. */
    stop(): Promise<Exit>;
  }>;

/** How a machine is started: {@link startMachine}, or a stand-in in tests of failure paths. */
export type StartMachine = typeof startMachine;

// pdeathsig ends QEMU when the harness dies, even by SIGKILL. Had it died before the call took effect,
// the parent is another process by now, and QEMU must not start at all. $0 is the harness, then the two files.
const launcher = [
  ...['--pdeathsig', 'KILL', '--', 'sh', '-c'],
  `[ "$PPID" = "$0" ] && state=$1 swap=$2 && shift 2 && ` +
    `exec "$@" ${channels.state}<"$state" ${channels.swap}<>"$swap"`,
];

/** A sparse file for the swap disk that nothing but the handle leads to. */
async function openSwap(mib: number): Promise<FileHandle> {
  const folder = await mkdtemp(path.join(tmpdir(), 'poolproof-'));
  try {
    const file = await open(path.join(folder, 'swap'), 'wx+', 0o600);
    await file.truncate(mib * 1024 * 1024);
    return file;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Starts QEMU. Resolves as soon as the process exists, long before a guest answers.
 * `stateFile` is the saved state of the template, for a clone.
 * @throws PoolproofError QEMU_FAILED when the process cannot be started.
 */
export async function startMachine(
  spec: MachineSpec,
  start: Start,
  stateFile = '/dev/null',
): Promise<Machine> {
  const swap = spec.swapMib === undefined ? null : await openSwap(spec.swapMib);
  const swapFile = swap === null ? '/dev/null' : `/proc/${process.pid}/fd/${swap.fd}`;
  const options: Options = {
    // The four channels, in the order of `channels`; the launcher opens the files.
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    buffer: { stdout: false, stderr: true, fd3: false, fd4: false, fd5: false },
    maxBuffer: 64 * 1024,
    reject: false,
    killSignal: 'SIGKILL',
    // What a machine does must not depend on who starts it.
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' },
    extendEnv: false,
  };
  const words = [
    ...launcher,
    String(process.pid),
    stateFile,
    swapFile,
    spec.qemu,
    ...buildArguments(spec, start),
  ];
  const subprocess = execa('setpriv', words, options);
  const streams: readonly unknown[] = subprocess.stdio;
  const [session, qmpStream, serial] = [channels.session, channels.qmp, channels.console].map(
    (fd) => streams[fd],
  );
  const console = new ConsoleLog();
  let asked = false;
  const exited: Promise<Exit> = subprocess.then((result) => ({
    asked,
    exitCode: result.exitCode ?? null,
    signal: result.signal ?? null,
    stderr: String(result.stderr).slice(-4096),
  }));
  void exited.then(() => swap?.close());
  const { pid } = subprocess;
  if (
    !(session instanceof Duplex && qmpStream instanceof Duplex && serial instanceof Duplex) ||
    pid === undefined
  ) {
    const exit = await exited;
    throw new PoolproofError('QEMU_FAILED', 'QEMU could not be started', {
      command: formatCommand(spec, start),
      stderr: exit.stderr,
      hint: 'setpriv is part of the package util-linux; `poolproof doctor` shows what is missing',
    });
  }
  // A killed QEMU resets its sockets; that it ended is told by `exited`.
  for (const stream of [session, serial]) stream.on('error', () => undefined);
  serial.on('data', (chunk: Buffer) => console.push(chunk));
  const stop = async (): Promise<Exit> => {
    asked = true;
    subprocess.kill('SIGKILL');
    return exited;
  };
  return {
    spec,
    start: start.kind,
    command: formatCommand(spec, start),
    pid,
    session,
    qmp: new Qmp(qmpStream),
    console,
    serial,
    exited,
    readPeakMib: async () => {
      const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
      const peak = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
      return peak === undefined ? null : Math.round(Number(peak) / 1024);
    },
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}
