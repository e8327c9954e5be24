import t from 'tap';
import { findWrongRate, type ClockReading } from './template-clock.ts';

/**
 * Milliseconds since QEMU's start: the guest's clock, this computer's before and after it was read, time the guest got.
 */
const read = (
  guestMs: number,
  beforeMs: number,
  afterMs = beforeMs + 20,
  guestTimeMs = beforeMs,
): ClockReading => ({
  guestMs,
  beforeMs: 1e6 + beforeMs,
  afterMs: 1e6 + afterMs,
  guestTimeMs,
});

t.test('a clock is right within two in a hundred, and as exactly as it could be read', (t) => {
  const boot = read(2500, 3000);
  const rows: readonly (readonly [string, ClockReading, ClockReading, RegExp | null])[] = [
    ['right', boot, read(12_500, 13_000), null],
    ['1 % fast', boot, read(12_600, 13_000), null],
    ['3 % fast', boot, read(12_800, 13_000), /10\.30 s in 10\.02 s/],
    ['3 % fast in an interval too short to tell', boot, read(2603, 3100), null],
    ['ten times too fast while it booted', read(30_000, 3000), read(30_020, 3020), /30\.02 s in 3\.04 s/],
    ['ten times too slow', boot, read(3500, 13_000), /1\.00 s in 10\.02 s/],
    ['stopped for a minute, of which its clock saw a part', boot, read(42_500, 73_000, 73_020, 13_000), null],
    ['stopped for a minute, which its clock saw', boot, read(72_500, 73_000, 73_020, 13_000), null],
    ['an answer that took long', boot, read(12_500, 13_000, 20_000), null],
  ];
  for (const [title, first, last, wrong] of rows) {
    const found = findWrongRate(1e6, first, last);
    if (wrong === null) t.equal(found, null, title);
    else t.match(found, wrong, title);
  }
  t.end();
});
