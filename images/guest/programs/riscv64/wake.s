# wake: gives a guest the right time and fresh randomness, at once. wake.ts has the reasons.
#
# Reads a struct timespec (seconds, nanoseconds) and a seed from standard input; ends with 0 or 1. Writes a line break
# first: what waits for it knows that it is about to read. A message of another length changes nothing.
.text
.set SEED, 32
.set MESSAGE, 16 + SEED

.include "text.macros"

.globl _start
_start:
    make_frame MESSAGE
    lla a1, urandom                 # s1 = open("/dev/urandom", O_WRONLY)
    li a2, 1
    open_file
    mv s1, a0
    li a0, 1                        # write(1, "\n", 1)
    lla a1, line_break
    li a2, 1
    call_kernel 64
    li a0, 0                        # s2 = read(0, message, MESSAGE) - MESSAGE
    mv a1, sp
    li a2, MESSAGE
    call_kernel 63
    addi s2, a0, -MESSAGE
    bnez s2, leave
    li a0, 0                        # s2 |= clock_settime(CLOCK_REALTIME, message)
    mv a1, sp
    call_kernel 112
    or s2, s2, a0
    mv a0, s1                       # s2 |= write(s1, seed, SEED) - SEED
    addi a1, sp, 16
    li a2, SEED
    call_kernel 64
    addi a0, a0, -SEED
    or s2, s2, a0
    mv a0, s1                       # s2 |= ioctl(s1, RNDRESEEDCRNG, 0)
    li a1, 0x5207
    li a2, 0
    call_kernel 29
    or s2, s2, a0
leave:
    snez a0, s2                     # exit(s2 != 0)
    call_kernel 93

urandom: .asciz "/dev/urandom"
line_break: .ascii "\n"
