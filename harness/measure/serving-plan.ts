/** What is served, by which configurations, in which order: the plan of a serving benchmark. Pure. */
import { resolvePooled } from '../../images/allocator/configuration.ts';
import { smallSlot } from '../../images/allocator/conservative.ts';
import { formatPoolOptions, type PoolSizes } from '../../images/allocator/pool-options.ts';
import type { Tier } from '../../images/allocator/tier.ts';
import { nearest } from '../axes/nearest-word.ts';
import { PoolproofError } from '../errors.ts';

/** One configuration of a server. */
export type ServingMode = Readonly<{ name: string; stands: string }>;

type ModeRow = ServingMode & Readonly<{ options: (version: string) => readonly string[] }>;

type HostModeRow = ServingMode & Readonly<{ tier: Tier }>;

/** Spin's pool, as `wasmtime serve` takes it; `changes` to its sizes. */
function spinOptions(version: string, env: Readonly<Record<string, string>>, changes: PoolSizes = {}) {
  const { pool } = resolvePooled('standard', {
    engine: { kind: 'wasmtime', version },
    profile: 'spin',
    env,
    facts: { addressSpaceLimit: null, addressBits: null },
  });
  return formatPoolOptions({ ...pool, ...changes }, version, true);
}

/** Of `wasmtime serve`; the first is the baseline. */
const modes = [
  {
    name: 'spin',
    stands: "Spin's pool, which keeps 2 MiB of a slot resident",
    options: (version) => spinOptions(version, {}),
  },
  {
    name: 'pool',
    stands: "the engine's own pool, which keeps nothing resident",
    options: (version) => formatPoolOptions({}, version, true),
  },
  {
    name: 'conservative',
    stands: "Spin's pool for 16 instances, with their stacks",
    options: (version) => spinOptions(version, { SPIN_MAX_INSTANCE_COUNT: '16' }),
  },
  {
    name: 'explicit',
    stands: "Spin's pool with 128 MiB and a guard of 64 KiB per slot: each access is checked",
    options: (version) =>
      spinOptions(version, {}, { ...smallSlot, maxMemoryBytes: smallSlot.reservationBytes }),
  },
  {
    name: 'on-demand',
    stands: 'no pool: each instance maps its own memory',
    options: (version) => formatPoolOptions({}, version, false),
  },
] as const satisfies readonly ModeRow[];

/** Of our host, as it chooses its sizes by itself; the first is the baseline of these. */
const hostModes = [
  { name: 'host-standard', stands: "our host with Spin's pool", tier: 'standard' },
  {
    name: 'host-conservative',
    stands: 'our host with a small pool of the same settings',
    tier: 'conservative',
  },
  { name: 'host-on-demand', stands: 'our host without a pool', tier: 'on-demand' },
] as const satisfies readonly HostModeRow[];

/** What a request does. */
export type ServingWork = Readonly<{
  name: string;
  stands: string;
  /** File in matrices/subjects/components/, and of a core module for our host. */
  component: string;
  path: string;
  /** `serve-bench` leaves it out for our host. @default false */
  componentOnly?: boolean;
}>;

export const servingWorks: readonly ServingWork[] = [
  { name: 'hello', stands: 'nothing', component: 'hello', path: '/' },
  { name: 'touch-1', stands: 'touches 1 page of 4 KiB', component: 'touch', path: '/1/1' },
  { name: 'touch-16', stands: 'touches 16 pages of 4 KiB', component: 'touch', path: '/32/1' },
  { name: 'touch-256', stands: 'touches 256 pages of 4 KiB', component: 'touch', path: '/512/16' },
  {
    name: 'loop',
    stands: 'loads and stores 1,000,000 times over 256 pages',
    component: 'touch',
    path: '/1000000/16',
  },
  // In a thread per core of ours it would hold the core: a component lets its thread serve others meanwhile.
  { name: 'sleep', stands: 'waits 20 ms, asleep', component: 'sleep', path: '/20', componentOnly: true },
];

/** What a server is started with, and what is asked of it. */
export type Contender = Readonly<{ name: string; component: string; path: string }> &
  (
    | Readonly<{
        server: 'wasmtime-serve';
        options: readonly string[];
      }>
    | Readonly<{ server: 'wasm-host'; tier: Tier }>
  );

/**
 * Contenders that are compared with one another: of those of one server the first is the baseline, and the second its
 * equal. The baseline of a second server is compared with that of the first.
 */
export type ServingCase = Readonly<{
  work: string;
  connections: number;
  contenders: readonly [Contender, Contender, ...Contender[]];
}>;

