# load: sends requests to the subject one after another, and says how much processor time each number of them took it.
#
#   load PORT PID STATUS COUNT ...
#
# Run in the session's own folder: the request is in the file `request`. A connection serves as many requests as the server
# allows. For each COUNT it sends so many requests and writes an event to descriptor 4, behind a point as those of keep:
#
#   load COUNT RIGHT CONNECTIONS NANOSECONDS STATUS
#
# RIGHT is the number of answers with the status that is waited for, CONNECTIONS the number opened for them, NANOSECONDS the
# processor time of all threads of process PID in the meantime, those that have ended included; under `-icount shift=0` that
# is the number of its instructions, kernel included. STATUS is that of the last answer, 0 if that is no HTTP or none came
# within 30 s. The first answer with another status is the end: exit code 1 after its event, as where a call fails that
# cannot; else 0 after the last COUNT.
#
# An answer ends by its Content-Length, by the last chunk, or with its connection, and is at most 8 KiB.
#
# One program because a client with a heap would count against the limits that the tier of the subject depends on, and one
# process per request would be most of what the guest does. It takes 13 KiB of stack and no other memory.
.intel_syntax noprefix
.text
.set BUFFER, 8192
.set REQUEST, 4096

# Frame at rbp:
.set F_ADDRESS, 0       # struct sockaddr_in
.set F_TIME, 16         # struct timeval or timespec
.set F_TEXT, 32         # an event
.set F_CLOCK, 160       # the clock of the process
.set F_STATUS, 164      # the status that is waited for, 3 characters
.set F_SEEN, 168        # the last status, and a byte 0
.set F_FRESH, 172       # whether the connection is new
.set F_COUNT, 176
.set F_BEFORE, 184      # the clock before the first request
.set F_OPENED, 192      # connections
.set F_REQUEST, 256
.set F_BUFFER, F_REQUEST + REQUEST
.set FRAME, F_BUFFER + BUFFER

.include "text.macros"
.include "http.macros"

# rbx: the next COUNT, r12: bytes of the request, r13: right answers, r14: the connection or -1, r15: bytes of the answer.
.globl _start
_start:
    lea rbx, [rsp+40]               # COUNT ...
    mov rsi, [rsp+32]               # STATUS
    mov edx, [rsi]
    mov rsi, [rsp+24]               # PID
    mov rdi, [rsp+16]               # PORT
    sub rsp, FRAME
    mov rbp, rsp
    mov [rbp+F_STATUS], edx
    call read_number
    not eax
    lea eax, [rax*8+2]              # CPUCLOCK_SCHED of a whole process
    mov [rbp+F_CLOCK], eax
    mov rsi, rdi
    call read_number
    set_address
    read_request
    or r14d, -1

next_count:
    mov rsi, [rbx]
    xor edi, edi
    test rsi, rsi
    jz exit
    add rbx, 8
    call read_number
    mov [rbp+F_COUNT], rax
    xor r13d, r13d
    mov [rbp+F_OPENED], r13
    call read_clock
    mov [rbp+F_BEFORE], rax
next_request:
    cmp r13, [rbp+F_COUNT]
    jae counted
    call send_request
    mov [rbp+F_SEEN], eax
    cmp eax, [rbp+F_STATUS]
    jne counted
    inc r13
    jmp next_request
counted:
    call read_clock
    sub rax, [rbp+F_BEFORE]
    push rax
    lea rdi, [rbp+F_TEXT]
    lea rsi, [rip+event]
    mov ecx, 5
    rep movsb
    mov rax, [rbp+F_COUNT]
    call append_number
    mov rax, r13
    call append_number
    mov rax, [rbp+F_OPENED]
    call append_number
    pop rax
    call append_number
    lea rsi, [rbp+F_SEEN]           # three digits, or nothing that counts
    call read_number
    call append_number
    mov byte ptr [rdi], 10
    lea rsi, [rbp+F_TEXT]
    lea rdx, [rdi+1]
    sub rdx, rsi
    mov edi, 4
    call_kernel 1                   # write
    test eax, eax
    js fail
    cmp r13, [rbp+F_COUNT]
    je next_count
fail:
    mov edi, 1
exit:
    call_kernel 231                 # exit_group

