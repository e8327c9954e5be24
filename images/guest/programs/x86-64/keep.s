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
.intel_syntax noprefix
.text

# Frame at rbp. Two streams, 64 bytes each:
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
.set F_BUFFER, 696
.set BUFFER, 32768
.set LINE, 65536
.set USER, 1000         # the first ordinary user of most systems

.include "text.macros"

# Nothing here may fail; if it does, there is no `end`.
.macro must_work
    test rax, rax
    js give_up
.endm

.globl _start
_start:
    mov rdi, [rsp+16]
    cmp byte ptr [rdi], 'g'
    je gate
    lea r12, [rsp+8]                # argv
    sub rsp, F_BUFFER + BUFFER
    mov rbp, rsp
    mov rdi, rbp
    xor eax, eax
    mov ecx, F_BUFFER / 8
    rep stosq
    mov rsi, [r12+8]
    call read_number
    mov [rbp+F_HALF], rax

    lea rdi, [rip+vmstat]
    mov esi, 0x80000                # O_CLOEXEC
    call_kernel 2                   # open
    must_work
    mov [rbp+F_VMSTAT], eax
    call count_kills
    mov [rbp+F_KILLS], rax
    lea rdi, [rip+out_head]
    call create
    mov [rbp+S_HEAD], eax
    lea rdi, [rip+out_tail]
    call create
    mov [rbp+S_TAIL], eax
    lea rdi, [rip+err_head]
    call create
    mov [rbp+S_SIZE+S_HEAD], eax
    lea rdi, [rip+err_tail]
    call create
    mov [rbp+S_SIZE+S_TAIL], eax
    or dword ptr [rbp+S_WATCH], -1
    or dword ptr [rbp+S_SIZE+S_WATCH], -1
    mov rax, [r12+16]
    cmp byte ptr [rax], 'w'
    jne namespaces
    mov dword ptr [rbp+S_WATCH], 6
    mov dword ptr [rbp+S_SIZE+S_WATCH], 7
    xor edi, edi
    mov esi, 2 * LINE
    mov edx, 3                      # PROT_READ | PROT_WRITE
    mov r10d, 0x22                  # MAP_PRIVATE | MAP_ANONYMOUS
    or r8, -1
    xor r9d, r9d
    call_kernel 9                   # mmap
    must_work
    mov [rbp+S_LINE], rax
    add rax, LINE
    mov [rbp+S_SIZE+S_LINE], rax

namespaces:
    mov edi, 0x20020000             # CLONE_NEWNS | CLONE_NEWPID: of what is forked from here on
    call_kernel 272                 # unshare
    must_work
    # Not only covered: what is mounted over can be unmounted.
    lea rdi, [rip+proc]
    call detach
    lea rdi, [rip+dev]
    call detach
    lea rdi, [rip+own_dev]
    lea rsi, [rip+dev]
    xor edx, edx
    mov r10d, 4096                  # MS_BIND
    xor r8d, r8d
    call_kernel 165                 # mount
    must_work
    lea rdi, [rip+root]
    call_kernel 80                  # chdir
    lea rdi, [rip+state]
    call detach

    lea rdi, [rbp+F_SYNC]
    call make_pipe
    call_kernel 57                  # fork
    must_work
    jz init
    mov [rbp+F_INIT], eax
    # Later than init, which so never has them.
    mov rbx, rbp
    call make_stream
    add rbx, S_SIZE
    call make_stream
    call_kernel 57                  # fork
    must_work
    jz subject
    mov [rbp+F_CHILD], eax

    mov edi, [rbp+S_WRITE]
    call_kernel 3                   # close
    mov edi, [rbp+S_SIZE+S_WRITE]
    call_kernel 3
    mov edi, [rbp+F_SYNC+4]
    call_kernel 3
    # One byte from the subject; the end when init has closed all it had, and the subject all but what it is to have.
    xor r13d, r13d
