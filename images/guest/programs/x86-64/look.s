# look: prints what the kernel's files show of the subject's largest process, while it runs.
#
#   look PID
#
# Run in the session's own folder. Of the processes from PID on, those in the subject's PID namespace count, all but its
# init; the one with the largest VmSize is shown: its largest mappings, 8 at most, as lines of /proc/PID/maps behind
# `process/maps:`; behind `process/count:` the number of its mappings and of the subject's processes; then, as read-files
# prints them, its status and stat and the machine's meminfo. Their paths begin with two slashes, which tells them from the
# facts that were read before the start. Without such a process it prints nothing.
#
# One program because a shell takes 1,400 calls to read one status, and because there may be more mappings than the port
# carries. It takes 15 KiB of stack and no other memory.
.intel_syntax noprefix
.text
.include "look.layout"
.include "text.macros"

# rbp: the frame, rbx: PID, r12: the chosen process, r13: its VmSize, r14: number of processes, r15: the folder.
.globl _start
_start:
    mov rsi, [rsp+16]
    call read_number
    mov rbx, rax
    sub rsp, FRAME
    mov rbp, rsp
    xor r12d, r12d
    xor r13d, r13d
    xor r14d, r14d
    lea rdi, [rip+proc+1]
    mov esi, 0x10000                # O_RDONLY | O_DIRECTORY
    call_kernel 2                   # open
    test eax, eax
    js leave
    mov r15d, eax
more_entries:
    mov edi, r15d
    lea rsi, [rbp+F_ENTRIES]
    mov [rbp+F_AT], rsi
    mov edx, 4096
    call_kernel 217                 # getdents64
    test eax, eax
    jle chosen
    lea rdx, [rsi+rax]
    mov [rbp+F_END], rdx
next_entry:
    mov rsi, [rbp+F_AT]
    cmp rsi, [rbp+F_END]
    jae more_entries
    movzx eax, word ptr [rsi+16]    # d_reclen
    add [rbp+F_AT], rax
    add rsi, 19                     # d_name
    call read_number
    cmp byte ptr [rsi], 0
    jne next_entry
    cmp rax, rbx
    jb next_entry
    mov [rbp+F_PID], rax
    lea rdi, [rbp+F_PATH]
    lea rsi, [rip+status]
    call open_file
    js next_entry
    mov edi, eax
    lea rsi, [rbp+F_TEXT]
    mov edx, TEXT
    xor eax, eax                    # read: the whole file at once
    syscall
    mov r8d, eax
    call_kernel 3                   # close
    test r8d, r8d
    jle next_entry
    mov qword ptr [rbp+F_TEXT+r8], 0
    movabs rax, 0x093a646970534e0a  # \nNSpid:\t
    call find
    jne next_entry
    # Its number in each namespace: the session's first.
    call read_number
    xor r9d, r9d
inner:
    cmp byte ptr [rsi], 9
    jne innermost
    inc rsi
    inc r9d
    call read_number
    jmp inner
innermost:
    test r9d, r9d
    jz next_entry                   # one of the session's own
    dec r9d
    jnz is_subject
    dec eax
    jz next_entry                   # init of the namespace
is_subject:
    movabs rax, 0x3a657a69536d560a  # \nVmSize:
    call find
    jne next_entry                  # it has ended
blanks:
    lodsb
    cmp al, ' '
    jbe blanks
    dec rsi
    call read_number
    inc r14
    cmp rax, r13
    jbe next_entry
    mov r13, rax
    mov r12, [rbp+F_PID]
    jmp next_entry

# rbx: the file of mappings, r13: their number, r15: length of the line.
chosen:
    test r12, r12
    jz leave
    mov [rbp+F_PID], r12
    lea rdi, [rbp+F_TOP]
    mov ecx, ENTRIES * ENTRY / 8
    xor eax, eax
    rep stosq
    lea rdi, [rbp+F_PATH]
    lea rsi, [rip+maps]
    call open_file
    js leave
    mov ebx, eax
    xor r13d, r13d
    xor r15d, r15d
more_lines:
    mov edi, ebx
    lea rsi, [rbp+F_TEXT]
    mov edx, TEXT
    xor eax, eax                    # read
    syscall
    test eax, eax
    jle mapped
    lea rdx, [rsi+rax]
    mov [rbp+F_END], rdx
next_byte:
    lodsb
    cmp al, 10
    je line_ends
    cmp r15d, LINE - 1
    jae byte_done
    mov [rbp+F_LINE+r15], al
    inc r15d
byte_done:
    cmp rsi, [rbp+F_END]
    jb next_byte
    jmp more_lines
