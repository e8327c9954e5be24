/** The kernel's rules for one mapping: whether it fits, otherwise which limit refuses it and by how much. */
import type { Facts } from './facts.ts';
import type { LimitName, Pool, Shortfall, Splitter } from './prediction.ts';

/** What a version or its settings refuse on any machine, as a shortfall. */
export const lacks = (pool: Pool, needed: number, available: number): Shortfall => ({
  pool,
  limit: 'feature',
  needed,
  available,
  unit: 'maps',
});

/** The refusal of memory that becomes executable after it was written; null where it is allowed. */
export const refuseCode = (pool: Pool, { mdwe }: Pick<Facts, 'mdwe'>): Shortfall | null =>
  mdwe === 'prctl' || mdwe === 'seccomp'
    ? { pool, limit: 'write-execute', needed: 1, available: 0, unit: 'maps' }
    : null;

/** The facts that the rules read. */
export const limitFacts = [
  'maxMapCount',
  'addressSpaceLimit',
  'addressBits',
  'dataLimit',
  'overcommitMemory',
  'commitLimit',
  'committedAs',
  'adminReserve',
  'userReserve',
  'sysAdmin',
  'memTotal',
  'swapTotal',
  'processLimit',
  'pidsMax',
] as const satisfies readonly (keyof Facts)[];
export type LimitFacts = Pick<Facts, (typeof limitFacts)[number]>;

/**
 * The largest gap that the other mappings of a process leave in 47 bits of addresses. One mapping has to fit into it,
 * however much is free in all. Bytes.
 */
export type Gap = Readonly<{
  /** There every time. */
  always: number;
  /** In half of the runs. */
  usual: number;
  /** No run is known to have more. */
  most: number;
  splitBy: Splitter;
}>;

/** The holdings of a process: bytes of address space, private writable bytes, mappings, threads beside its first. */
export type Holding = Readonly<{
  virtual: number;
  writable: number;
  maps: number;
  threads?: number;
  gap?: Gap;
}>;

/** One step of a process: what it adds. */
export type Step = Readonly<{
  pool: Pool;
  virtual: number;
  writable: number;
  /** Largest single charge in mode 0: one larger than RAM and swap is refused. */
  heuristic: number;
  maps: number;
  /** Processes and threads that it starts. @default 0 */
  threads?: number;
  /** The largest mapping of it, bytes. @default small enough for any gap */
  single?: number;
  /** How it splits the address space. @default as before */
  gap?: Gap;
}>;

/** Of x86-64, where programs are placed as measured; sv48 of riscv64 has as many, and V8 asks for no such gap. */
const splitBits = 47;

/** In the kernel's order: threads (kernel/fork.c); of a mapping (mm/mmap.c) mappings, address space, data, commit. */
const rules: readonly Readonly<{
  limit: LimitName;
  unit: Shortfall['unit'];
  needed: (step: Step) => number;
  /** Null: this limit does not apply. */
  available: (facts: LimitFacts, held: Holding, step: Step) => number | null;
}>[] = [
  {
    limit: 'RLIMIT_NPROC',
    unit: 'threads',
    needed: ({ threads = 0 }) => threads,
    // Whoever has CAP_SYS_ADMIN or CAP_SYS_RESOURCE is exempt.
    available: ({ processLimit = null, sysAdmin }, { threads = 0 }) =>
      processLimit === null || sysAdmin === true ? null : processLimit - threads,
  },
  {
    limit: 'pids.max',
    unit: 'threads',
    needed: ({ threads = 0 }) => threads,
    available: ({ pidsMax = null }, { threads = 0 }) => (pidsMax === null ? null : pidsMax - threads),
  },
  {
    limit: 'max_map_count',
    unit: 'maps',
    needed: (step) => step.maps,
    available: ({ maxMapCount }, held) => (maxMapCount === null ? null : maxMapCount - held.maps),
  },
  {
    limit: 'RLIMIT_AS',
    unit: 'bytes',
    needed: (step) => step.virtual,
    available: ({ addressSpaceLimit: limit }, held) => (limit === null ? null : limit - held.virtual),
  },
  {
    limit: 'address width',
    unit: 'bytes',
    needed: (step) => step.virtual,
    available: ({ addressBits }, held) => (addressBits === null ? null : 2 ** addressBits - held.virtual),
  },
  {
    limit: 'free gap',
    unit: 'bytes',
    needed: ({ single = 0 }) => single,
    available: ({ addressBits }, { gap }) =>
      addressBits === splitBits && gap !== undefined ? gap.usual : null,
  },
  {
    limit: 'RLIMIT_DATA',
    unit: 'bytes',
    needed: (step) => step.writable,
    available: ({ dataLimit }, held) => (dataLimit === null ? null : dataLimit - held.writable),
  },
  {
    limit: 'CommitLimit',
    unit: 'bytes',
    needed: (step) => step.writable,
    available: (facts, held, step) => availableCommit(facts, held, step),
  },
  {
    limit: 'overcommit heuristic',
    unit: 'bytes',
    needed: (step) => step.heuristic,
    available: ({ overcommitMemory, memTotal, swapTotal }) =>
      overcommitMemory === 0 && memTotal !== null ? memTotal + (swapTotal ?? 0) : null,
  },
];

