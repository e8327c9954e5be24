/**
 * A program of some 370 bytes that prints files with each line behind its file's path and a colon, as `grep -H ''`
 * does: `texts PATH …`. A file that cannot be read is simply not there; a last line without a break gets one.
 *
 * Every clone runs it, and whatever code runs in a clone is translated anew: busybox' grep, a C library's start
 * included, costs 4,400 translated blocks, this program 50. It takes 64 KiB of stack and no other memory.
 */
import { buildExecutable } from './executable.ts';

/**
 * x86-64. At rsp 4 KiB of the file, behind them what is to be written, 32 KiB at most. r12: next argument; r13: path;
 * r14: descriptor; r15: whether a line begins; rsi, rbp: place in the file's bytes and their end; rdi: end of what is
 * to be written.
 */
const code = Buffer.from(
  [
    '4c8d642410', // lea r12, [rsp+16]      argv + 1
    '4881ec00000100', // sub rsp, 65536
    '4d8b2c24', // next_file: mov r13, [r12]
    '4983c408', // add r12, 8
    '4d85ed', // test r13, r13
    '0f849f000000', // jz leave
    'b802000000', // mov eax, 2             open(path, O_RDONLY)
    '4c89ef', // mov rdi, r13
    '31f6', // xor esi, esi
    '0f05', // syscall
    '4189c6', // mov r14d, eax
    '85c0', // test eax, eax
    '78dc', // js next_file
    '41bf01000000', // mov r15d, 1
    '488dbc2400100000', // lea rdi, [rsp+4096]
    'e882000000', // next_chunk: call flush
    '31c0', // xor eax, eax           read(fd, rsp, 4096)
    '4489f7', // mov edi, r14d
    '4889e6', // mov rsi, rsp
    'ba00100000', // mov edx, 4096
    '0f05', // syscall
    '488dbc2400100000', // lea rdi, [rsp+4096]
    '85c0', // test eax, eax
    '7e42', // jle end_of_file
    '4889e6', // mov rsi, rsp
    '488d2c04', // lea rbp, [rsp+rax]
    '4585ff', // next_byte: test r15d, r15d
    '7424', // jz in_line
    '488d842400700000', // lea rax, [rsp+28672]    room for a path (4 KiB) and the rest of the bytes
    '4839c7', // cmp rdi, rax
    '7205', // jb room
    'e849000000', // call flush
    '4c89ea', // room: mov rdx, r13
    '8a02', // prefix: mov al, [rdx]
    '48ffc2', // inc rdx
    '84c0', // test al, al
    '7403', // jz prefix_end
    'aa', // stosb
    'ebf4', // jmp prefix
    'b03a', // prefix_end: mov al, ':'
    'aa', // stosb
    'ac', // in_line: lodsb
    'aa', // stosb
    '4531ff', // xor r15d, r15d
    '3c0a', // cmp al, '\n'
    '410f94c7', // sete r15b
    '4839ee', // cmp rsi, rbp
    '72c7', // jb next_byte
    'eb9e', // jmp next_chunk
    '4585ff', // end_of_file: test r15d, r15d
    '7508', // jnz close
    'b00a', // mov al, '\n'
    'aa', // stosb
    'e818000000', // call flush
    'b803000000', // close: mov eax, 3      close(fd)
    '4489f7', // mov edi, r14d
    '0f05', // syscall
    'e950ffffff', // jmp next_file
    'b83c000000', // leave: mov eax, 60     exit(0)
    '31ff', // xor edi, edi
    '0f05', // syscall
    '56', // flush: push rsi        write(1, rsp + 4096, up to rdi)
    '488db42410100000', // lea rsi, [rsp+4112]
    '4889fa', // mov rdx, rdi
    '4829f2', // sub rdx, rsi
    '7416', // again: jz flushed
    'b801000000', // mov eax, 1
    '89c7', // mov edi, eax
    '0f05', // syscall
    '4885c0', // test rax, rax
    '78d8', // js leave               nobody listens any more
    '4801c6', // add rsi, rax           a port takes what it has room for
    '4829c2', // sub rdx, rax
    'ebe8', // jmp again
    '488dbc2410100000', // flushed: lea rdi, [rsp+4112]
    '5e', // pop rsi
    'c3', // ret
  ].join(''),
  'hex',
);

/** The executable's bytes. */
export function buildTextsProgram(): Buffer {
  return buildExecutable(code);
}
