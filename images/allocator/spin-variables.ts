/**
 * Spin's environment variables for its pool, as Spin reads them (spinframework/spin
 * `crates/core/src/lib.rs`): a value that does not parse ends Spin, so it is an error here as well.
 */
import { AllocatorError } from './allocator-error.ts';
import { KiB, MiB } from './sizes.ts';
import { allocatorChoices, type AllocatorChoice } from './tier.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Pool settings that Spin's variables decide; sizes in bytes. */
export type SpinPool = Readonly<{
  componentInstances: number;
  memories: number;
  tables: number;
  stacks: number;
  coreInstances: number;
  tableElements: number;
  componentInstanceBytes: number;
  coreInstanceBytes: number;
  coreInstancesPerComponent: number;
  tablesPerComponent: number;
  memoriesPerComponent: number;
  tablesPerModule: number;
  memoriesPerModule: number;
  memoryKeepResidentBytes: number;
  tableKeepResidentBytes: number;
}>;

type Row = Readonly<{ field: keyof SpinPool; width: 32 | 64; fallback: (base: number) => number }>;

/** In Spin's order; `base` is SPIN_MAX_INSTANCE_COUNT. Counts are u32, sizes usize. */
const rows: Readonly<Record<string, Row>> = {
  SPIN_WASMTIME_INSTANCE_COUNT: { field: 'componentInstances', width: 32, fallback: (base) => base },
  SPIN_WASMTIME_TOTAL_MEMORIES: { field: 'memories', width: 32, fallback: (base) => base },
  SPIN_WASMTIME_TOTAL_TABLES: { field: 'tables', width: 32, fallback: (base) => 2 * base },
  SPIN_WASMTIME_TOTAL_STACKS: { field: 'stacks', width: 32, fallback: (base) => base },
  SPIN_WASMTIME_TOTAL_CORE_INSTANCES: { field: 'coreInstances', width: 32, fallback: (base) => 4 * base },
  SPIN_WASMTIME_INSTANCE_TABLE_ELEMENTS: { field: 'tableElements', width: 64, fallback: () => 100_000 },
  SPIN_WASMTIME_INSTANCE_SIZE: { field: 'componentInstanceBytes', width: 64, fallback: () => 10 * MiB },
  SPIN_WASMTIME_CORE_INSTANCE_SIZE: { field: 'coreInstanceBytes', width: 64, fallback: () => 10 * MiB },
  SPIN_WASMTIME_CORE_INSTANCE_COUNT: { field: 'coreInstancesPerComponent', width: 32, fallback: () => 200 },
  SPIN_WASMTIME_INSTANCE_TABLES: { field: 'tablesPerComponent', width: 32, fallback: () => 64 },
  SPIN_WASMTIME_INSTANCE_MEMORIES: { field: 'memoriesPerComponent', width: 32, fallback: () => 32 },
  SPIN_WASMTIME_MAX_TABLES_PER_MODULE: { field: 'tablesPerModule', width: 32, fallback: () => 2 },
  SPIN_WASMTIME_MAX_MEMORIES_PER_MODULE: { field: 'memoriesPerModule', width: 32, fallback: () => 2 },
  SPIN_WASMTIME_LINEAR_MEMORY_KEEP_RESIDENT: {
    field: 'memoryKeepResidentBytes',
    width: 64,
    fallback: () => 2 * MiB,
  },
  SPIN_WASMTIME_TABLE_KEEP_RESIDENT: {
    field: 'tableKeepResidentBytes',
    width: 64,
    fallback: () => 512 * KiB,
  },
};

/** Spin's pool with its environment applied. Throws BAD_VARIABLE. */
export function resolveSpinPool(env: Environment): SpinPool {
  const base = readCount(env, 'SPIN_MAX_INSTANCE_COUNT', 32) ?? 1000;
  const entries = Object.entries(rows).map(([name, row]) => {
    const value = readCount(env, name, row.width) ?? row.fallback(base);
    if (row.width === 32 && value > u32Max) throw tooLarge('SPIN_MAX_INSTANCE_COUNT', String(base));
    return [row.field, value] as const;
  });
  return Object.fromEntries(entries) as SpinPool;
}

/**
 * The effective choice: SPIN_ALLOCATOR if it is set, otherwise Spin's own switch (SPIN_WASMTIME_POOLING=1 forces the
 * pool, 0 forbids it). Throws BAD_VARIABLE.
 */
export function resolveChoice(choice: AllocatorChoice, env: Environment): AllocatorChoice {
  const pooling = env['SPIN_WASMTIME_POOLING'];
  if (pooling !== undefined && pooling !== '0' && pooling !== '1') {
    throw new AllocatorError('BAD_VARIABLE', `SPIN_WASMTIME_POOLING=${pooling}: must be 0 or 1`);
  }
  if (choice !== 'auto' || pooling === undefined) return choice;
  return pooling === '1' ? 'standard' : 'on-demand';
}

/** SPIN_ALLOCATOR as text; unset means `auto`, `pooling` means `standard`. Throws BAD_VARIABLE. */
export function parseChoice(text: string | undefined): AllocatorChoice {
  if (text === undefined) return 'auto';
  if (text === 'pooling') return 'standard';
  const choice = allocatorChoices.find((candidate) => candidate === text);
  if (choice === undefined) {
    const good = [...allocatorChoices, 'pooling'].join(', ');
    throw new AllocatorError('BAD_VARIABLE', `SPIN_ALLOCATOR=${text}: must be one of ${good}`);
  }
  return choice;
}

const u32Max = 0xffff_ffff;

/** As Rust's `FromStr` of an unsigned integer: decimal digits, at most a leading plus. */
function readCount(env: Environment, name: string, width: 32 | 64): number | null {
  const text = env[name];
  if (text === undefined) return null;
  if (!/^\+?\d+$/.test(text)) {
    throw new AllocatorError('BAD_VARIABLE', `${name}=${text}: must be a whole number`);
  }
  const value = Number(text);
  if (value > (width === 32 ? u32Max : Number.MAX_SAFE_INTEGER)) throw tooLarge(name, text);
  return value;
}

function tooLarge(name: string, text: string): AllocatorError {
  return new AllocatorError('BAD_VARIABLE', `${name}=${text}: too large`);
}