/**
 * `__vm_enough_memory` (mm/util.c), mode 2: CommitLimit, less the administrator's reserve for those without
 * CAP_SYS_ADMIN, less min(process size / 32, user reserve), less the memory committed already. `Committed_AS` in the
 * facts is from before the process; `held` has its holdings since then.
 */
function availableCommit(facts: LimitFacts, held: Holding, step: Step): number | null {
  const { overcommitMemory, commitLimit, committedAs } = facts;
  if (overcommitMemory !== 2 || commitLimit === null || committedAs === null) return null;
  const admin = facts.sysAdmin === true ? 0 : (facts.adminReserve ?? 0);
  // The step's own address space may be mapped before its charge is checked.
  const user = Math.min((held.virtual + step.virtual) / 32, facts.userReserve ?? 0);
  return commitLimit - admin - user - committedAs - held.writable;
}

/** Every limit that applies to a step, as the shortfall it would be. */
function listChecks(step: Step, held: Holding, facts: LimitFacts): readonly Shortfall[] {
  const checks: Shortfall[] = [];
  for (const { limit, unit, needed, available: leftOf } of rules) {
    const left = leftOf(facts, held, step);
    const wanted = needed(step);
    if (left === null || wanted <= 0) continue;
    const { gap } = held;
    const split = limit === 'free gap' ? gap : undefined;
    const isChance = split !== undefined && wanted > split.always && wanted < split.most;
    const available = Math.max(0, Math.floor(left));
    checks.push({
      pool: step.pool,
      limit,
      needed: wanted,
      available,
      unit,
      ...(isChance && { chance: true }),
      ...(split !== undefined && { splitBy: split.splitBy }),
    });
  }
  return checks;
}

export type StepResult = Readonly<{
  held: Holding;
  /** The first limit that refuses the step. */
  shortfall: Shortfall | null;
  /** The scarcest limit that grants it: least available in relation to the need. */
  tightest: Shortfall | null;
}>;

/** Takes one step. */
export function takeStep(step: Step, held: Holding, facts: LimitFacts): StepResult {
  const checks = listChecks(step, held, facts);
  const gap = step.gap ?? held.gap;
  let tightest: Shortfall | null = null;
  for (const check of checks) {
    // A gap that is there every time limits nothing.
    if (check.limit === 'free gap' && check.chance !== true) continue;
    if (tightest === null || ratio(check) < ratio(tightest)) tightest = check;
  }
  return {
    held: {
      virtual: held.virtual + step.virtual,
      writable: held.writable + step.writable,
      maps: held.maps + step.maps,
      threads: (held.threads ?? 0) + (step.threads ?? 0),
      ...(gap !== undefined && { gap }),
    },
    shortfall: checks.find(({ needed, available }) => needed > available) ?? null,
    tightest,
  };
}

/** A process that has taken no step yet. */
const nothing: StepResult = { held: { virtual: 0, writable: 0, maps: 0 }, shortfall: null, tightest: null };

/**
 * Takes steps until one is refused; the scarcest limit is that of all steps.
 * @param before the steps of the same process until then
 */
export function takeSteps(steps: readonly Step[], facts: LimitFacts, before = nothing): StepResult {
  let { held, tightest } = before;
  for (const step of steps) {
    const result = takeStep(step, held, facts);
    if (result.shortfall !== null) return { held, shortfall: result.shortfall, tightest };
    if (margin(result.tightest) < margin(tightest)) tightest = result.tightest;
    held = result.held;
  }
  return { held, shortfall: null, tightest };
}

/** How many times the need fits into the rest. */
const margin = (check: Shortfall | null): number => (check === null ? Infinity : ratio(check));

const ratio = ({ needed, available }: Shortfall): number => available / needed;
