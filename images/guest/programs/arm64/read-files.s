# read-files: prints files with each line behind its file's path and a colon, as `grep -H ''` does: read-files PATH ...
# A file that cannot be read is simply not there; a last line without a break gets one.
#
# Every clone runs it, and whatever code runs in a clone is translated anew: busybox' grep, a C library's start
# included, costs many times the translated blocks. It takes 64 KiB of stack and no other memory.
#
# At x29 4 KiB of the file, behind them what is to be written, 32 KiB at most. x20: next argument; x21: path;
# x22: descriptor; x23: whether a line begins; x24, x25: place in the file's bytes and their end; x10: end of what is
# to be written.
.text
.include "text.macros"

.globl _start
_start:
    add x20, sp, #16                // argv + 1
    make_frame 65536
    add x26, x29, #4096             // what is to be written
    add x27, x26, #24576            // room for a path (4 KiB) and the rest of the bytes
next_file:
    ldr x21, [x20], #8
    cbz x21, leave
    mov x1, x21                     // open(path, O_RDONLY)
    mov w2, #0
    open_file
    tbnz w0, #31, next_file
    mov x22, x0
    mov w23, #1
    mov x10, x26
next_chunk:
    bl flush
    mov x0, x22                     // read(descriptor, x29, 4096)
    mov x1, x29
    mov x2, #4096
    call_kernel 63
    cmp w0, #0
    b.le end_of_file
    mov x24, x29
    add x25, x24, x0
next_byte:
    cbz w23, in_line
    cmp x10, x27
    b.lo room
    bl flush
room:
    mov x1, x21
prefix:
    ldrb w2, [x1], #1
    cbz w2, prefix_end
    strb w2, [x10], #1
    b prefix
prefix_end:
    mov w2, #':'
    strb w2, [x10], #1
in_line:
    ldrb w2, [x24], #1
    strb w2, [x10], #1
    cmp w2, #10
    cset w23, eq
    cmp x24, x25
    b.lo next_byte
    b next_chunk
end_of_file:
    cbnz w23, close
    mov w2, #10
    strb w2, [x10], #1
    bl flush
close:
    mov x0, x22                     // close(descriptor)
    call_kernel 57
    b next_file
leave:
    mov x0, #0                      // exit(0)
    call_kernel 93

flush:                              // write(1, x26, up to x10)
    mov x1, x26
    subs x2, x10, x26
again:
    b.eq flushed
    mov x0, #1
    call_kernel 64
    tbnz x0, #63, leave             // nobody listens any more
    add x1, x1, x0                  // a port takes what it has room for
    subs x2, x2, x0
    b again
flushed:
    mov x10, x26
    ret
