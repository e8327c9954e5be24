/** Axes of the subject's process: what it may have of memory and addresses, and what it may do with them. */
import { architectureOf } from '../../images/architectures.ts';
import type { Facts } from '../../images/allocator/facts.ts';
import { arch } from './boot.ts';
import { defineAxis, lookUp, type Lookup, type Values } from './axis.ts';
import { choice, integer, optional, size, stackSize } from './kinds.ts';
import { formatFound, formatLimit, gib, kib, limitKib, mib, tib } from './values.ts';

export const cgroupMemory = defineAxis({
  name: 'cgroupMemory',
  description: "memory.max of the wasm host's own cgroup (v2): pages really used",
  unit: 'bytes',
  kind: optional(size({ min: mib, max: tib, step: 4 * kib }), 'none'),
  examples: ['256M', 'none'],
  alsoCalled: ['memory.max', 'cgroup', 'containerMemory', 'cgroupMemoryMax'],
  applies: 'process',
  default: null,
  core: false,
  since: 2,
  provenBy: ['cgroupMemoryMax'],
  limit: (bytes): Record<string, string> => (bytes === null ? {} : { 'memory.max': String(bytes) }),
  // What the process does from here on counts in its group.
  turn: 'first',
  readBack: {
    asked: (bytes) => (bytes === null ? null : String(bytes)),
    found: ({ cgroupMemoryMax }) => formatLimit(cgroupMemoryMax),
  },
  estimate: (bytes) => ({ cgroupMemoryMax: bytes }),
  search: { from: 16 * mib, to: 16 * gib, step: 8 * mib },
  captured: {
    fact: 'cgroup.levels.memoryMax',
    shownBy: 'cat /sys/fs/cgroup/memory.max',
    unknown: 'no limit',
    plain: 'unlimited',
    least: { value: 8 * mib, why: 'not even a shell lives in so small a group' },
    most: { value: tib, why: 'no guest has as much' },
    step: 4 * kib,
  },
  draw: { values: [null, 192 * mib, 400 * mib, 2 * gib] },
});

export const cgroupHigh = defineAxis({
  name: 'cgroupHigh',
  description:
    "memory.high of the wasm host's own cgroup (v2): beyond it a process is slowed down, and nothing refused",
  unit: 'bytes',
  kind: optional(size({ min: mib, max: tib, step: 4 * kib }), 'none'),
  examples: ['256M', 'none'],
  alsoCalled: ['memory.high', 'cgroupMemoryHigh', 'MemoryHigh'],
  applies: 'process',
  default: null,
  core: false,
  since: 3,
  provenBy: ['cgroupMemoryHigh'],
  limit: (bytes): Record<string, string> => (bytes === null ? {} : { 'memory.high': String(bytes) }),
  turn: 'first',
  readBack: {
    asked: (bytes) => (bytes === null ? null : String(bytes)),
    found: ({ cgroupMemoryHigh }) => formatLimit(cgroupMemoryHigh ?? null),
  },
  estimate: (bytes) => ({ cgroupMemoryHigh: bytes }),
  search: { from: 16 * mib, to: 16 * gib, step: 8 * mib },
  captured: {
    fact: 'cgroup.levels.memoryHigh',
    shownBy: 'cat /sys/fs/cgroup/memory.high',
    unknown: 'no limit',
    plain: 'unlimited',
    least: { value: 8 * mib, why: 'not even a shell gets on in so small a group' },
    most: { value: tib, why: 'no guest has as much' },
    step: 4 * kib,
  },
  draw: { values: [null, 400 * mib, 2 * gib] },
});

export const pidsMax = defineAxis({
  name: 'pidsMax',
  description: "pids.max of the wasm host's own cgroup (v2): processes and threads that it may have",
  unit: 'threads',
  kind: optional(integer(1, 2 ** 22), 'none'),
  examples: ['64', 'none'],
  alsoCalled: ['pids.max', 'pidsLimit', 'pids', 'TasksMax', 'podPidsLimit'],
  applies: 'process',
  default: null,
  core: false,
  since: 3,
  provenBy: ['pidsMax'],
  limit: (count): Record<string, string> => (count === null ? {} : { 'pids.max': String(count) }),
  turn: 'first',
  readBack: {
    asked: (count) => (count === null ? null : String(count)),
    found: (facts) => formatLimit(facts.pidsMax ?? null),
  },
  estimate: (count) => ({ pidsMax: count }),
  search: { from: 1, to: 256, step: 1 },
  draw: { values: [null, 64, 512] },
});

