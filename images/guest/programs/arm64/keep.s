# keep: starts the subject out of reach of the session, keeps its output, and ends with its status.
#
#   keep HALF w|- GROUP|- CONFINE|- "RESOURCE=LIMIT ..." [NAME=value ...] PROGRAM [ARGUMENT ...]
#   keep gate [NAME=value ...] PROGRAM [ARGUMENT ...]          itself again, behind /bin/confine
#
# Run in the session's own folder, which the subject never sees. Descriptors: 4 the session's events, 5 its word to go
# on, 6 and 7 what looks for a line in the two streams, where the second word is `w`. Of each stream the first HALF
# bytes go to a file (`out`, `err`), the last HALF to a ring (`out-tail`, `err-tail`).
#
# A limit on processes (RLIMIT_NPROC) does not bind root: with one the subject is an ordinary user, without capabilities.
#
# It makes a mount and a PID namespace. Init of that does nothing but wait, so that the subject is not process 1, whose
# signals the kernel treats differently; the subject's parent is this program, outside, as after `docker exec`. When the
# subject ends, init is killed, and with it, by the kernel, whatever the subject left there.
#
# Events begin with a point, for which the session waits. `ready PID ERRNO` when the process that becomes the subject
# has its limits and waits (ERRNO: what refused memory both writable and executable, 255 if not tried);
# `end OUT ERR KILLS UNWATCHED PEAK MINOR MAJOR`: bytes written, growth of the kernel's count of out-of-memory kills, bytes
# of lines too long to be looked at; of the subject and the processes that it waited for, the largest peak of resident
# memory in KiB and all page faults without and with reading. Without `end` its status says nothing.
#
# One program because each start of another costs a clone 20 to 60 ms, and because a shell can do none of it without
# paths that the subject reaches as well.
.text

# Frame at x29. Two streams, 64 bytes each:
.set S_PIPE, 0          // our end
.set S_WATCH, 4         // who looks for a line; -1 nobody
.set S_HEAD, 8
.set S_TAIL, 12
.set S_TOTAL, 16        // bytes so far
.set S_LINE, 24         // the line that has not ended
.set S_LENGTH, 32
.set S_PENDING, 40      // it grew since it was last shown
.set S_WRITE, 48        // the subject's end
.set S_SIZE, 64
.set F_POLL, 128        // three struct pollfd: out, err, the subject's pidfd
.set F_SYNC, 152        // pipe: init and subject are as they should be
.set F_VMSTAT, 160
.set F_INIT, 164
.set F_CHILD, 168
.set F_STATUS, 172
.set F_KILLS, 176
.set F_HALF, 184
.set F_UNWATCHED, 192
.set F_TEXT, 200        // an event
.set F_USAGE, 376       // struct rusage of the subject
.set F_WORK, 520        // a struct of a call
.set F_BUFFER, 704
.set BUFFER, 32768
.set LINE, 65536
.set USER, 1000         // the first ordinary user of most systems

.include "text.macros"

# Nothing here may fail; if it does, there is no `end`.
.macro must_work
    tbnz x0, #63, give_up
.endm

# Forks: 0 in x0 in the child.
.macro fork
    mov x0, #17                     // SIGCHLD
    mov x1, #0
    mov x2, #0
    mov x3, #0
    mov x4, #0
    call_kernel 220                 // clone
    must_work
.endm

.macro close_file register
    mov w0, \register
    call_kernel 57                  // close
.endm

