/** Takes a figure: alternately with its comparison, as median and spread. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readStatField } from '../../images/allocator/kernel-files.ts';
import { project } from '../../images/paths.ts';

export type Spread = Readonly<{
  n: number;
  median: number;
  p10: number;
  p90: number;
  p99: number;
  max: number;
}>;

/** @returns figures rounded to three digits behind the point */
export function spreadOf(samples: readonly number[]): Spread {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN) * 1000) / 1000;
  return { n: sorted.length, median: at(0.5), p10: at(0.1), p90: at(0.9), p99: at(0.99), max: at(1) };
}

/** Runs the work with a folder of its own, which goes when it ends. */
export async function withFolder<T>(work: (folder: string) => Promise<T>, parent = tmpdir()): Promise<T> {
  const folder = mkdtempSync(path.join(parent, 'poolproof-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Options that scripts/poolproof gives Node. */
export function ownFlags(): string[] {
  const script = readFileSync(path.resolve(project.sourceFolder, '../scripts/poolproof'), 'utf8');
  const words = /^exec node (.*) \S*dist\/harness\/cli\.js/m.exec(script)?.[1];
  if (words === undefined) throw new Error('scripts/poolproof does not start Node as it used to');
  return words.split(' ').filter(Boolean);
}

/** Seconds of one call. */
export async function time(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

/** Both in turn, `n` times, so that a busy neighbour meets both alike. */
export async function pair(
  n: number,
  a: () => Promise<unknown>,
  b: () => Promise<unknown>,
): Promise<Readonly<{ a: readonly number[]; b: readonly number[] }>> {
  const samples: { a: number[]; b: number[] } = { a: [], b: [] };
  for (let index = 0; index < n; index += 1) {
    samples.a.push(await time(a));
    samples.b.push(await time(b));
  }
  return samples;
}

export type InTurn = Readonly<{
  a: Spread;
  b: Spread;
  /** b by a, of the two that ran one after the other. */
  ratio: Spread;
}>;

/** What {@link pair} took, as spreads. */
export const compareInTurn = ({ a, b }: Awaited<ReturnType<typeof pair>>): InTurn => ({
  a: spreadOf(a),
  b: spreadOf(b),
  ratio: spreadOf(b.map((seconds, index) => seconds / (a[index] ?? NaN))),
});

/**
 * A whole process: seconds, its CPU time without that of its children, and the most memory it was seen to hold (MiB);
 * both sampled every 5 ms.
 * @throws Error when it does not exit with 0.
 */
export async function timeProcess(
  command: string,
  args: readonly string[],
): Promise<Readonly<{ seconds: number; cpuSeconds: number; peakMib: number }>> {
  const started = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.resume();
  let peakMib = 0;
  let cpuSeconds = 0;
  const timer = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid ?? 0}/status`, 'utf8');
      cpuSeconds = Math.max(cpuSeconds, readCpuSeconds(child.pid ?? 0).own);
      peakMib = Math.max(peakMib, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024);
    } catch {
      // Ended between two looks.
    }
  }, 5);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearInterval(timer);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code ?? 'a signal'}`);
  return { seconds: (performance.now() - started) / 1000, cpuSeconds, peakMib: Math.round(peakMib) };
}

/**
 * CPU times of a process in seconds: its own, and of its children that have ended (proc_pid_stat(5), fields 14 to 17).
 */
function readCpuSeconds(pid: number | 'self'): Readonly<{ own: number; children: number }> {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [user = NaN, system = NaN, childUser = NaN, childSystem = NaN] = [14, 15, 16, 17].map((field) =>
    Number(readStatField(stat, field)),
  );
  // A tick is 10 ms.
  return { own: (user + system) / 100, children: (childUser + childSystem) / 100 };
}

/** CPU time of the processes this one started that have ended, seconds. */
export const readChildrenSeconds = (): number => readCpuSeconds('self').children;

/**
 * Time the cores were busy and time they had, in ticks, since this computer started (proc(5), first line of
 * /proc/stat).
 */
export function readCores(): Readonly<{ busy: number; all: number }> {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  // user nice system idle iowait irq softirq steal; what guests take is counted in user already.
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
  const all = ticks.reduce((sum, each) => sum + each, 0);
  return { busy: all - (ticks[3] ?? 0) - (ticks[4] ?? 0), all };
}