sync:
    mov edi, [rbp+F_SYNC]
    lea rsi, [rbp+F_WORK]
    mov edx, 1
    xor eax, eax                    # read
    syscall
    add r13d, eax
    dec eax
    jz sync
    mov edi, [rbp+F_CHILD]
    xor esi, esi
    call_kernel 434                 # pidfd_open
    must_work
    mov [rbp+F_POLL+16], eax
    mov eax, [rbp+S_PIPE]
    mov [rbp+F_POLL], eax
    mov eax, [rbp+S_SIZE+S_PIPE]
    mov [rbp+F_POLL+8], eax
    mov eax, 1                      # POLLIN
    mov [rbp+F_POLL+4], ax
    mov [rbp+F_POLL+12], ax
    mov [rbp+F_POLL+20], ax
    movzx r15d, byte ptr [rbp+F_WORK]
    # Who looks for a line goes when it is found.
    mov qword ptr [rbp+F_WORK], 1   # SIG_IGN
    mov edi, 13                     # SIGPIPE
    call set_signal
    cmp r13d, 1
    jne wait_for_more               # no limits, no start: it ends with 125
    lea rdi, [rbp+F_TEXT]
    lea rsi, [rip+ready]
    call append
    mov eax, [rbp+F_CHILD]
    call append_number
    mov eax, r15d
    call append_number
    call send_event

wait_for_more:
    mov edx, -1
    mov eax, [rbp+S_PENDING]
    or eax, [rbp+S_SIZE+S_PENDING]
    jz poll
    mov edx, 300                    # ms: a line without its end is shown as it is
poll:
    lea rdi, [rbp+F_POLL]
    mov esi, 3
    call_kernel 7                   # poll
    test eax, eax
    jnz looked
    mov rbx, rbp
    call show_unfinished
    add rbx, S_SIZE
    call show_unfinished
    jmp wait_for_more
looked:
    mov rbx, rbp
    lea r15, [rbp+F_POLL]
    call take
    add rbx, S_SIZE
    add r15, 8
    call take
    cmp word ptr [rbp+F_POLL+22], 0
    je any_left
    mov edi, [rbp+F_CHILD]
    lea rsi, [rbp+F_STATUS]
    lea r10, [rbp+F_USAGE]
    call reap
    mov edi, [rbp+F_INIT]
    mov esi, 9                      # SIGKILL, to all that is left in the namespace
    call_kernel 62                  # kill
    mov edi, [rbp+F_INIT]
    xor esi, esi
    xor r10d, r10d
    call reap
    mov edi, [rbp+F_POLL+16]
    call_kernel 3
    or dword ptr [rbp+F_POLL+16], -1
any_left:
    mov word ptr [rbp+F_POLL+22], 0
    mov eax, [rbp+F_POLL]
    and eax, [rbp+F_POLL+8]
    and eax, [rbp+F_POLL+16]
    inc eax
    jnz wait_for_more

    call count_kills
    sub rax, [rbp+F_KILLS]
    mov r15, rax
    lea rdi, [rbp+F_TEXT]
    lea rsi, [rip+end]
    call append
    mov rax, [rbp+S_TOTAL]
    call append_number
    mov rax, [rbp+S_SIZE+S_TOTAL]
    call append_number
    mov rax, r15
    call append_number
    mov rax, [rbp+F_UNWATCHED]
    call append_number
    mov rax, [rbp+F_USAGE+32]       # ru_maxrss
    call append_number
    mov rax, [rbp+F_USAGE+64]       # ru_minflt
    call append_number
    mov rax, [rbp+F_USAGE+72]       # ru_majflt
    call append_number
    call send_event
    mov eax, [rbp+F_STATUS]
    movzx edi, ah                   # exit code
    and eax, 127
    jz exit
    lea edi, [rax+128]
exit:
    call_kernel 231                 # exit_group

give_up:
    mov edi, 124
    jmp exit

# What every process of the namespace has above it: ends when it is killed from outside.
init:
    xor edi, edi
    mov esi, -1
    xor edx, edx
    call_kernel 436                 # close_range
    mov qword ptr [rbp+F_WORK], 1   # SIG_IGN: who has ended is gone
    mov edi, 17                     # SIGCHLD
    call set_signal
