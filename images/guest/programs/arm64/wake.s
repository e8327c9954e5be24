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
    adr x1, urandom                 // x19 = open("/dev/urandom", O_WRONLY)
    mov w2, #1
    open_file
    mov x19, x0
    mov x0, #1                      // write(1, "\n", 1)
    adr x1, line_break
    mov x2, #1
    call_kernel 64
    mov x0, #0                      // w20 = read(0, message, MESSAGE) - MESSAGE
    mov x1, sp
    mov x2, #MESSAGE
    call_kernel 63
    subs w20, w0, #MESSAGE
    b.ne leave
    mov x0, #0                      // w20 |= clock_settime(CLOCK_REALTIME, message)
    mov x1, sp
    call_kernel 112
    orr w20, w20, w0
    mov x0, x19                     // w20 |= write(x19, seed, SEED) - SEED
    add x1, sp, #16
    mov x2, #SEED
    call_kernel 64
    sub w0, w0, #SEED
    orr w20, w20, w0
    mov x0, x19                     // w20 |= ioctl(x19, RNDRESEEDCRNG, 0)
    mov x1, #0x5207
    mov x2, #0
    call_kernel 29
    orr w20, w20, w0
leave:
    cmp w20, #0                     // exit(w20 != 0)
    cset w0, ne
    call_kernel 93

urandom: .asciz "/dev/urandom"
line_break: .ascii "\n"
