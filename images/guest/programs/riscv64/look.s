# look: prints what the kernel's files show of the subject's largest process, while it runs.
#
#   look PID
#
# Run in the session's own folder. Of the processes from PID on, those in the subject's PID namespace count, all but its
# init; the one with the largest VmSize is shown: its largest mappings, 8 at most, as lines of /proc/PID/maps behind
# `process/maps:`; behind `process/count:` the number of its mappings and of the subject's processes; then, as read-files
# prints them, its status and stat and the machine's meminfo. Their paths begin with two slashes, which tells them from the
# facts that were read before the start. Without such a process it prints nothing.
#
# One program because a shell takes 1,400 calls to read one status, and because there may be more mappings than the port
# carries. It takes 15 KiB of stack and no other memory.
.text
.include "look.layout"
.include "text.macros"

# s0: the frame, s1: PID, s2: the chosen process, s3: its VmSize, s4: number of processes, s5: the folder; s6: F_TEXT.
.globl _start
_start:
    ld a1, 16(sp)
    jal read_number
    mv s1, a0
    make_frame FRAME
    place s6, F_TEXT
    li s2, 0
    li s3, 0
    li s4, 0
    lla a1, proc
    addi a1, a1, 1
    li a2, 0x10000                  # O_RDONLY | O_DIRECTORY
    open_file
    bltz a0, leave
    mv s5, a0
more_entries:
    mv a0, s5
    place a1, F_ENTRIES
    sd a1, F_AT(s0)
    li a2, 4096
    call_kernel 61                  # getdents64
    blez a0, chosen
    add a2, a1, a0
    sd a2, F_END(s0)
next_entry:
    ld a1, F_AT(s0)
    ld a2, F_END(s0)
    bgeu a1, a2, more_entries
    lhu a0, 16(a1)                  # d_reclen
    add a0, a1, a0
    sd a0, F_AT(s0)
    addi a1, a1, 19                 # d_name
    jal read_number
    lbu t0, (a1)
    bnez t0, next_entry
    bltu a0, s1, next_entry
    sd a0, F_PID(s0)
    addi t5, s0, F_PATH
    lla a1, status
    jal open_path
    bltz a0, next_entry
    mv s7, a0
    mv a1, s6
    li a2, TEXT
    call_kernel 63                  # read: the whole file at once
    mv s8, a0
    mv a0, s7
    call_kernel 57                  # close
    blez s8, next_entry
    add t0, s6, s8
    sd zero, (t0)
    li t3, 0x093a646970534e0a       # \nNSpid:\t
    jal find
    bnez a0, next_entry
    # Its number in each namespace: the session's first.
    jal read_number
    li s8, 0
inner:
    lbu t0, (a1)
    li t1, 9
    bne t0, t1, innermost
    addi a1, a1, 1
    addi s8, s8, 1
    jal read_number
    j inner
innermost:
    beqz s8, next_entry             # one of the session's own
    li t0, 1
    bne s8, t0, is_subject
    beq a0, t0, next_entry          # init of the namespace
is_subject:
    li t3, 0x3a657a69536d560a       # \nVmSize:
    jal find
    bnez a0, next_entry             # it has ended
    li t1, ' '
blanks:
    lbu t0, (a1)
    bgtu t0, t1, size
    addi a1, a1, 1
    j blanks
size:
    jal read_number
    addi s4, s4, 1
    bleu a0, s3, next_entry
    mv s3, a0
    ld s2, F_PID(s0)
    j next_entry

# s1: the file of mappings, s3: their number, s5: length of the line, s7: the line; s8, s9: place and end of what was read.
chosen:
    beqz s2, leave
    sd s2, F_PID(s0)
    place a0, F_TOP
    place a1, F_ENTRIES
clear:
    sd zero, (a0)
    addi a0, a0, 8
    bne a0, a1, clear
    addi t5, s0, F_PATH
    lla a1, maps
    jal open_path
    bltz a0, leave
    mv s1, a0
    li s3, 0
    li s5, 0
    addi s7, s0, F_LINE
more_lines:
    mv a0, s1
    mv a1, s6
    li a2, TEXT
    call_kernel 63                  # read
    blez a0, mapped
    mv s8, s6
    add s9, s8, a0
next_byte:
    lbu a0, (s8)
    addi s8, s8, 1
    li t0, 10
    beq a0, t0, line_ends
    li t0, LINE - 1
    bgeu s5, t0, byte_done
    add t0, s7, s5
    sb a0, (t0)
    addi s5, s5, 1
byte_done:
    bltu s8, s9, next_byte
    j more_lines
