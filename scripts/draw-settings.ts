/**
 * Random settings over every axis of the table, the same for the same seed. Few machines are drawn and many
 * cells share each: what is set at boot costs a boot, everything else a clone.
 */
import { axes, axisNames, defaultSettings, knownImages } from '../harness/matrix/axes.ts';
import type { AxisName, Settings } from '../harness/matrix/cell.ts';

/** From 0 to less than 1. */
export type Random = () => number;

/** Mulberry32: 32 bits of state are enough for some thousand draws, and any seed gives them again. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pick<T>(random: Random, values: readonly [T, ...T[]]): T {
  return values[Math.floor(random() * values.length)] ?? values[0];
}

const [kib, mib, gib] = [2 ** 10, 2 ** 20, 2 ** 30];

type Domains = Readonly<{ [K in AxisName]: readonly [Settings[K], ...Settings[K][]] }>;

/** The first of a non-empty list known only at run time. */
function listOf<T>([first, ...others]: readonly T[]): readonly [T, ...T[]] {
  if (first === undefined) throw new RangeError('an empty list');
  return [first, ...others];
}

/** What is drawn from: each axis with values that change something, and its default. */
const domains: Domains = {
  memory: [512 * mib, 768 * mib, gib, 2 * gib, 3 * gib, 4 * gib],
  overcommit: [0, 1, 2],
  overcommitRatio: [20, 50, 80, 100, 150, 300, 1000],
  thp: ['always', 'madvise', 'never'],
  engine: listOf(['wasmtime', 'v8', ...knownImages.engines.slice(1).map((version) => `wasmtime@${version}`)]),
  node: listOf(knownImages.nodes),
  addressSpace: [
    512 * mib,
    gib,
    2 * gib,
    3 * gib,
    8 * gib,
    12 * gib,
    16 * gib,
    40 * gib,
    200 * gib,
    5000 * gib,
  ],
  dataLimit: [128 * mib, 256 * mib, 700 * mib, gib, 3 * gib, 3840 * mib, 8 * gib],
  maxMapCount: [200, 1000, 2300, 4500, 65_530, 262_144],
  kernel: listOf(knownImages.kernels),
  cpus: [1, 2],
  cpu: [null, 'qemu64', 'Nehalem', 'max,pku=off', 'kvm64'],
  swap: [null, 256 * mib, gib],
  overcommitKbytes: [null, 300 * mib, 700 * mib, 2 * gib, 5 * gib],
  hugepages: [0, 16, 64],
  stackLimit: [null, mib, 16 * mib, 64 * mib, 'unlimited'],
  cgroupMemory: [null, 192 * mib, 400 * mib, 2 * gib],
  mdwe: ['off', 'seccomp', 'prctl'],
  addressBits: [null, 36, 38, 39, 42, 46],
  memories: [null, 1, 16, 100, 4000],
  tables: [null, 1, 50, 4000],
  tableElements: [null, 5, 20_000, 200_000],
  stacks: [null, 0, 1, 300, 3000],
  maxMemory: [null, 64 * kib, 2 * mib, 128 * mib, 4 * gib],
  reservation: [null, 0, 64 * mib, 4 * gib, 8 * gib],
  guard: [null, 0, 64 * kib, 2 * gib],
  allocator: ['auto', 'standard', 'conservative', 'on-demand'],
  // The model speaks of the wasm host and of nothing else.
  subject: ['wasm-host'],
  profile: ['spin', 'wasmtime'],
  env: [
    {},
    { SPIN_WASMTIME_TOTAL_STACKS: '0' },
    { SPIN_MAX_INSTANCE_COUNT: '100' },
    { SPIN_WASMTIME_TOTAL_TABLES: '200', SPIN_WASMTIME_INSTANCE_TABLE_ELEMENTS: '10000' },
    { SPIN_WASMTIME_TOTAL_MEMORIES: '20' },
    { SPIN_WASMTIME_POOLING: '0' },
    { SPIN_WASMTIME_POOLING: '1' },
  ],
};

/** How often an axis differs from its default where a rare value would end every cell alike. @default 0.15 */
const shares: Readonly<Partial<Record<AxisName, number>>> = { mdwe: 0.04, env: 0.3, overcommitRatio: 0.5 };

type Value = Settings[AxisName];

const set = (settings: Settings, axis: AxisName, value: Value): Settings => ({ ...settings, [axis]: value });

/** Settings with a random value for one axis; `keep` is the chance that it stays as it is. */
function draw(random: Random, settings: Settings, axis: AxisName, keep: number): Settings {
  return random() < keep ? settings : set(settings, axis, pick<Value>(random, domains[axis]));
}

/** Machines: the default one, and others that differ from it in what is set at boot. */
export function drawMachines(random: Random, count: number): readonly Settings[] {
  const boot = axisNames.filter((axis) => axes[axis].applies === 'boot');
  return Array.from({ length: count }, (_, index) => {
    const own = set(defaultSettings(), 'memory', domains.memory[index % domains.memory.length] ?? gib);
    // Each boot axis in turn differs for certain, so that few machines cover them all.
    const sure = boot[(index % (boot.length - 1)) + 1];
    return boot
      .filter((axis) => axis !== 'memory')
      .reduce((settings, axis) => {
        if (axis !== sure) return draw(random, settings, axis, 0.75);
        const values = domains[axis].filter((value) => value !== axes[axis].default);
        return set(settings, axis, values.length === 0 ? settings[axis] : pick(random, listOf(values)));
      }, own);
  });
}

/** One cell on one of the machines. */
export function drawSettings(random: Random, machines: readonly Settings[]): Settings {
  return axisNames
    .filter((axis) => axes[axis].applies !== 'boot')
    .reduce(
      (settings, axis) => {
        const keep = axes[axis].core ? 0 : 1 - (shares[axis] ?? 0.15);
        return draw(random, settings, axis, keep);
      },
      pick(random, listOf(machines)),
    );
}

/** Axes of which some cell has a value that is not the default, as far as they have another one. */
export function findUncovered(cells: readonly Settings[]): readonly AxisName[] {
  return axisNames.filter(
    (axis) =>
      domains[axis].some((value) => value !== axes[axis].default) &&
      cells.every((settings) => axes[axis].default === settings[axis] || isEmpty(settings[axis])),
  );
}

const isEmpty = (value: Value): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;