pause:
    call_kernel 34
    jmp pause

# The process that becomes the subject.
subject:
    mov edi, 2                      # SIGINT and SIGQUIT: a shell ignores them in the background
    call set_signal
    mov edi, 3
    call set_signal
    call_kernel 112                 # setsid
    mov rdi, [r12+24]
    call enter
    lea rdi, [rip+proc]
    mov rsi, rdi
    lea rdx, [rip+proc+1]
    mov r10d, 14                    # MS_NOSUID | MS_NODEV | MS_NOEXEC
    xor r8d, r8d
    call_kernel 165                 # mount
    test eax, eax
    jnz refuse
    lea rdi, [rip+score]
    call enter
    lea rdi, [rip+null]
    xor esi, esi
    call_kernel 2                   # open
    mov edi, eax
    xor esi, esi
    call move
    mov edi, [rbp+S_WRITE]
    mov esi, 1
    call move
    mov edi, [rbp+S_SIZE+S_WRITE]
    mov esi, 2
    call move
    mov edi, [rbp+F_SYNC+4]
    mov esi, 3
    call move
    mov edi, 5
    mov esi, 4
    call move
    mov edi, 5
    mov esi, -1
    xor edx, edx
    call_kernel 436                 # close_range
    # The last: with a small address space nothing else might work.
    mov rsi, [r12+40]
    xor r14d, r14d                  # whether it is to be an ordinary user
next_limit:
    cmp byte ptr [rsi], 0
    je limited
    call read_number
    mov edi, eax
    cmp eax, 6                      # RLIMIT_NPROC
    jne any_limit
    inc r14d
any_limit:
    inc rsi                         # =
    call read_number
    mov [rbp+F_WORK], rax
    mov [rbp+F_WORK+8], rax
    cmp byte ptr [rsi], ' '
    jne last_limit
    inc rsi
last_limit:
    push rsi
    mov esi, edi
    xor edi, edi
    lea rdx, [rbp+F_WORK]
    xor r10d, r10d
    call_kernel 302                 # prlimit64
    pop rsi
    test eax, eax
    jz next_limit
refuse:
    mov edi, 125
    jmp exit
limited:
    test r14d, r14d
    jz limits_bind
    xor edi, edi
    xor esi, esi
    call_kernel 116                 # setgroups
    test eax, eax
    jnz refuse
    mov edi, USER
    mov esi, edi
    mov edx, edi
    call_kernel 119                 # setresgid
    test eax, eax
    jnz refuse
    mov edi, USER
    mov esi, edi
    mov edx, edi
    call_kernel 117                 # setresuid: no capability is left
    test eax, eax
    jnz refuse
limits_bind:
    mov r13d, 255
    mov rax, [r12+32]
    lea r12, [r12+48]               # the words of the program
    cmp byte ptr [rax], '-'
    je wait_for_go
    mov [r12-24], rax
    lea rdi, [rip+confine]
    mov [r12-32], rdi
    lea rax, [rip+self]
    mov [r12-16], rax
    lea rax, [rip+gate_word]
    mov [r12-8], rax
    lea rsi, [r12-32]
    push 0
    mov rdx, rsp
    call_kernel 59                  # execve
    jmp refuse

gate:
    lea r12, [rsp+24]
    xor edi, edi
    mov esi, 4096
    mov edx, 7                      # PROT_READ | PROT_WRITE | PROT_EXEC
    mov r10d, 0x22
    or r8, -1
    xor r9d, r9d
    call_kernel 9                   # mmap
    xor r13d, r13d
    test rax, rax
    jns wait_for_go
    mov r13d, eax
    neg r13d
wait_for_go:
    push r13
    mov edi, 3
    mov rsi, rsp
    mov edx, 1
    call_kernel 1                   # write
    mov edi, 3
    call_kernel 3                   # close
    mov edi, 4
    mov rsi, rsp
    mov edx, 1
    xor eax, eax                    # read
    syscall
    dec eax
    jnz refuse
    mov edi, 3
    mov esi, -1
    xor edx, edx
    call_kernel 436                 # close_range
    # Words up to the first without an equals sign are the environment.
    mov r14, r12
