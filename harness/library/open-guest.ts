/** A guest that is up, with its settings applied: to look around in, by programs and by people. */
import type { Duplex } from 'node:stream';
import type { ImageEvent } from '../../images/build.ts';
import { resolveCacheFolder } from '../../images/cache/cache-folder.ts';
import type { Facts } from '../../images/allocator/facts.ts';
import { buildLimits } from '../axes/guest-settings.ts';
import type { Settings } from '../axes/table.ts';
import { PoolproofError } from '../errors.ts';
import { buildCell } from '../field/results.ts';
import type { SubjectRun } from '../guest/observation.ts';
import { applySettings, factPathsOf, readFacts, readOutput, readSubjectRun } from '../guest/observe.ts';
import { openSession } from '../guest/open-session.ts';
import type { Session } from '../guest/session.ts';
import { buildForeignCommand, buildHostCommand } from '../guest/guest-command.ts';
import { type Machine, startMachine } from '../machine/machine.ts';
import { formatCommand } from '../machine/spec.ts';
import type { Cell } from '../matrix/cell.ts';
import { type Deadlines, deadlinesFor } from '../plan/deadlines.ts';
import { buildMachineSpec } from '../plan/machine-spec.ts';
import { imagesOf } from '../plan/requirements.ts';
import type { RunOptions, Seams } from '../run/context.ts';
import { prepare } from '../run/prepare.ts';

export type GuestOptions = Readonly<{
  /** Image cache. @default `$POOLPROOF_CACHE`, else `~/.cache/poolproof` */
  cacheDir?: string;
  /** Refuse a successor of a pinned package. @default false */
  locked?: boolean;
  onImageEvent?: (event: ImageEvent) => void;
}>;

export type ExecOptions = Readonly<{
  /** Its whole environment but for `PATH`, `HOME` and `TMPDIR`, which have defaults. */
  env?: Readonly<Record<string, string>>;
  /** Milliseconds of the time the guest could have run; then the program is ended. @default as for a cell's subject */
  timeoutMs?: number;
  /** Most bytes that are kept of each stream, even and at most 786432. @default 262144 */
  keptBytes?: number;
}>;

/** How a program ended, and the facts of its very process just before it began. */
export type ExecResult = SubjectRun &
  Readonly<{
    facts: Facts;
    /** What was kept of both streams, byte by byte. */
    output: Readonly<{ stdout: Buffer; stderr: Buffer }>;
  }>;

/** The guest's serial line after its shell has started. */
export type GuestShell = Readonly<{
  /** Keystrokes go in, the terminal's output comes out. */
  terminal: Duplex;
  /** Resolves when the shell or the guest has ended. */
  closed: Promise<void>;
}>;

/** A started guest. Disposing it ends QEMU at once; every disk is read-only. */
export type Guest = AsyncDisposable &
  Readonly<{
    settings: Settings;
    /** `uname -r`. */
    kernelRelease: string;
    /** QEMU's command line, for a shell; its channels are inherited sockets, see harness/machine/README.md. */
    qemuCommand: string;
    /** The program that a run of this cell starts: the wasm host, or the subject of the cell. */
    subject: Readonly<{ command: readonly string[]; env: Readonly<Record<string, string>> }>;
    /**
     * Runs a program under the limits of the settings, as a run does with a subject. Calls wait for each other. Of
     * each stream at most `keptBytes` are kept, half from the beginning and half from the end.
     * @throws PoolproofError USAGE for a line break in a word or more than 16 KiB of words; MACHINE_EXITED,
     * MACHINE_TIMEOUT, MACHINE_STALLED or PROTOCOL where the guest gives no answer. How the program ends is in the
     * result.
     */
    exec(command: readonly string[], options?: ExecOptions): Promise<ExecResult>;
    /**
     * What the kernel says to a process under the limits of the settings: /proc/meminfo, /proc/sys/vm,
     * /proc/self/limits and other files, each field with its source in `Facts`.
     * @throws PoolproofError as {@link exec} does
     */
    readFacts(): Promise<Facts>;
    /** Starts a shell on the serial line, under the same limits. @throws PoolproofError as {@link exec} does */
    openShell(): Promise<GuestShell>;
  }>;

