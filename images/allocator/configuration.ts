/** Tier + engine + environment → the engine settings of that tier, in full. */
import { chooseConservative, fewestSlots, hasRoom } from './conservative.ts';
import { resolveDefaults, type WasmtimeDefaults } from './engines.ts';
import type { Facts } from './facts.ts';
import { limitFacts } from './limits.ts';
import { canaryInstances, usualPageBytes } from './mappings.ts';
import type { PoolParameters } from './pool-parameters.ts';
import { GiB, KiB, MiB } from './sizes.ts';
import { resolveSpinPool, type Environment } from './spin-variables.ts';
import type { Checks, EngineId, Profile, Tier } from './tier.ts';
import { cageBytes } from './v8-rules.ts';

/** Sizes of one pool; `null` leaves the engine's own default. Bytes and counts. */
export type PoolSettings = Readonly<{
  memories: number;
  tables: number;
  stacks: number;
  coreInstances: number;
  maxMemoryBytes: number;
  tableElements: number;
  stackBytes: number;
  componentInstances: number | null;
  componentInstanceBytes: number | null;
  coreInstanceBytes: number | null;
  coreInstancesPerComponent: number | null;
  tablesPerComponent: number | null;
  memoriesPerComponent: number | null;
  tablesPerModule: number | null;
  memoriesPerModule: number | null;
  memoryKeepResidentBytes: number | null;
  tableKeepResidentBytes: number | null;
}>;

export type WasmtimeConfiguration = Readonly<{
  kind: 'wasmtime';
  tier: Tier;
  checks: Checks;
  /** Null: on-demand. */
  pool: PoolSettings | null;
  reservationBytes: number;
  guardBytes: number;
  growthBytes: number;
  /** Of the kernel's pages, where they are not of 4 KiB: parts of pools are rounded up to them. */
  pageBytes?: number;
  noReserve: boolean;
  /** False: this version's C API cannot configure pools. */
  poolingInC: boolean;
}>;

export type PooledConfiguration = WasmtimeConfiguration & Readonly<{ pool: PoolSettings }>;

export type V8Configuration = Readonly<{
  kind: 'v8';
  tier: Tier;
  checks: Checks;
  /** Live memories that must have room at once. */
  memories: number;
  /** Address space V8 takes for one guarded 32-bit memory. */
  cageBytes: number;
}>;

export type TierConfiguration = WasmtimeConfiguration | V8Configuration;

/** The facts by which a tier takes its form. */
export const formFacts = [
  ...limitFacts,
  'stackLimit',
  'cgroupMemoryMax',
  'pageSize',
  'architecture',
] as const satisfies readonly (keyof Facts)[];

export type ConfigurationInput = Readonly<{
  engine: EngineId;
  profile: Profile;
  /** Spin's variables; read for `standard` under the profile `spin`. */
  env: Environment;
  /** An unknown limit is none. */
  facts: Partial<Pick<Facts, (typeof formFacts)[number]>>;
  /** Version of the Node around the engine, which needs room as well. @default none */
  node?: string;
  /** Changes to the tier's own settings; V8 has none of these. @default nothing */
  parameters?: PoolParameters | undefined;
}>;

/** Live guarded memories V8 must have room for to count as `standard`: as many as Spin's pool has slots. */
export const v8StandardMemories = 1000;

/**
 * On-demand where 4 GiB a memory do not fit: nothing reserved ahead, and some MiB behind a memory
 * that had to move (with none, growing page by page copies the memory each time).
 */
const unreserved = { reservationBytes: 0, guardBytes: 64 * KiB, growthBytes: 16 * MiB };

/** Complete settings of a tier. Throws AllocatorError for a bad variable or version. */
export function resolveTierConfiguration(tier: Tier, input: ConfigurationInput): TierConfiguration {
  if (input.engine.kind === 'v8') return resolveV8(tier, input);
  return tier === 'on-demand' ? resolveOnDemand(input) : resolvePooled(tier, input);
}

function resolveV8(tier: Tier, { engine }: ConfigurationInput): V8Configuration {
  return {
    kind: 'v8',
    tier,
    checks: tier === 'on-demand' ? 'explicit' : 'elided',
    memories: { standard: v8StandardMemories, conservative: fewestSlots, 'on-demand': canaryInstances }[tier],
    cageBytes: cageBytes(engine.version),
  };
}

