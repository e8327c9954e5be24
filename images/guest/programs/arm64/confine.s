# confine: forbids memory both writable and executable, or asks whether it is.
#
#   confine prctl PROGRAM ...     calls prctl(PR_SET_MDWE) and starts the program
#   confine seccomp PROGRAM ...   puts the filter before it that systemd's MemoryDenyWriteExecute= uses where the kernel
#                                 is older than 6.3
#   confine read                  asks for such memory and ends with the errno that refused it: 0 none, 1 the filter,
#                                 13 the kernel
#
# No shell tool makes these calls. w20 collects their results.
.text
.include "text.macros"

.globl _start
_start:
    ldr x0, [sp, #16]               // argv[1]
    ldrb w1, [x0]
    mov w20, #0
    cmp w1, #'r'
    b.eq read
    cmp w1, #'s'
    b.eq seccomp
    mov x0, #65                     // prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN)
    mov x1, #1
    bl prctl
    b exec
seccomp:
    mov x0, #38                     // prctl(PR_SET_NO_NEW_PRIVS, 1)
    mov x1, #1
    bl prctl
    mov x3, #13                     // struct sock_fprog on the stack: instructions, and the filter
    adr x4, filter
    stp x3, x4, [sp, #-16]!
    mov x2, sp
    mov x0, #22                     // prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, fprog)
    mov x1, #2
    bl prctl4
    add sp, sp, #16
exec:
    cbnz w20, fail
    ldr x0, [sp, #24]               // execve(argv[2], argv + 2, envp)
    add x1, sp, #24
    ldr x2, [sp]
    add x2, x1, x2, lsl #3
    sub x2, x2, #8
    call_kernel 221
fail:
    mov w0, #125
    b exit
prctl:
    mov x2, #0
prctl4:
    mov x3, #0
    mov x4, #0
    call_kernel 167
    orr w20, w20, w0
    ret
read:
    mov x0, #0                      // mmap(0, 4096, READ | WRITE | EXEC, PRIVATE | ANONYMOUS, -1, 0)
    mov x1, #4096
    mov x2, #7
    mov x3, #0x22
    mov x4, #-1
    mov x5, #0
    call_kernel 222
    cmp x0, #0
    csneg w0, wzr, w0, ge           // -errno
exit:
    call_kernel 93

# struct sock_filter: operation, jumps when true and when false, operand. Jumps count the instructions left out. Calls
# and conditions as in systemd's filter, but for shmat, which no engine calls.
.set FETCH, 0x20
.set JUMP_EQUAL, 0x15
.set JUMP_ANY_BIT, 0x45
.set MASK, 0x54
.set RETURN, 0x06
.set PROTECTION, 16 + 8 * 2         // lower half of the third argument in struct seccomp_data

.macro instruction operation, when_true, when_false, operand
    .short \operation
    .byte \when_true, \when_false
    .long \operand
.endm

.balign 8
filter:
    instruction FETCH, 0, 0, 4              // 0: architecture
    instruction JUMP_EQUAL, 0, 9, 0xc00000b7 // 1: not arm64 -> 11
    instruction FETCH, 0, 0, 0              // 2: number of the call
    instruction JUMP_EQUAL, 2, 0, 222       // 3: mmap -> 6
    instruction JUMP_EQUAL, 4, 0, 226       // 4: mprotect -> 9
    instruction JUMP_EQUAL, 3, 5, 288       // 5: pkey_mprotect -> 9, any other -> 11
    instruction FETCH, 0, 0, PROTECTION     // 6
    instruction MASK, 0, 0, 6               // 7: WRITE and EXEC
    instruction JUMP_EQUAL, 3, 2, 6         // 8: both -> 12, else 11
    instruction FETCH, 0, 0, PROTECTION     // 9
    instruction JUMP_ANY_BIT, 1, 0, 4       // 10: EXEC -> 12, else 11
    instruction RETURN, 0, 0, 0x7fff0000    // 11: SECCOMP_RET_ALLOW
    instruction RETURN, 0, 0, 0x00050001    // 12: SECCOMP_RET_ERRNO, EPERM
