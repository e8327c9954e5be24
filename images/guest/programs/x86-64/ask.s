# ask: requests a page of the subject over HTTP until it is answered with the status that is waited for.
#
#   ask PORT STATUS
#
# Run in the session's own folder: the request is in the file `request`, the last answer goes to the file `answer`, its
# first 8 KiB. Each answer is an event on descriptor 4: `answer STATUS COUNT OPEN`, behind a point as those of keep.
# STATUS is 0 for a connection that was closed without the first line of HTTP, COUNT the number of answers so far, OPEN
# is 1 where the server had not closed the connection when the answer was taken.
#
# A connection that is refused is tried again after 100 ms, another status after a second; what does not answer within
# 30 s is asked anew. Ends with 0 after the right answer, else only with 1, when a call failed that cannot.
#
# One program because busybox' wget dies of SIGSEGV in a guest, nothing else there speaks HTTP, and a client that commits
# more than its stack could decide over the tier of the next process.
.intel_syntax noprefix
.text
.set BUFFER, 8192
.set REQUEST, 4096

# Frame at rbp:
.set F_ADDRESS, 0       # struct sockaddr_in
.set F_TIME, 16         # struct timeval or timespec
.set F_TEXT, 32         # an event
.set F_STATUS, 96       # the status that is waited for, 3 characters
.set F_REQUEST, 128
.set F_BUFFER, F_REQUEST + REQUEST
.set FRAME, F_BUFFER + BUFFER

.include "text.macros"
.include "http.macros"

.globl _start
_start:
    mov rsi, [rsp+16]               # PORT
    mov rbx, [rsp+24]               # STATUS
    sub rsp, FRAME
    mov rbp, rsp
    mov ebx, [rbx]
    mov [rbp+F_STATUS], ebx
    call read_number
    set_address
    read_request
    xor r13d, r13d                  # answers so far

again:
    open_socket
    js fail
    mov r14d, eax
    mov eax, 30
    call set_timeouts
    connect_socket
    js not_connected
    send_request_text
    xor r15d, r15d                  # bytes of the answer
    xor ebx, ebx                    # whether the connection is open still
next_part:
    mov edi, r14d
    lea rsi, [rbp+F_BUFFER+r15]
    mov edx, BUFFER
    sub edx, r15d
    jz still_open
    xor eax, eax                    # read
    syscall
    cmp eax, -4                     # EINTR
    je next_part
    cmp eax, -11                    # EAGAIN: the time is over
    je quiet
    test eax, eax
    jle answered                    # the end, or a connection that was reset
    add r15d, eax
    mov eax, 2                      # what has begun to answer goes on, or has said all
    call set_timeouts
    jmp next_part
quiet:
    test r15d, r15d
    jz not_connected                # not a word: asked anew
still_open:
    mov ebx, 1
answered:
    mov edi, r14d
    call_kernel 3                   # close
    inc r13d
    lea rdi, [rip+answer]
    mov esi, 0x80241                # O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
    mov edx, 0600
    call_kernel 2                   # open
    test eax, eax
    js fail
    mov edi, eax
    lea rsi, [rbp+F_BUFFER]
    mov edx, r15d
    call_kernel 1                   # write
    cmp eax, r15d
    jne fail
    call_kernel 3                   # close
    # `HTTP/1.1 200`
    mov r14d, 0x20303030            # `000 `
    cmp r15d, 12
    jb tell
    cmp dword ptr [rbp+F_BUFFER], 0x50545448
    jne tell
    mov r14d, [rbp+F_BUFFER+9]
tell:
    and r14d, 0xffffff
    lea rdi, [rbp+F_TEXT]
    lea rsi, [rip+event]
    mov ecx, 7
    rep movsb
    lea rsi, [rbp+F_TIME]           # three digits, or nothing that counts
    mov [rsi], r14d
    call read_number
    call append_number
    mov eax, r13d
    call append_number
    mov eax, ebx
    call append_number
    mov byte ptr [rdi], 10
    lea rsi, [rbp+F_TEXT]
    lea rdx, [rdi+1]
    sub rdx, rsi
    mov edi, 4
    call_kernel 1
    test eax, eax
    js fail
    xor edi, edi
    cmp r14d, [rbp+F_STATUS]
    je exit
    mov eax, 1
    xor ecx, ecx
    jmp wait
not_connected:
    mov edi, r14d
    call_kernel 3
    xor eax, eax
    mov ecx, 100000000
wait:
    mov [rbp+F_TIME], rax
    mov [rbp+F_TIME+8], rcx
    lea rdi, [rbp+F_TIME]
    xor esi, esi
    call_kernel 35                  # nanosleep
    jmp again

fail:
    mov edi, 1
exit:
    call_kernel 231                 # exit_group

# Reading and writing at the socket r14 end after eax seconds.
set_timeouts:
    mov [rbp+F_TIME], rax
    mov qword ptr [rbp+F_TIME+8], 0
    mov edx, 20                     # SO_RCVTIMEO
    call set_timeout
    mov edx, 21                     # SO_SNDTIMEO
    define_set_timeout

# The number at rsi → rax.
    define_read_number eax, ecx

    define_append_number

request: .asciz "request"
answer: .asciz "answer"
event: .ascii ".answer"