export const servingModes: readonly ServingMode[] = [...modes, ...hostModes];
export const connectionCounts = [1, 2, 16] as const;

/**
 * Every kind of work with every number of connections, by the modes.
 *
 * @param version of wasmtime, whose defaults decide which options must be given
 * @param chosen names of modes and of work; all where there are none. The baseline is always among them.
 * @throws PoolproofError USAGE
 */
export function planServing(
  version: string,
  chosen: Readonly<{
    modes?: readonly string[];
    works?: readonly string[];
    connections?: readonly number[];
  }> = {},
): readonly ServingCase[] {
  const [baseline, ...others] = modes;
  const [hostBaseline, ...otherHosts] = hostModes;
  const picked = pick('--modes', [...others, ...hostModes], chosen.modes ?? []);
  const works = pick('--work', servingWorks, chosen.works ?? []);
  const connections = chosen.connections?.length ? chosen.connections : connectionCounts;
  return works.flatMap(({ name: work, component, path, componentOnly = false }) => {
    const contend = ({ name, options }: ModeRow): Contender => ({
      name,
      server: 'wasmtime-serve',
      options: options(version),
      component,
      path,
    });
    const contendHost = ({ name, tier }: HostModeRow): Contender => ({
      name,
      server: 'wasm-host',
      tier,
      component,
      path,
    });
    const isPicked = (row: ServingMode): boolean => picked.includes(row as (typeof picked)[number]);
    const hosts = hostModes.some(isPicked) && !componentOnly;
    const contenders = [
      contend(baseline),
      contend(baseline),
      ...others.filter(isPicked).map(contend),
      ...(hosts ? [hostBaseline, hostBaseline, ...otherHosts.filter(isPicked)].map(contendHost) : []),
    ] as const;
    return connections.map((count) => ({ work, connections: count, contenders }));
  });
}

function pick<Row extends Readonly<{ name: string }>>(
  flag: string,
  rows: readonly Row[],
  names: readonly string[],
): readonly Row[] {
  for (const name of names) {
    if (rows.some((row) => row.name === name)) continue;
    const known = rows.map((row) => row.name);
    const meant = nearest(name, known);
    throw new PoolproofError('USAGE', `${flag} ${name}: there is none of that name`, {
      hint: meant === null ? `write ${known.join(', ')}` : `did you mean ${meant}?`,
    });
  }
  return names.length === 0 ? rows : rows.filter((row) => names.includes(row.name));
}

/** More short samples before fewer long ones: the interval is over rounds, and from three of them twice as wide. */
const leastRounds = 5;
const longestSampleMs = 1000;
const shortestSampleMs = 200;
/** Seconds of a case's own requests before a sample. */
export const warmUp = { duration: 0.15 };

/**
 * Requests before these, of our host. Node compiles while it serves: the first thousands of requests cost up to ten
 * times what the others do, whatever they do. So they are the lightest of their module.
 */
export function planSettling({
  server,
  component,
  path,
}: Contender): Readonly<{ path: string; amount: number }> | undefined {
  if (server !== 'wasm-host') return undefined;
  const lightest = servingWorks.find((work) => work.component === component);
  return { path: lightest?.path ?? path, amount: 5000 };
}

/** The start of a server with its compilation or proof, and the pauses of its turns, milliseconds. */
const aroundSampleMs: Readonly<Record<Contender['server'], number>> = {
  'wasmtime-serve': 500,
  'wasm-host': 3000,
};

/**
 * Length of a sample for which five rounds take no longer than `seconds`, at most a second, in milliseconds.
 *
 * @throws PoolproofError USAGE where a sample would be too short to say anything
 */
export function planSampleMs(cases: readonly ServingCase[], seconds: number): number {
  const all = cases.flatMap(({ contenders }) => contenders);
  const samples = leastRounds * all.length;
  const aroundMs = leastRounds * all.reduce((sum, { server }) => sum + aroundSampleMs[server], 0);
  const sampleMs = Math.min(longestSampleMs, (seconds * 1000 - aroundMs) / samples);
  if (sampleMs >= shortestSampleMs) return sampleMs;
  const needed = Math.ceil((aroundMs + samples * shortestSampleMs) / 1000);
  throw new PoolproofError('USAGE', `--seconds ${seconds}: ${samples} samples need ${needed} s at least`, {
    hint: 'fewer come of --modes, --work and --connections',
  });
}

/** Whether another round fits: five are always made, and then as many as the time allows. */
export const fitsRound = (done: number, spentMs: number, budgetMs: number): boolean =>
  done < leastRounds || spentMs + spentMs / done <= budgetMs;
