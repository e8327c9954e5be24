# read-files: prints files with each line behind its file's path and a colon, as `grep -H ''` does: read-files PATH ...
# A file that cannot be read is simply not there; a last line without a break gets one.
#
# Every clone runs it, and whatever code runs in a clone is translated anew: busybox' grep, a C library's start
# included, costs many times the translated blocks. It takes 64 KiB of stack and no other memory.
#
# At s0 4 KiB of the file, behind them what is to be written, 32 KiB at most. s2: next argument; s3: path;
# s4: descriptor; s5: whether a line begins; s6, s7: place in the file's bytes and their end; s8: what is to be written,
# s9: where it must be; t5: its end.
.text
.include "text.macros"

.globl _start
_start:
    addi s2, sp, 16                 # argv + 1
    make_frame 65536
    place s8, 4096                  # what is to be written
    place s9, 4096 + 24576          # room for a path (4 KiB) and the rest of the bytes
next_file:
    ld s3, (s2)
    addi s2, s2, 8
    beqz s3, leave
    mv a1, s3                       # open(path, O_RDONLY)
    li a2, 0
    open_file
    bltz a0, next_file
    mv s4, a0
    li s5, 1
    mv t5, s8
next_chunk:
    jal flush
    mv a0, s4                       # read(descriptor, s0, 4096)
    mv a1, s0
    li a2, 4096
    call_kernel 63
    blez a0, end_of_file
    mv s6, s0
    add s7, s6, a0
next_byte:
    beqz s5, in_line
    bltu t5, s9, room
    jal flush
room:
    mv a1, s3
prefix:
    lbu t0, (a1)
    addi a1, a1, 1
    beqz t0, prefix_end
    sb t0, (t5)
    addi t5, t5, 1
    j prefix
prefix_end:
    append_character ':'
in_line:
    lbu t0, (s6)
    addi s6, s6, 1
    sb t0, (t5)
    addi t5, t5, 1
    addi t0, t0, -10
    seqz s5, t0
    bltu s6, s7, next_byte
    j next_chunk
end_of_file:
    bnez s5, close
    append_character 10
    jal flush
close:
    mv a0, s4                       # close(descriptor)
    call_kernel 57
    j next_file
leave:
    li a0, 0                        # exit(0)
    call_kernel 93

flush:                              # write(1, s8, up to t5)
    mv a1, s8
    sub a2, t5, s8
again:
    beqz a2, flushed
    li a0, 1
    call_kernel 64
    bltz a0, leave                  # nobody listens any more
    add a1, a1, a0                  # a port takes what it has room for
    sub a2, a2, a0
    j again
flushed:
    mv t5, s8
    ret
