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
.text
.set BUFFER, 8192
.set REQUEST, 4096

# Frame at x29:
.set F_ADDRESS, 0       // struct sockaddr_in
.set F_TIME, 16         // struct timeval or timespec
.set F_TEXT, 32         // an event
.set F_STATUS, 96       // the status that is waited for, 3 characters
.set F_REQUEST, 128
.set F_BUFFER, F_REQUEST + REQUEST
.set FRAME, F_BUFFER + BUFFER

.include "text.macros"

# x19: whether the connection is open still; x20: bytes of the request; x21: answers so far; x22: socket, then the
# status; x23: bytes of the answer; x24: the buffer.
.globl _start
_start:
    ldr x1, [sp, #16]               // PORT
    ldr x4, [sp, #24]               // STATUS
    make_frame FRAME
    place x24, F_BUFFER
    ldr w4, [x4]
    str w4, [x29, #F_STATUS]
    bl read_number
    rev16 w0, w0
    mov w1, #2                      // AF_INET
    strh w1, [x29, #F_ADDRESS]
    strh w0, [x29, #F_ADDRESS+2]
    ldr w1, =0x0100007f
    str w1, [x29, #F_ADDRESS+4]
    str xzr, [x29, #F_ADDRESS+8]
    adr x1, request
    mov w2, #0                      // O_RDONLY
    open_file
    tbnz w0, #31, fail
    mov x9, x0
    add x1, x29, #F_REQUEST
    mov x2, #REQUEST
    call_kernel 63                  // read
    cmp w0, #0
    b.le fail
    mov w20, w0
    mov x0, x9
    call_kernel 57                  // close
    mov w21, #0

again:
    mov x0, #2                      // AF_INET
    ldr w1, =0x80001                // SOCK_STREAM | SOCK_CLOEXEC
    mov x2, #0
    call_kernel 198                 // socket
    tbnz w0, #31, fail
    mov w22, w0
    mov x0, #30
    bl set_timeouts
    mov w0, w22
    add x1, x29, #F_ADDRESS
    mov x2, #16
    call_kernel 203                 // connect
    tbnz w0, #31, not_connected
    mov w0, w22
    add x1, x29, #F_REQUEST
    mov w2, w20
    mov x3, #0x4000                 // MSG_NOSIGNAL
    mov x4, #0
    mov x5, #0
    call_kernel 206                 // sendto: it is less than any socket takes at once
    mov w23, #0
    mov w19, #0
next_part:
    mov w0, w22
    add x1, x24, x23
    mov w2, #BUFFER
    subs w2, w2, w23
    b.eq still_open
    call_kernel 63                  // read
    cmn w0, #4                      // EINTR
    b.eq next_part
    cmn w0, #11                     // EAGAIN: the time is over
    b.eq quiet
    cmp w0, #0
    b.le answered                   // the end, or a connection that was reset
    add w23, w23, w0
    mov x0, #2                      // what has begun to answer goes on, or has said all
    bl set_timeouts
    b next_part
quiet:
    cbz w23, not_connected          // not a word: asked anew
still_open:
    mov w19, #1
answered:
    mov w0, w22
    call_kernel 57                  // close
    add w21, w21, #1
    adr x1, answer
    ldr w2, =0x80241                // O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
    mov w3, #0600
    open_file
    tbnz w0, #31, fail
    mov x9, x0
    mov x1, x24
    mov w2, w23
    call_kernel 64                  // write
    cmp w0, w23
    b.ne fail
    mov x0, x9
    call_kernel 57                  // close
    // `HTTP/1.1 200`
    ldr w22, =0x20303030            // `000 `
    cmp w23, #12
    b.lo tell
    ldr w0, [x24]
    ldr w1, =0x50545448
    cmp w0, w1
    b.ne tell
    ldur w22, [x24, #9]
tell:
    and w22, w22, #0xffffff
    add x10, x29, #F_TEXT
    adr x1, event
    bl append
    add x1, x29, #F_TIME            // three digits, or nothing that counts
    str w22, [x1]
    bl read_number
    bl append_number
    mov w0, w21
    bl append_number
    mov w0, w19
    bl append_number
    mov w0, #10
    strb w0, [x10], #1
    add x1, x29, #F_TEXT
    sub x2, x10, x1
    mov x0, #4
    call_kernel 64
    tbnz w0, #31, fail
    mov w0, #0
    ldr w1, [x29, #F_STATUS]
    cmp w22, w1
    b.eq exit
    mov x0, #1
    mov x1, #0
    b wait
not_connected:
    mov w0, w22
    call_kernel 57
    mov x0, #0
    ldr w1, =100000000
wait:
    stp x0, x1, [x29, #F_TIME]
    add x0, x29, #F_TIME
    mov x1, #0
    call_kernel 101                 // nanosleep
    b again

fail:
    mov w0, #1
exit:
    call_kernel 94                  // exit_group

# Reading and writing at the socket w22 end after x0 seconds.
set_timeouts:
    stp x0, xzr, [x29, #F_TIME]
    mov x5, x30
    mov x2, #20                     // SO_RCVTIMEO
    bl set_timeout
    mov x30, x5
    mov x2, #21                     // SO_SNDTIMEO
set_timeout:
    mov w0, w22
    mov x1, #1                      // SOL_SOCKET
    add x3, x29, #F_TIME
    mov x4, #16
    call_kernel 208                 // setsockopt
    ret

# The number at x1 -> x0.
    define_read_number
    define_append

    define_append_number

request: .asciz "request"
answer: .asciz "answer"
event: .asciz ".answer"
