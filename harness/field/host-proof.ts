/** Starts a real host as advised, and looks for its pool where the kernel shows it: in /proc/<pid>/maps. */
import { execa } from 'execa';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { resolveLaunch } from '../../images/allocator/predict-foreign.ts';
import { listPools } from '../../images/allocator/mappings.ts';
import { project } from '../../images/paths.ts';
import { formatBytes, KiB, MiB } from '../../images/allocator/sizes.ts';
import { makeTemporaryFolder } from '../../images/temporary-folder.ts';
import { plainLine } from '../outcome/plain-text.ts';
import type { AdvisedName, Setup } from './advised-hosts.ts';

export type ForeignName = Exclude<AdvisedName, 'node'>;

/** What was seen of a host that was started; `agrees`: as predicted. */
export type Proof = Readonly<{ agrees: boolean; program: string; seen: string }>;

type Start = Readonly<{
  /** Words behind the program. `folder` is empty, and the working directory. */
  words: (options: readonly string[], folder: string) => readonly string[];
  prepare: (folder: string) => Promise<void>;
  /** A line of the host that says it is up. */
  ready: RegExp;
}>;

const shipped = (name: string): string => path.join(project.subjectsFolder, name);
const component = shipped('components/hello.wasm');
/** The kernel picks the port. */
const address = '127.0.0.1:0';

const starts: Readonly<Record<ForeignName, Start>> = {
  spin: {
    words: (_, folder) => [
      ...['up', '--from', path.join(folder, 'spin.toml'), '--state-dir', folder, '--listen', address],
    ],
    prepare: async (folder) => {
      await copyFile(shipped('spin-app.toml'), path.join(folder, 'spin.toml'));
      await copyFile(component, path.join(folder, 'hello.wasm'));
    },
    ready: /^Serving http/im,
  },
  'wasmtime-serve': {
    words: (options) => ['serve', ...options, '--addr', address, component],
    prepare: () => Promise.resolve(),
    ready: /^Serving HTTP on /m,
  },
  wash: {
    words: () => ['dev'],
    prepare: async (folder) => {
      await mkdir(path.join(folder, '.wash'));
      await copyFile(component, path.join(folder, 'hello.wasm'));
      const text = await readFile(shipped('wash/config.yaml'), 'utf8');
      await writeFile(
        path.join(folder, '.wash', 'config.yaml'),
        text.replace(/address: .*/, `address: ${address}`),
      );
    },
    ready: /HTTP server listening/,
  },
};

/** Of a host and what it started, as the kernel shows them; bytes. */
type Seen = Readonly<{ reservedBytes: number; writableBytes: number }>;

const read = (file: string): Promise<string> => readFile(file, 'latin1').catch(() => '');

async function lookAt(pid: number): Promise<Seen> {
  const [maps, status, children] = await Promise.all(
    ['maps', 'status', `task/${pid}/children`].map((name) => read(`/proc/${pid}/${name}`)),
  );
  const sizes = [...(maps ?? '').matchAll(/^([0-9a-f]+)-([0-9a-f]+) ---p/gm)].map(
    ([, from = '0', to = '0']) => Number.parseInt(to, 16) - Number.parseInt(from, 16),
  );
  const data = Number(/^VmData:\s+(\d+) kB$/m.exec(status ?? '')?.[1] ?? 0) * KiB;
  const inner = await Promise.all((children ?? '').split(' ').filter(Boolean).map(Number).map(lookAt));
  // Of a pool in use only the pages of live memories are accessible.
  const reservedBytes = sizes.reduce((sum, bytes) => sum + bytes, 0);
  return [{ reservedBytes, writableBytes: data }, ...inner].reduce((a, b) =>
    a.reservedBytes >= b.reservedBytes ? a : b,
  );
}

/** `wasmtime 49.0.3`; null where the program does not say it. */
export async function readProgramVersion(program: string): Promise<string | null> {
  const { stdout } = await execa(program, ['--version'], { reject: false, timeout: 10_000 });
  return /\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? null;
}

/** Of what a host says, the end is kept; UTF-16 units. */
const maxText = 64 * KiB;

/** What memories of a host that has just come up may have made accessible. */
const liveBytes = 64 * MiB;

/** A guard page of each stack is writable in the model, and not in the kernel. */
const guardShare = 1 / 513;

/**
 * @param isPooled whether a pool is predicted
 * @param timeoutMs until the host is up
 */
export async function proveHost(
  name: ForeignName,
  {
    program,
    version,
    setup,
    isPooled,
  }: Readonly<{
    program: string;
    version: string;
    setup: Setup;
    isPooled: boolean;
  }>,
  signal: AbortSignal,
  timeoutMs = 20_000,
): Promise<Proof> {
  const { words, prepare, ready } = starts[name];
  const launch = { version, env: setup.env, words: ['serve', ...setup.options] };
  const pools = listPools(resolveLaunch(name, launch).configuration);
  const slab = pools.find(({ pool }) => pool === 'memory')?.bytes ?? 0;
  const charged = pools.reduce((sum, { writableBytes }) => sum + writableBytes, 0) * (1 - guardShare);
  await using folder = await makeTemporaryFolder();
  await prepare(folder.path);
  const host = startHost(program, words(setup.options, folder.path), folder.path, setup.env);
  const late = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  try {
    while (!host.isOver() && !late.aborted && !ready.test(host.text())) await setTimeout(20);
    // Last words may come after the exit.
    if (host.isOver()) await setTimeout(100);
    if (!ready.test(host.text()) || host.pid === undefined)
      return { agrees: false, program, seen: `it did not come up: ${plainLine(host.text(), 200)}` };
    const { reservedBytes, writableBytes } = await lookAt(host.pid);
    const hasPool = reservedBytes >= slab - liveBytes && writableBytes >= charged;
    return {
      agrees: hasPool === isPooled,
      program,
      seen: `/proc/${host.pid}/maps: ${formatBytes(reservedBytes)} reserved and ${formatBytes(writableBytes)} writable, ${hasPool ? `the pool of ${formatBytes(slab)} among them` : 'and no pool'}`,
    };
  } finally {
    await host.end();
  }
}

type Host = Readonly<{
  pid: number | undefined;
  text: () => string;
  isOver: () => boolean;
  end: () => Promise<void>;
}>;

function startHost(program: string, words: readonly string[], folder: string, env: Setup['env']): Host {
  const child = spawn(program, words, {
    cwd: folder,
    env: { ...plainEnvironment(), ...env, HOME: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: Spin serves in a process that it starts, and all of it is ended.
    detached: true,
  });
  let text = '';
  let isOver = false;
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (text = `${text}${chunk.toString('latin1')}`.slice(-maxText)));
  const ended = once(child, 'exit').then(
    () => (isOver = true),
    (error: unknown) => {
      // A program that cannot be started says nothing itself.
      text = String(error);
      isOver = true;
    },
  );
  return {
    pid: child.pid,
    text: () => text,
    isOver: () => isOver,
    end: async () => {
      endGroup(child.pid);
      await ended;
      child.stdout.destroy();
      child.stderr.destroy();
    },
  };
}

/** Without what would size a pool, or make a host that dies print more than its last words. */
export function plainEnvironment(): Record<string, string> {
  const own = Object.entries(process.env).filter(
    ([name, value]) => value !== undefined && !/^(SPIN_|WASMTIME_|RUST_BACKTRACE$)/.test(name),
  );
  return Object.fromEntries(own) as Record<string, string>;
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}
