/**
 * The conservative tier: Spin's pool for fewer instances. How many is chosen from the facts before anything is tried,
 * so the tier never fails for a size it could have done without. README.md has the measurements behind the numbers.
 */
import type {
  ConfigurationInput,
  PooledConfiguration,
  PoolSettings,
  WasmtimeConfiguration,
} from './configuration.ts';
import { resolveDefaults } from './engines.ts';
import { takeSteps } from './limits.ts';
import { listPools, mappingStep } from './mappings.ts';
import { parseFacts } from './parse-facts.ts';
import { costStep, resolveProcessCost } from './processes.ts';
import { GiB, KiB, MiB } from './sizes.ts';
import { resolveSpinPool, type SpinPool } from './spin-variables.ts';

type SpinConfiguration = PooledConfiguration & Readonly<{ pool: SpinPool }>;

/** The largest that fits is taken; V8, which has no pool, must have room for the fewest. */
const slotCounts = [64, 32, 16] as const;
export const fewestSlots = 16;

/** The engine's own size, a fifth of Spin's: 160 KiB a table instead of 784. */
const tableElements = 20_000;

/** Of a slot where those of 4 GiB do not fit. A memory can grow to this, and its accesses are checked. */
export const smallSlot = { reservationBytes: 128 * MiB, guardBytes: 64 * KiB };

/** Mappings of a live instance: the pages of its memory and table that are in use, and its module's image. */
export const mapsPerSlot = 4;

/** Idle slots keep at most this part of the RAM (`keepResident` of each), as far as the fewest slots allow. */
const keptShare = 1 / 4;

/**
 * Address space left to the process itself when the configuration of a tier is chosen by address space. Node takes 0.3
 * to 1.3 GiB and an engine at work some hundred MiB more; the rest is room for the program.
 */
const processAllowanceBytes = 4 * GiB;

/** Whether that much address space leaves the process enough. */
export function hasRoom(bytes: number, facts: ConfigurationInput['facts']): boolean {
  const width = facts.addressBits == null ? Infinity : 2 ** facts.addressBits;
  return bytes + processAllowanceBytes <= Math.min(facts.addressSpaceLimit ?? Infinity, width);
}

/** @param base the engine's own settings for memories, used where even the fewest slots of them fit */
export function chooseConservative(
  base: Omit<WasmtimeConfiguration, 'pool'>,
  input: ConfigurationInput,
): SpinConfiguration {
  const { stackBytes } = resolveDefaults(input.engine.version);
  const slab = (slots: number, { reservationBytes, guardBytes } = base) =>
    slots * (reservationBytes + guardBytes) + guardBytes;
  const isBig = hasRoom(slab(fewestSlots), input.facts);
  const form = isBig ? base : { ...base, ...smallSlot, checks: 'explicit' as const };
  const make = (slots: number, env: Readonly<Record<string, string>> = {}): SpinConfiguration => ({
    ...form,
    pool: makePool(slots, env, { maxMemoryBytes: form.reservationBytes, stackBytes }),
  });
  return (
    slotCounts
      .filter((slots) => slots === fewestSlots || hasRoom(slab(slots, form), input.facts))
      .map((slots) => make(slots))
      .find((configuration) => leavesRoom(configuration, input)) ??
    // Enough for synchronous calls, which use no stack; the stacks are most of the charge.
    make(fewestSlots, {
      SPIN_WASMTIME_TOTAL_STACKS: '0',
      SPIN_WASMTIME_TOTAL_TABLES: String(fewestSlots),
    })
  );
}

function makePool(
  slots: number,
  env: Readonly<Record<string, string>>,
  sizes: Pick<PoolSettings, 'maxMemoryBytes' | 'stackBytes'>,
): PoolSettings & SpinPool {
  return {
    ...resolveSpinPool({ SPIN_MAX_INSTANCE_COUNT: String(slots), ...env }),
    tableElements,
    ...sizes,
  };
}

const nothingKnown = parseFacts({});

/** Whether the pool fits beside the process, and then in every slot as much memory as it keeps. */
function leavesRoom(configuration: SpinConfiguration, { facts, node }: ConfigurationInput): boolean {
  const known = { ...nothingKnown, ...facts };
  const { memories: slots, memoryKeepResidentBytes } = configuration.pool;
  const kept = slots * memoryKeepResidentBytes;
  const ram = Math.min(known.memTotal ?? Infinity, known.cgroupMemoryMax ?? Infinity);
  if (slots > fewestSlots && kept > ram * keptShare) return false;
  const cost = node === undefined ? null : resolveProcessCost(node, known);
  const steps = [
    ...(cost === null ? [] : [costStep('process', cost.start), costStep('code', cost.load.wasmtime)]),
    ...listPools(configuration).map(mappingStep),
    ...(cost === null ? [] : [costStep('code', cost.work.wasmtime)]),
    costStep('linear-memory', { virtual: 0, charged: kept, maps: slots * mapsPerSlot }),
  ];
  return takeSteps(steps, known).shortfall === null;
}