.globl _start
_start:
    ldr x0, [sp, #16]
    ldrb w0, [x0]
    cmp w0, #'g'
    b.eq gate
    add x20, sp, #8                 // argv
    make_frame F_BUFFER + BUFFER
    mov x0, x29
    mov x1, #F_BUFFER / 8
clear:
    str xzr, [x0], #8
    subs x1, x1, #1
    b.ne clear
    ldr x1, [x20, #8]
    bl read_number
    str x0, [x29, #F_HALF]

    adr x1, vmstat
    mov w2, #0x80000                // O_CLOEXEC
    open_file
    must_work
    str w0, [x29, #F_VMSTAT]
    bl count_kills
    str x0, [x29, #F_KILLS]
    adr x1, out_head
    bl create
    str w0, [x29, #S_HEAD]
    adr x1, out_tail
    bl create
    str w0, [x29, #S_TAIL]
    adr x1, err_head
    bl create
    str w0, [x29, #S_SIZE+S_HEAD]
    adr x1, err_tail
    bl create
    str w0, [x29, #S_SIZE+S_TAIL]
    mov w0, #-1
    str w0, [x29, #S_WATCH]
    str w0, [x29, #S_SIZE+S_WATCH]
    ldr x0, [x20, #16]
    ldrb w0, [x0]
    cmp w0, #'w'
    b.ne namespaces
    mov w0, #6
    str w0, [x29, #S_WATCH]
    mov w0, #7
    str w0, [x29, #S_SIZE+S_WATCH]
    mov x0, #0
    mov x1, #2 * LINE
    mov x2, #3                      // PROT_READ | PROT_WRITE
    mov x3, #0x22                   // MAP_PRIVATE | MAP_ANONYMOUS
    mov x4, #-1
    mov x5, #0
    call_kernel 222                 // mmap
    must_work
    str x0, [x29, #S_LINE]
    add x0, x0, #LINE
    str x0, [x29, #S_SIZE+S_LINE]

namespaces:
    ldr w0, =0x20020000             // CLONE_NEWNS | CLONE_NEWPID: of what is forked from here on
    call_kernel 97                  // unshare
    must_work
    // Not only covered: what is mounted over can be unmounted.
    adr x0, proc
    bl detach
    adr x0, dev
    bl detach
    adr x0, own_dev
    adr x1, dev
    mov x2, #0
    mov x3, #4096                   // MS_BIND
    mov x4, #0
    call_kernel 40                  // mount
    must_work
    adr x0, root
    call_kernel 49                  // chdir
    adr x0, state
    bl detach

    add x0, x29, #F_SYNC
    bl make_pipe
    fork
    cbz x0, init
    str w0, [x29, #F_INIT]
    // Later than init, which so never has them.
    mov x19, x29
    bl make_stream
    add x19, x19, #S_SIZE
    bl make_stream
    fork
    cbz x0, subject
    str w0, [x29, #F_CHILD]

    ldr w1, [x29, #S_WRITE]
    close_file w1
    ldr w1, [x29, #S_SIZE+S_WRITE]
    close_file w1
    ldr w1, [x29, #F_SYNC+4]
    close_file w1
    // One byte from the subject; the end when init has closed all it had, and the subject all but what it is to have.
    mov w21, #0
sync:
    ldr w0, [x29, #F_SYNC]
    add x1, x29, #F_WORK
    mov x2, #1
    call_kernel 63                  // read
    add w21, w21, w0
    cmp w0, #1
    b.eq sync
    ldr w0, [x29, #F_CHILD]
    mov x1, #0
    call_kernel 434                 // pidfd_open
    must_work
    str w0, [x29, #F_POLL+16]
    ldr w0, [x29, #S_PIPE]
    str w0, [x29, #F_POLL]
    ldr w0, [x29, #S_SIZE+S_PIPE]
    str w0, [x29, #F_POLL+8]
    mov w0, #1                      // POLLIN
    strh w0, [x29, #F_POLL+4]
    strh w0, [x29, #F_POLL+12]
    strh w0, [x29, #F_POLL+20]
    ldrb w23, [x29, #F_WORK]
    // Who looks for a line goes when it is found.
    mov x0, #1                      // SIG_IGN
    str x0, [x29, #F_WORK]
    mov x0, #13                     // SIGPIPE
    bl set_signal
    cmp w21, #1
    b.ne wait_for_more              // no limits, no start: it ends with 125
    add x10, x29, #F_TEXT
    adr x1, ready
    bl append
    ldr w0, [x29, #F_CHILD]
    bl append_number
    mov w0, w23
    bl append_number
    bl send_event

wait_for_more:
    mov x2, #0                      // for ever
    ldr w0, [x29, #S_PENDING]
    ldr w1, [x29, #S_SIZE+S_PENDING]
    orr w0, w0, w1
    cbz w0, poll
    add x2, x29, #F_WORK
    ldr x0, =300000000              // ns: a line without its end is shown as it is
    stp xzr, x0, [x2]
poll:
    add x0, x29, #F_POLL
    mov x1, #3
    mov x3, #0
    mov x4, #8
    call_kernel 73                  // ppoll
    cbnz w0, looked
    mov x19, x29
    bl show_unfinished
    add x19, x19, #S_SIZE
    bl show_unfinished
    b wait_for_more
looked:
    mov x19, x29
    add x23, x29, #F_POLL
    bl take
    add x19, x19, #S_SIZE
    add x23, x23, #8
    bl take
    ldrh w0, [x29, #F_POLL+22]
    cbz w0, any_left
    ldr w0, [x29, #F_CHILD]
    add x1, x29, #F_STATUS
    add x3, x29, #F_USAGE
    bl reap
    ldr w0, [x29, #F_INIT]
    mov x1, #9                      // SIGKILL, to all that is left in the namespace
    call_kernel 129                 // kill
    ldr w0, [x29, #F_INIT]
    mov x1, #0
    mov x3, #0
    bl reap
    ldr w1, [x29, #F_POLL+16]
    close_file w1
    mov w0, #-1
    str w0, [x29, #F_POLL+16]
any_left:
    strh wzr, [x29, #F_POLL+22]
    ldr w0, [x29, #F_POLL]
    ldr w1, [x29, #F_POLL+8]
    and w0, w0, w1
    ldr w1, [x29, #F_POLL+16]
    and w0, w0, w1
    adds w0, w0, #1
    b.ne wait_for_more

    bl count_kills
    ldr x1, [x29, #F_KILLS]
    sub x23, x0, x1
    add x10, x29, #F_TEXT
    adr x1, end
    bl append
    ldr x0, [x29, #S_TOTAL]
    bl append_number
    ldr x0, [x29, #S_SIZE+S_TOTAL]
    bl append_number
    mov x0, x23
    bl append_number
    ldr x0, [x29, #F_UNWATCHED]
    bl append_number
    ldr x0, [x29, #F_USAGE+32]      // ru_maxrss
    bl append_number
    ldr x0, [x29, #F_USAGE+64]      // ru_minflt
    bl append_number
    ldr x0, [x29, #F_USAGE+72]      // ru_majflt
    bl append_number
    bl send_event
    ldr w1, [x29, #F_STATUS]
    ubfx w0, w1, #8, #8             // exit code
    ands w1, w1, #127
    b.eq exit
    add w0, w1, #128
exit:
    call_kernel 94                  // exit_group

give_up:
    mov w0, #124
    b exit

# What every process of the namespace has above it: ends when it is killed from outside.
init:
    mov w0, #0
    mov w1, #-1
    mov w2, #0
    call_kernel 436                 // close_range
    mov x0, #1                      // SIG_IGN: who has ended is gone
    str x0, [x29, #F_WORK]
    mov x0, #17                     // SIGCHLD
    bl set_signal
pause:
    mov x0, #0
    mov x1, #0
    mov x2, #0
    mov x3, #0
    call_kernel 73                  // ppoll
    b pause

# The process that becomes the subject.
subject:
    mov x0, #2                      // SIGINT and SIGQUIT: a shell ignores them in the background
    bl set_signal
    mov x0, #3
    bl set_signal
    call_kernel 157                 // setsid
    ldr x1, [x20, #24]
    bl enter
    adr x0, proc
    mov x1, x0
    add x2, x0, #1
    mov x3, #14                     // MS_NOSUID | MS_NODEV | MS_NOEXEC
    mov x4, #0
    call_kernel 40                  // mount
    cbnz w0, refuse
    adr x1, score
    bl enter
    adr x1, null
    mov w2, #0
    open_file
    mov x1, #0
    bl move
    ldr w0, [x29, #S_WRITE]
    mov x1, #1
    bl move
    ldr w0, [x29, #S_SIZE+S_WRITE]
    mov x1, #2
    bl move
    ldr w0, [x29, #F_SYNC+4]
    mov x1, #3
    bl move
    mov x0, #5
    mov x1, #4
    bl move
    mov w0, #5
    mov w1, #-1
    mov w2, #0
    call_kernel 436                 // close_range
    // The last: with a small address space nothing else might work.
    ldr x1, [x20, #40]
    mov w23, #0                     // whether it is to be an ordinary user
next_limit:
    ldrb w0, [x1]
    cbz w0, limited
    bl read_number
    mov w21, w0
    cmp w0, #6                      // RLIMIT_NPROC
    csinc w23, w23, wzr, ne
    add x1, x1, #1                  // =
    bl read_number
    add x2, x29, #F_WORK
    stp x0, x0, [x2]
    ldrb w0, [x1]
    cmp w0, #' '
    cinc x22, x1, eq
    mov x0, #0
    mov w1, w21
    mov x3, #0
    call_kernel 261                 // prlimit64
    mov x1, x22
    cbz w0, next_limit
refuse:
    mov w0, #125
    b exit
limited:
    cbz w23, limits_bind
    mov x0, #0
    mov x1, #0
    call_kernel 159                 // setgroups
    cbnz w0, refuse
    mov w0, #USER
    mov w1, w0
    mov w2, w0
    call_kernel 149                 // setresgid
    cbnz w0, refuse
    mov w0, #USER
    mov w1, w0
    mov w2, w0
    call_kernel 147                 // setresuid: no capability is left
    cbnz w0, refuse
limits_bind:
    mov w21, #255
    ldr x0, [x20, #32]
    add x20, x20, #48               // the words of the program
    ldrb w1, [x0]
    cmp w1, #'-'
    b.eq wait_for_go
    adr x1, self
    adr x2, gate_word
    stp x1, x2, [x20, #-16]
    str x0, [x20, #-24]
    adr x0, confine
    str x0, [x20, #-32]
    sub x1, x20, #32
    stp xzr, xzr, [sp, #-16]!
    mov x2, sp
    call_kernel 221                 // execve
    b refuse

gate:
    add x20, sp, #24
    mov x0, #0
    mov x1, #4096
    mov x2, #7                      // PROT_READ | PROT_WRITE | PROT_EXEC
    mov x3, #0x22
    mov x4, #-1
    mov x5, #0
    call_kernel 222                 // mmap
    cmp x0, #0
    csneg w21, wzr, w0, ge
wait_for_go:
    str x21, [sp, #-16]!
    mov x0, #3
    mov x1, sp
    mov x2, #1
    call_kernel 64                  // write
    mov w1, #3
    close_file w1
    mov x0, #4
    mov x1, sp
    mov x2, #1
    call_kernel 63                  // read
    cmp w0, #1
    b.ne refuse
    mov w0, #3
    mov w1, #-1
    mov w2, #0
    call_kernel 436                 // close_range
    // Words up to the first without an equals sign are the environment.
    mov x22, x20
next_word:
    ldr x1, [x22]
next_letter:
    ldrb w0, [x1], #1
    cbz w0, found_program
    cmp w0, #'='
    b.ne next_letter
    add x22, x22, #8
    b next_word
found_program:
    sub x0, x22, x20
    add x0, x0, #8 + 15
    and x0, x0, #~15
    sub sp, sp, x0
    mov x0, sp
    mov x1, x20
copy_variable:
    cmp x1, x22
    b.eq start
    ldr x2, [x1], #8
    str x2, [x0], #8
    b copy_variable
start:
    str xzr, [x0]
    ldr x0, [x22]
    mov x1, x22
    mov x2, sp
    call_kernel 221                 // execve
    // As a shell says it.
    mov w21, w0
    adr x1, not_started
    bl complain
    ldr x1, [x22]
    bl complain
    adr x1, no_memory
    mov w23, #126
    cmn w21, #12                    // ENOMEM
    b.eq said
    adr x1, no_file
    mov w23, #127
    cmn w21, #2                     // ENOENT
    b.eq said
    adr x1, no_program
    mov w23, #126
said:
    bl complain
    mov w0, w23
    b exit

# Writes the text at x1 to the standard error.
complain:
    mov x2, x1
measure:
    ldrb w0, [x2], #1
    cbnz w0, measure
    sub x2, x2, x1
    sub x2, x2, #1
    mov x0, #2
    call_kernel 64
    ret

# Takes what a stream has. x19: stream, x23: its struct pollfd.
take:
    ldrh w0, [x23, #6]
    cbz w0, shown
    str x30, [sp, #-16]!
    strh wzr, [x23, #6]
    ldr w0, [x19, #S_PIPE]
    add x1, x29, #F_BUFFER
    mov x2, #BUFFER
    call_kernel 63                  // read
    cmp w0, #0
    b.gt keep
    ldr w1, [x19, #S_PIPE]
    close_file w1
    mov w0, #-1
    str w0, [x23]
    bl show_unfinished
    ldr w1, [x19, #S_WATCH]
    tbnz w1, #31, taken
    mov w0, #-1
    str w0, [x19, #S_WATCH]
    close_file w1
taken:
    ldr x30, [sp], #16
    ret
keep:
    add x21, x29, #F_BUFFER
    mov w22, w0
    bl show
next_part:
    ldr x4, [x19, #S_TOTAL]
    ldr x5, [x29, #F_HALF]
    ldr w0, [x19, #S_HEAD]
    mov x3, x4
    cmp x4, x5
    b.lo room
    ldr w0, [x19, #S_TAIL]
    sub x4, x4, x5
    udiv x3, x4, x5
    msub x3, x3, x5, x4
room:
    sub x2, x5, x3
    cmp x2, x22
    csel x2, x2, x22, ls
    mov x1, x21
    call_kernel 68                  // pwrite64
    cmp x0, #0
    b.le give_up
    ldr x4, [x19, #S_TOTAL]
    add x4, x4, x0
    str x4, [x19, #S_TOTAL]
    add x21, x21, x0
    subs x22, x22, x0
    b.ne next_part
    b taken

# Shows x22 bytes at x21 to who looks for a line, line by line.
show:
    ldr w0, [x19, #S_WATCH]
    tbnz w0, #31, shown
    str x30, [sp, #-16]!
    mov x24, x21
    mov x25, x22
    mov x26, #LINE - 1              // room for a line break
next_byte:
    ldrb w0, [x24], #1
    ldr x1, [x19, #S_LENGTH]
    cmp w0, #10
    b.eq line_ends
    cmp x1, x26
    b.hs too_long
    ldr x2, [x19, #S_LINE]
    strb w0, [x2, x1]
    add x1, x1, #1
    str x1, [x19, #S_LENGTH]
    b more_bytes
too_long:
    ldr x0, [x29, #F_UNWATCHED]
    add x0, x0, #1
    str x0, [x29, #F_UNWATCHED]
    b more_bytes
line_ends:
    bl send_line
    str xzr, [x19, #S_LENGTH]
more_bytes:
    subs x25, x25, #1
    b.ne next_byte
    ldr x0, [x19, #S_LENGTH]
    str x0, [x19, #S_PENDING]
    ldr x30, [sp], #16
shown:
    ret

# A line that has no end yet, as if it had.
show_unfinished:
    ldr x0, [x19, #S_PENDING]
    cbz x0, shown
    str xzr, [x19, #S_PENDING]
send_line:
    ldp x1, x2, [x19, #S_LINE]      // and S_LENGTH
    mov w0, #10
    strb w0, [x1, x2]
    add x2, x2, #1
send_rest:
    ldr w0, [x19, #S_WATCH]
    tbnz w0, #31, shown
    call_kernel 64                  // write
    cmp x0, #0
    b.le nobody_looks
    add x1, x1, x0
    subs x2, x2, x0
    b.ne send_rest
    ret
nobody_looks:
    ldr w1, [x19, #S_WATCH]
    mov w0, #-1
    str w0, [x19, #S_WATCH]
    close_file w1
    ret

# How many processes the kernel has killed for want of memory -> x0.
count_kills:
    mov x9, #0
    place x6, F_BUFFER
read_on:
    ldr w0, [x29, #F_VMSTAT]
    add x1, x6, x9
    mov x2, #BUFFER - 64
    sub x2, x2, x9
    mov x3, x9
    call_kernel 67                  // pread64: a page at a time
    tbnz w0, #31, give_up
    add x9, x9, x0
    cbnz w0, read_on
    mov x1, x6
    add x9, x9, x6
    str xzr, [x9]
    ldr x4, =0x6c6c696b5f6d6f6f     // oom_kill
search:
    ldrb w0, [x1], #1
    cmp x1, x9
    b.hs give_up
    cmp w0, #10
    b.ne search
    ldr x0, [x1]
    cmp x0, x4
    b.ne search
    ldrb w0, [x1, #8]
    cmp w0, #' '
    b.ne search
    add x1, x1, #9

# The number at x1 -> x0; x1 is behind it.
    define_read_number

# Appends the text at x1.
    define_append

    define_append_number

# Sends the event that ends at x10.
send_event:
    mov w0, #10
    strb w0, [x10], #1
    add x1, x29, #F_TEXT
    sub x2, x10, x1
    mov x0, #4
    call_kernel 64
    must_work
    ret

# Signal x0 gets the handler at F_WORK.
set_signal:
    add x1, x29, #F_WORK
    str xzr, [x1, #8]
    stp xzr, xzr, [x1, #16]
    mov x2, #0
    mov x3, #8
    call_kernel 134                 // rt_sigaction
    ret

# Writes 0 to the file x1: enters a group, or is no longer spared. Nothing for `-`.
enter:
    ldrb w0, [x1]
    cmp w0, #'-'
    b.eq number_ends
    mov w2, #1                      // O_WRONLY
    open_file
    tbnz w0, #31, refuse
    mov w9, w0
    adr x1, zero_digit
    mov x2, #1
    call_kernel 64
    cmp w0, #1
    b.ne refuse
    close_file w9
    ret

# Makes descriptor w0 also x1, as dup2 does.
move:
    cmp w0, w1
    b.eq number_ends
    mov x2, #0
    call_kernel 24                  // dup3
    tbnz w0, #31, refuse
    ret

create:
    ldr w2, =0x80241                // O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
    mov w3, #0600
    open_file
    must_work
    ret

detach:
    mov x1, #2                      // MNT_DETACH
    call_kernel 39                  // umount2
    must_work
    ret

make_stream:
    mov x9, x30
    add x0, x29, #F_WORK
    bl make_pipe
    add x1, x29, #F_WORK
    ldp w2, w3, [x1]
    str w2, [x19, #S_PIPE]
    str w3, [x19, #S_WRITE]
    str xzr, [x1]
    ret x9

make_pipe:
    mov w1, #0x80000                // O_CLOEXEC
    call_kernel 59                  // pipe2
    must_work
    ret

# Waits for the process w0: its status goes to x1, its usage to x3.
reap:
    mov x2, #0
    call_kernel 260                 // wait4
    must_work
    ret

.include "keep.texts"
