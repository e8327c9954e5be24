/**
 * A program of 222 bytes that gives a guest the right time and fresh randomness, at once.
 *
 * A clone starts with its template's clock and random generator. Writing to /dev/urandom mixes bytes into
 * the input pool, but the generator takes them up only at its next reseed (linux `drivers/char/random.c`,
 * `crng_has_old_seed`: up to a minute later), and until then two clones would draw the same bytes. The ioctl
 * RNDRESEEDCRNG does it now: no shell tool issues it, Debian's cloud kernel has no vmgenid driver, and a
 * compiler is no requirement of this project. The clock is set by the same program because starting a second
 * one costs a clone more than its restore does.
 */

import { buildExecutable } from './executable.ts';

/** x86-64; reads a `struct timespec` (seconds, nanoseconds) from standard input, exits with 0 or 1. */
const code = Buffer.from(
  [
    '4883ec10', // sub rsp, 16
    '31c0', // xor eax, eax           ebx = read(
    '31ff', // xor edi, edi             0,
    '4889e6', // mov rsi, rsp             timespec,
    'ba10000000', // mov edx, 16              16) - 16
    '0f05', // syscall
    '89c3', // mov ebx, eax
    '83eb10', // sub ebx, 16
    'b8e3000000', // mov eax, 227           ebx |= clock_settime(
    '31ff', // xor edi, edi             CLOCK_REALTIME,
    '4889e6', // mov rsi, rsp             timespec)
    '0f05', // syscall
    '09c3', // or ebx, eax
    'b802000000', // mov eax, 2             fd = open(
    '488d3d28000000', // lea rdi, [rip+40]        "/dev/urandom",
    'be01000000', // mov esi, 1               O_WRONLY)
    '0f05', // syscall
    '89c7', // mov edi, eax           ebx |= ioctl(fd,
    'b810000000', // mov eax, 16
    'be07520000', // mov esi, 0x5207          RNDRESEEDCRNG,
    '31d2', // xor edx, edx             0)
    '0f05', // syscall
    '09c3', // or ebx, eax
    '31ff', // xor edi, edi           exit(ebx != 0)
    '85db', // test ebx, ebx
    '400f95c7', // setne dil
    'b83c000000', // mov eax, 60
    '0f05', // syscall
  ].join(''),
  'hex',
);

/** The executable's bytes. */
export function buildWakeProgram(): Buffer {
  return buildExecutable(Buffer.concat([code, Buffer.from('/dev/urandom\0')]));
}

/** Standard input of the program: now, as a `struct timespec`, in octal escapes for a shell's printf. */
export function formatTimespec(epochMs: number): string {
  const bytes = Buffer.alloc(16);
  bytes.writeBigInt64LE(BigInt(Math.floor(epochMs / 1000)), 0);
  bytes.writeBigInt64LE(BigInt(Math.round((epochMs % 1000) * 1e6)), 8);
  return [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}
