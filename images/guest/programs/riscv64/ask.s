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

# Frame at s0:
.set F_ADDRESS, 0       # struct sockaddr_in
.set F_TIME, 16         # struct timeval or timespec
.set F_TEXT, 32         # an event
.set F_STATUS, 96       # the status that is waited for, 3 characters
.set F_REQUEST, 128
.set F_BUFFER, F_REQUEST + REQUEST
.set FRAME, F_BUFFER + BUFFER

.include "text.macros"

# s1: whether the connection is open still; s2: bytes of the request; s3: answers so far; s4: socket, then the status;
# s5: bytes of the answer; s6: the buffer; s7: a file.
.globl _start
_start:
    ld a1, 16(sp)                   # PORT
    ld t3, 24(sp)                   # STATUS
    make_frame FRAME
    place s6, F_BUFFER
    lbu t0, (t3)
    sb t0, F_STATUS(s0)
    lbu t0, 1(t3)
    sb t0, F_STATUS+1(s0)
    lbu t0, 2(t3)
    sb t0, F_STATUS+2(s0)
    sb zero, F_STATUS+3(s0)
    jal read_number
    li t0, 2                        # AF_INET
    sh t0, F_ADDRESS(s0)
    srli t0, a0, 8                  # the port, its higher byte first
    sb t0, F_ADDRESS+2(s0)
    sb a0, F_ADDRESS+3(s0)
    li t0, 0x0100007f
    sw t0, F_ADDRESS+4(s0)
    sd zero, F_ADDRESS+8(s0)
    lla a1, request
    li a2, 0                        # O_RDONLY
    open_file
    bltz a0, fail
    mv s7, a0
    addi a1, s0, F_REQUEST
    li a2, REQUEST
    call_kernel 63                  # read
    blez a0, fail
    mv s2, a0
    mv a0, s7
    call_kernel 57                  # close
    li s3, 0

again:
    li a0, 2                        # AF_INET
    li a1, 0x80001                  # SOCK_STREAM | SOCK_CLOEXEC
    li a2, 0
    call_kernel 198                 # socket
    bltz a0, fail
    mv s4, a0
    li a0, 30
    jal set_timeouts
    mv a0, s4
    addi a1, s0, F_ADDRESS
    li a2, 16
    call_kernel 203                 # connect
    bltz a0, not_connected
    mv a0, s4
    addi a1, s0, F_REQUEST
    mv a2, s2
    li a3, 0x4000                   # MSG_NOSIGNAL
    li a4, 0
    li a5, 0
    call_kernel 206                 # sendto: it is less than any socket takes at once
    li s5, 0
    li s1, 0
next_part:
    mv a0, s4
    add a1, s6, s5
    li a2, BUFFER
    sub a2, a2, s5
    beqz a2, still_open
    call_kernel 63                  # read
    li t0, -4                       # EINTR
    beq a0, t0, next_part
    li t0, -11                      # EAGAIN: the time is over
    beq a0, t0, quiet
    blez a0, answered               # the end, or a connection that was reset
    add s5, s5, a0
    li a0, 2                        # what has begun to answer goes on, or has said all
    jal set_timeouts
    j next_part
quiet:
    beqz s5, not_connected          # not a word: asked anew
still_open:
    li s1, 1
answered:
    mv a0, s4
    call_kernel 57                  # close
    addi s3, s3, 1
    lla a1, answer
    li a2, 0x80241                  # O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
    li a3, 0600
    open_file
    bltz a0, fail
    mv s7, a0
    mv a1, s6
    mv a2, s5
    call_kernel 64                  # write
    bne a0, s5, fail
    mv a0, s7
    call_kernel 57                  # close
    # `HTTP/1.1 200`
    li s4, 0x303030                 # `000`
    li t0, 12
    bltu s5, t0, tell
    lwu t0, (s6)
    li t1, 0x50545448
    bne t0, t1, tell
    lbu s4, 9(s6)
    lbu t0, 10(s6)
    slli t0, t0, 8
    or s4, s4, t0
    lbu t0, 11(s6)
    slli t0, t0, 16
    or s4, s4, t0
tell:
    addi t5, s0, F_TEXT
    lla a1, event
    jal append
    addi a1, s0, F_TIME             # three digits, or nothing that counts
    sw s4, (a1)
    jal read_number
    jal append_number
    mv a0, s3
    jal append_number
    mv a0, s1
    jal append_number
    append_character 10
    addi a1, s0, F_TEXT
    sub a2, t5, a1
    li a0, 4
    call_kernel 64
    bltz a0, fail
    li a0, 0
    lwu t0, F_STATUS(s0)
    beq s4, t0, exit
    li a0, 1
    li a1, 0
    j wait
not_connected:
    mv a0, s4
    call_kernel 57
    li a0, 0
    li a1, 100000000
wait:
    sd a0, F_TIME(s0)
    sd a1, F_TIME+8(s0)
    addi a0, s0, F_TIME
    li a1, 0
    call_kernel 101                 # nanosleep
    j again

fail:
    li a0, 1
exit:
    call_kernel 94                  # exit_group

# Reading and writing at the socket s4 end after a0 seconds.
set_timeouts:
    sd a0, F_TIME(s0)
    sd zero, F_TIME+8(s0)
    mv t3, ra
    li a2, 20                       # SO_RCVTIMEO
    jal set_timeout
    mv ra, t3
    li a2, 21                       # SO_SNDTIMEO
set_timeout:
    mv a0, s4
    li a1, 1                        # SOL_SOCKET
    addi a3, s0, F_TIME
    li a4, 16
    call_kernel 208                 # setsockopt
    ret

# The number at a1 -> a0.
    define_read_number
    define_append

    define_append_number

request: .asciz "request"
answer: .asciz "answer"
event: .asciz ".answer"
