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

# Frame at s0. Two streams, 64 bytes each:
.set S_PIPE, 0          # our end
.set S_WATCH, 4         # who looks for a line; -1 nobody
.set S_HEAD, 8
.set S_TAIL, 12
.set S_TOTAL, 16        # bytes so far
.set S_LINE, 24         # the line that has not ended
.set S_LENGTH, 32
.set S_PENDING, 40      # it grew since it was last shown
.set S_WRITE, 48        # the subject's end
.set S_SIZE, 64
.set F_POLL, 128        # three struct pollfd: out, err, the subject's pidfd
.set F_SYNC, 152        # pipe: init and subject are as they should be
.set F_VMSTAT, 160
.set F_INIT, 164
.set F_CHILD, 168
.set F_STATUS, 172
.set F_KILLS, 176
.set F_HALF, 184
.set F_UNWATCHED, 192
.set F_TEXT, 200        # an event
.set F_USAGE, 376       # struct rusage of the subject
.set F_WORK, 520        # a struct of a call
.set F_BUFFER, 704
.set BUFFER, 32768
.set LINE, 65536
.set USER, 1000         # the first ordinary user of most systems

.include "text.macros"

# Nothing here may fail; if it does, there is no `end`.
.macro must_work
    bltz a0, give_up
.endm

# Forks: 0 in a0 in the child.
.macro fork
    li a0, 17                       # SIGCHLD
    li a1, 0
    li a2, 0
    li a3, 0
    li a4, 0
    call_kernel 220                 # clone
    must_work
.endm

.macro close_file register
    mv a0, \register
    call_kernel 57                  # close
.endm

# Closes all descriptors from the first on.
.macro close_from first
    li a0, \first
    li a1, -1
    li a2, 0
    call_kernel 436                 # close_range
.endm

# Readable, writable and executable at once.
.macro map_code
    li a0, 0
    li a1, 4096
    li a2, 7                        # PROT_READ | PROT_WRITE | PROT_EXEC
    li a3, 0x22                     # MAP_PRIVATE | MAP_ANONYMOUS
    li a4, -1
    li a5, 0
    call_kernel 222                 # mmap
.endm

# s1: a stream; s2: words of the command line.
.globl _start
_start:
    ld a0, 16(sp)
    lbu a0, (a0)
    li t0, 'g'
    beq a0, t0, gate
    addi s2, sp, 8                  # argv
    make_frame F_BUFFER + BUFFER
    mv a0, s0
    addi a1, s0, F_BUFFER
clear:
    sd zero, (a0)
    addi a0, a0, 8
    bne a0, a1, clear
    ld a1, 8(s2)
    jal read_number
    sd a0, F_HALF(s0)

    lla a1, vmstat
    li a2, 0x80000                  # O_CLOEXEC
    open_file
    must_work
    sw a0, F_VMSTAT(s0)
    jal count_kills
    sd a0, F_KILLS(s0)
    lla a1, out_head
    jal create
    sw a0, S_HEAD(s0)
    lla a1, out_tail
    jal create
    sw a0, S_TAIL(s0)
    lla a1, err_head
    jal create
    sw a0, S_SIZE+S_HEAD(s0)
    lla a1, err_tail
    jal create
    sw a0, S_SIZE+S_TAIL(s0)
    li a0, -1
    sw a0, S_WATCH(s0)
    sw a0, S_SIZE+S_WATCH(s0)
    ld a0, 16(s2)
    lbu a0, (a0)
    li t0, 'w'
    bne a0, t0, namespaces
    li a0, 6
    sw a0, S_WATCH(s0)
    li a0, 7
    sw a0, S_SIZE+S_WATCH(s0)
    li a0, 0
    li a1, 2 * LINE
    li a2, 3                        # PROT_READ | PROT_WRITE
    li a3, 0x22                     # MAP_PRIVATE | MAP_ANONYMOUS
    li a4, -1
    li a5, 0
    call_kernel 222                 # mmap
    must_work
    sd a0, S_LINE(s0)
    li t0, LINE
    add a0, a0, t0
    sd a0, S_SIZE+S_LINE(s0)