const baseEnv = { PATH: '/bin', HOME: '/tmp', TMPDIR: '/tmp' } as const;

/**
 * Boots a guest with these settings and applies them. Images that are missing are built first.
 * @throws PoolproofError QEMU_*, IMAGE_*, TOOL_NOT_FOUND, DISK_FULL for what is needed before; MACHINE_EXITED,
 *   MACHINE_TIMEOUT, MACHINE_STALLED or PROTOCOL where the guest does not come up; USAGE for an unknown subject.
 */
export async function openGuest(settings: Settings, options: GuestOptions = {}): Promise<Guest> {
  return openCell(buildCell(settings), options);
}

/** The same for a cell, whose subject may be its matrix' own. */
export async function openCell(
  cell: Cell,
  options: GuestOptions & Pick<RunOptions, 'disks'>,
  seams: Seams = {},
): Promise<Guest> {
  const { settings } = cell;
  const { cacheDir = resolveCacheFolder(), ...others } = options;
  const prepared = await (seams.prepare ?? prepare)([cell], { cacheDir, ...others });
  const images = prepared.images.get(imagesOf(settings));
  if (images === undefined)
    throw new PoolproofError('IMAGE_UNKNOWN', `no image for kernel ${imagesOf(settings)}`);
  const { accelerator } = prepared.accelerator;
  const deadlines = { ...deadlinesFor(accelerator), ...seams.deadlines };
  const spec = buildMachineSpec(settings, images, { qemu: prepared.qemu.path, accelerator });
  const machine = await (seams.startMachine ?? startMachine)(spec, { kind: 'boot' });
  try {
    const session = await openSession(machine, deadlines);
    await applySettings(session, settings, deadlines);
    const folder = images.subjects?.[settings.subject] ?? null;
    const subject =
      cell.subject === undefined
        ? buildHostCommand(settings, deadlines)
        : buildForeignCommand(cell.subject, settings, folder, deadlines);
    const { command, env } = subject;
    const qemuCommand = formatCommand(spec, { kind: 'boot' });
    return { qemuCommand, subject: { command, env }, ...talkTo(machine, session, settings, deadlines) };
  } catch (error) {
    await machine.stop();
    throw error;
  }
}

/** A guest's answers, one request after the other. */
function talkTo(
  machine: Machine,
  session: Session,
  settings: Settings,
  deadlines: Deadlines,
): Omit<Guest, 'qemuCommand' | 'subject'> {
  const limits = buildLimits(settings);
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <Value>(work: () => Promise<Value>): Promise<Value> => {
    const turn = last.then(work, work);
    last = turn.catch(() => undefined);
    return turn.catch((error: unknown) => {
      if (error instanceof RangeError) throw new PoolproofError('USAGE', error.message, { cause: error });
      throw error;
    });
  };
  const exec: Guest['exec'] = (
    command,
    { env = {}, timeoutMs: ms = deadlines.subjectMs, keptBytes: capBytes } = {},
  ) =>
    inTurn(async () => {
      const request = { limits, factPaths: factPathsOf(settings), env: { ...baseEnv, ...env }, command };
      const reply = await session.run(
        { ...request, ...(capBytes !== undefined && { capBytes }) },
        { ms, replyMs: deadlines.requestMs },
      );
      return { ...readSubjectRun(reply), facts: readFacts(reply.texts), output: readOutput(reply) };
    });
  return {
    settings,
    kernelRelease: session.release,
    exec,
    readFacts: async () => (await exec(['/bin/sh', '-c', ':'])).facts,
    openShell: () =>
      inTurn(async () => {
        const env = { ...baseEnv, TERM: 'vt100', PS1: 'guest# ' };
        await session.request({ verb: 'shell', limits, env }, deadlines.requestMs);
        const ended = session.waitForNote('closed').catch(() => undefined);
        return {
          terminal: machine.serial,
          closed: Promise.race([ended, machine.exited.then(() => undefined)]),
        };
      }),
    [Symbol.asyncDispose]: async () => {
      await machine.stop();
    },
  };
}
