import t from 'tap';
import { defaultSettings } from '../harness/axes/table.ts';
import type { Settings } from '../harness/axes/table.ts';
import { prepareTrips, roundTrip } from './round-trip.ts';

const mib = 2 ** 20;
const base: Settings = { ...defaultSettings(), memory: 512 * mib };
const group = { cgroupMemory: 192 * mib, cgroupHigh: 180 * mib, pidsMax: 64 } as const;
const spin = ['env', 'SPIN_WASMTIME_TOTAL_STACKS=0', 'spin', 'up'];

/** All on one machine, so that one boot is enough. */
const rows: readonly (readonly [title: string, settings: Settings, words: readonly string[]])[] = [
  [
    'sysctls, huge pages and a commit limit',
    { ...base, overcommit: 2, overcommitBytes: 300 * mib, hugepages: 16, thp: 'never', maxMapCount: 1000 },
    spin,
  ],
  [
    'limits of a process in a group, and a stand-in for a narrow machine',
    { ...base, dataLimit: 700 * mib, stackLimit: 'unlimited', ...group, processes: 90, addressBits: 39 },
    spin,
  ],
  [
    "memory that is never both writable and executable, and Node's end of it",
    { ...base, engine: 'v8', mdwe: 'seccomp' },
    ['node', '-e', '0'],
  ],
];

const [prepared, known] = await prepareTrips(rows.map(([, settings]) => settings));

for (const [title, settings, words] of rows) {
  t.test(`a report of a guest gives its equal: ${title}`, async (t) => {
    const { second, differences } = await roundTrip(settings, words, prepared, known);
    t.same(differences, []);
    const { memory, overcommit, mdwe, cgroupHigh, pidsMax, processes } = settings;
    t.match(second, { memory, overcommit, mdwe, cgroupHigh, pidsMax, processes });
    if (words === spin) t.same(second.env, { SPIN_WASMTIME_TOTAL_STACKS: '0' });
  });
}
