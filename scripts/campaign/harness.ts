/** The harness as a user starts it: the real command line, in a process group of its own. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { between, pick, type Random } from './draw.ts';

const cli = path.resolve(import.meta.dirname, '../../harness/cli.js');

/** When a fault strikes: so many milliseconds after something was seen. */
export type Moment = Readonly<{
  /** The process started; the cells were announced; a guest was there; the first cell had ended. */
  after: 'start' | 'cells' | 'guest' | 'first';
  ms: number;
}>;

export type End = Readonly<{
  exitCode: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  /** It had to be killed: it did not end by itself. */
  hung: boolean;
}>;

export type Harness = Readonly<{
  pid: number;
  ended: Promise<End>;
  /** What it said on standard error so far. */
  said: () => string;
  /** QEMU processes it started that run now. */
  guests: () => readonly number[];
  /** Processes that keep the lock on its run. */
  lockKeepers: () => readonly number[];
  signal: (name: NodeJS.Signals) => void;
  /** The group is the harness and its guests; what was meant to outlive a Ctrl-C is not in it. */
  signalGroup: (name: NodeJS.Signals) => void;
  /** False when it ended before the moment came. */
  reach: (moment: Moment) => Promise<boolean>;
}>;

/** Longer than the longest way to an end that is no hang: every try of a cell misses each of its deadlines. */
const capSeconds = 900;

const keptCharacters = 200_000;

export function startHarness(
  args: readonly string[],
  { cwd, env, cap = capSeconds }: Readonly<{ cwd: string; env: NodeJS.ProcessEnv; cap?: number }>,
): Harness {
  const child = spawn(process.execPath, [cli, ...args], {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('Node could not be started');
  let [stdout, stderr] = ['', ''];
  child.stdout
    .setEncoding('utf8')
    .on('data', (text: string) => (stdout = (stdout + text).slice(-keptCharacters)));
  child.stderr
    .setEncoding('utf8')
    .on('data', (text: string) => (stderr = (stderr + text).slice(-keptCharacters)));
  const signalGroup = (name: NodeJS.Signals): void => send(-pid, name);
  let hung = false;
  let alive = true;
  const timer = setTimeout(() => {
    hung = true;
    signalGroup('SIGKILL');
  }, cap * 1000);
  const ended = new Promise<End>((resolve) => {
    child.once('close', (exitCode, signal) => {
      alive = false;
      clearTimeout(timer);
      resolve({ exitCode, signal, stdout, stderr, hung });
    });
  });
  const guests = (): readonly number[] =>
    listChildren(pid).filter((child) => programOf(child).startsWith('qemu-system'));
  const seen: Readonly<Record<Moment['after'], () => boolean>> = {
    start: () => true,
    cells: () => /^\d+ cells? to run/m.test(stderr),
    guest: () => guests().length > 0,
    first: () => /^\[1\//m.test(stderr),
  };
  return {
    pid,
    ended,
    said: () => stderr,
    guests,
    lockKeepers: () => listChildren(pid).filter((child) => programOf(child) === 'flock'),
    signal: (name) => send(pid, name),
    signalGroup,
    reach: async ({ after, ms }) => {
      while (alive && !seen[after]()) await sleep(10);
      await Promise.race([sleep(ms), ended]);
      return alive;
    },
  };
}

/** A signal to a process or, negative, a group; one that has ended needs none. */
export function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

function listChildren(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return []; // ended between two looks
  }
}

/** The program itself, not a launcher that names it among its arguments. */
function programOf(pid: number): string {
  try {
    return path.basename(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] ?? '');
  } catch {
    return '';
  }
}

/** Some time of a run of three seconds. */
export function drawMoment(random: Random): Moment {
  const after = pick(random, ['start', 'cells', 'guest', 'guest', 'first'] as const);
  return { after, ms: between(random, 0, after === 'start' ? 600 : after === 'first' ? 500 : 1500) };
}

/** A moment in words. */
export const tell = ({ after, ms }: Moment): string => `${ms} ms after ${after}`;

/** Who hears a signal. */
export const victims = {
  'each QEMU': (harness: Harness, name: NodeJS.Signals) => {
    for (const pid of harness.guests()) send(pid, name);
  },
  'one QEMU': (harness: Harness, name: NodeJS.Signals) => {
    const [pid] = harness.guests();
    if (pid !== undefined) send(pid, name);
  },
  'the harness': (harness: Harness, name: NodeJS.Signals) => harness.signal(name),
  'the group': (harness: Harness, name: NodeJS.Signals) => harness.signalGroup(name),
} as const;
export type Victim = keyof typeof victims;
