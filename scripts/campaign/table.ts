/**
 * The table of faults: a row for each kind. A row says what is done to what, and draws a scene: the small run it
 * happens in, the moment, and what must come of it. A new kind of fault, or another thing to do it to, is a new row.
 */
import type { ErrorCode } from '../../images/errors.ts';
import type { FaultyMachine } from './faulty-machine.ts';
import type { FleetScene } from './fleet-rows.ts';
import type { Random } from './draw.ts';
import type { Harness, Moment } from './harness.ts';
import type { SmallRun } from './small-runs.ts';
import type { Workplace } from './workplace.ts';

export type Target = 'fleet' | 'harness' | 'QEMU' | 'session' | 'subject' | 'disk' | 'cache' | 'results';
export type Way = 'stop' | 'kill' | 'slow' | 'cut' | 'flip' | 'fill' | 'garble';

type RowHead = Readonly<{
  /** Unique; `--only` selects by it. */
  name: string;
  target: Target;
  way: Way;
  /** What is done, for the page. */
  does: string;
  /** How often, beside the other rows of its place. */
  weight: number;
  /** One of its faults takes longer than fifteen seconds: `--quick` leaves the row out. */
  slow?: true;
}>;

/** What a strike saw that must not be, each a sentence; none is good. */
export type Findings = readonly string[];

/** A fault in a run of the real command line over real guests. */
export type Scene = Readonly<{
  /** The drawn values in words. */
  drawn: string;
  run: SmallRun;
  /** More arguments of `poolproof run`. */
  args?: readonly string[];
  /** More environment of the harness. */
  env?: Readonly<Record<string, string>>;
  /** A folder below the workplace, looked into before the others of PATH. */
  path?: string;
  /** Done before the harness starts. */
  before?: (place: Workplace) => void | Promise<void>;
  /** Done while it runs; `moment` says when. */
  moment?: Moment;
  strike?: (harness: Harness, place: Workplace) => Findings | Promise<Findings>;
  /**
   * What the harness must come to. `judged`: it ends by itself, with a line for each cell. `stopped`: it was ended, and
   * its lines are right. `judged or stopped`: either. `refused`: a sentence and the exit code of its
   * error, with whatever lines are right.
   */
  ends: 'judged' | 'stopped' | 'judged or stopped' | 'refused';
  /** The error code for what the fault takes from the computer. The harness may end with it, whatever its cells say. */
  lacks?: ErrorCode;
  /** Done between the end and the resumed run. */
  between?: (place: Workplace) => void | Promise<void>;
  /** `completes`: every cell has its right verdict after `--resume`. A code: `--resume` is refused with it. */
  resume?: 'completes' | Readonly<{ code: string }>;
  /** Undoes what outlives a fault, a mount for example. */
  after?: (place: Workplace) => void | Promise<void>;
}>;

export type GuestRow = RowHead &
  Readonly<{
    /** Why the row cannot be drawn on this computer; null where it can. */
    cannot?: () => string | null;
    draw: (random: Random) => Scene;
  }>;

/** A fault in a run over fake machines, in a process that many of them share. */
export type FakeRow = RowHead & Readonly<{ draw: (random: Random) => FaultyMachine }>;

/** A fault in a run on a fleet, in processes of its own. */
export type FleetRow = RowHead & Readonly<{ draw: (random: Random) => FleetScene }>;

/** Rows of one target and way, by their names. */
const group = <R extends RowHead>(
  target: Target,
  way: Way,
  rows: Readonly<Record<string, Omit<R, 'name' | 'target' | 'way'>>>,
): readonly R[] => Object.entries(rows).map(([name, row]) => ({ name, target, way, ...row }) as R);

export const guestGroup = group<GuestRow>;
export const fakeGroup = group<FakeRow>;
export const fleetGroup = group<FleetRow>;

/** Which rows a campaign draws from. */
export type Selection = Readonly<{
  /** Names, targets or ways of rows, with commas; none is every row. */
  only: string;
  /** Without rows that take long. */
  quick: boolean;
}>;

export function selectRows<T extends RowHead>(rows: readonly T[], { only, quick }: Selection): readonly T[] {
  const words = only.split(',').filter((word) => word !== '');
  return rows.filter(
    ({ name, target, way, slow }) =>
      !(quick && slow === true) &&
      (words.length === 0 || words.some((word) => [name, target as string, way].includes(word))),
  );
}

/** What a fault came to. */
export type Outcome = Readonly<{
  /** `real-17`: with the seed, enough to repeat it. */
  id: string;
  row: string;
  drawn: string;
  /** Cells with the right verdict, and without any, of the run that the fault was in. */
  right: number;
  silent: number;
  /** Why those without a verdict have none. */
  reasons: readonly string[];
  /** The harness refused to go on, as it must. */
  refused: boolean;
  /** The run ended before the moment came: nothing was done to it. */
  missed: boolean;
  /** Why the fault was not tried; null when it was. */
  skipped: string | null;
  failures: Findings;
  seconds: number;
}>;
