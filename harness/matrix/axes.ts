/**
 * The axis table: one row per setting a matrix can vary. Expansion, planning, template sharing, read-back,
 * the reference and the JSON Schema all follow from it. A new axis is a row here and a field in `Settings`.
 */
import { allocatorChoices } from '../../images/allocator/tier.ts';
import { engines, kernels, nodes } from '../../images/definitions.ts';
import { choice, integer, name, optional, size, variables } from '../axes/kinds.ts';
import type { Axis } from './axis.ts';
import type { AxisName, Settings } from './cell.ts';
import { engineNames, nodeVersions } from '../axes/version-kinds.ts';
import { confinementAxes } from './confinement-axes.ts';
import { machineAxes } from './machine-axes.ts';
import { subjectAxis } from './subject-axis.ts';
import { poolAxes } from './pool-axes.ts';

export type AxisTable = Readonly<{ [K in AxisName]: Axis<Settings[K]> }>;

/** What can be put into a guest: values of `kernel`, `node` and `engine`. */
export type KnownImages = Readonly<{
  /** Names of kernels; the first is the default. */
  kernels: readonly string[];
  /** Release lines of Node. */
  nodes: readonly string[];
  /** Versions of libwasmtime, newest first. */
  engines: readonly string[];
}>;

export const knownImages: KnownImages = { kernels: kernels.map((row) => row.name), nodes, engines };

const [kib, mib, gib, tib] = [2 ** 10, 2 ** 20, 2 ** 30, 2 ** 40];

/** Variables the harness sets itself, and what a matrix uses instead. */
function reservedVariable(variable: string): string | null {
  if (variable === 'SPIN_ALLOCATOR') return 'use the axis `allocator`';
  return variable.startsWith('POOLPROOF_') ? 'names with POOLPROOF_ belong to the harness' : null;
}

