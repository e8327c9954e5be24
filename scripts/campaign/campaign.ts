/** A campaign: so many faults, one after another over real guests and on fleets, many at a time over fake machines. */
import pLimit from 'p-limit';
import { cacheRows } from './cache-rows.ts';
import { chooseRow, randomOf } from './draw.ts';
import { fakeRows } from './fake-rows.ts';
import { fleetRows } from './fleet-rows.ts';
import { playFleet } from './play-fleet.ts';
import { playScene } from './play.ts';
import { killRows } from './kill-rows.ts';
import { resultsRows } from './results-rows.ts';
import { runFakes } from './run-fakes.ts';
import { stopRows } from './stop-rows.ts';
import { qemuRows } from './qemu-rows.ts';
import { subjectRows } from './subject-rows.ts';
import { type GuestRow, type Outcome, selectRows, type Selection } from './table.ts';
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
  fleet: readonly number[];
  selection: Selection;
  cacheDir: string;
  /** Faults over real guests at a time, each with a workplace of its own; and on fleets. */
  jobs: number;
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

async function playOnFleet({ selection, seed }: Campaign, number: number): Promise<Outcome> {
  const startedAt = performance.now();
  const row = chooseRow(selectRows(fleetRows, selection), seed, number);
  const scene = row.draw(randomOf(seed, 'fleet', number));
  const played = await playFleet(scene);
  const seconds = Math.round(performance.now() - startedAt) / 1000;
  const head = { id: `fleet-${number}`, row: row.name, drawn: scene.drawn };
  return { ...head, reasons: [], missed: false, skipped: null, ...played, seconds };
}

/** So many at a time, in order. */
async function spread(
  numbers: readonly number[],
  jobs: number,
  play: (number: number) => Promise<void>,
): Promise<void> {
  const limit = pLimit(jobs);
  await Promise.all(numbers.map((number) => limit(() => play(number))));
}

/** @throws Error when a run without a fault is not right. */
export async function runCampaign(campaign: Campaign): Promise<void> {
  const { seed, real, fake, fleet, selection, cacheDir, jobs, onOutcome, signal, say } = campaign;
  const chosen = selectRows(guestRows, selection);
  if (fake.length > 0 && selectRows(fakeRows, selection).length > 0) await runFakes(campaign);
  if (selectRows(fleetRows, selection).length > 0)
    await spread(fleet, jobs, async (number) => {
      if (!signal.aborted) onOutcome(await playOnFleet(campaign, number));
    });
  if (real.length === 0 || chosen.length === 0) return;
  const left = [...real];
  const work = async (): Promise<void> => {
    const place = await Workplace.open(cacheDir, say);
    try {
      for (let number = left.shift(); number !== undefined && !signal.aborted; number = left.shift())
        onOutcome(await playReal(place, chooseRow(chosen, seed, number), seed, number));
    } finally {
      place.close();
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(jobs, real.length) }, work));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}
