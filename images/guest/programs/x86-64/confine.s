# confine: forbids memory both writable and executable, or asks whether it is.
#
#   confine prctl PROGRAM ...     calls prctl(PR_SET_MDWE) and starts the program
#   confine seccomp PROGRAM ...   puts the filter before it that systemd's MemoryDenyWriteExecute= uses where the kernel
#                                 is older than 6.3
#   confine read                  asks for such memory and ends with the errno that refused it: 0 none, 1 the filter,
#                                 13 the kernel
#
# No shell tool makes these calls. r12 collects their results; the kernel starts a program with zeroes in all registers.
.intel_syntax noprefix
.text
.globl _start
_start:
    mov rdi, [rsp+16]               # argv[1]
    mov bl, [rdi]
    cmp bl, 'r'
    je read
    cmp bl, 's'
    je seccomp
    mov edi, 65                     # prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN)
    push 1
    pop rsi
    call prctl
    jmp exec
seccomp:
    mov edi, 38                     # prctl(PR_SET_NO_NEW_PRIVS, 1)
    push 1
    pop rsi
    call prctl
    lea rdx, [rip+filter]           # struct sock_fprog on the stack
    push rdx
    push 13                         # instructions of it
    mov rdx, rsp
    mov edi, 22                     # prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, fprog)
    push 2
    pop rsi
    call prctl4
    pop rax
    pop rax
exec:
    test r12d, r12d
    jnz fail
    mov rdi, [rsp+24]               # execve(argv[2], argv + 2, envp)
    lea rsi, [rsp+24]
    mov rax, [rsp]
    lea rdx, [rsp+rax*8+16]
    mov eax, 59
    syscall
fail:
    mov edi, 125
    jmp exit
prctl:
    xor edx, edx
prctl4:
    xor r10d, r10d
    xor r8d, r8d
    mov eax, 157
    syscall
    or r12d, eax
    ret
read:
    xor edi, edi                    # mmap(0, 4096, READ | WRITE | EXEC, PRIVATE | ANONYMOUS, -1, 0)
    mov esi, 4096
    mov edx, 7
    mov r10d, 0x22
    or r8, -1
    xor r9d, r9d
    mov eax, 9
    syscall
    xor edi, edi
    test rax, rax
    jns exit
    mov edi, eax                    # -errno
    neg edi
exit:
    mov eax, 60
    syscall

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

filter:
    instruction FETCH, 0, 0, 4              # 0: architecture
    instruction JUMP_EQUAL, 0, 9, 0xc000003e # 1: not x86-64 -> 11
    instruction FETCH, 0, 0, 0              # 2: number of the call
    instruction JUMP_EQUAL, 2, 0, 9         # 3: mmap -> 6
    instruction JUMP_EQUAL, 4, 0, 10        # 4: mprotect -> 9
    instruction JUMP_EQUAL, 3, 5, 329       # 5: pkey_mprotect -> 9, any other -> 11
    instruction FETCH, 0, 0, PROTECTION     # 6
    instruction MASK, 0, 0, 6               # 7: WRITE and EXEC
    instruction JUMP_EQUAL, 3, 2, 6         # 8: both -> 12, else 11
    instruction FETCH, 0, 0, PROTECTION     # 9
    instruction JUMP_ANY_BIT, 1, 0, 4       # 10: EXEC -> 12, else 11
    instruction RETURN, 0, 0, 0x7fff0000    # 11: SECCOMP_RET_ALLOW
    instruction RETURN, 0, 0, 0x00050001    # 12: SECCOMP_RET_ERRNO, EPERM