/** The engine's own settings, before a tier changes them. */
const baseOf = (
  tier: Tier,
  defaults: WasmtimeDefaults,
  { pageSize = usualPageBytes }: ConfigurationInput['facts'],
): Omit<WasmtimeConfiguration, 'pool'> => ({
  kind: 'wasmtime',
  ...(pageSize !== usualPageBytes && { pageBytes: pageSize }),
  tier,
  checks: 'elided',
  reservationBytes: defaults.reservationBytes,
  guardBytes: defaults.guardBytes,
  growthBytes: defaults.growthBytes,
  noReserve: defaults.noReserve,
  poolingInC: defaults.poolingInC,
});

/** A tier of wasmtime with a pool. Throws AllocatorError for a bad variable or version. */
export function resolvePooled(
  tier: Exclude<Tier, 'on-demand'>,
  input: ConfigurationInput,
): PooledConfiguration {
  const defaults = resolveDefaults(input.engine.version);
  const base = baseOf(tier, defaults, input.facts);
  const own =
    tier === 'conservative'
      ? chooseConservative(base, input)
      : { ...base, pool: input.profile === 'spin' ? spinPool(input.env, defaults) : ownPool(defaults) };
  const { pool } = own;
  const { memories, tables, tableElements, stacks, maxMemory } = input.parameters ?? {};
  return {
    ...changeMemories(own, input.parameters),
    pool: {
      ...pool,
      memories: memories ?? pool.memories,
      tables: tables ?? pool.tables,
      tableElements: tableElements ?? pool.tableElements,
      stacks: stacks ?? pool.stacks,
      maxMemoryBytes: maxMemory ?? pool.maxMemoryBytes,
    },
  };
}

function resolveOnDemand(input: ConfigurationInput): WasmtimeConfiguration {
  const defaults = resolveDefaults(input.engine.version);
  const big = canaryInstances * (defaults.reservationBytes + 2 * defaults.guardBytes);
  const form = hasRoom(big, input.facts) ? {} : unreserved;
  return changeMemories(
    { ...baseOf('on-demand', defaults, input.facts), ...form, pool: null },
    input.parameters,
  );
}

/**
 * Wasmtime leaves the bounds check of a 4-byte access out where none at a 32-bit index can reach beyond reservation
 * and guard. At 4 GiB exactly it stays: the last three bytes would lie behind.
 */
const elidedFromBytes = 4 * GiB + 3;

/** Whether accesses need no check of their own. */
export const checksOf = ({
  reservationBytes,
  guardBytes,
}: Pick<WasmtimeConfiguration, 'reservationBytes' | 'guardBytes'>): Checks =>
  reservationBytes + guardBytes >= elidedFromBytes ? 'elided' : 'explicit';

function changeMemories<Own extends WasmtimeConfiguration>(own: Own, parameters: PoolParameters = {}): Own {
  const reservationBytes = parameters.reservation ?? own.reservationBytes;
  const guardBytes = parameters.guard ?? own.guardBytes;
  return { ...own, reservationBytes, guardBytes, checks: checksOf({ reservationBytes, guardBytes }) };
}

const unset = {
  componentInstances: null,
  componentInstanceBytes: null,
  coreInstanceBytes: null,
  coreInstancesPerComponent: null,
  tablesPerComponent: null,
  memoriesPerComponent: null,
  tablesPerModule: null,
  memoriesPerModule: null,
  memoryKeepResidentBytes: null,
  tableKeepResidentBytes: null,
} as const;

function ownPool(defaults: WasmtimeDefaults): PoolSettings {
  const { memories, tables, stacks, coreInstances, maxMemoryBytes, tableElements, stackBytes } = defaults;
  return { ...unset, memories, tables, stacks, coreInstances, maxMemoryBytes, tableElements, stackBytes };
}

function spinPool(env: Environment, defaults: WasmtimeDefaults): PoolSettings {
  return { ...resolveSpinPool(env), maxMemoryBytes: 4 * GiB, stackBytes: defaults.stackBytes };
}
