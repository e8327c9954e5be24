/** The faults over fake machines: a process for many of them, and a process of its own for each that ended one. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { chooseRow, randomOf } from './draw.ts';
import { fakeRows } from './fake-rows.ts';
import { type Outcome, selectRows, type Selection } from './table.ts';

/** No outcome for so long, and the process of the fakes is taken for hung. */
const fakeCapMs = 240_000;

/** What the process of the fakes prints, a line each. */
type FakeLine = Readonly<{ started: number }> | Outcome;

/** Lines as they come; ends when the process ends, however it does. */
async function* playFakes(
  seed: number,
  selection: Selection,
  numbers: readonly number[],
  env: NodeJS.ProcessEnv,
): AsyncGenerator<FakeLine> {
  const file = path.join(import.meta.dirname, 'fake-faults.js');
  const child = spawn(
    process.execPath,
    [file, String(seed), JSON.stringify(selection), ...numbers.map(String)],
    {
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const timer = setTimeout(() => child.kill('SIGKILL'), fakeCapMs);
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      timer.refresh();
      yield JSON.parse(line) as FakeLine;
    }
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
  }
}

/** Why one fault alone ended its process. */
async function explainEnd(
  seed: number,
  selection: Selection,
  number: number,
  env: NodeJS.ProcessEnv,
): Promise<Outcome> {
  const file = path.join(import.meta.dirname, 'fake-faults.js');
  const startedAt = performance.now();
  const { stdout, stderr, exitCode, signal } = await execa(
    process.execPath,
    [file, String(seed), JSON.stringify(selection), String(number)],
    {
      env,
      reject: false,
      timeout: fakeCapMs,
    },
  );
  const last = stdout.trim().split('\n').at(-1) ?? '';
  if (last.includes('"id"')) return JSON.parse(last) as Outcome;
  const row = chooseRow(selectRows(fakeRows, selection), seed, number);
  const words = /^\w*Error.*$/m.exec(stderr)?.[0] ?? stderr.slice(-300);
  return {
    id: `fake-${number}`,
    row: row.name,
    drawn: row.draw(randomOf(seed, 'fake', number)).drawn,
    ...{ right: 0, silent: 0, reasons: [], refused: false, missed: false, skipped: null },
    failures: [`the process of the harness ended (${signal ?? exitCode ?? 'unknown'}): ${words}`],
    seconds: Math.round(performance.now() - startedAt) / 1000,
  };
}

export type FakeFaults = Readonly<{
  seed: number;
  selection: Selection;
  /** Numbers of the faults. */
  fake: readonly number[];
  onOutcome: (outcome: Outcome) => void;
  signal: AbortSignal;
}>;

/** Plays all of them; each has one outcome, also those that end their process. */
export async function runFakes({ seed, fake, selection, onOutcome, signal }: FakeFaults): Promise<void> {
  // What a killed process left goes with it.
  const folder = mkdtempSync(path.join(tmpdir(), 'poolproof-campaign-'));
  try {
    await runAll({ seed, fake, selection, onOutcome, signal }, { ...process.env, TMPDIR: folder });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runAll(
  { seed, fake, selection, onOutcome, signal }: FakeFaults,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const left = new Set(fake);
  while (left.size > 0 && !signal.aborted) {
    const open = new Set<number>();
    for await (const line of playFakes(seed, selection, [...left], env)) {
      if ('started' in line) {
        open.add(line.started);
        continue;
      }
      const number = Number(line.id.replace('fake-', ''));
      for (const each of [open, left]) each.delete(number);
      onOutcome(line);
    }
    if (left.size > 0 && open.size === 0)
      throw new Error('the process of the fake machines cannot be started');
    // The process ended before its time: one of those that were on did it, and each is tried alone.
    for (const number of open) {
      left.delete(number);
      onOutcome(await explainEnd(seed, selection, number, env));
    }
  }
}
