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

# x29: the frame, x19: PID, x20: the chosen process, x21: its VmSize, x22: number of processes, x23: the folder; x24: F_TEXT.
.globl _start
_start:
    ldr x1, [sp, #16]
    bl read_number
    mov x19, x0
    make_frame FRAME
    place x24, F_TEXT
    mov x20, #0
    mov x21, #0
    mov x22, #0
    adr x1, proc
    add x1, x1, #1
    mov w2, #0x4000                 // O_RDONLY | O_DIRECTORY
    open_file
    tbnz w0, #31, leave
    mov x23, x0
more_entries:
    mov x0, x23
    place x1, F_ENTRIES
    str x1, [x29, #F_AT]
    mov x2, #4096
    call_kernel 61                  // getdents64
    cmp w0, #0
    b.le chosen
    add x2, x1, x0
    str x2, [x29, #F_END]
next_entry:
    ldp x1, x2, [x29, #F_AT]
    cmp x1, x2
    b.hs more_entries
    ldrh w0, [x1, #16]              // d_reclen
    add x0, x1, x0
    str x0, [x29, #F_AT]
    add x1, x1, #19                 // d_name
    bl read_number
    ldrb w2, [x1]
    cbnz w2, next_entry
    cmp x0, x19
    b.lo next_entry
    str x0, [x29, #F_PID]
    add x10, x29, #F_PATH
    adr x1, status
    bl open_path
    tbnz w0, #31, next_entry
    mov x9, x0
    mov x1, x24
    mov x2, #TEXT
    call_kernel 63                  // read: the whole file at once
    mov w7, w0
    mov x0, x9
    call_kernel 57                  // close
    cmp w7, #0
    b.le next_entry
    str xzr, [x24, x7]
    ldr x4, =0x093a646970534e0a     // \nNSpid:\t
    bl find
    b.ne next_entry
    // Its number in each namespace: the session's first.
    bl read_number
    mov w7, #0
inner:
    ldrb w2, [x1]
    cmp w2, #9
    b.ne innermost
    add x1, x1, #1
    add w7, w7, #1
    bl read_number
    b inner
innermost:
    cbz w7, next_entry              // one of the session's own
    cmp w7, #1
    b.ne is_subject
    cmp w0, #1
    b.eq next_entry                 // init of the namespace
is_subject:
    ldr x4, =0x3a657a69536d560a     // \nVmSize:
    bl find
    b.ne next_entry                 // it has ended
blanks:
    ldrb w2, [x1], #1
    cmp w2, #' '
    b.ls blanks
    sub x1, x1, #1
    bl read_number
    add x22, x22, #1
    cmp x0, x21
    b.ls next_entry
    mov x21, x0
    ldr x20, [x29, #F_PID]
    b next_entry

# x19: the file of mappings, x21: their number, x23: length of the line, x25: the line.
chosen:
    cbz x20, leave
    str x20, [x29, #F_PID]
    place x0, F_TOP
    mov x1, #ENTRIES * ENTRY / 16
clear:
    stp xzr, xzr, [x0], #16
    subs x1, x1, #1
    b.ne clear
    add x10, x29, #F_PATH
    adr x1, maps
    bl open_path
    tbnz w0, #31, leave
    mov x19, x0
    mov x21, #0
    mov x23, #0
    add x25, x29, #F_LINE
more_lines:
    mov x0, x19
    mov x1, x24
    mov x2, #TEXT
    call_kernel 63                  // read
    cmp w0, #0
    b.le mapped
    add x6, x1, x0
next_byte:
    ldrb w0, [x1], #1
    cmp w0, #10
    b.eq line_ends
    cmp x23, #LINE - 1
    b.hs byte_done
    strb w0, [x25, x23]
    add x23, x23, #1
byte_done:
    cmp x1, x6
    b.lo next_byte
    b more_lines
line_ends:
    strb w0, [x25, x23]
    add x23, x23, #1
    add x21, x21, #1
    mov x7, x1
    mov x1, x25
    bl read_hex
    mov x9, x0
    add x1, x1, #1                  // -
    bl read_hex
    sub x0, x0, x9
    // The smallest of those that are kept goes.
    place x3, F_TOP
    mov x4, x3
    mov x2, #ENTRIES
smallest:
    ldr x5, [x3]
    ldr x9, [x4]
    cmp x5, x9
    csel x4, x3, x4, lo
    add x3, x3, #ENTRY
    subs x2, x2, #1
    b.ne smallest
    ldr x9, [x4]
    cmp x0, x9
    b.ls line_done
    stp x0, x23, [x4], #16
    mov x10, x4
    mov x1, x25
    mov x2, x23
    bl copy
line_done:
    mov x1, x7
    mov x23, #0
    b byte_done

mapped:
    mov x10, x24
    place x19, F_TOP
    mov x23, #ENTRIES
next_kept:
    ldr x7, [x19, #8]
    cbz x7, kept_done
    adr x1, maps_label
    bl append
    add x1, x19, #16
    mov x2, x7
    bl copy
kept_done:
    add x19, x19, #ENTRY
    subs x23, x23, #1
    b.ne next_kept
    adr x1, count_label
    bl append
    mov x0, x21
    bl append_number
    mov w2, #' '
    strb w2, [x10], #1
    mov x0, x22
    bl append_number
    mov w2, #10
    strb w2, [x10], #1
    mov x1, x24
    sub x2, x10, x1
write_rest:
    mov x0, #1
    call_kernel 64                  // write
    cmp x0, #0
    b.le leave
    add x1, x1, x0                  // a port takes what it has room for
    subs x2, x2, x0
    b.ne write_rest

    adr x0, read_files
    str x0, [x29, #F_ARGUMENTS]
    add x10, x29, #F_STATUS
    str x10, [x29, #F_ARGUMENTS+8]
    adr x1, status
    bl build_path
    add x10, x29, #F_STAT
    str x10, [x29, #F_ARGUMENTS+16]
    adr x1, stat
    bl build_path
    adr x0, meminfo
    str x0, [x29, #F_ARGUMENTS+24]
    str xzr, [x29, #F_ARGUMENTS+32]
    adr x0, read_files
    add x1, x29, #F_ARGUMENTS
    mov x2, #0
    call_kernel 221                 // execve
leave:
    mov x0, #0
    call_kernel 93                  // exit

# Opens the file x1 of the process F_PID, with its path at x10 -> its descriptor in w0.
open_path:
    mov x11, x30
    mov x12, x10
    bl build_path
    mov x1, x12
    mov w2, #0                      // O_RDONLY
    open_file
    ret x11

# //proc/F_PID/ and x1, at x10.
build_path:
    mov x13, x30
    mov x14, x1
    adr x1, proc
    bl append
    ldr x0, [x29, #F_PID]
    bl append_number
    mov w2, #'/'
    strb w2, [x10], #1
    mov x1, x14
    bl append
    strb wzr, [x10]
    ret x13

# Looks for the 8 bytes x4 in F_TEXT up to the byte 0. Equal: x1 is behind them.
find:
    mov x1, x24
look_on:
    ldr x2, [x1]
    cmp x2, x4
    b.eq found
    ldrb w2, [x1], #1
    cbnz w2, look_on
    cmp x1, #0                      // not equal
    ret
found:
    add x1, x1, #8
    cmp x1, x1
    ret

# Copies x2 bytes, at least one, from x1.
copy:
    ldrb w0, [x1], #1
    strb w0, [x10], #1
    subs x2, x2, #1
    b.ne copy
    ret

# The number at x1 -> x0; x1 is behind it.
    define_read_number

# The same in hexadecimal, with small letters.
read_hex:
    mov x0, #0
next_hex:
    ldrb w2, [x1]
    sub w2, w2, #'0'
    cmp w2, #9
    b.ls hex_digit
    sub w2, w2, #'a' - '0' - 10
    cmp w2, #10
    b.lo number_ends
    cmp w2, #15
    b.hi number_ends
hex_digit:
    add x0, x2, x0, lsl #4
    add x1, x1, #1
    b next_hex

# Appends the text at x1, without its end.
    define_append

# Appends the number x0.
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
