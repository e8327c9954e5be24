/** Axes of the guest's kernel that can be set after the boot: sysctls and sysfs files. */
import { defineAxis } from './axis.ts';
import { arch, estimateMemTotal, memory, swap } from './boot.ts';
import { choice, integer, optional, size } from './kinds.ts';
import { formatFound, gib, kib, mib, tib } from './values.ts';

export const overcommit = defineAxis({
  name: 'overcommit',
  description: 'vm.overcommit_memory: 0 refuses only absurd requests, 1 none, 2 counts every page',
  unit: null,
  kind: choice([0, 1, 2]),
  examples: ['2'],
  alsoCalled: ['overcommitMemory', 'vm.overcommit_memory', 'overcommitMode'],
  applies: 'guest',
  default: 0,
  core: true,
  since: 1,
  column: 5,
  provenBy: ['overcommitMemory'],
  write: (mode) => [{ path: '/proc/sys/vm/overcommit_memory', value: String(mode) }],
  // From here on every mapping of the session counts against the limit.
  turn: 'last',
  readBack: { asked: String, found: ({ overcommitMemory }) => formatFound(overcommitMemory) },
  estimate: (mode) => ({ overcommitMemory: mode }),
  search: ['2', '0', '1'],
  captured: {
    fact: 'overcommit.mode',
    shownBy: 'sysctl vm.overcommit_memory',
    unknown: "the kernel's default",
    decides: true,
  },
  draw: { values: [0, 1, 2] },
});

export const thp = defineAxis({
  name: 'thp',
  description: 'Transparent huge pages',
  unit: null,
  kind: choice(['always', 'madvise', 'never']),
  examples: ['madvise'],
  alsoCalled: ['transparentHugepage', 'transparentHugePages', 'hugepage'],
  applies: 'guest',
  // What Debian's kernels come up with.
  default: 'always',
  core: true,
  since: 1,
  column: 7,
  provenBy: ['thp'],
  // Linux ignores transparent_hugepage= on the command line of a guest with less than 512 MiB usable.
  write: (mode) => [{ path: '/sys/kernel/mm/transparent_hugepage/enabled', value: mode }],
  readBack: { asked: (mode) => mode, found: (facts) => formatFound(facts.thp) },
  estimate: (mode) => ({ thp: mode }),
  search: ['always', 'madvise', 'never'],
  captured: {
    fact: 'transparentHugePages.enabled',
    shownBy: 'cat /sys/kernel/mm/transparent_hugepage/enabled',
    unknown: "the kernel's default",
  },
  draw: { values: ['always', 'madvise', 'never'] },
});

export const maxMapCount = defineAxis({
  name: 'maxMapCount',
  description:
    'vm.max_map_count: mappings one process may have; `default` leaves what the kernel came up with',
  unit: 'mappings',
  kind: optional(integer(64, 2 ** 31 - 1), 'default'),
  examples: ['1000', 'default'],
  alsoCalled: ['vm.max_map_count', 'mapCount', 'maxMaps'],
  applies: 'guest',
  default: null,
  core: false,
  since: 1,
  column: 4,
  provenBy: ['maxMapCount'],
  write: (count) => (count === null ? [] : [{ path: '/proc/sys/vm/max_map_count', value: String(count) }]),
  readBack: {
    asked: (count) => (count === null ? null : String(count)),
    found: (facts) => formatFound(facts.maxMapCount),
  },
  estimate: (count) => ({ maxMapCount: count ?? 65_530 }),
  search: { from: 128, to: 65_530, step: 1 },
  captured: {
    fact: 'kernelLimits.maxMapCount',
    shownBy: 'sysctl vm.max_map_count',
    unknown: "the kernel's default",
    least: { value: 64, why: 'a guest does not run with fewer than 64' },
    decides: true,
  },
  draw: { values: [200, 1000, 2300, 4500, 65_530, 262_144] },
});

export const hugepages = defineAxis({
  name: 'hugepages',
  description: 'vm.nr_hugepages: huge pages of 2 MiB set aside, lost to everything else and to CommitLimit',
  unit: 'pages',
  kind: integer(0, 2 ** 20),
  examples: ['64'],
  alsoCalled: ['vm.nr_hugepages', 'nrHugepages', 'hugetlb'],
  applies: 'guest',
  default: 0,
  core: false,
  since: 2,
  provenBy: ['hugePages'],
  write: (count) => (count === 0 ? [] : [{ path: '/proc/sys/vm/nr_hugepages', value: String(count) }]),
  // While memory is still in one piece.
  turn: 'first',
  readBack: { asked: String, found: ({ hugePages }) => formatFound(hugePages) },
  estimate: (count) => ({ hugePages: count }),
  search: { from: 0, to: 4096, step: 4 },
  draw: { values: [0, 16, 64] },
});

export const overcommitBytes = defineAxis({
  name: 'overcommitBytes',
  description: 'vm.overcommit_kbytes as a size: counts towards CommitLimit instead of overcommitRatio',
  unit: 'bytes',
  kind: optional(size({ min: kib, max: tib, step: kib }), 'default'),
  examples: ['600M', 'default'],
  alsoCalled: ['vm.overcommit_kbytes', 'kbytes'],
  formerly: ['overcommitKbytes'],
  applies: 'guest',
  default: null,
  core: false,
  since: 2,
  provenBy: ['overcommitKbytes', 'commitLimit'],
  write: (bytes) =>
    bytes === null ? [] : [{ path: '/proc/sys/vm/overcommit_kbytes', value: String(bytes / kib) }],
  readBack: {
    asked: (bytes) => (bytes === null ? null : String(bytes)),
    found: ({ overcommitKbytes }) => formatFound(overcommitKbytes),
  },
  estimate: (bytes) => ({ overcommitKbytes: bytes ?? 0 }),
  search: { from: 64 * mib, to: 64 * gib, step: 8 * mib },
  draw: { values: [null, 300 * mib, 700 * mib, 2 * gib, 5 * gib] },
});

export const overcommitRatio = defineAxis({
  name: 'overcommitRatio',
  description: 'vm.overcommit_ratio: share of RAM that counts towards CommitLimit with overcommit 2',
  unit: 'percent',
  kind: integer(0, 1000),
  examples: ['100'],
  alsoCalled: ['vm.overcommit_ratio', 'ratio'],
  applies: 'guest',
  default: 50,
  core: false,
  since: 1,
  column: 6,
  provenBy: ['overcommitRatio', 'commitLimit'],
  // The kernel knows one of the two: writing one clears the other.
  write: (percent, of) =>
    of(overcommitBytes) === null ? [{ path: '/proc/sys/vm/overcommit_ratio', value: String(percent) }] : [],
  readBack: {
    asked: (percent, of) => (of(overcommitBytes) === null ? String(percent) : null),
    found: (facts) => formatFound(facts.overcommitRatio),
  },
  estimate: (percent, of) => {
    const huge = of(hugepages) * 2 * mib;
    const allowed = of(overcommitBytes) ?? ((estimateMemTotal(of(memory), of(arch)) - huge) * percent) / 100;
    return { overcommitRatio: percent, commitLimit: Math.floor(allowed + (of(swap) ?? 0)) };
  },
  search: { from: 1, to: 1000, step: 1 },
  draw: { values: [20, 50, 80, 100, 150, 300, 1000], share: 0.5 },
});