next_word:
    mov rsi, [r14]
next_letter:
    lodsb
    cmp al, '='
    je is_variable
    test al, al
    jnz next_letter
    jmp found_program
is_variable:
    add r14, 8
    jmp next_word
found_program:
    push 0
    mov rdx, r14
copy_variable:
    cmp rdx, r12
    je start
    sub rdx, 8
    push [rdx]
    jmp copy_variable
start:
    mov rdi, [r14]
    mov rsi, r14
    mov rdx, rsp
    call_kernel 59                  # execve
    # As a shell says it.
    mov r13d, eax
    lea rsi, [rip+not_started]
    call complain
    mov rsi, [r14]
    call complain
    lea rsi, [rip+no_memory]
    mov edi, 126
    cmp r13d, -12                   # ENOMEM
    je said
    lea rsi, [rip+no_file]
    mov edi, 127
    cmp r13d, -2                    # ENOENT
    je said
    lea rsi, [rip+no_program]
    mov edi, 126
said:
    mov r13d, edi
    call complain
    mov edi, r13d
    jmp exit

# Writes the text at rsi to the standard error.
complain:
    mov rdx, rsi
measure:
    inc rdx
    cmp byte ptr [rdx-1], 0
    jne measure
    sub rdx, rsi
    dec rdx
    mov edi, 2
    call_kernel 1
    ret

# Takes what a stream has. rbx: stream, r15: its struct pollfd.
take:
    cmp word ptr [r15+6], 0
    je taken
    mov word ptr [r15+6], 0
    mov edi, [rbx+S_PIPE]
    lea rsi, [rbp+F_BUFFER]
    mov edx, BUFFER
    xor eax, eax                    # read
    syscall
    test eax, eax
    jg keep
    mov edi, [rbx+S_PIPE]
    call_kernel 3
    or dword ptr [r15], -1
    call show_unfinished
    mov edi, [rbx+S_WATCH]
    test edi, edi
    js taken
    or dword ptr [rbx+S_WATCH], -1
    call_kernel 3
taken:
    ret
keep:
    lea r13, [rbp+F_BUFFER]
    mov r14d, eax
    call show
next_part:
    mov rax, [rbx+S_TOTAL]
    mov rcx, [rbp+F_HALF]
    mov edi, [rbx+S_HEAD]
    mov r10, rax
    cmp rax, rcx
    jb place
    mov edi, [rbx+S_TAIL]
    sub rax, rcx
    xor edx, edx
    div rcx
    mov r10, rdx
place:
    mov rdx, rcx
    sub rdx, r10                    # room
    cmp rdx, r14
    jbe fits
    mov rdx, r14
fits:
    mov rsi, r13
    call_kernel 18                  # pwrite64
    test rax, rax
    jle give_up
    add [rbx+S_TOTAL], rax
    add r13, rax
    sub r14, rax
    jnz next_part
    ret

# Shows r14 bytes at r13 to who looks for a line, line by line.
show:
    cmp dword ptr [rbx+S_WATCH], 0
    jl shown
    push r13
    push r14
next_byte:
    mov al, [r13]
    inc r13
    mov rcx, [rbx+S_LENGTH]
    cmp al, 10
    je line_ends
    cmp ecx, LINE - 1               # room for a line break
    jae too_long
    mov rdx, [rbx+S_LINE]
    mov [rdx+rcx], al
    inc qword ptr [rbx+S_LENGTH]
    jmp more_bytes
too_long:
    inc qword ptr [rbp+F_UNWATCHED]
    jmp more_bytes
line_ends:
    call send_line
    mov qword ptr [rbx+S_LENGTH], 0
more_bytes:
    dec r14
    jnz next_byte
    mov rax, [rbx+S_LENGTH]
    mov [rbx+S_PENDING], rax
    pop r14
    pop r13
shown:
    ret

