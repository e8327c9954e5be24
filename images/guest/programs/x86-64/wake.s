# wake: gives a guest the right time and fresh randomness, at once. wake.ts has the reasons.
#
# Reads a struct timespec (seconds, nanoseconds) and a seed from standard input; ends with 0 or 1. Writes a line break
# first: what waits for it knows that it is about to read. A message of another length changes nothing.
.intel_syntax noprefix
.text
.set SEED, 32
.set MESSAGE, 16 + SEED

.globl _start
_start:
    sub rsp, MESSAGE
    mov eax, 2                      # ebp = open("/dev/urandom", O_WRONLY)
    lea rdi, [rip+urandom]
    mov esi, 1
    syscall
    mov ebp, eax
    mov eax, 1                      # write(1, "\n", 1)
    mov edi, eax
    lea rsi, [rip+line_break]
    mov edx, eax
    syscall
    xor eax, eax                    # ebx = read(0, message, MESSAGE) - MESSAGE
    xor edi, edi
    mov rsi, rsp
    mov edx, MESSAGE
    syscall
    mov ebx, eax
    sub ebx, MESSAGE
    jnz leave
    mov eax, 227                    # ebx |= clock_settime(CLOCK_REALTIME, message)
    xor edi, edi
    mov rsi, rsp
    syscall
    or ebx, eax
    mov eax, 1                      # ebx |= write(ebp, seed, SEED) - SEED
    mov edi, ebp
    lea rsi, [rsp+16]
    mov edx, SEED
    syscall
    sub eax, SEED
    or ebx, eax
    mov eax, 16                     # ebx |= ioctl(ebp, RNDRESEEDCRNG, 0)
    mov edi, ebp
    mov esi, 0x5207
    xor edx, edx
    syscall
    or ebx, eax
leave:
    xor edi, edi                    # exit(ebx != 0)
    test ebx, ebx
    setne dil
    mov eax, 60
    syscall

urandom: .asciz "/dev/urandom"
line_break: .ascii "\n"