# Sends the request, on a new connection where there is none, and takes the answer. Its status, 3 characters → eax.
send_request:
    mov dword ptr [rbp+F_FRESH], 0
    test r14d, r14d
    jns send_it
connect_it:
    open_socket
    js no_answer
    mov r14d, eax
    mov qword ptr [rbp+F_TIME], 30
    mov qword ptr [rbp+F_TIME+8], 0
    mov edx, 20                     # SO_RCVTIMEO
    call set_timeout
    mov edx, 21                     # SO_SNDTIMEO
    call set_timeout
    inc qword ptr [rbp+F_OPENED]
    mov dword ptr [rbp+F_FRESH], 1
    connect_socket
    js broken
send_it:
    xor r15d, r15d
    send_request_text
    test eax, eax
    js broken
next_part:
    mov edi, r14d
    lea rsi, [rbp+F_BUFFER+r15]
    mov edx, BUFFER
    sub edx, r15d
    jz broken                       # longer than an answer may be
    xor eax, eax                    # read
    syscall
    cmp eax, -4                     # EINTR
    je next_part
    test eax, eax
    jz ended
    js broken
    add r15d, eax
    call is_whole
    jne next_part
take_status:
    # `HTTP/1.1 200`
    xor eax, eax
    cmp r15d, 12
    jb no_status
    cmp dword ptr [rbp+F_BUFFER], 0x50545448
    jne no_status
    mov eax, [rbp+F_BUFFER+9]
    and eax, 0xffffff
no_status:
    ret
ended:
    # The end of an answer that has no other; of one that has, or of a connection that was used before, it is none.
    call close_it
    test r15d, r15d
    jz unused
    test r8d, r8d
    jz no_answer
    jmp take_status
broken:
    call close_it
    test r15d, r15d
    jnz no_answer
unused:
    # A server may close a connection after any answer: once more, on a new one.
    cmp dword ptr [rbp+F_FRESH], 0
    je connect_it
no_answer:
    xor eax, eax
    ret

close_it:
    mov edi, r14d
    or r14d, -1
    push r8
    call_kernel 3                   # close
    pop r8
    ret

# Whether the answer is whole: equal if so. r8: 1 where only the end of its connection can be its end.
is_whole:
    xor r8d, r8d
    lea rsi, [rbp+F_BUFFER]
    lea rdx, [rsi+r15-3]            # behind the last place for the blank line
find_body:
    cmp rsi, rdx
    jae is_part
    cmp dword ptr [rsi], 0x0a0d0a0d
    je found_body
    inc rsi
    jmp find_body
found_body:
    lea rdi, [rsi+4]
    add rdx, 3                      # behind the answer
    lea rsi, [rbp+F_BUFFER]
    movabs r9, 0x2020202020202020
    movabs r10, 0x3a6874676e656c2d  # `-length:`
    movabs r11, 0x2d64656b6e756863  # `chunked` and the end of a line
find_length:
    mov rax, [rsi]
    or rax, r9                      # capitals become small, a carriage return a minus
    cmp rax, r10
    je has_length
    cmp rax, r11
    je has_chunks
    inc rsi
    cmp rsi, rdi
    jb find_length
    mov r8d, 1
is_part:
    test rsp, rsp                   # not equal
    ret
has_length:
    add rsi, 8
skip_blanks:
    lodsb
    cmp al, ' '
    je skip_blanks
    dec rsi
    call read_number
    add rax, rdi
    cmp rdx, rax
    jb is_part
    cmp eax, eax
    ret
has_chunks:
    sub rdx, 5
    cmp rdx, rdi
    jb is_part
    cmp word ptr [rdx-1], 0x300a    # a line break, 0
    jne is_part
    cmp dword ptr [rdx+1], 0x0a0d0a0d
    ret

# Nanoseconds of the process so far → rax.
read_clock:
    mov edi, [rbp+F_CLOCK]
    movsxd rdi, edi
    lea rsi, [rbp+F_TIME]
    call_kernel 228                 # clock_gettime
    test eax, eax
    js fail                         # it has ended
    imul rax, [rbp+F_TIME], 1000000000
    add rax, [rbp+F_TIME+8]
    ret

# One of the times after which reading and writing at the socket r14 fail.
    define_set_timeout

# The number at rsi → rax; rsi is behind it.
    define_read_number

    define_append_number

request: .asciz "request"
event: .ascii ".load"
