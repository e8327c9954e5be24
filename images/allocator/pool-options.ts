/**
 * The settings of a pool as options of wasmtime's command line (`-O name=value,…`, crates/cli-flags), in both
 * directions: one table for the model, for the option lists of subjects, and for what cures propose.
 */
import { AllocatorError } from './allocator-error.ts';
import type { PoolSettings, WasmtimeConfiguration } from './configuration.ts';
import { resolveDefaults } from './engines.ts';

type MemoryField = 'reservationBytes' | 'guardBytes' | 'growthBytes';
/** Counts and bytes of a configuration, each with an option of its own; null leaves the engine's default. */
export type PoolSizes = Readonly<Partial<Pick<WasmtimeConfiguration, MemoryField> & PoolSettings>>;

const poolOptions = {
  'pooling-total-memories': 'memories',
  'pooling-total-tables': 'tables',
  'pooling-table-elements': 'tableElements',
  'pooling-total-stacks': 'stacks',
  'pooling-total-core-instances': 'coreInstances',
  'pooling-total-component-instances': 'componentInstances',
  'pooling-max-memory-size': 'maxMemoryBytes',
  'pooling-max-core-instance-size': 'coreInstanceBytes',
  'pooling-max-component-instance-size': 'componentInstanceBytes',
  'pooling-max-core-instances-per-component': 'coreInstancesPerComponent',
  'pooling-max-tables-per-component': 'tablesPerComponent',
  'pooling-max-memories-per-component': 'memoriesPerComponent',
  'pooling-max-tables-per-module': 'tablesPerModule',
  'pooling-max-memories-per-module': 'memoriesPerModule',
  'pooling-memory-keep-resident': 'memoryKeepResidentBytes',
  'pooling-table-keep-resident': 'tableKeepResidentBytes',
} as const satisfies Readonly<Record<string, keyof PoolSettings>>;

const memoryOptions: Readonly<Record<string, MemoryField>> = {
  'memory-reservation': 'reservationBytes',
  'memory-reservation-for-growth': 'growthBytes',
  'memory-guard-size': 'guardBytes',
};

/** Names of before 28, which are still read. */
const formerOptions: Readonly<Record<string, MemoryField>> = {
  'static-memory-maximum-size': 'reservationBytes',
  'dynamic-memory-reserved-for-growth': 'growthBytes',
  'static-memory-guard-size': 'guardBytes',
  'dynamic-memory-guard-size': 'guardBytes',
};

const fields: Readonly<Record<string, MemoryField | keyof PoolSettings>> = {
  ...formerOptions,
  ...memoryOptions,
  ...poolOptions,
};

/** The size of a stack is `-W async-stack-size`, which is none of these. */
const options = Object.entries({ ...memoryOptions, ...poolOptions });

/**
 * The options by which `wasmtime run` and `serve` of this version get that pool: those that differ from its own
 * defaults. Throws BAD_VERSION.
 * @param pooling whether to use a pool at all: `pooling-allocator=y` or `n`; null leaves it to the program
 * @returns words of a command line, `['-O', 'a=1,b=2']`; none where nothing differs
 */
export function formatPoolOptions(
  sizes: PoolSizes,
  version: string,
  pooling: boolean | null = null,
): readonly string[] {
  const defaults: PoolSizes = resolveDefaults(version);
  const given = options.flatMap(([option, field]) => {
    const value = sizes[field] ?? null;
    return value === null || value === (defaults[field] ?? null) ? [] : [`${option}=${value}`];
  });
  const all = [...(pooling === null ? [] : [`pooling-allocator=${pooling ? 'y' : 'n'}`]), ...given];
  return all.length === 0 ? [] : ['-O', all.join(',')];
}

export type ReadOptions = Readonly<{
  /** Null: the program decides. */
  pooling: boolean | null;
  sizes: PoolSizes;
}>;

/**
 * Options on a command line; the last of each counts. Others are left alone.
 * @param words `-O name=value,…`, `-Oname=value`, `--optimize name` and whatever else is there
 * @throws AllocatorError BAD_PARAMETER for a value that wasmtime would refuse
 */
export function readPoolOptions(words: readonly string[]): ReadOptions {
  const lists = words.flatMap((word, index) => {
    if (word === '-O' || word === '--optimize') return [words[index + 1] ?? ''];
    return /^(?:-O|--optimize=)(.+)$/s.exec(word)?.slice(1) ?? [];
  });
  const sizes: Partial<Record<keyof PoolSizes, number>> = {};
  let pooling: boolean | null = null;
  for (const option of lists.flatMap((list) => list.split(','))) {
    const [name = '', value] = option.split(/=(.*)/s);
    if (name === 'pooling-allocator') pooling = readSwitch(name, value);
    const field = fields[name];
    if (field !== undefined) sizes[field] = readNumber(name, value);
  }
  return { pooling, sizes };
}

function readSwitch(name: string, value: string | undefined): boolean {
  if (value === undefined || /^(?:y|yes|true)$/.test(value)) return true;
  if (/^(?:n|no|false)$/.test(value)) return false;
  throw new AllocatorError('BAD_PARAMETER', `-O ${name}=${value}: must be y or n`);
}

function readNumber(name: string, value: string | undefined): number {
  if (value === undefined || !/^(?:\d{1,15}|0x[\da-fA-F]{1,12})$/.test(value))
    throw new AllocatorError('BAD_PARAMETER', `-O ${name}=${value ?? ''}: must be a whole number`);
  return Number(value);
}
