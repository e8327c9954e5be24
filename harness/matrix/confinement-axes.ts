/** Rows of the axis table: what is forbidden to the wasm host's process beside address space and data. */
import type { Axis } from './axis.ts';
import { choice, integer, optional, size } from '../axes/kinds.ts';
import { stackSize } from '../axes/stack-kind.ts';
import type { Settings } from './cell.ts';

const [kib, mib, tib] = [2 ** 10, 2 ** 20, 2 ** 40];

type ConfinementAxis = 'stackLimit' | 'cgroupMemory' | 'mdwe' | 'addressBits';

export const confinementAxes: Readonly<{ [K in ConfinementAxis]: Axis<Settings[K]> }> = {
  stackLimit: {
    name: 'stackLimit',
    description:
      'RLIMIT_STACK of the wasm host (`ulimit -s`); threads take as much unless they say otherwise',
    unit: 'bytes',
    ...stackSize({ min: 128 * kib, max: tib, step: kib }),
    examples: ['64M', 'unlimited'],
    applies: 'process',
    default: null,
    core: false,
    provenBy: ['stackLimit'],
    alsoCalled: ['rlimitStack', 'RLIMIT_STACK', 'stack'],
  },
  cgroupMemory: {
    name: 'cgroupMemory',
    description: "memory.max of the wasm host's own cgroup (v2): pages really used",
    unit: 'bytes',
    ...optional(size({ min: mib, max: tib, step: 4 * kib }), 'none'),
    examples: ['256M', 'none'],
    applies: 'process',
    default: null,
    core: false,
    provenBy: ['cgroupMemoryMax'],
    alsoCalled: ['memory.max', 'cgroup', 'containerMemory', 'cgroupMemoryMax'],
  },
  mdwe: {
    name: 'mdwe',
    description:
      'No memory both writable and executable: by PR_SET_MDWE (Linux 6.3), or by the seccomp filter of before',
    unit: null,
    ...choice(['off', 'prctl', 'seccomp']),
    examples: ['seccomp'],
    applies: 'process',
    default: 'off',
    core: false,
    provenBy: ['mdwe'],
    alsoCalled: ['noNewMappings', 'MemoryDenyWriteExecute', 'PR_SET_MDWE', 'writeExecute'],
  },
  addressBits: {
    name: 'addressBits',
    description: 'Bits of user addresses; where the guest has more, an RLIMIT_AS of that size stands in',
    unit: 'bits',
    ...optional(integer(36, 46), 'default'),
    examples: ['39', 'default'],
    applies: 'process',
    default: null,
    core: false,
    provenBy: ['addressSpaceLimit'],
    alsoCalled: ['addressWidth', 'vaBits', 'virtualAddressBits'],
  },
};
