/** Draws a fleet: its machines and their faults, and how long cells take. */
import { between, pick, type Random } from '../campaign/draw.ts';

export type Fault = Readonly<{
  atMs: number;
  /** Killed: nobody hears of it. Ended: it hands its cells back. Stopped: it goes on later, with late results. */
  kind: 'killed' | 'ended' | 'stopped';
  /** Until it works again. */
  downMs: number;
}>;

export type VirtualMachine = Readonly<{
  name: string;
  /** Guests at a time. */
  guests: number;
  /** Of a computer that takes the usual time. */
  speed: number;
  joinsMs: number;
  /** When it can run its first cell: it has joined, and has the images of a kernel. */
  readyMs: number;
  /** Until the images of a kernel are built or fetched; 0 for those it has. */
  imagesMs: (kernel: string) => number;
  faults: readonly Fault[];
}>;

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** Exponential, with that mean. */
const wait = (random: Random, mean: number): number => -Math.log(1 - random()) * mean;

/** @param faultsPerHour of each machine */
export function drawMachine(
  random: Random,
  name: string,
  kernels: readonly string[],
  faultsPerHour: number,
): VirtualMachine {
  const images = new Map(
    kernels.map((kernel) => [kernel, random() < 0.5 ? 0 : between(random, 1, 5) * minuteMs]),
  );
  const faults: Fault[] = [];
  // Longer than any run: those behind its end do not happen.
  for (let atMs = 0; faultsPerHour > 0;) {
    atMs += wait(random, hourMs / faultsPerHour);
    if (atMs > 100 * hourMs) break;
    const kind = pick(random, ['killed', 'ended', 'stopped'] as const);
    const downMs = wait(random, 2 * minuteMs);
    faults.push({ atMs, kind, downMs });
    atMs += downMs;
  }
  const guests = pick(random, [2, 4, 4, 8, 8, 16]);
  // From half to twice the usual speed, evenly by factors.
  const speed = 2 ** (2 * random() - 1);
  const joinsMs = random() < 0.8 ? 0 : between(random, 0, 10) * minuteMs;
  return {
    name,
    guests,
    speed,
    joinsMs,
    readyMs: joinsMs + Math.min(...images.values()),
    imagesMs: (kernel) => images.get(kernel) ?? 0,
    faults,
  };
}

/** Milliseconds of a cell on a computer of the usual speed: 4 s, two thirds of them between 2.4 and 6.6 s. */
export function drawCellMs(random: Random): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.round(4000 * Math.exp(0.5 * normal));
}

/** Guests times speed that a machine has from the start until a moment, ms of the usual computer. */
export function countCapacityMs({ guests, speed, readyMs, faults }: VirtualMachine, untilMs: number): number {
  const downMs = faults.reduce((sum, { atMs, downMs }) => {
    const from = Math.max(atMs, readyMs);
    return sum + Math.max(0, Math.min(untilMs, atMs + downMs) - from);
  }, 0);
  return Math.max(0, untilMs - readyMs - downMs) * guests * speed;
}

/** The first moment at which the machines can have done so much work, if no guest ever waited. */
export function findBoundMs(machines: readonly VirtualMachine[], workMs: number): number {
  const can = (untilMs: number): boolean =>
    machines.reduce((sum, machine) => sum + countCapacityMs(machine, untilMs), 0) >= workMs;
  let [low, high] = [0, 1000];
  while (!can(high)) high *= 2;
  while (high - low > 1) {
    const middle = (low + high) / 2;
    if (can(middle)) high = middle;
    else low = middle;
  }
  return high;
}