export const processes = defineAxis({
  name: 'processes',
  description:
    'RLIMIT_NPROC of the wasm host (`ulimit -u`): its processes and threads; it runs as an ordinary user then',
  unit: 'threads',
  kind: optional(integer(1, 2 ** 22), 'unlimited'),
  examples: ['64', 'unlimited'],
  alsoCalled: ['rlimitNproc', 'RLIMIT_NPROC', 'nproc', 'LimitNPROC', 'maxUserProcesses'],
  applies: 'process',
  default: null,
  core: false,
  since: 3,
  provenBy: ['processLimit', 'sysAdmin'],
  limit: (count): Record<string, string> => (count === null ? {} : { u: String(count) }),
  readBack: {
    asked: (count) => (count === null ? null : `${count}, an ordinary user`),
    // The kernel does not hold it against root.
    found: ({ processLimit, sysAdmin }) =>
      `${formatLimit(processLimit ?? null)}, ${sysAdmin === false ? 'an ordinary user' : 'with CAP_SYS_ADMIN'}`,
  },
  estimate: (count): Partial<Facts> => (count === null ? {} : { processLimit: count, sysAdmin: false }),
  search: { from: 1, to: 256, step: 1 },
  draw: { values: [null, 64, 512] },
});

export const mdwe = defineAxis({
  name: 'mdwe',
  description:
    'No memory both writable and executable: by PR_SET_MDWE (Linux 6.3), or by the seccomp filter of before',
  unit: null,
  kind: choice(['off', 'prctl', 'seccomp']),
  examples: ['seccomp'],
  alsoCalled: ['noNewMappings', 'MemoryDenyWriteExecute', 'PR_SET_MDWE', 'writeExecute'],
  applies: 'process',
  default: 'off',
  core: false,
  since: 2,
  provenBy: ['mdwe'],
  limit: (means): Record<string, string> => (means === 'off' ? {} : { confine: means }),
  readBack: {
    asked: (means) => (means === 'off' ? null : means),
    found: (facts) => formatFound(facts.mdwe),
  },
  estimate: (means) => ({ mdwe: means === 'off' ? null : means }),
  // Most cells with it end alike: no compiler works.
  draw: { values: ['off', 'seccomp', 'prctl'], share: 0.04 },
});

export const stackLimit = defineAxis({
  name: 'stackLimit',
  description: 'RLIMIT_STACK of the wasm host (`ulimit -s`); threads take as much unless they say otherwise',
  unit: 'bytes',
  kind: stackSize({ min: 128 * kib, max: tib, step: kib }),
  examples: ['64M', 'unlimited'],
  alsoCalled: ['rlimitStack', 'RLIMIT_STACK', 'stack'],
  applies: 'process',
  default: null,
  core: false,
  since: 2,
  provenBy: ['stackLimit'],
  limit: (bytes): Record<string, string> =>
    bytes === null ? {} : { s: limitKib(bytes === 'unlimited' ? null : bytes) },
  readBack: {
    asked: (bytes) => (bytes === null ? null : String(bytes)),
    found: (facts) => formatLimit(facts.stackLimit),
  },
  estimate: (bytes) => ({ stackLimit: bytes === 'unlimited' ? null : (bytes ?? 8 * mib) }),
  search: { from: 256 * kib, to: gib, step: 256 * kib },
  captured: {
    fact: 'resourceLimits.stack',
    shownBy: 'ulimit -s',
    unknown: "the kernel's default",
    // What a guest comes up with.
    plain: 8 * mib,
    least: { value: 128 * kib, why: 'no Node starts with so small a stack' },
    most: { value: tib, why: 'no thread needs more' },
    step: kib,
  },
  draw: { values: [null, mib, 16 * mib, 64 * mib, 'unlimited'] },
});

export const dataLimit = defineAxis({
  name: 'dataLimit',
  description: 'RLIMIT_DATA of the wasm host (`ulimit -d`): private writable memory',
  unit: 'bytes',
  kind: optional(size({ min: 16 * mib, max: 1024 * tib, step: kib }), 'unlimited'),
  examples: ['512M', 'unlimited'],
  alsoCalled: ['rlimitData', 'RLIMIT_DATA', 'data'],
  applies: 'process',
  default: null,
  core: false,
  since: 1,
  column: 3,
  provenBy: ['dataLimit'],
  limit: (bytes): Record<string, string> => (bytes === null ? {} : { d: limitKib(bytes) }),
  readBack: { asked: formatLimit, found: (facts) => formatLimit(facts.dataLimit) },
  estimate: (bytes) => ({ dataLimit: bytes }),
  search: { from: 32 * mib, to: 16 * gib, step: 8 * mib },
  captured: {
    fact: 'resourceLimits.data',
    shownBy: 'ulimit -d',
    unknown: 'no limit',
    plain: 'unlimited',
    least: { value: 16 * mib, why: 'not even a shell starts' },
    most: { value: 1024 * tib, why: 'no process has more' },
    step: kib,
    decides: true,
  },
  draw: { values: [128 * mib, 256 * mib, 700 * mib, gib, 3 * gib, 3840 * mib, 8 * gib] },
});

