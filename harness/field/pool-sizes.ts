/** The number in a refusal of Wasmtime → the sizes that its program had configured. */
import { listPools } from '../../images/allocator/mappings.ts';
import { resolveTierConfiguration } from '../../images/allocator/configuration.ts';
import { formatSize } from '../axes/size.ts';
import type { Settings } from '../axes/table.ts';
import { estimateFacts } from '../plan/estimate-facts.ts';
import { resolveEngine } from '../plan/requirements.ts';
import { axisOf, say, type Rule } from './mapping.ts';
import type { Symptom } from './symptom.ts';

const [kib, mib, gib] = [2 ** 10, 2 ** 20, 2 ** 30];
const page = 4 * kib;

/** Guards that versions of Wasmtime have had by default: since 28, and before. */
const guards: readonly number[] = [32 * mib, 2 * gib, 64 * kib, 0];
/** What one memory may take: 4 GiB by default. */
const reservations: readonly number[] = [4 * gib, 8 * gib, 2 * gib, gib, 512 * mib, 256 * mib, 128 * mib];
const counts: readonly number[] = [1000, 10_000, 100, 50, 500, 2000, 5000, 20, 10, 32, 64, 128, 256, 512];
const elementCounts: readonly number[] = [20_000, 10_000, 100_000, 1000];
const mostMemories = 100_000;

/** Sizes by which a mapping has just this many bytes; the commonest first. Null: no sizes that are known. */
export function findSizes(
  pool: 'memory' | 'table' | 'stack' | 'one memory',
  bytes: number,
): Partial<Settings> | null {
  if (pool === 'one memory') {
    for (const guard of guards) {
      const reservation = bytes - 2 * guard;
      if (reservations.includes(reservation)) return { reservation, guard };
    }
    return null;
  }
  if (pool === 'memory') {
    for (const guard of guards)
      for (const reservation of reservations) {
        const memories = (bytes - guard) / (reservation + guard);
        if (Number.isInteger(memories) && memories > 1 && memories <= mostMemories)
          return { memories, reservation, guard };
      }
    return null;
  }
  if (pool === 'table') {
    for (const tableElements of elementCounts) {
      const tables = bytes / (Math.ceil((tableElements * 8) / page) * page);
      if (Number.isInteger(tables) && counts.some((count) => tables === count || tables === 2 * count))
        return { tables, tableElements };
    }
    return null;
  }
  // Stacks of 2 MiB, as the engine has by default; their size is no axis.
  const stacks = bytes / (2 * mib + page);
  return Number.isInteger(stacks) && stacks > 0 ? { stacks } : null;
}

/** Bytes of the pools that the settings would make, by name. */
function ownPools(so: Settings): ReadonlyMap<string, number> {
  const { kind, version } = resolveEngine(so.engine);
  if (kind !== 'wasmtime') return new Map();
  const engine = { kind, version: version ?? '' } as const;
  const configuration = resolveTierConfiguration('standard', {
    engine,
    profile: so.profile,
    env: so.env,
    parameters: {},
    facts: estimateFacts(so),
  });
  if (configuration.kind !== 'wasmtime') return new Map();
  return new Map(listPools(configuration).map(({ pool, bytes }) => [pool, bytes]));
}

/** Settings of the pool or memory whose mapping was refused, from the bytes of the refusal. */
export function derivePool(
  { act, pool, bytes }: Symptom,
  so: Settings,
): ReturnType<Rule> & { set: Partial<Settings> } {
  if (act === 'memory') {
    const set = { allocator: 'on-demand' as const };
    // Also where it is the default: without a request the wasm host reserves less under a tight limit.
    return bytes === null ? { set, say: [] } : derived(set, 'one memory', bytes, so);
  }
  if (act !== 'pool') return { set: {}, say: [] };
  const kind = pool === 'table' || pool === 'stack' ? pool : 'memory';
  if (bytes === null || ownPools(so).get(kind) === bytes) return { set: {}, say: [] };
  return derived({}, kind, bytes, so);
}

function derived(
  set: Partial<Settings>,
  what: Parameters<typeof findSizes>[0],
  bytes: number,
  so: Settings,
): ReturnType<typeof derivePool> {
  const found = findSizes(what, bytes);
  const kind = what === 'one memory' ? what : `the ${what} pool`;
  const hex = `0x${bytes.toString(16)} bytes`;
  if (found === null)
    return {
      set,
      say: [
        say('command.output', hex, 'approximated', {
          why: `no known sizes of ${kind} give this number: those of the profile stand for them`,
          decides: true,
        }),
      ],
    };
  const now = { ...so, ...set, ...found };
  const names = Object.keys(found) as (keyof typeof found)[];
  return {
    set: { ...set, ...found },
    say: names.map((axis) =>
      say('command.output', hex, 'exact', {
        ...axisOf(axis, now),
        why: `${kind} of ${formatSize(Math.floor(bytes / kib) * kib)} is made of it`,
        decides: true,
      }),
    ),
  };
}
