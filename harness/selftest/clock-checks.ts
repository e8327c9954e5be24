/** Checks of a guest's clock: its source, its rate, and that a clone's goes on where its template's stopped. */
import { setTimeout as sleep } from 'node:timers/promises';
import { architectureOf } from '../../images/architectures.ts';
import { readClock, type ClockReading } from '../guest/template-clock.ts';
import { askQemu } from './ask-qemu.ts';
import type { Bench, StartKind } from './bench.ts';
import { judge, type Check, type Finding } from './check.ts';

/** As for templates: see guest/template-clock.ts. */
const tolerance = 0.02;

/** /proc/uptime is in hundredths of a second, and each of two readings can be one off. */
const stepMs = 20;

/** Between two readings; on a quiet computer their own uncertainty, some 40 ms, is then below the tolerance. */
const spanMs = 4000;

/** On a busy one it takes more of them. */
const mostSpans = 8;

export type Rate = Readonly<{ low: number; high: number }>;

/** The least and the greatest rate that two readings of a clock allow; 1 is right. */
export function boundRate(first: ClockReading, last: ClockReading): Rate {
  const guest = last.guestMs - first.guestMs;
  return {
    low: (guest - stepMs) / (last.afterMs - first.beforeMs),
    high: (guest + stepMs) / (last.beforeMs - first.afterMs),
  };
}

const isRight = ({ low, high }: Rate): boolean => low <= 1 + tolerance && high >= 1 - tolerance;

const isExact = ({ low, high }: Rate): boolean => high - low <= 2 * tolerance;

const percent = (rate: number): string => `${rate < 1 ? '' : '+'}${((rate - 1) * 100).toFixed(1)} %`;

async function measureRate(bench: Bench, kind: StartKind): Promise<Rate> {
  await using open = await bench.open(kind);
  const first = await readClock(open.machine, open.session, bench.deadlines);
  for (let spans = 1; ; spans += 1) {
    await sleep(spanMs, undefined, { signal: bench.signal });
    const rate = boundRate(first, await readClock(open.machine, open.session, bench.deadlines));
    if (isExact(rate) || spans === mostSpans) return rate;
  }
}

async function checkRate(bench: Bench): Promise<Finding> {
  const words: string[] = [];
  let isKnown = true;
  // A template with a wrong clock is refused: boots come first, so that the figure is known then as well.
  for (const kind of ['boot', 'clone'] as const) {
    const rate = await measureRate(bench, kind);
    words.push(`${kind}: between ${percent(rate.low)} and ${percent(rate.high)} of this computer's`);
    if (!isRight(rate)) return judge(false, words.join('; '));
    isKnown &&= isExact(rate);
  }
  if (isKnown) return judge(true, words.join('; '));
  return { status: 'noted', found: `this computer is too busy to tell: ${words.join('; ')}` };
}

async function checkSource(bench: Bench): Promise<Finding> {
  const { accelerator } = bench.spec;
  const wanted = architectureOf(bench.settings.arch).kernel.clockSources[accelerator];
  const { clockSource } = await askQemu(bench);
  const words = `${clockSource}; with ${accelerator} it is to be ${wanted.join(' or ')}`;
  return judge(wanted.includes(clockSource), words);
}

/**
 * Each clone's uptime at its first reading is that of the saved template and what the clone has run since. So the same
 * saved uptime must be possible for all clones, however long after the saving each was started.
 */
async function checkContinuity(bench: Bench): Promise<Finding> {
  const { came } = await bench.samples('clone');
  if (came.length === 0) return judge(false, 'no clone came up');
  const least = Math.max(...came.map(({ clock, startedMs }) => clock.guestMs - (clock.afterMs - startedMs)));
  const most = Math.min(...came.map(({ clock }) => clock.guestMs));
  const seconds = (ms: number): string => (ms / 1000).toFixed(2);
  return judge(
    least <= most + stepMs,
    least <= most + stepMs
      ? `${came.length} clones go on from ${seconds(Math.max(0, least))}–${seconds(most)} s of uptime`
      : `one clone begins at ${seconds(least)} s of uptime or later, another at ${seconds(most)} s or earlier`,
  );
}

export const clockChecks: readonly Check[] = [
  {
    name: 'clock-source',
    assumes: 'a guest keeps time by a counter whose rate it need not measure',
    beside: 'images/architectures.ts',
    ask: checkSource,
  },
  {
    name: 'clock-rate',
    assumes: "the clock of boots and clones has this computer's rate within 2 %",
    beside: 'harness/guest/template-clock.ts',
    ask: checkRate,
  },
  {
    name: 'clock-goes-on',
    assumes: "a clone's clock goes on where its template's was saved (TSC, kvmclock, HPET), without a jump",
    beside: 'harness/machine/template.ts',
    ask: checkContinuity,
  },
];