export const addressBits = defineAxis({
  name: 'addressBits',
  description:
    'Bits of user addresses: on riscv64 38, 47 and 56 are real (sv39, sv48, sv57); else an RLIMIT_AS of that size stands in',
  unit: 'bits',
  kind: optional(integer(36, 56), 'default'),
  examples: ['39', 'default'],
  alsoCalled: ['addressWidth', 'vaBits', 'virtualAddressBits'],
  applies: 'process',
  default: null,
  core: false,
  since: 2,
  provenBy: ['addressBits', 'addressSpaceLimit'],
  machine: (bits, of) => {
    const words = realWidth(bits, of);
    return words === undefined ? {} : { kernelWords: words };
  },
  readBack: {
    asked: (bits) => (bits === null ? null : `${bits} bits`),
    found: (facts) =>
      `${formatFound(facts.addressBits)} bits, RLIMIT_AS ${formatLimit(facts.addressSpaceLimit)}`,
    matches: (bits, { addressBits: real, addressSpaceLimit }) =>
      bits !== null &&
      (real === bits ||
        // A limit beyond what there is stands in for nothing.
        (addressSpaceLimit !== null && addressSpaceLimit <= 2 ** bits && (real ?? Infinity) > bits)),
    isStandIn: (bits, { addressBits: real }) => real !== bits,
  },
  estimate: (bits, of): Partial<Facts> =>
    bits === null || realWidth(bits, of) === undefined ? {} : { addressBits: bits },
  search: { from: 36, to: 46, step: 1 },
  draw: { values: [null, 36, 38, 39, 42, 46] },
});

/** Words with which a kernel of the architecture leaves a process so many bits; undefined where none do. */
const realWidth = (bits: number | null, of: Lookup): readonly string[] | undefined =>
  bits === null ? undefined : architectureOf(of(arch)).kernel.addressWidths[bits];

/** RLIMIT_AS: the cell's own, or one of the size of a narrower address space, whichever is smaller. */
function narrow(bytes: number | null, of: Lookup): number | null {
  const bits = of(addressBits);
  return bits === null || realWidth(bits, of) !== undefined ? bytes : Math.min(bytes ?? Infinity, 2 ** bits);
}

export const addressSpace = defineAxis({
  name: 'addressSpace',
  description: 'RLIMIT_AS of the wasm host (`ulimit -v`): address space, reserved or used',
  unit: 'bytes',
  kind: optional(size({ min: 16 * mib, max: 1024 * tib, step: kib }), 'unlimited'),
  examples: ['8G', 'unlimited'],
  alsoCalled: ['rlimitAs', 'RLIMIT_AS', 'ulimit', 'virtualMemory', 'addressSpaceLimit'],
  applies: 'process',
  default: null,
  core: false,
  since: 1,
  column: 2,
  provenBy: ['addressSpaceLimit'],
  limit: (bytes, of): Record<string, string> => {
    const limit = narrow(bytes, of);
    return limit === null ? {} : { v: limitKib(limit) };
  },
  // A small address space must not keep the shell from setting the other limits.
  turn: 'last',
  readBack: {
    asked: (bytes, of) => formatLimit(narrow(bytes, of)),
    found: ({ addressSpaceLimit }) => formatLimit(addressSpaceLimit),
  },
  estimate: (bytes, of) => ({ addressSpaceLimit: narrow(bytes, of) }),
  search: { from: 256 * mib, to: 8 * tib, step: 8 * mib },
  captured: {
    fact: 'resourceLimits.addressSpace',
    shownBy: 'ulimit -v',
    unknown: 'no limit',
    plain: 'unlimited',
    least: { value: 16 * mib, why: 'not even a shell starts' },
    most: { value: 1024 * tib, why: 'no process has more' },
    step: kib,
    decides: true,
  },
  draw: { values: [0.5, 1, 2, 3, 8, 12, 16, 40, 200, 5000].map((amount) => amount * gib) },
});

/**
 * RLIMIT_AS of a cell, bytes: it counts what a process has mapped, where a narrow machine also needs the room in
 * one piece.
 */
export const limitAddressSpace = (settings: Values): number | null =>
  narrow(addressSpace.pick(settings), lookUp(settings));
