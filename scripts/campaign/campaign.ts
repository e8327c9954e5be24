/** A campaign: so many faults, one after another over real guests, many at a time over fake machines. */
import { execa } from 'execa';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { spawn } from 'node:child_process';
import { cacheRows } from './cache-rows.ts';
import { chooseRow, randomOf } from './draw.ts';
import { fakeRows } from './fake-rows.ts';
import { playScene } from './play.ts';
import { killRows } from './kill-rows.ts';
import { resultsRows } from './results-rows.ts';
import { stopRows } from './stop-rows.ts';
import { qemuRows } from './qemu-rows.ts';
import { selectRows, type Selection } from './select-rows.ts';
import { subjectRows } from './subject-rows.ts';
import type { GuestRow, Outcome } from './table.ts';
import { Workplace } from './workplace.ts';

/** Every row over real guests. */
export const guestRows: readonly GuestRow[] = [
  ...stopRows,
  ...killRows,
  ...cacheRows,
  ...resultsRows,
  ...subjectRows,
  ...qemuRows,
];

export type Campaign = Readonly<{
  seed: number;
  /** Numbers of the faults of each place. */
  real: readonly number[];
  fake: readonly number[];
  selection: Selection;
  cacheDir: string;
  onOutcome: (outcome: Outcome) => void;
  /** Ends the campaign behind the fault that is on: what it started is ended with it. */
  signal: AbortSignal;
  say: (text: string) => void;
}>;

async function playReal(place: Workplace, row: GuestRow, seed: number, number: number): Promise<Outcome> {
  const startedAt = performance.now();
  const head = {
    id: `real-${number}`,
    row: row.name,
    right: 0,
    silent: 0,
    reasons: [],
    refused: false,
    missed: false,
  };
  const skipped = row.cannot?.() ?? null;
  if (skipped !== null) return { ...head, drawn: '', skipped, failures: [], seconds: 0 };
  const scene = row.draw(randomOf(seed, 'real', number));
  const played = await playScene(place, scene).catch((error: unknown) => ({
    failures: [`thrown: ${String(error)}`],
  }));
  const seconds = Math.round(performance.now() - startedAt) / 1000;
  return { ...head, drawn: scene.drawn, skipped: null, ...played, seconds };
}

/** No outcome for so long, and the process of the fakes is taken for hung. */
const fakeCapMs = 240_000;

/** What the process of the fakes prints, a line each. */
type FakeLine = Readonly<{ started: number }> | Outcome;

/** Lines as they come; ends when the process ends, however it does. */
async function* playFakes(
  seed: number,
  selection: Selection,
  numbers: readonly number[],
): AsyncGenerator<FakeLine> {
  const file = path.join(import.meta.dirname, 'fake-faults.js');
  const child = spawn(
    process.execPath,
    [file, String(seed), JSON.stringify(selection), ...numbers.map(String)],
    {
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
async function explainEnd(seed: number, selection: Selection, number: number): Promise<Outcome> {
  const file = path.join(import.meta.dirname, 'fake-faults.js');
  const startedAt = performance.now();
  const { stdout, stderr, exitCode, signal } = await execa(
    process.execPath,
    [file, String(seed), JSON.stringify(selection), String(number)],
    {
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

async function runFakes({ seed, fake, selection, onOutcome, signal }: Campaign): Promise<void> {
  const left = new Set(fake);
  while (left.size > 0 && !signal.aborted) {
    const open = new Set<number>();
    for await (const line of playFakes(seed, selection, [...left])) {
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
      onOutcome(await explainEnd(seed, selection, number));
    }
  }
}

/** @throws Error when a run without a fault is not right. */
export async function runCampaign(campaign: Campaign): Promise<void> {
  const { seed, real, fake, selection, cacheDir, onOutcome, signal, say } = campaign;
  const chosen = selectRows(guestRows, selection);
  if (fake.length > 0 && selectRows(fakeRows, selection).length > 0) await runFakes(campaign);
  if (real.length === 0 || chosen.length === 0) return;
  const place = await Workplace.open(cacheDir, say);
  try {
    for (const number of real)
      onOutcome(await playReal(place, chooseRow(chosen, seed, number), seed, number));
  } finally {
    place.close();
  }
}
