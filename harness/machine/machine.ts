/** One QEMU process: started, watched, ended. It dies with the harness, whatever kills the harness. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { Duplex } from 'node:stream';
import { makeTemporaryFolder } from '../../images/temporary-folder.ts';
import { PoolproofError } from '../errors.ts';
import { ConsoleLog } from './console.ts';
import { GuestTime } from './guest-time.ts';
import { sampleProcess } from './process-sample.ts';
import { Qmp } from './qmp.ts';
import { buildArguments, channels, formatCommand, type Start } from './spec.ts';
import type { MachineSpec } from '../plan/machine-spec.ts';

/** The end of QEMU. `asked` when the harness stopped it. */
export type Exit = Readonly<{
  asked: boolean;
  exitCode: number | null;
  signal: string | null;
  /**
   * Who or what ended it, in the word of QEMU's event SHUTDOWN: `guest-reset`, `guest-shutdown`, `host-signal`; null
   * where it had no time to say.
   */
  reason: string | null;
  /** Why the harness ended it unasked; null where it did not. */
  fault: string | null;
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
    /** What every wait for this machine counts by. */
    time: GuestTime;
    /** The port the session in the guest listens on. */
    session: Duplex;
    qmp: Qmp;
    console: ConsoleLog;
    /** The serial line's other direction, for an interactive shell. */
    serial: Duplex;
    /** Resolves when the process has ended; never rejects. */
    exited: Promise<Exit>;
    /** Most resident memory QEMU has held so far, MiB; null when it cannot be read (it has ended). */
    readPeakMib(): number | null;
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

/** Limit of the stored output of QEMU, kept from its end. */
const stderrCharacters = 4096;

/** A sparse file for the swap disk that nothing but the handle leads to. */
async function openSwap(mib: number): Promise<FileHandle> {
  await using folder = await makeTemporaryFolder();
  const file = await open(path.join(folder.path, 'swap'), 'wx+', 0o600);
  await file.truncate(mib * 1024 * 1024);
  return file;
}

function readPeakMib(pid: number): number | null {
  try {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return peak === undefined ? null : Math.round(Number(peak) / 1024);
  } catch {
    return null;
  }
}

/** Resolves when the process has ended and its words are read; also when it could not be started. */
async function waitForEnd(subprocess: ChildProcess): Promise<Omit<Exit, 'asked' | 'reason' | 'fault'>> {
  let stderr = '';
  subprocess.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-stderrCharacters);
  });
  return new Promise((resolve) => {
    subprocess.once('error', (error) => resolve({ exitCode: null, signal: null, stderr: error.message }));
    subprocess.once('close', (exitCode, signal) => resolve({ exitCode, signal, stderr }));
  });
}

/** QEMU by the launcher, with the channels as its pipes. */
function launch(spec: MachineSpec, start: Start, stateFile: string, swap: FileHandle | null): ChildProcess {
  const swapFile = swap === null ? '/dev/null' : `/proc/${process.pid}/fd/${swap.fd}`;
  const words = [...launcher, String(process.pid), stateFile, swapFile];
  // Node's own call: every cell starts a machine, and of execa's care for it nothing is needed here that two
  // milliseconds of CPU time would be worth (scripts/bench, `own`).
  return spawn('setpriv', [...words, spec.qemu, ...buildArguments(spec, start)], {
    // The channels, in the order of `channels`; the launcher opens the files.
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    // A machine must not depend on the environment of the caller.
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' },
  });
}

/** The pipes of a started process; null when there are none. */
function openChannels({
  stdio,
}: Partial<Pick<ChildProcess, 'stdio'>>): Readonly<Record<'session' | 'qmp' | 'serial', Duplex>> | null {
  // Where not one more file may be opened, Node gives no streams at all.
  const streams: readonly unknown[] = stdio ?? [];
  const [session, qmp, serial] = [channels.session, channels.qmp, channels.console].map((fd) => streams[fd]);
  return session instanceof Duplex && qmp instanceof Duplex && serial instanceof Duplex
    ? { session, qmp, serial }
    : null;
}

function startFailed(command: string, stderr: string): PoolproofError {
  return new PoolproofError('QEMU_FAILED', 'QEMU could not be started', {
    command,
    stderr,
    hint: stderr.endsWith('EMFILE')
      ? 'this process may not open more files; raise the limit, for example with: ulimit -n 1024'
      : 'setpriv is part of the package util-linux; `poolproof doctor` shows what is missing',
  });
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
  // Listeners are attached at once: a process that cannot be started reports it before any promise resolves.
  const subprocess = launch(spec, start, stateFile, swap);
  const command = formatCommand(spec, start);
  let asked = false;
  let fault: string | null = null;
  let qmp: Qmp | null = null;
  const exited = waitForEnd(subprocess).then((end): Exit => ({
    asked,
    ...end,
    reason: qmp?.shutdownReason ?? null,
    fault,
  }));
  void exited.then(() => swap?.close());
  const { pid } = subprocess;
  const streams = openChannels(subprocess);
  if (streams === null || pid === undefined) throw startFailed(command, (await exited).stderr);
  const { session, serial } = streams;
  // A killed QEMU resets its sockets; that it ended is reported by `exited`.
  for (const stream of [session, serial]) stream.on('error', () => undefined);
  const console = new ConsoleLog();
  serial.on('data', (chunk: Buffer) => console.push(chunk));
  const stop = async (): Promise<Exit> => {
    asked = true;
    subprocess.kill('SIGKILL');
    return exited;
  };
  const time = new GuestTime(() => sampleProcess(pid));
  // A QEMU that talks nonsense is not believed in anything else either.
  qmp = new Qmp(streams.qmp, time, (failure) => {
    fault = failure.message;
    subprocess.kill('SIGKILL');
  });
  return {
    ...{ spec, start: start.kind, command, pid, time, session, qmp, console, serial, exited, stop },
    readPeakMib: () => readPeakMib(pid),
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}
