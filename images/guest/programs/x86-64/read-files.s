# read-files: prints files with each line behind its file's path and a colon, as `grep -H ''` does: read-files PATH ...
# A file that cannot be read is simply not there; a last line without a break gets one.
#
# Every clone runs it, and whatever code runs in a clone is translated anew: busybox' grep, a C library's start
# included, costs 4,400 translated blocks, this program 50. It takes 64 KiB of stack and no other memory.
#
# At rsp 4 KiB of the file, behind them what is to be written, 32 KiB at most. r12: next argument; r13: path;
# r14: descriptor; r15: whether a line begins; rsi, rbp: place in the file's bytes and their end; rdi: end of what is
# to be written.
.intel_syntax noprefix
.text
.globl _start
_start:
    lea r12, [rsp+16]               # argv + 1
    sub rsp, 65536
next_file:
    mov r13, [r12]
    add r12, 8
    test r13, r13
    jz leave
    mov eax, 2                      # open(path, O_RDONLY)
    mov rdi, r13
    xor esi, esi
    syscall
    mov r14d, eax
    test eax, eax
    js next_file
    mov r15d, 1
    lea rdi, [rsp+4096]
next_chunk:
    call flush
    xor eax, eax                    # read(fd, rsp, 4096)
    mov edi, r14d
    mov rsi, rsp
    mov edx, 4096
    syscall
    lea rdi, [rsp+4096]
    test eax, eax
    jle end_of_file
    mov rsi, rsp
    lea rbp, [rsp+rax]
next_byte:
    test r15d, r15d
    jz in_line
    lea rax, [rsp+28672]            # room for a path (4 KiB) and the rest of the bytes
    cmp rdi, rax
    jb room
    call flush
room:
    mov rdx, r13
prefix:
    mov al, [rdx]
    inc rdx
    test al, al
    jz prefix_end
    stosb
    jmp prefix
prefix_end:
    mov al, ':'
    stosb
in_line:
    lodsb
    stosb
    xor r15d, r15d
    cmp al, 10
    sete r15b
    cmp rsi, rbp
    jb next_byte
    jmp next_chunk
end_of_file:
    test r15d, r15d
    jnz close
    mov al, 10
    stosb
    call flush
close:
    mov eax, 3                      # close(fd)
    mov edi, r14d
    syscall
    jmp next_file
leave:
    mov eax, 60                     # exit(0)
    xor edi, edi
    syscall

flush:                              # write(1, rsp + 4096, up to rdi)
    push rsi
    lea rsi, [rsp+4112]
    mov rdx, rdi
    sub rdx, rsi
again:
    jz flushed
    mov eax, 1
    mov edi, eax
    syscall
    test rax, rax
    js leave                        # nobody listens any more
    add rsi, rax                    # a port takes what it has room for
    sub rdx, rax
    jmp again
flushed:
    lea rdi, [rsp+4112]
    pop rsi
    ret