namespaces:
    li a0, 0x20020000               # CLONE_NEWNS | CLONE_NEWPID: of what is forked from here on
    call_kernel 97                  # unshare
    must_work
    # Not only covered: what is mounted over can be unmounted.
    lla a0, proc
    jal detach
    lla a0, dev
    jal detach
    lla a0, own_dev
    lla a1, dev
    li a2, 0
    li a3, 4096                     # MS_BIND
    li a4, 0
    call_kernel 40                  # mount
    must_work
    lla a0, root
    call_kernel 49                  # chdir
    lla a0, state
    jal detach

    addi a0, s0, F_SYNC
    jal make_pipe
    fork
    beqz a0, init
    sw a0, F_INIT(s0)
    # Later than init, which so never has them.
    mv s1, s0
    jal make_stream
    addi s1, s1, S_SIZE
    jal make_stream
    fork
    beqz a0, subject
    sw a0, F_CHILD(s0)

    lw t0, S_WRITE(s0)
    close_file t0
    lw t0, S_SIZE+S_WRITE(s0)
    close_file t0
    lw t0, F_SYNC+4(s0)
    close_file t0
    # One byte from the subject; the end when init has closed all it had, and the subject all but what it is to have.
    li s3, 0
sync:
    lw a0, F_SYNC(s0)
    addi a1, s0, F_WORK
    li a2, 1
    call_kernel 63                  # read
    add s3, s3, a0
    li t0, 1
    beq a0, t0, sync
    lw a0, F_CHILD(s0)
    li a1, 0
    call_kernel 434                 # pidfd_open
    must_work
    sw a0, F_POLL+16(s0)
    lw a0, S_PIPE(s0)
    sw a0, F_POLL(s0)
    lw a0, S_SIZE+S_PIPE(s0)
    sw a0, F_POLL+8(s0)
    li a0, 1                        # POLLIN
    sh a0, F_POLL+4(s0)
    sh a0, F_POLL+12(s0)
    sh a0, F_POLL+20(s0)
    lbu s5, F_WORK(s0)
    # Who looks for a line goes when it is found.
    li a0, 1                        # SIG_IGN
    sd a0, F_WORK(s0)
    li a0, 13                       # SIGPIPE
    jal set_signal
    li t0, 1
    bne s3, t0, wait_for_more       # no limits, no start: it ends with 125
    addi t5, s0, F_TEXT
    lla a1, ready
    jal append
    lw a0, F_CHILD(s0)
    jal append_number
    mv a0, s5
    jal append_number
    jal send_event

wait_for_more:
    li a2, 0                        # for ever
    lw a0, S_PENDING(s0)
    lw a1, S_SIZE+S_PENDING(s0)
    or a0, a0, a1
    beqz a0, poll
    addi a2, s0, F_WORK
    li t0, 300000000                # ns: a line without its end is shown as it is
    sd zero, (a2)
    sd t0, 8(a2)
poll:
    addi a0, s0, F_POLL
    li a1, 3
    li a3, 0
    li a4, 8
    call_kernel 73                  # ppoll
    bnez a0, looked
    mv s1, s0
    jal show_unfinished
    addi s1, s1, S_SIZE
    jal show_unfinished
    j wait_for_more
looked:
    mv s1, s0
    addi s5, s0, F_POLL
    jal take
    addi s1, s1, S_SIZE
    addi s5, s5, 8
    jal take
    lhu a0, F_POLL+22(s0)
    beqz a0, any_left
    lw a0, F_CHILD(s0)
    addi a1, s0, F_STATUS
    addi a3, s0, F_USAGE
    jal reap
    lw a0, F_INIT(s0)
    li a1, 9                        # SIGKILL, to all that is left in the namespace
    call_kernel 129                 # kill
    lw a0, F_INIT(s0)
    li a1, 0
    li a3, 0
    jal reap
    lw t0, F_POLL+16(s0)
    close_file t0
    li a0, -1
    sw a0, F_POLL+16(s0)