line_ends:
    add t0, s7, s5
    sb a0, (t0)
    addi s5, s5, 1
    addi s3, s3, 1
    mv a1, s7
    jal read_hex
    mv t3, a0
    addi a1, a1, 1                  # -
    jal read_hex
    sub a0, a0, t3
    # The smallest of those that are kept goes.
    place t1, F_TOP
    mv t5, t1
    li t2, ENTRIES
smallest:
    ld t3, (t1)
    ld t4, (t5)
    bgeu t3, t4, not_smaller
    mv t5, t1
not_smaller:
    addi t1, t1, ENTRY
    addi t2, t2, -1
    bnez t2, smallest
    ld t4, (t5)
    bleu a0, t4, line_done
    sd a0, (t5)
    sd s5, 8(t5)
    addi t5, t5, 16
    mv a1, s7
    mv a2, s5
    jal copy
line_done:
    li s5, 0
    j byte_done

mapped:
    mv t5, s6
    place s1, F_TOP
    li s5, ENTRIES
next_kept:
    ld s7, 8(s1)
    beqz s7, kept_done
    lla a1, maps_label
    jal append
    addi a1, s1, 16
    mv a2, s7
    jal copy
kept_done:
    addi s1, s1, ENTRY
    addi s5, s5, -1
    bnez s5, next_kept
    lla a1, count_label
    jal append
    mv a0, s3
    jal append_number
    append_character ' '
    mv a0, s4
    jal append_number
    append_character 10
    mv a1, s6
    sub a2, t5, a1
write_rest:
    li a0, 1
    call_kernel 64                  # write
    blez a0, leave
    add a1, a1, a0                  # a port takes what it has room for
    sub a2, a2, a0
    bnez a2, write_rest

    lla a0, read_files
    sd a0, F_ARGUMENTS(s0)
    addi t5, s0, F_STATUS
    sd t5, F_ARGUMENTS+8(s0)
    lla a1, status
    jal build_path
    addi t5, s0, F_STAT
    sd t5, F_ARGUMENTS+16(s0)
    lla a1, stat
    jal build_path
    lla a0, meminfo
    sd a0, F_ARGUMENTS+24(s0)
    sd zero, F_ARGUMENTS+32(s0)
    lla a0, read_files
    addi a1, s0, F_ARGUMENTS
    li a2, 0
    call_kernel 221                 # execve
leave:
    li a0, 0
    call_kernel 93                  # exit

# Opens the file a1 of the process F_PID, with its path at t5 -> its descriptor in a0.
open_path:
    mv s10, ra
    mv s11, t5
    jal build_path
    mv a1, s11
    li a2, 0                        # O_RDONLY
    open_file
    jr s10

# //proc/F_PID/ and a1, at t5.
build_path:
    mv a4, ra
    mv a5, a1
    lla a1, proc
    jal append
    ld a0, F_PID(s0)
    jal append_number
    append_character '/'
    mv a1, a5
    jal append
    sb zero, (t5)
    jr a4

# Looks for the 8 bytes t3 in F_TEXT up to the byte 0. a0 is 0 where they are: a1 is behind them.
find:
    mv a1, s6
look_on:
    li t2, 8                        # whole words lie at multiples of 8 only
    mv a0, t3
    mv t1, a1
compare:
    lbu t0, (t1)
    andi t4, a0, 255
    bne t0, t4, differs
    srli a0, a0, 8
    addi t1, t1, 1
    addi t2, t2, -1
    bnez t2, compare
    mv a1, t1
    li a0, 0
    ret
differs:
    lbu t0, (a1)
    addi a1, a1, 1
    bnez t0, look_on
    li a0, 1
    ret

# Copies a2 bytes, at least one, from a1.
copy:
    lbu t0, (a1)
    sb t0, (t5)
    addi a1, a1, 1
    addi t5, t5, 1
    addi a2, a2, -1
    bnez a2, copy
    ret

# The number at a1 -> a0; a1 is behind it.
    define_read_number

# The same in hexadecimal, with small letters.
read_hex:
    li a0, 0
next_hex:
    lbu t0, (a1)
    addi t0, t0, -'0'
    li t1, 9
    bleu t0, t1, hex_digit
    addi t0, t0, '0' - 'a' + 10
    li t1, 10
    bltu t0, t1, number_ends
    li t1, 15
    bgtu t0, t1, number_ends
hex_digit:
    slli a0, a0, 4
    add a0, a0, t0
    addi a1, a1, 1
    j next_hex

# Appends the text at a1, without its end.
    define_append

# Appends the number a0.
append_number:
    define_append_digits

proc: .asciz "//proc/"
status: .asciz "status"
stat: .asciz "stat"
maps: .asciz "maps"
meminfo: .asciz "//proc/meminfo"
read_files: .asciz "./read-files"
maps_label: .asciz "process/maps:"
count_label: .asciz "process/count:"
