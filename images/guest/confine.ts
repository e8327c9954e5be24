/**
 * A program of some 350 bytes that forbids memory both writable and executable, or asks whether it is.
 *
 * `confine prctl PROGRAM …` calls prctl(PR_SET_MDWE) and starts the program, `confine seccomp PROGRAM …` puts
 * the filter before it that systemd's MemoryDenyWriteExecute= uses where the kernel is older than 6.3, and
 * `confine read` asks for such memory and ends with the errno that refused it: 0 none, 1 the filter, 13 the
 * kernel. No shell tool makes these calls, and a compiler is no requirement of this project.
 */
import { buildExecutable } from './executable.ts';

/** x86-64. r12 collects what the calls return; the kernel starts a program with zeroes in all registers. */
const code = Buffer.from(
  [
    '488b7c2410', // mov rdi, [rsp+16]      argv[1]
    '8a1f', // mov bl, [rdi]
    '80fb72', // cmp bl, 'r'
    '7476', // je read
    '80fb73', // cmp bl, 's'
    '740f', // je seccomp
    'bf41000000', // mov edi, 65            prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN)
    '6a01', // push 1
    '5e', // pop rsi
    'e851000000', // call prctl
    'eb29', // jmp exec
    'bf26000000', // seccomp: mov edi, 38   prctl(PR_SET_NO_NEW_PRIVS, 1)
    '6a01', // push 1
    '5e', // pop rsi
    'e842000000', // call prctl
    '488d1580000000', // lea rdx, [rip+filter]  struct sock_fprog on the stack
    '52', // push rdx
    '6a0d', // push 13
    '4889e2', // mov rdx, rsp
    'bf16000000', // mov edi, 22            prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, fprog)
    '6a02', // push 2
    '5e', // pop rsi
    'e82a000000', // call prctl4
    '58', // pop rax
    '58', // pop rax
    '4585e4', // exec: test r12d, r12d
    '751a', // jnz fail
    '488b7c2418', // mov rdi, [rsp+24]      execve(argv[2], argv + 2, envp)
    '488d742418', // lea rsi, [rsp+24]
    '488b0424', // mov rax, [rsp]
    '488d54c410', // lea rdx, [rsp+rax*8+16]
    'b83b000000', // mov eax, 59
    '0f05', // syscall
    'bf7d000000', // fail: mov edi, 125
    'eb3e', // jmp exit
    '31d2', // prctl: xor edx, edx
    '4531d2', // prctl4: xor r10d, r10d
    '4531c0', // xor r8d, r8d
    'b89d000000', // mov eax, 157
    '0f05', // syscall
    '4109c4', // or r12d, eax
    'c3', // ret
    '31ff', // read: xor edi, edi          mmap(0, 4096, READ | WRITE | EXEC,
    'be00100000', // mov esi, 4096            PRIVATE | ANONYMOUS, -1, 0)
    'ba07000000', // mov edx, 7
    '41ba22000000', // mov r10d, 0x22
    '4983c8ff', // or r8, -1
    '4531c9', // xor r9d, r9d
    'b809000000', // mov eax, 9
    '0f05', // syscall
    '31ff', // xor edi, edi
    '4885c0', // test rax, rax
    '7904', // jns exit
    '89c7', // mov edi, eax           -errno
    'f7df', // neg edi
    'b83c000000', // exit: mov eax, 60
    '0f05', // syscall
  ].join(''),
  'hex',
);

/** One instruction of a classic BPF program: struct sock_filter. */
const instruction = (operation: number, whenTrue: number, whenFalse: number, operand: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(operation, 0);
  bytes.set([whenTrue, whenFalse], 2);
  bytes.writeUInt32LE(operand >>> 0, 4);
  return bytes;
};

const [load, jumpEqual, jumpAnyBit, and, ret] = [0x20, 0x15, 0x45, 0x54, 0x06];
/** Offset of an argument's lower half in struct seccomp_data. */
const argument = (index: number): number => 16 + 8 * index;
const [allow, refuse] = [0x7fff0000, 0x00050001]; // SECCOMP_RET_ERRNO with EPERM

/** Jumps count the instructions left out. Calls and conditions as in systemd's filter, but for shmat, which no engine calls. */
const filter: readonly Buffer[] = [
  instruction(load, 0, 0, 4), // 0: architecture
  instruction(jumpEqual, 0, 9, 0xc000003e), // 1: not x86-64 → 11
  instruction(load, 0, 0, 0), // 2: number of the call
  instruction(jumpEqual, 2, 0, 9), // 3: mmap → 6
  instruction(jumpEqual, 4, 0, 10), // 4: mprotect → 9
  instruction(jumpEqual, 3, 5, 329), // 5: pkey_mprotect → 9, any other → 11
  instruction(load, 0, 0, argument(2)), // 6
  instruction(and, 0, 0, 6), // 7: WRITE and EXEC
  instruction(jumpEqual, 3, 2, 6), // 8: both → 12, else 11
  instruction(load, 0, 0, argument(2)), // 9
  instruction(jumpAnyBit, 1, 0, 4), // 10: EXEC → 12, else 11
  instruction(ret, 0, 0, allow), // 11
  instruction(ret, 0, 0, refuse), // 12
];

/** The executable's bytes. */
export function buildConfineProgram(): Buffer {
  return buildExecutable(Buffer.concat([code, ...filter]));
}
