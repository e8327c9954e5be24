# confine: forbids memory both writable and executable, or asks whether it is.
#
#   confine prctl PROGRAM ...     calls prctl(PR_SET_MDWE) and starts the program
#   confine seccomp PROGRAM ...   puts the filter before it that systemd's MemoryDenyWriteExecute= uses where the kernel
#                                 is older than 6.3
#   confine read                  asks for such memory and ends with the errno that refused it: 0 none, 1 the filter,
#                                 13 the kernel
#
# No shell tool makes these calls. s2 collects their results.
.text
.include "text.macros"

.globl _start
_start:
    mv s0, sp
    ld a0, 16(s0)                   # argv[1]
    lbu a1, (a0)
    li s2, 0
    li t0, 'r'
    beq a1, t0, read
    li t0, 's'
    beq a1, t0, seccomp
    li a0, 65                       # prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN)
    li a1, 1
    jal prctl
    j exec
seccomp:
    li a0, 38                       # prctl(PR_SET_NO_NEW_PRIVS, 1)
    li a1, 1
    jal prctl
    addi sp, sp, -16                # struct sock_fprog on the stack: instructions, and the filter
    li t0, 13
    sd t0, (sp)
    lla t0, filter
    sd t0, 8(sp)
    li a0, 22                       # prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, fprog)
    li a1, 2
    mv a2, sp
    jal prctl4
exec:
    bnez s2, fail
    ld a0, 24(s0)                   # execve(argv[2], argv + 2, envp)
    addi a1, s0, 24
    ld a2, (s0)
    slli a2, a2, 3
    add a2, a1, a2
    addi a2, a2, -8
    call_kernel 221
fail:
    li a0, 125
    j exit
prctl:
    li a2, 0
prctl4:
    li a3, 0
    li a4, 0
    call_kernel 167
    or s2, s2, a0
    ret
read:
    li a0, 0                        # mmap(0, 4096, READ | WRITE | EXEC, PRIVATE | ANONYMOUS, -1, 0)
    li a1, 4096
    li a2, 7
    li a3, 0x22
    li a4, -1
    li a5, 0
    call_kernel 222
    neg a0, a0                      # -errno, or an address
    bgtz a0, exit
    li a0, 0
exit:
    call_kernel 93

# struct sock_filter: operation, jumps when true and when false, operand. Jumps count the instructions left out. Calls
# and conditions as in systemd's filter, but for shmat, which no engine calls.
.set FETCH, 0x20
.set JUMP_EQUAL, 0x15
.set JUMP_ANY_BIT, 0x45
.set MASK, 0x54
.set RETURN, 0x06
.set PROTECTION, 16 + 8 * 2         # lower half of the third argument in struct seccomp_data

.macro instruction operation, when_true, when_false, operand
    .short \operation
    .byte \when_true, \when_false
    .long \operand
.endm

.balign 8
filter:
    instruction FETCH, 0, 0, 4              # 0: architecture
    instruction JUMP_EQUAL, 0, 9, 0xc00000f3 # 1: not riscv64 -> 11
    instruction FETCH, 0, 0, 0              # 2: number of the call
    instruction JUMP_EQUAL, 2, 0, 222       # 3: mmap -> 6
    instruction JUMP_EQUAL, 4, 0, 226       # 4: mprotect -> 9
    instruction JUMP_EQUAL, 3, 5, 288       # 5: pkey_mprotect -> 9, any other -> 11
    instruction FETCH, 0, 0, PROTECTION     # 6
    instruction MASK, 0, 0, 6               # 7: WRITE and EXEC
    instruction JUMP_EQUAL, 3, 2, 6         # 8: both -> 12, else 11
    instruction FETCH, 0, 0, PROTECTION     # 9
    instruction JUMP_ANY_BIT, 1, 0, 4       # 10: EXEC -> 12, else 11
    instruction RETURN, 0, 0, 0x7fff0000    # 11: SECCOMP_RET_ALLOW
    instruction RETURN, 0, 0, 0x00050001    # 12: SECCOMP_RET_ERRNO, EPERM
