/** Runs one cell on one machine and reports what was seen. What happens there is data, never thrown. */
import { constants } from 'node:os';
import type { Facts } from '../../images/allocator/facts.ts';
import { factFiles, groupFiles, parseFacts } from '../../images/allocator/parse-facts.ts';
import type { Reply } from '../../images/guest/protocol.ts';
import { PoolproofError } from '../errors.ts';
import type { Exit, Machine } from '../machine/machine.ts';
import type { Settings } from '../axes/table.ts';
import type { Deadlines } from '../plan/deadlines.ts';
import { swapDisk } from '../plan/machine-spec.ts';
import { readAnswer } from './answer.ts';
import type { MachineEnd, Observation, SubjectRun } from './observation.ts';
import { openSession } from './open-session.ts';
import type { ProtocolLog, Session } from './session.ts';
import { buildLimits, buildWrites, compareSettings } from '../axes/guest-settings.ts';
import { buildHostCommand, type GuestCommand } from './guest-command.ts';
import { readSubjectProcess } from './subject-process.ts';

/** The read-backs of the child itself come along by its process id. */
export const machineFactFiles: readonly string[] = factFiles.filter(
  (path) => path.startsWith('/') && !path.startsWith('/proc/self/'),
);

/** Where the session puts a subject whose group has a limit, and a file that says which. */
const subjectGroup = '/subject';
const subjectGroupFile = (name: string): string => `/sys/fs/cgroup${subjectGroup}/${name}`;

/** Files to read when a process of a cell starts, besides those of the child itself. */
export const factPathsOf = (settings: Settings): readonly string[] => {
  const limits = buildLimits(settings);
  return [...machineFactFiles, ...groupFiles.filter((name) => name in limits).map(subjectGroupFile)];
};

/** Makes a machine what a cell asks for, once: swap, then kernel settings. */
export async function applySettings(
  session: Session,
  settings: Settings,
  deadlines: Deadlines,
): Promise<void> {
  await addSwap(session, settings, deadlines);
  await session.request({ verb: 'apply', settings: buildWrites(settings) }, deadlines.requestMs);
}

/** Switches the cell's swap on, once for each machine. */
export async function addSwap(session: Session, { swap }: Settings, deadlines: Deadlines): Promise<void> {
  if (swap !== null) await session.request({ verb: 'swapon', disk: swapDisk }, deadlines.requestMs);
}

/** Limits of the group count only for a child that is in it. */
function withGroup(texts: Reply['texts']): Reply['texts'] {
  const isMember = /^0::(.*)$/m.exec(texts['/proc/self/cgroup'] ?? '')?.[1] === subjectGroup;
  if (!isMember) return texts;
  const limits = groupFiles.flatMap((name) => {
    const limit = texts[subjectGroupFile(name)];
    return limit === undefined ? [] : [[`cgroup/${name}`, limit] as const];
  });
  return { ...texts, ...Object.fromEntries(limits) };
}

/** The first name of a number: 6 is SIGABRT before it is SIGIOT. */
const signalNames = new Map(
  Object.entries(constants.signals)
    .reverse()
    .map(([name, number]) => [number, name]),
);

/** The guest's facts from the texts of a reply; a file that could not be read is null. */
export function readFacts(texts: Reply['texts']): Facts {
  const files = withGroup(texts);
  return parseFacts(Object.fromEntries(factFiles.map((path) => [path, files[path] ?? null])));
}

/** A shell reports a signal as 128 + its number. */
export function readSubjectRun(reply: Reply): SubjectRun {
  const { exit = '', timeout, stopped, ready, out, err, ms, oom, unwatched, lost } = reply.values;
  const answer = readAnswer(reply);
  const process = readSubjectProcess(reply);
  const status = /^\d+$/.test(exit) ? Number(exit) : null;
  const signal = status !== null && status > 128 ? (signalNames.get(status - 128) ?? null) : null;
  return {
    exitCode: signal === null ? status : null,
    signal,
    timedOut: timeout === '1',
    stopped: stopped === 'request' || stopped === 'backstop' ? stopped : null,
    ...(ready === '1' && { ready: true }),
    ...(ready === 'wrong' && { answeredWrong: true }),
    ...(answer !== null && { answer }),
    ...(process !== null && { process }),
    ...readStream(reply, 'stdout', 'out', Number(out)),
    ...readStream(reply, 'stderr', 'err', Number(err)),
    oomKills: Number(oom ?? 0),
    unwatchedBytes: Number(unwatched ?? 0),
    helperLost: lost === '1',
    durationMs: Number(ms),
  };
}

