/**
 * The input of `/bin/wake`, a program of 269 bytes (programs/) that gives a guest the right time and fresh randomness.
 *
 * A clone starts with its template's clock and random generator. Writing to /dev/urandom mixes bytes into the input
 * pool, but the generator takes them up only at its next reseed (linux `drivers/char/random.c`, `crng_has_old_seed`: up
 * to a minute later), and until then two clones would draw the same bytes. The ioctl RNDRESEEDCRNG does it now: no
 * shell tool issues it, Debian's cloud kernel has no vmgenid driver, and a compiler is no requirement of this project.
 * The clock and the seed are taken by the same program because starting another one costs a clone more than its restore
 * does. For the same reason a template is saved with the program waiting in its read: a clone need not start any.
 */

/** Bytes of the seed, behind the 16 of a `struct timespec`: 256 bits, as much as the kernel's generator holds. */
export const seedBytes = 32;

/**
 * Standard input of the program, in octal escapes for a shell's printf.
 * @throws RangeError for a seed of another length than {@link seedBytes}.
 */
export function formatWakeMessage(epochMs: number, seed: Uint8Array): string {
  if (seed.length !== seedBytes) throw new RangeError(`a seed of ${seed.length} bytes, not ${seedBytes}`);
  const time = Buffer.alloc(16);
  time.writeBigInt64LE(BigInt(Math.floor(epochMs / 1000)), 0);
  time.writeBigInt64LE(BigInt(Math.round((epochMs % 1000) * 1e6)), 8);
  return [...time, ...seed].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}