/** Builds the table for what is known; the shipped one is {@link axes}. */
export function defineAxes(known: KnownImages): AxisTable {
  return {
    memory: {
      name: 'memory',
      description: 'RAM of the guest',
      unit: 'bytes',
      ...size({ min: 128 * mib, max: tib, step: mib }),
      examples: ['512M', '1.5G'],
      applies: 'boot',
      default: 2 * gib,
      core: true,
      provenBy: ['memTotal'],
      alsoCalled: ['ram', 'mem', 'memorySize'],
    },
    overcommit: {
      name: 'overcommit',
      description: 'vm.overcommit_memory: 0 refuses only absurd requests, 1 none, 2 counts every page',
      unit: null,
      ...choice([0, 1, 2]),
      examples: ['2'],
      applies: 'guest',
      default: 0,
      core: true,
      provenBy: ['overcommitMemory'],
      alsoCalled: ['overcommitMemory', 'vm.overcommit_memory', 'overcommitMode'],
    },
    overcommitRatio: {
      name: 'overcommitRatio',
      description: 'vm.overcommit_ratio: share of RAM that counts towards CommitLimit with overcommit 2',
      unit: 'percent',
      ...integer(0, 1000),
      examples: ['100'],
      applies: 'guest',
      default: 50,
      core: false,
      provenBy: ['overcommitRatio', 'commitLimit'],
      alsoCalled: ['vm.overcommit_ratio', 'ratio'],
    },
    thp: {
      name: 'thp',
      description: 'Transparent huge pages',
      unit: null,
      ...choice(['always', 'madvise', 'never']),
      examples: ['madvise'],
      applies: 'guest',
      // What Debian's kernels come up with.
      default: 'always',
      core: true,
      provenBy: ['thp'],
      alsoCalled: ['transparentHugepage', 'transparentHugePages', 'hugepage'],
    },
    engine: {
      name: 'engine',
      description:
        'Engine of the wasm host; `wasmtime` is the newest pinned version, `v8` that of Node itself',
      unit: null,
      ...engineNames(known.engines),
      examples: ['wasmtime', 'wasmtime@38.0.0', 'v8'],
      applies: 'process',
      default: 'wasmtime',
      core: true,
      provenBy: [],
      alsoCalled: ['runtime', 'engineVersion'],
    },
    node: {
      name: 'node',
      description: 'Node that runs the wasm host: a release line, or a whole version',
      unit: null,
      ...nodeVersions(known.nodes),
      examples: ['22', '22.13.0'],
      applies: 'process',
      default: known.nodes.includes('22') ? '22' : (known.nodes[0] ?? '22'),
      core: true,
      provenBy: [],
      alsoCalled: ['nodejs', 'nodeVersion'],
    },
    addressSpace: {
      name: 'addressSpace',
      description: 'RLIMIT_AS of the wasm host (`ulimit -v`): address space, reserved or used',
      unit: 'bytes',
      ...optional(size({ min: 16 * mib, max: 1024 * tib, step: kib }), 'unlimited'),
      examples: ['8G', 'unlimited'],
      applies: 'process',
      default: null,
      core: false,
      provenBy: ['addressSpaceLimit'],
      alsoCalled: ['rlimitAs', 'RLIMIT_AS', 'ulimit', 'virtualMemory', 'addressSpaceLimit'],
    },
    dataLimit: {
      name: 'dataLimit',
      description: 'RLIMIT_DATA of the wasm host (`ulimit -d`): private writable memory',
      unit: 'bytes',
      ...optional(size({ min: 16 * mib, max: 1024 * tib, step: kib }), 'unlimited'),
      examples: ['512M', 'unlimited'],
      applies: 'process',
      default: null,
      core: false,
      provenBy: ['dataLimit'],
      alsoCalled: ['rlimitData', 'RLIMIT_DATA', 'data'],
    },
    maxMapCount: {
      name: 'maxMapCount',
      description:
        'vm.max_map_count: mappings one process may have; `default` leaves what the kernel came up with',
      unit: 'mappings',
      ...optional(integer(64, 2 ** 31 - 1), 'default'),
      examples: ['1000', 'default'],
      applies: 'guest',
      default: null,
      core: false,
      provenBy: ['maxMapCount'],
      alsoCalled: ['vm.max_map_count', 'mapCount', 'maxMaps'],
    },
    kernel: {
      name: 'kernel',
      description: 'Kernel of the guest',
      unit: null,
      ...name(known.kernels, 'pinned kernels'),
      examples: [known.kernels[0] ?? 'bookworm'],
      applies: 'boot',
      default: known.kernels[0] ?? 'bookworm',
      core: false,
      provenBy: ['kernelRelease'],
      alsoCalled: ['linux', 'kernelVersion'],
    },
    cpus: {
      name: 'cpus',
      description: 'Processors of the guest',
      unit: null,
      ...integer(1, 64),
      examples: ['2'],
      applies: 'boot',
      default: 1,
      core: false,
      provenBy: ['cpus'],
      alsoCalled: ['vcpus', 'cores', 'smp', 'processors', 'threads'],
    },
    allocator: {
      name: 'allocator',
      description: 'SPIN_ALLOCATOR: the tier to force; `auto` takes the best that works',
      unit: null,
      ...choice(allocatorChoices),
      examples: ['conservative'],
      applies: 'process',
      default: 'auto',
      core: false,
      provenBy: [],
      alsoCalled: ['SPIN_ALLOCATOR', 'tier', 'mode', 'pooling'],
    },
    profile: {
      name: 'profile',
      description: "Whose pool sizes `standard` stands for: Spin's, or the engine's own defaults",
      unit: null,
      ...choice(['spin', 'wasmtime']),
      examples: ['wasmtime'],
      applies: 'process',
      default: 'spin',
      core: false,
      provenBy: [],
      alsoCalled: ['defaults', 'preset'],
    },
    ...machineAxes,
    ...confinementAxes,
    ...poolAxes,
    subject: subjectAxis,
    env: {
      name: 'env',
      description: "Environment variables of the wasm host, e.g. Spin's own",
      unit: null,
      ...variables(reservedVariable),
      examples: ['{SPIN_WASMTIME_TOTAL_STACKS: 0}'],
      applies: 'process',
      default: {},
      core: false,
      provenBy: [],
      alsoCalled: ['environment', 'variables', 'envs'],
    },
  };
}

/** The shipped table. */
export const axes: AxisTable = defineAxes(knownImages);

export const axisNames = Object.keys(axes) as readonly AxisName[];

export const isAxisName = (word: string): word is AxisName => Object.hasOwn(axes, word);

/** Settings with every axis at its default. */
export function defaultSettings(table: AxisTable = axes): Settings {
  return Object.fromEntries(axisNames.map((axis) => [axis, table[axis].default])) as Settings;
}

/** Every word that means an axis, with the axis: for suggestions. */
export function axisWords(table: AxisTable = axes): ReadonlyMap<string, AxisName> {
  return new Map(
    axisNames.flatMap((axis) => [axis, ...table[axis].alsoCalled].map((word) => [word, axis] as const)),
  );
}