/** What was kept of both streams, byte by byte. */
export function readOutput({ data }: Reply): Readonly<{ stdout: Buffer; stderr: Buffer }> {
  const [stdout, stderr] = ['out', 'err'].map((name) =>
    Buffer.concat([name, `${name}-tail`].map((part) => data[part] ?? Buffer.alloc(0))),
  );
  return { stdout: stdout ?? Buffer.alloc(0), stderr: stderr ?? Buffer.alloc(0) };
}

/** What was kept of a stream, and how much was not. */
function readStream<Name extends 'stdout' | 'stderr'>(
  { data }: Reply,
  name: Name,
  stream: 'out' | 'err',
  bytes: number,
): Pick<SubjectRun, Name | `${Name}Tail` | `${Name}Bytes` | `${Name}Dropped`> {
  const [head, tail] = [stream, `${stream}-tail`].map((part) => data[part] ?? Buffer.alloc(0));
  return {
    [name]: head?.toString('utf8'),
    [`${name}Tail`]: tail?.toString('utf8'),
    [`${name}Bytes`]: bytes,
    [`${name}Dropped`]: Math.max(0, bytes - (head?.length ?? 0) - (tail?.length ?? 0)),
  } as ReturnType<typeof readStream<Name>>;
}

/** QEMU's words for an end that its guest brought about. */
const guestReasons = /^guest-/;

/** What the end of a QEMU that nobody here ended says. `panic`: the console's words, which a subject can write too. */
export function describeExit(
  { exitCode, signal, reason, fault, stderr }: Exit,
  panic: string | null,
  wasReady: boolean,
): MachineEnd {
  const last = stderr.trim().split('\n').at(-1) ?? '';
  const words = last === '' ? '' : `: ${last}`;
  if (fault !== null)
    return { kind: 'killed', detail: `poolproof ended QEMU, which cannot be believed: ${fault}` };
  if (signal !== null) return { kind: 'killed', detail: `QEMU was ended by ${signal}${words}` };
  if (exitCode !== 0) {
    const detail = `QEMU exited with ${exitCode ?? 'nothing'}${words}`;
    return { kind: wasReady ? 'exited' : 'start-failed', detail };
  }
  // QEMU catches SIGTERM, SIGINT and SIGHUP and exits with 0, as it does when its guest resets the machine.
  if (reason === null || !guestReasons.test(reason)) {
    const why = reason === null ? 'and did not say why' : `because of ${reason}`;
    return { kind: 'killed', detail: `QEMU ended ${why}${words}` };
  }
  return panic === null
    ? { kind: 'reset', detail: `the guest reset or powered off its machine (${reason})` }
    : { kind: 'panic', detail: `kernel panic: ${panic}` };
}

const describeSilence = ({ totalBytes }: Machine['console']): string =>
  totalBytes === 0 ? 'nothing came over it' : `${totalBytes} bytes came over it, and no line of the kernel`;

/** Why a machine that should have answered did not, from what is known about it. */
async function describeEnd(machine: Machine, error: unknown, wasReady: boolean): Promise<MachineEnd> {
  if (!(error instanceof PoolproofError)) throw error;
  const { console } = machine;
  if (error.code === 'PROTOCOL') return { kind: 'silent', detail: error.message };
  if (error.code === 'MACHINE_STALLED') return { kind: 'stalled', detail: error.message };
  // A panic ends QEMU; the message may arrive a moment after the socket closed.
  if (error.code === 'MACHINE_EXITED') {
    const exit = await machine.exited;
    return describeExit(exit, console.panic, wasReady);
  }
  if (!wasReady && !console.kernelStarted)
    return { kind: 'no-console', detail: `${describeSilence(console)}: ${error.message}` };
  return { kind: wasReady ? 'silent' : 'not-ready', detail: error.message };
}

