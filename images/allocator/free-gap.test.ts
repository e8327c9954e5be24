import t from 'tap';
import { describeShortfall } from './explain.ts';
import type { Facts } from './facts.ts';
import { hosts } from './hosts.ts';
import { parseFacts } from './parse-facts.ts';
import { predictForeign } from './predict-foreign.ts';
import { predictHost, predictTier, type PredictionInput } from './predict.ts';
import { decidedByChance } from './prediction.ts';
import { GiB, MiB, TiB } from './sizes.ts';

const facts: Facts = {
  ...parseFacts({}),
  memTotal: 8 * GiB,
  overcommitMemory: 1,
  maxMapCount: 65_530,
  stackLimit: 8 * MiB,
  addressBits: 47,
  sysAdmin: true,
};

/** A memory takes 4 GiB and a guard of 32 MiB. */
const slotsOf = (bytes: number): number => Math.floor(bytes / (4 * GiB + 32 * MiB));

const inNode = (bytes: number, change: Partial<Facts> = {}): PredictionInput => ({
  facts: { ...facts, ...change },
  engine: { kind: 'wasmtime', version: '50.0.1' },
  node: '20.20.2',
  profile: 'wasmtime',
  choice: 'standard',
  env: {},
  parameters: { memories: slotsOf(bytes), tables: 10, stacks: 10 },
});

const inWasmtime = (bytes: number) =>
  predictForeign({
    facts,
    host: 'wasmtime-run',
    version: hosts['wasmtime-run'].newest,
    words: ['-O', `pooling-allocator=y,pooling-total-memories=${slotsOf(bytes)}`],
    env: {},
  });

t.test('one mapping has to fit into the largest gap, which V8 leaves smaller than other programs', (t) => {
  for (const [size, node, wasmtime] of [
    [30, 'granted', 'granted'],
    [62, 'granted', 'granted'],
    [78.7, 'chance', 'granted'],
    [85.7, 'chance', 'chance'],
    [100, 'refused', 'refused'],
  ] as const) {
    const word = (prediction: ReturnType<typeof predictHost>): string =>
      decidedByChance(prediction) !== null
        ? 'chance'
        : prediction.outcome === 'reached'
          ? 'granted'
          : 'refused';
    t.equal(word(predictHost(inNode(size * TiB))), node, `${size} TiB beside V8`);
    t.equal(word(inWasmtime(size * TiB)), wasmtime, `${size} TiB in Wasmtime`);
  }
  t.end();
});

t.test('what splits the address space is said, and that another run may end otherwise', (t) => {
  const stop = (input: PredictionInput): string => {
    const tier = predictTier('standard', input);
    return tier.fits ? '' : describeShortfall(tier.shortfall);
  };
  t.match(
    stop(inNode(78.7 * TiB)),
    /^memory pool needs 78\.\d+ TiB in one piece, the largest gap in the address space has about 66\.\d+ TiB: pages of V8's heap, .* may differ from run to run$/,
  );
  const sure = stop(inNode(100 * TiB));
  t.match(sure, /pages of V8's heap/);
  t.notMatch(sure, /run to run/);
  const [tier] = inWasmtime(100 * TiB).tiers;
  t.match(tier?.fits === false && describeShortfall(tier.shortfall), /the program itself, at two thirds/);
  t.match(predictTier('standard', inNode(64.5 * TiB)), {
    fits: true,
    tightest: { limit: 'free gap', chance: true, splitBy: 'v8-heap' },
  });
  const stored = { pool: 'memory', limit: 'free gap', unit: 'bytes', available: 66 * TiB } as const;
  t.match(
    describeShortfall({ ...stored, needed: 100 * TiB }),
    /has about 66[.\d]* TiB: other mappings of the process split the rest$/,
    'a stored result that does not say which',
  );
  t.end();
});

t.test('other limits come first, and other widths are not split so', (t) => {
  t.match(predictTier('standard', inNode(78.7 * TiB, { addressSpaceLimit: 70 * TiB })), {
    shortfall: { limit: 'RLIMIT_AS' },
  });
  t.match(predictTier('standard', inNode(78.7 * TiB, { addressBits: 48 })), { fits: true });
  t.equal(decidedByChance(predictHost(inNode(78.7 * TiB, { mdwe: 'prctl' }))), null, 'no Node starts');
  t.end();
});
