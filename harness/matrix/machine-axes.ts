/** Rows of the axis table: what the guest's machine and kernel have beside RAM and processors. */
import type { Axis } from './axis.ts';
import { integer, optional, size } from '../axes/kinds.ts';
import { cpuModel } from '../axes/cpu-kind.ts';
import type { Settings } from './cell.ts';

const [kib, mib, tib] = [2 ** 10, 2 ** 20, 2 ** 40];

type MachineAxis = 'cpu' | 'swap' | 'overcommitKbytes' | 'hugepages';

export const machineAxes: Readonly<{ [K in MachineAxis]: Axis<Settings[K]> }> = {
  cpu: {
    name: 'cpu',
    description: "QEMU CPU model and flags; `default` is `max` under emulation, this computer's under KVM",
    unit: null,
    ...optional(cpuModel(), 'default'),
    examples: ['qemu64', 'max+pku=off'],
    applies: 'boot',
    default: null,
    core: false,
    provenBy: ['cpuModel', 'cpuFlags'],
    alsoCalled: ['cpuModel', 'processor', 'cpuType'],
  },
  swap: {
    name: 'swap',
    description: 'Swap space, on a disk of its own',
    unit: 'bytes',
    ...optional(size({ min: mib, max: tib, step: mib }), 'none'),
    examples: ['512M', 'none'],
    applies: 'boot',
    default: null,
    core: false,
    provenBy: ['swapTotal'],
    alsoCalled: ['swapTotal', 'swapSize', 'swapMb'],
  },
  overcommitKbytes: {
    name: 'overcommitKbytes',
    description: 'vm.overcommit_kbytes as a size: counts towards CommitLimit instead of overcommitRatio',
    unit: 'bytes',
    ...optional(size({ min: kib, max: tib, step: kib }), 'default'),
    examples: ['600M', 'default'],
    applies: 'guest',
    default: null,
    core: false,
    provenBy: ['overcommitKbytes', 'commitLimit'],
    alsoCalled: ['vm.overcommit_kbytes', 'kbytes'],
  },
  hugepages: {
    name: 'hugepages',
    description: 'vm.nr_hugepages: huge pages of 2 MiB set aside, lost to everything else and to CommitLimit',
    unit: 'pages',
    ...integer(0, 2 ** 20),
    examples: ['64'],
    applies: 'guest',
    default: 0,
    core: false,
    provenBy: ['hugePages'],
    alsoCalled: ['vm.nr_hugepages', 'nrHugepages', 'hugetlb'],
  },
};