/**
 * Why nothing a run's deadlines said can be believed; null where they can. A guest whose clock runs away has other
 * seconds than its harness: 60 s were over in 4. So has one whose session had to end the run by itself, long after
 * the harness would have, had the guest got to run.
 */
export function findClockProblem(
  { durationMs, stopped, guestTimeMs = 0 }: SubjectRun,
  realMs: number,
  deadlineMs: number,
): MachineEnd | null {
  const seconds = (ms: number): string => (ms / 1000).toFixed(1);
  // The guest's time lies within ours; it counts in hundredths, and catches up on interrupts it missed.
  if (durationMs > realMs * 1.25 + 1000)
    return {
      kind: 'clock',
      detail: `${seconds(durationMs)} s passed in the guest in ${seconds(realMs)} s`,
    };
  if (stopped === 'backstop') {
    const detail = `of ${seconds(durationMs)} s of its run the guest could run for ${seconds(guestTimeMs)}`;
    return { kind: 'stalled', detail };
  }
  // A stop of more than 21.5 s makes the guest's clock stand still for up to as long again: its HPET, of 32 bits at
  // 100 MHz, then lies behind what the kernel saw last. What sleeps in the guest sleeps on.
  if (stopped === 'request' && durationMs < deadlineMs * 0.9) {
    const detail = `${seconds(durationMs)} s passed in the guest while it could run for ${seconds(guestTimeMs)}`;
    return { kind: 'stalled', detail };
  }
  return null;
}

/** What one try gave, with the messages for the evidence. */
export type Observed = Readonly<{ observation: Observation; protocol: ProtocolLog }>;

/**
 * Applies a cell's settings, reads them back in the very process that becomes the subject, runs it.
 * The caller ends the machine. `foreign`: runs instead of the wasm host.
 */
export async function observeCell(
  machine: Machine,
  settings: Settings,
  deadlines: Deadlines,
  foreign: GuestCommand | null = null,
): Promise<Observed> {
  const timings: Record<string, number> = {};
  let since = performance.now();
  const lap = (phase: string): void => {
    const now = performance.now();
    timings[phase] = Math.round((now - since) * 10) / 10;
    since = now;
  };
  let session: Session | null = null;
  let facts: Facts | null = null;
  let subject: SubjectRun | null = null;
  let machineEnd: MachineEnd | null;
  try {
    session = await openSession(machine, deadlines);
    lap('ready');
    await applySettings(session, settings, deadlines);
    lap('settings');
    const command = foreign ?? buildHostCommand(settings, deadlines);
    const startMs = machine.time.estimateMs;
    const reply = await runSubject(session, settings, command, deadlines);
    const guestTimeMs = Math.round(machine.time.estimateMs - startMs);
    lap('subject');
    facts = readFacts(reply.texts);
    subject = { ...readSubjectRun(reply), guestTimeMs };
    machineEnd = findClockProblem(subject, timings['subject'] ?? 0, command.deadlineMs);
  } catch (error) {
    // Every guest with this kernel ends like that: it is no result of a cell.
    if (error instanceof PoolproofError && error.code === 'KERNEL_UNFIT') throw error;
    machineEnd = await describeEnd(machine, error, session !== null);
    // Facts are sent before the subject starts: a guest that died later still had the settings that were requested.
    const texts = session?.unfinishedTexts ?? {};
    if ('/proc/self/limits' in texts) facts = readFacts(texts);
  }
  const { console } = machine;
  return {
    observation: {
      start: machine.start === 'clone' ? 'clone' : 'boot',
      facts,
      readBack: facts === null ? [] : compareSettings(settings, facts),
      subject,
      machineEnd,
      // The kernel's own counter. Without a reply there is only its log, which then explains and decides nothing.
      oomKill: subject === null ? console.oomKill : subject.oomKills > 0,
      consoleTail: console.tail(),
      timings,
    },
    protocol: session?.log ?? [],
  };
}

function runSubject(
  session: Session,
  settings: Settings,
  { command, env, deadlineMs, until }: GuestCommand,
  { requestMs }: Deadlines,
): Promise<Reply> {
  const limits = buildLimits(settings);
  const request = { limits, factPaths: factPathsOf(settings), env, command };
  return session.run(
    { ...request, ...(until !== undefined && { until }) },
    { ms: deadlineMs, replyMs: requestMs },
  );
}
