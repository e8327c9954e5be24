/**
 * A program of 269 bytes that gives a guest the right time and fresh randomness, at once.
 *
 * A clone starts with its template's clock and random generator. Writing to /dev/urandom mixes bytes into
 * the input pool, but the generator takes them up only at its next reseed (linux `drivers/char/random.c`,
 * `crng_has_old_seed`: up to a minute later), and until then two clones would draw the same bytes. The ioctl
 * RNDRESEEDCRNG does it now: no shell tool issues it, Debian's cloud kernel has no vmgenid driver, and a
 * compiler is no requirement of this project. The clock and the seed are taken by the same program because starting
 * another one costs a clone more than its restore does. For the same reason a template is saved with the program
 * waiting in its read: a clone need not start any.
 */

import { buildExecutable } from './executable.ts';

/** Bytes of the seed, behind the 16 of a `struct timespec`: 256 bits, as much as the kernel's generator holds. */
export const seedBytes = 32;

/**
 * x86-64; reads a `struct timespec` (seconds, nanoseconds) and a seed from standard input, exits with 0 or 1. Writes
 * a line break first: what waits for it knows that the program is about to read. A message of another length changes nothing.
 */
const code = Buffer.from(
  [
    '4883ec30', // sub rsp, 48
    'b802000000', // mov eax, 2             ebp = open(
    '488d3d77000000', // lea rdi, [rip+119]       "/dev/urandom",
    'be01000000', // mov esi, 1               O_WRONLY)
    '0f05', // syscall
    '89c5', // mov ebp, eax
    'b801000000', // mov eax, 1             write(
    '89c7', // mov edi, eax             1,
    '488d356d000000', // lea rsi, [rip+109]       "\n",
    '89c2', // mov edx, eax             1)
    '0f05', // syscall
    '31c0', // xor eax, eax           ebx = read(
    '31ff', // xor edi, edi             0,
    '4889e6', // mov rsi, rsp             message,
    'ba30000000', // mov edx, 48              48) - 48
    '0f05', // syscall
    '89c3', // mov ebx, eax
    '83eb30', // sub ebx, 48
    '7538', // jnz leave
    'b8e3000000', // mov eax, 227           ebx |= clock_settime(
    '31ff', // xor edi, edi             CLOCK_REALTIME,
    '4889e6', // mov rsi, rsp             message)
    '0f05', // syscall
    '09c3', // or ebx, eax
    'b801000000', // mov eax, 1             ebx |= write(
    '89ef', // mov edi, ebp             fd,
    '488d742410', // lea rsi, [rsp+16]        message + 16,
    'ba20000000', // mov edx, 32              32) - 32
    '0f05', // syscall
    '83e820', // sub eax, 32
    '09c3', // or ebx, eax
    'b810000000', // mov eax, 16            ebx |= ioctl(
    '89ef', // mov edi, ebp             fd,
    'be07520000', // mov esi, 0x5207          RNDRESEEDCRNG,
    '31d2', // xor edx, edx             0)
    '0f05', // syscall
    '09c3', // or ebx, eax
    '31ff', // leave: xor edi, edi    exit(ebx != 0)
    '85db', // test ebx, ebx
    '400f95c7', // setne dil
    'b83c000000', // mov eax, 60
    '0f05', // syscall
  ].join(''),
  'hex',
);

/** The executable's bytes. */
export function buildWakeProgram(): Buffer {
  return buildExecutable(Buffer.concat([code, Buffer.from('/dev/urandom\0\n')]));
}

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