any_left:
    sh zero, F_POLL+22(s0)
    lw a0, F_POLL(s0)
    lw a1, F_POLL+8(s0)
    and a0, a0, a1
    lw a1, F_POLL+16(s0)
    and a0, a0, a1
    li t0, -1
    bne a0, t0, wait_for_more

    jal count_kills
    ld a1, F_KILLS(s0)
    sub s5, a0, a1
    addi t5, s0, F_TEXT
    lla a1, end
    jal append
    ld a0, S_TOTAL(s0)
    jal append_number
    ld a0, S_SIZE+S_TOTAL(s0)
    jal append_number
    mv a0, s5
    jal append_number
    ld a0, F_UNWATCHED(s0)
    jal append_number
    ld a0, F_USAGE+32(s0)           # ru_maxrss
    jal append_number
    ld a0, F_USAGE+64(s0)           # ru_minflt
    jal append_number
    ld a0, F_USAGE+72(s0)           # ru_majflt
    jal append_number
    jal send_event
    lbu a0, F_STATUS+1(s0)          # exit code
    lbu a1, F_STATUS(s0)
    andi a1, a1, 127
    beqz a1, exit
    addi a0, a1, 128
exit:
    call_kernel 94                  # exit_group

give_up:
    li a0, 124
    j exit

# What every process of the namespace has above it: ends when it is killed from outside.
init:
    close_from 0
    li a0, 1                        # SIG_IGN: who has ended is gone
    sd a0, F_WORK(s0)
    li a0, 17                       # SIGCHLD
    jal set_signal
pause:
    li a0, 0
    li a1, 0
    li a2, 0
    li a3, 0
    call_kernel 73                  # ppoll
    j pause

# The process that becomes the subject.
subject:
    li a0, 2                        # SIGINT and SIGQUIT: a shell ignores them in the background
    jal set_signal
    li a0, 3
    jal set_signal
    call_kernel 157                 # setsid
    ld a1, 24(s2)
    jal enter
    lla a0, proc
    mv a1, a0
    addi a2, a0, 1
    li a3, 14                       # MS_NOSUID | MS_NODEV | MS_NOEXEC
    li a4, 0
    call_kernel 40                  # mount
    bnez a0, refuse
    lla a1, score
    jal enter
    lla a1, null
    li a2, 0
    open_file
    li a1, 0
    jal move
    lw a0, S_WRITE(s0)
    li a1, 1
    jal move
    lw a0, S_SIZE+S_WRITE(s0)
    li a1, 2
    jal move
    lw a0, F_SYNC+4(s0)
    li a1, 3
    jal move
    li a0, 5
    li a1, 4
    jal move
    close_from 5
    # The last: with a small address space nothing else might work.
    ld s4, 40(s2)
    li s5, 0                        # whether it is to be an ordinary user
next_limit:
    mv a1, s4
    lbu a0, (a1)
    beqz a0, limited
    jal read_number
    mv s3, a0
    li t0, 6                        # RLIMIT_NPROC
    bne a0, t0, no_user
    li s5, 1
no_user:
    addi a1, a1, 1                  # =
    jal read_number
    addi a2, s0, F_WORK
    sd a0, (a2)
    sd a0, 8(a2)
    mv s4, a1
    lbu a0, (a1)
    li t0, ' '
    bne a0, t0, set_limit
    addi s4, s4, 1
set_limit:
    li a0, 0
    mv a1, s3
    li a3, 0
    call_kernel 261                 # prlimit64
    beqz a0, next_limit
refuse:
    li a0, 125
    j exit
limited:
    beqz s5, limits_bind
    li a0, 0
    li a1, 0
    call_kernel 159                 # setgroups
    bnez a0, refuse
    li a0, USER
    mv a1, a0
    mv a2, a0
    call_kernel 149                 # setresgid
    bnez a0, refuse
    li a0, USER
    call_kernel 147                 # setresuid: no capability is left
    bnez a0, refuse
limits_bind:
    li s3, 255
    ld a0, 32(s2)
    addi s2, s2, 48                 # the words of the program
    lbu a1, (a0)
    li t0, '-'
    beq a1, t0, wait_for_go
    sd a0, -24(s2)
    lla a1, self
    sd a1, -16(s2)
    lla a1, gate_word
    sd a1, -8(s2)
    lla a0, confine
    addi a1, s2, -32
    sd a0, (a1)
    addi sp, sp, -16
    sd zero, (sp)
    mv a2, sp
    call_kernel 221                 # execve
    j refuse

gate:
    addi s2, sp, 24
    map_code
    neg s3, a0
    bgtz s3, wait_for_go            # the errno
    li s3, 0