# A line that has no end yet, as if it had.
show_unfinished:
    cmp qword ptr [rbx+S_PENDING], 0
    je shown
    mov qword ptr [rbx+S_PENDING], 0
send_line:
    mov rsi, [rbx+S_LINE]
    mov rdx, [rbx+S_LENGTH]
    mov byte ptr [rsi+rdx], 10
    inc rdx
send_rest:
    mov edi, [rbx+S_WATCH]
    test edi, edi
    js shown
    call_kernel 1                   # write
    test rax, rax
    jle nobody_looks
    add rsi, rax
    sub rdx, rax
    jnz send_rest
    ret
nobody_looks:
    mov edi, [rbx+S_WATCH]
    or dword ptr [rbx+S_WATCH], -1
    call_kernel 3
    ret

# How many processes the kernel has killed for want of memory → rax.
count_kills:
    xor r13d, r13d
read_on:
    mov edi, [rbp+F_VMSTAT]
    lea rsi, [rbp+F_BUFFER+r13]
    mov edx, BUFFER - 64
    sub edx, r13d
    mov r10, r13
    call_kernel 17                  # pread64: a page at a time
    test eax, eax
    js give_up
    add r13d, eax
    test eax, eax
    jnz read_on
    mov qword ptr [rbp+F_BUFFER+r13], 0
    movabs rax, 0x6c6c696b5f6d6f6f  # oom_kill
    lea rsi, [rbp+F_BUFFER]
    add r13, rsi
search:
    inc rsi
    cmp rsi, r13
    jae give_up
    cmp byte ptr [rsi-1], 10
    jne search
    cmp [rsi], rax
    jne search
    cmp byte ptr [rsi+8], ' '
    jne search
    add rsi, 9

# The number at rsi → rax; rsi is behind it.
    define_read_number

# Appends the text at rsi at rdi.
    define_append

# Appends a blank and the number rax.
append_number:
    mov byte ptr [rdi], ' '
    inc rdi
    define_append_digits

# Sends the event that ends at rdi.
send_event:
    mov byte ptr [rdi], 10
    lea rsi, [rbp+F_TEXT]
    lea rdx, [rdi+1]
    sub rdx, rsi
    mov edi, 4
    call_kernel 1
    must_work
    ret

# Signal edi gets the handler at F_WORK.
set_signal:
    lea rsi, [rbp+F_WORK]
    mov qword ptr [rsi+8], 0
    mov qword ptr [rsi+16], 0
    mov qword ptr [rsi+24], 0
    xor edx, edx
    mov r10d, 8
    call_kernel 13                  # rt_sigaction
    ret

# Writes 0 to the file rdi: enters a group, or is no longer spared. Nothing for `-`.
enter:
    cmp byte ptr [rdi], '-'
    je number_ends
    mov esi, 1                      # O_WRONLY
    call_kernel 2
    test eax, eax
    js refuse
    mov edi, eax
    lea rsi, [rip+zero_digit]
    mov edx, 1
    call_kernel 1
    dec eax
    jnz refuse
    call_kernel 3
    ret

move:
    call_kernel 33                  # dup2
    test eax, eax
    js refuse
    ret

create:
    mov esi, 0x80241                # O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
    mov edx, 0600
    call_kernel 2
    must_work
    ret

detach:
    mov esi, 2                      # MNT_DETACH
    call_kernel 166                 # umount2
    must_work
    ret

make_stream:
    lea rdi, [rbp+F_WORK]
    call make_pipe
    mov eax, [rbp+F_WORK]
    mov [rbx+S_PIPE], eax
    mov eax, [rbp+F_WORK+4]
    mov [rbx+S_WRITE], eax
    mov qword ptr [rbp+F_WORK], 0
    ret

make_pipe:
    mov esi, 0x80000                # O_CLOEXEC
    call_kernel 293                 # pipe2
    must_work
    ret

# Waits for the process edi: its status goes to rsi, its usage to r10.
reap:
    xor edx, edx
    call_kernel 61                  # wait4
    must_work
    ret

.include "keep.texts"
