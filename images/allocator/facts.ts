/**
 * The facts that decide a tier, as read from the kernel. The same files are read by the wasm host (about itself) and by
 * the session in a guest (about the child it starts); `parseFacts` is pure.
 */

/** A resource limit in bytes, `null` for unlimited. */
export type Limit = number | null;

/** All sizes in bytes. `null` means unlimited for limits and unknown for everything else. */
export type Facts = Readonly<{
  kernelRelease: string | null;
  /** From the fields that /proc/cpuinfo has. */
  architecture: 'x86-64' | 'arm64' | 'riscv64' | null;
  /** Words of the kernel's command line behind those of the harness; null where it booted nothing. Absent: unknown. */
  kernelArguments?: string | null;
  memTotal: number | null;
  memAvailable: number | null;
  swapTotal: number | null;
  commitLimit: number | null;
  committedAs: number | null;
  overcommitMemory: 0 | 1 | 2 | null;
  /** Percent. */
  overcommitRatio: number | null;
  overcommitKbytes: number | null;
  /** vm.user_reserve_kbytes, in bytes: the kernel keeps min(this, process size / 32) back in mode 2. */
  userReserve: number | null;
  /** vm.admin_reserve_kbytes, in bytes: kept back from processes without CAP_SYS_ADMIN in mode 2. */
  adminReserve: number | null;
  /** Huge pages set aside (HugeTLB), all of them. */
  hugePages: number | null;
  maxMapCount: number | null;
  thp: 'always' | 'madvise' | 'never' | null;
  /** RLIMIT_AS, soft. */
  addressSpaceLimit: Limit;
  /** RLIMIT_DATA, soft. */
  dataLimit: Limit;
  /** RLIMIT_STACK, soft. */
  stackLimit: Limit;
  /** memory.max of the own cgroup and its parents, the smallest; null for none. */
  cgroupMemoryMax: Limit;
  /** memory.high, as cgroupMemoryMax. Absent in results before it was known, as are the next two. */
  cgroupMemoryHigh?: Limit;
  /** pids.max of the own cgroup and its parents, the smallest: processes and threads; null for none. */
  pidsMax?: Limit;
  /** RLIMIT_NPROC, soft: processes and threads of the user; binds nobody with CAP_SYS_ADMIN or CAP_SYS_RESOURCE. */
  processLimit?: Limit;
  /**
   * Refusal of memory both writable and executable: `prctl` by the kernel (PR_SET_MDWE), `seccomp` by a filter; null if
   * it was not tried.
   */
  mdwe: 'off' | 'prctl' | 'seccomp' | null;
  /** Bits of virtual address a process gets without asking for more, e.g. 47 on x86-64. */
  addressBits: number | null;
  pageSize: number;
  cpus: number | null;
  cpuModel: string | null;
  cpuFlags: readonly string[];
  /** A hypervisor announces itself (CPU flag `hypervisor`). */
  virtualised: boolean;
  /** The CPU is emulated (QEMU TCG), by its model name and hypervisor signature. */
  emulated: boolean;
  /** Effective CAP_SYS_ADMIN: decides whether adminReserve is kept back. */
  sysAdmin: boolean | null;
}>;