wait_for_go:
    addi sp, sp, -16
    sd s3, (sp)
    li a0, 3
    mv a1, sp
    li a2, 1
    call_kernel 64                  # write
    li t0, 3
    close_file t0
    li a0, 4
    mv a1, sp
    li a2, 1
    call_kernel 63                  # read
    li t0, 1
    bne a0, t0, refuse
    close_from 3
    # Words up to the first without an equals sign are the environment.
    mv s4, s2
    li t1, '='
next_word:
    ld a1, (s4)
next_letter:
    lbu a0, (a1)
    addi a1, a1, 1
    beqz a0, found_program
    bne a0, t1, next_letter
    addi s4, s4, 8
    j next_word
found_program:
    sub a0, s4, s2
    addi a0, a0, 8 + 15
    andi a0, a0, ~15
    sub sp, sp, a0
    mv a0, sp
    mv a1, s2
copy_variable:
    beq a1, s4, start
    ld t0, (a1)
    sd t0, (a0)
    addi a1, a1, 8
    addi a0, a0, 8
    j copy_variable
start:
    sd zero, (a0)
    ld a0, (s4)
    mv a1, s4
    mv a2, sp
    call_kernel 221                 # execve
    # As a shell says it.
    mv s3, a0
    lla a1, not_started
    jal complain
    ld a1, (s4)
    jal complain
    lla a1, no_memory
    li s5, 126
    li t0, -12                      # ENOMEM
    beq s3, t0, said
    lla a1, no_file
    li s5, 127
    li t0, -2                       # ENOENT
    beq s3, t0, said
    lla a1, no_program
    li s5, 126
said:
    jal complain
    mv a0, s5
    j exit

# Writes the text at a1 to the standard error.
complain:
    mv a2, a1
measure:
    lbu a0, (a2)
    addi a2, a2, 1
    bnez a0, measure
    sub a2, a2, a1
    addi a2, a2, -1
    li a0, 2
    call_kernel 64
    ret

# Takes what a stream has. s1: stream, s5: its struct pollfd.
take:
    lhu a0, 6(s5)
    beqz a0, shown
    mv s10, ra
    sh zero, 6(s5)
    lw a0, S_PIPE(s1)
    addi a1, s0, F_BUFFER
    li a2, BUFFER
    call_kernel 63                  # read
    bgtz a0, keep
    lw t0, S_PIPE(s1)
    close_file t0
    li a0, -1
    sw a0, (s5)
    jal show_unfinished
    lw t0, S_WATCH(s1)
    bltz t0, taken
    li a0, -1
    sw a0, S_WATCH(s1)
    close_file t0
taken:
    jr s10
keep:
    addi s3, s0, F_BUFFER
    mv s4, a0
    jal show
next_part:
    ld t3, S_TOTAL(s1)
    ld t4, F_HALF(s0)
    lw a0, S_HEAD(s1)
    mv a3, t3
    bltu t3, t4, room
    lw a0, S_TAIL(s1)
    sub t3, t3, t4
    remu a3, t3, t4
room:
    sub a2, t4, a3
    bleu a2, s4, fits
    mv a2, s4
fits:
    mv a1, s3
    call_kernel 68                  # pwrite64
    blez a0, give_up
    ld t3, S_TOTAL(s1)
    add t3, t3, a0
    sd t3, S_TOTAL(s1)
    add s3, s3, a0
    sub s4, s4, a0
    bnez s4, next_part
    j taken

# Shows s4 bytes at s3 to who looks for a line, line by line.
show:
    lw t0, S_WATCH(s1)
    bltz t0, shown
    mv s11, ra
    mv s6, s3
    add s7, s3, s4
    li s8, LINE - 1                 # room for a line break
next_byte:
    lbu a0, (s6)
    addi s6, s6, 1
    ld a1, S_LENGTH(s1)
    li t0, 10
    beq a0, t0, line_ends
    bgeu a1, s8, too_long
    ld a2, S_LINE(s1)
    add a2, a2, a1
    sb a0, (a2)
    addi a1, a1, 1
    sd a1, S_LENGTH(s1)
    j more_bytes
too_long:
    ld a0, F_UNWATCHED(s0)
    addi a0, a0, 1
    sd a0, F_UNWATCHED(s0)
    j more_bytes
