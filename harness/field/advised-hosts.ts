/** Hosts that `advise` knows: the options or variables that set the size of each pool, and the model's prediction. */
import { smallSlot } from '../../images/allocator/conservative.ts';
import { predictForeign } from '../../images/allocator/predict-foreign.ts';
import type { Facts } from '../../images/allocator/facts.ts';
import { firstSpinWith, hosts, isSpinSince, washVariables } from '../../images/allocator/hosts.ts';
import { formatPoolOptions, type PoolSizes } from '../../images/allocator/pool-options.ts';
import { predictHost } from '../../images/allocator/predict.ts';
import type { Prediction } from '../../images/allocator/prediction.ts';
import { GiB, KiB, MiB } from '../../images/allocator/sizes.ts';
import { resolveEngine } from '../plan/requirements.ts';

/** Additions to the start of a host: variables of its environment, words of its command line. */
export type Setup = Readonly<{ env: Readonly<Record<string, string>>; options: readonly string[] }>;

export const noSetup: Setup = { env: {}, options: [] };

/** One way to size a pool: for `slots` instances, each with a memory of up to `memoryBytes`. */
export type Shape = Readonly<{
  memoryBytes: number;
  /** What is given up besides instances; null for nothing. */
  cost: string | null;
  /** @param force also where the host's own trial fails */
  setup: (slots: number, force: boolean) => Setup;
}>;

export type AdvisedHost = Readonly<{
  title: string;
  /** Program on the PATH that proves it; null for the wasm host, which is part of poolproof. */
  program: string | null;
  /** Assumed where nothing says the version. */
  newest: string;
  /** The pool without any setting. */
  wholeSlots: number;
  /** The host has a pool of fewer slots by itself where its own does not fit. */
  adapts: boolean;
  /** Requests beyond its instances wait; others are refused. */
  queues: boolean;
  /** Throws AllocatorError for a version that is none. */
  predict: (facts: Facts, version: string, setup: Setup) => Prediction;
  /** Best first. Throws AllocatorError. */
  shapes: (version: string) => readonly Shape[];
  /** Ways to do without a pool, best first; none where the host decides itself. */
  withoutPool: (version: string) => readonly Setup[];
}>;

/** Spin's ratio: two tables and four core instances for each memory and stack; and what its slots keep. */
const sizesFor = (slots: number): PoolSizes => ({
  memories: slots,
  tables: 2 * slots,
  stacks: slots,
  coreInstances: 4 * slots,
  componentInstances: slots,
  memoryKeepResidentBytes: 2 * MiB,
  tableKeepResidentBytes: 512 * KiB,
});

const whole = { memoryBytes: 4 * GiB, cost: null };
const checked = 'accesses of memory are checked in code';

const spinShapes = (version: string): readonly Shape[] => {
  const since = firstSpinWith('SPIN_MAX_INSTANCE_COUNT') ?? '0.0';
  const isOld = !isSpinSince(version, since);
  const count = (slots: number): Setup['env'] =>
    isOld
      ? {
          SPIN_WASMTIME_INSTANCE_COUNT: String(slots),
          SPIN_WASMTIME_TOTAL_MEMORIES: String(slots),
          SPIN_WASMTIME_TOTAL_TABLES: String(2 * slots),
        }
      : { SPIN_MAX_INSTANCE_COUNT: String(slots) };
  const setup =
    (more: Setup['env']): Shape['setup'] =>
    (slots, force) => ({
      env: { ...count(slots), ...more, ...(force && { SPIN_WASMTIME_POOLING: '1' }) },
      options: [],
    });
  return [
    { ...whole, setup: setup({}) },
    {
      ...whole,
      cost: 'tables of at most 20000 elements',
      setup: setup({ SPIN_WASMTIME_INSTANCE_TABLE_ELEMENTS: '20000' }),
    },
  ];
};

const asOptions =
  (version: string, more: PoolSizes): Shape['setup'] =>
  (slots, force) => ({
    env: {},
    options: formatPoolOptions({ ...sizesFor(slots), ...more }, version, force ? true : null),
  });

/** The variables of wash for a pool of so many instances: it has none for the number of instances alone. */
export const asWashVariables = (slots: number): Setup => {
  const sizes = sizesFor(slots);
  const given = Object.entries(washVariables).flatMap(([name, field]) => {
    const value = sizes[field] ?? null;
    return value === null ? [] : [[name, String(value)] as const];
  });
  return { env: Object.fromEntries(given), options: [] };
};

const foreign =
  (host: 'spin' | 'wasmtime-serve' | 'wash'): AdvisedHost['predict'] =>
  (facts, version, { env, options }) =>
    predictForeign({ host, version, facts, env, words: ['serve', ...options] });

const common = { wholeSlots: 1000, adapts: false, queues: false } as const;
const nothing = (): readonly Setup[] => [];

export const advisedHosts = {
  spin: {
    ...common,
    title: 'Spin',
    program: 'spin',
    newest: hosts.spin.newest,
    predict: foreign('spin'),
    shapes: spinShapes,
    withoutPool: () => [{ env: { SPIN_WASMTIME_POOLING: '0' }, options: [] }],
  },
  'wasmtime-serve': {
    ...common,
    title: 'wasmtime serve',
    program: 'wasmtime',
    newest: hosts['wasmtime-serve'].newest,
    predict: foreign('wasmtime-serve'),
    shapes: (version) => [
      { ...whole, setup: asOptions(version, {}) },
      {
        memoryBytes: smallSlot.reservationBytes,
        cost: checked,
        setup: asOptions(version, { ...smallSlot, maxMemoryBytes: smallSlot.reservationBytes }),
      },
    ],
    withoutPool: (version) =>
      [{}, { reservationBytes: 0, growthBytes: 16 * MiB, guardBytes: smallSlot.guardBytes }].map((sizes) => ({
        env: {},
        options: formatPoolOptions(sizes, version, false),
      })),
  },
  wash: {
    ...common,
    title: 'wash (wasmCloud)',
    program: 'wash',
    newest: hosts.wash.newest,
    predict: foreign('wash'),
    shapes: () => [{ ...whole, setup: asWashVariables }],
    withoutPool: nothing,
  },
  node: {
    ...common,
    title: 'the wasm host of poolproof, in Node',
    program: null,
    newest: process.versions.node,
    adapts: true,
    queues: true,
    predict: (facts, node, { env }) =>
      predictHost({
        facts,
        node,
        engine: { kind: 'wasmtime', version: resolveEngine('wasmtime').version ?? '' },
        profile: 'spin',
        choice: 'auto',
        env,
      }),
    shapes: () => [
      {
        ...whole,
        setup: (slots) => ({ env: { SPIN_MAX_INSTANCE_COUNT: String(slots) }, options: [] }),
      },
    ],
    withoutPool: nothing,
  },
} as const satisfies Readonly<Record<string, AdvisedHost>>;

export type AdvisedName = keyof typeof advisedHosts;