line_ends:
    mov [rbp+F_LINE+r15], al
    inc r15d
    inc r13d
    mov r8, rsi
    lea rsi, [rbp+F_LINE]
    call read_hex
    mov r9, rax
    inc rsi                         # -
    call read_hex
    sub rax, r9
    # The smallest of those that are kept goes.
    lea rdi, [rbp+F_TOP]
    mov rdx, rdi
    mov ecx, ENTRIES
smallest:
    mov r10, [rdi]
    cmp r10, [rdx]
    cmovb rdx, rdi
    add rdi, ENTRY
    dec ecx
    jnz smallest
    cmp rax, [rdx]
    jbe line_done
    mov [rdx], rax
    mov [rdx+8], r15
    lea rdi, [rdx+16]
    lea rsi, [rbp+F_LINE]
    mov ecx, r15d
    rep movsb
line_done:
    mov rsi, r8
    xor r15d, r15d
    jmp byte_done

mapped:
    lea rdi, [rbp+F_TEXT]
    lea rbx, [rbp+F_TOP]
    mov r15d, ENTRIES
next_kept:
    mov rdx, [rbx+8]
    test rdx, rdx
    jz kept_done
    lea rsi, [rip+maps_label]
    call append
    lea rsi, [rbx+16]
    mov ecx, edx
    rep movsb
kept_done:
    add rbx, ENTRY
    dec r15d
    jnz next_kept
    lea rsi, [rip+count_label]
    call append
    mov rax, r13
    call append_number
    mov al, ' '
    stosb
    mov rax, r14
    call append_number
    mov al, 10
    stosb
    lea rsi, [rbp+F_TEXT]
    mov rdx, rdi
    sub rdx, rsi
write_rest:
    mov edi, 1
    call_kernel 1                   # write
    test rax, rax
    jle leave
    add rsi, rax                    # a port takes what it has room for
    sub rdx, rax
    jnz write_rest

    lea rdi, [rip+read_files]
    mov [rbp+F_ARGUMENTS], rdi
    lea rdi, [rbp+F_STATUS]
    mov [rbp+F_ARGUMENTS+8], rdi
    lea rsi, [rip+status]
    call build_path
    lea rdi, [rbp+F_STAT]
    mov [rbp+F_ARGUMENTS+16], rdi
    lea rsi, [rip+stat]
    call build_path
    lea rdi, [rip+meminfo]
    mov [rbp+F_ARGUMENTS+24], rdi
    mov qword ptr [rbp+F_ARGUMENTS+32], 0
    lea rdi, [rip+read_files]
    lea rsi, [rbp+F_ARGUMENTS]
    xor edx, edx
    call_kernel 59                  # execve
leave:
    xor edi, edi
    call_kernel 60                  # exit

# Opens the file rsi of the process F_PID, with its path at rdi. Sets the flags by its descriptor in eax.
open_file:
    push rdi
    call build_path
    pop rdi
    xor esi, esi                    # O_RDONLY
    call_kernel 2                   # open
    test eax, eax
    ret

# //proc/F_PID/ and rsi, at rdi.
build_path:
    push rsi
    lea rsi, [rip+proc]
    call append
    mov rax, [rbp+F_PID]
    call append_number
    mov al, '/'
    stosb
    pop rsi
    call append
    mov byte ptr [rdi], 0
    ret

# Looks for the 8 bytes rax in F_TEXT up to the byte 0. Equal: rsi is behind them.
find:
    lea rsi, [rbp+F_TEXT]
look_on:
    cmp [rsi], rax
    je found
    inc rsi
    cmp byte ptr [rsi-1], 0
    jne look_on
    test rsi, rsi                   # not equal
    ret
found:
    add rsi, 8
    cmp eax, eax
    ret

# The number at rsi → rax; rsi is behind it.
    define_read_number

# The same in hexadecimal, with small letters.
read_hex:
    xor eax, eax
    xor ecx, ecx
next_hex:
    mov cl, [rsi]
    sub cl, '0'
    cmp cl, 9
    jbe hex_digit
    sub cl, 'a' - '0' - 10
    cmp cl, 10
    jb number_ends
    cmp cl, 15
    ja number_ends
hex_digit:
    shl rax, 4
    add rax, rcx
    inc rsi
    jmp next_hex

# Appends the text at rsi, without its end, at rdi.
    define_append

# Appends the number rax at rdi.
append_number:
    define_append_digits

proc: .asciz "//proc/"
status: .asciz "status"
stat: .asciz "stat"
maps: .asciz "maps"
meminfo: .asciz "//proc/meminfo"
read_files: .asciz "./read-files"
maps_label: .asciz "process/maps:"
count_label: .asciz "process/count:"