line_ends:
    jal send_line
    sd zero, S_LENGTH(s1)
more_bytes:
    bne s6, s7, next_byte
    ld a0, S_LENGTH(s1)
    sd a0, S_PENDING(s1)
    jr s11
shown:
    ret

# A line that has no end yet, as if it had.
show_unfinished:
    ld a0, S_PENDING(s1)
    beqz a0, shown
    sd zero, S_PENDING(s1)
send_line:
    ld a1, S_LINE(s1)
    ld a2, S_LENGTH(s1)
    add t0, a1, a2
    li t1, 10
    sb t1, (t0)
    addi a2, a2, 1
send_rest:
    lw a0, S_WATCH(s1)
    bltz a0, shown
    call_kernel 64                  # write
    blez a0, nobody_looks
    add a1, a1, a0
    sub a2, a2, a0
    bnez a2, send_rest
    ret
nobody_looks:
    lw t0, S_WATCH(s1)
    li a0, -1
    sw a0, S_WATCH(s1)
    close_file t0
    ret

# How many processes the kernel has killed for want of memory -> a0.
count_kills:
    li t4, 0
    addi t3, s0, F_BUFFER
read_on:
    lw a0, F_VMSTAT(s0)
    add a1, t3, t4
    li a2, BUFFER - 64
    sub a2, a2, t4
    mv a3, t4
    call_kernel 67                  # pread64: a page at a time
    bltz a0, give_up
    add t4, t4, a0
    bnez a0, read_on
    mv a1, t3
    add t4, t4, t3
    sd zero, (t4)
search:
    bgeu a1, t4, give_up
    lbu a0, (a1)
    addi a1, a1, 1
    li t0, 10
    bne a0, t0, search
    lla t2, counted
    mv t1, a1
same:
    lbu t0, (t2)
    beqz t0, counter
    lbu a0, (t1)
    bne a0, t0, search
    addi t1, t1, 1
    addi t2, t2, 1
    j same
counter:
    mv a1, t1

# The number at a1 -> a0; a1 is behind it.
    define_read_number

# Appends the text at a1.
    define_append

    define_append_number

# Sends the event that ends at t5.
send_event:
    append_character 10
    addi a1, s0, F_TEXT
    sub a2, t5, a1
    li a0, 4
    call_kernel 64
    must_work
    ret

# Signal a0 gets the handler at F_WORK.
set_signal:
    addi a1, s0, F_WORK
    sd zero, 8(a1)
    sd zero, 16(a1)
    sd zero, 24(a1)
    li a2, 0
    li a3, 8
    call_kernel 134                 # rt_sigaction
    ret

# Writes 0 to the file a1: enters a group, or is no longer spared. Nothing for `-`.
enter:
    lbu a0, (a1)
    li t0, '-'
    beq a0, t0, number_ends
    li a2, 1                        # O_WRONLY
    open_file
    bltz a0, refuse
    mv t3, a0
    lla a1, zero_digit
    li a2, 1
    call_kernel 64
    li t0, 1
    bne a0, t0, refuse
    close_file t3
    ret

# Makes descriptor a0 also a1, as dup2 does.
move:
    beq a0, a1, number_ends
    li a2, 0
    call_kernel 24                  # dup3
    bltz a0, refuse
    ret

create:
    li a2, 0x80241                  # O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
    li a3, 0600
    open_file
    must_work
    ret

detach:
    li a1, 2                        # MNT_DETACH
    call_kernel 39                  # umount2
    must_work
    ret

make_stream:
    mv t3, ra
    addi a0, s0, F_WORK
    jal make_pipe
    lw t0, F_WORK(s0)
    sw t0, S_PIPE(s1)
    lw t0, F_WORK+4(s0)
    sw t0, S_WRITE(s1)
    sd zero, F_WORK(s0)
    jr t3

make_pipe:
    li a1, 0x80000                  # O_CLOEXEC
    call_kernel 59                  # pipe2
    must_work
    ret

# Waits for the process a0: its status goes to a1, its usage to a3.
reap:
    li a2, 0
    call_kernel 260                 # wait4
    must_work
    ret

counted: .asciz "oom_kill "
.include "keep.texts"
