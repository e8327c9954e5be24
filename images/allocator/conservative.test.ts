import t from 'tap';
import { resolveTierConfiguration, type ConfigurationInput } from './configuration.ts';
import { describeForm, listPools } from './mappings.ts';
import { parseFacts } from './parse-facts.ts';
import { predictTier } from './predict.ts';
import { GiB, KiB, MiB } from './sizes.ts';

type KnownFacts = ConfigurationInput['facts'];

function choose(facts: KnownFacts, node = '22.23.3') {
  const engine = { kind: 'wasmtime', version: '50.0.1' } as const;
  const input = {
    engine,
    profile: 'spin',
    env: {},
    facts: { addressBits: 47, stackLimit: 8 * MiB, ...facts },
    node,
  } as const;
  const found = resolveTierConfiguration('conservative', input);
  if (found.kind !== 'wasmtime') throw new Error('not wasmtime');
  return found;
}

/** `32 slots, 32 stacks, elided`. */
function word(facts: KnownFacts, node?: string): string {
  const { pool, checks } = choose(facts, node);
  return `${String(pool?.memories)} slots, ${String(pool?.stacks)} stacks, ${checks}`;
}

/** A guest under strict overcommit, ratio 50. */
const strict = (memTotalKib: number): KnownFacts => ({
  overcommitMemory: 2,
  memTotal: memTotalKib * KiB,
  commitLimit: (memTotalKib * KiB) / 2,
  committedAs: 5 * MiB,
  userReserve: Math.min((memTotalKib * KiB) / 32, 128 * MiB),
  adminReserve: 8 * MiB,
  sysAdmin: true,
});

t.test(
  'the conservative pool is Spin’s for fewer instances: stacks, tables and kept memory in its ratio',
  (t) => {
    t.match(choose({}).pool, {
      memories: 64,
      tables: 128,
      stacks: 64,
      coreInstances: 256,
      componentInstances: 64,
      tableElements: 20_000,
      memoryKeepResidentBytes: 2 * MiB,
      tableKeepResidentBytes: 512 * KiB,
      tablesPerModule: 2,
      maxMemoryBytes: 4 * GiB,
    });
    t.equal(describeForm(choose({})).chargedBytes, 64 * (2 * MiB + 4 * KiB + 2 * 160 * KiB));
    t.end();
  },
);

t.test('strict overcommit: as many slots as CommitLimit leaves 2 MiB of memory each', (t) => {
  t.equal(word(strict(480_420)), '32 slots, 32 stacks, elided', '512 MB');
  t.equal(word(strict(480_420), '20.20.2'), '16 slots, 16 stacks, elided', 'Node 20 holds 32 MiB more');
  t.equal(word(strict(995_744)), '64 slots, 64 stacks, elided');
  t.equal(word(strict(2_026_400), '24.21.0'), '64 slots, 64 stacks, elided');
  t.equal(word({ ...strict(480_420), committedAs: 150 * MiB }), '16 slots, 0 stacks, elided');
  t.end();
});

t.test('limits of the process count as those of the machine do', (t) => {
  t.equal(word({ dataLimit: 256 * MiB }), '32 slots, 32 stacks, elided');
  t.equal(word({ dataLimit: 140 * MiB }), '16 slots, 16 stacks, elided');
  t.equal(word({ dataLimit: 128 * MiB }), '16 slots, 0 stacks, elided', 'the stacks are left out first');
  t.equal(word({ addressSpaceLimit: 512 * GiB }), '64 slots, 64 stacks, elided');
  t.equal(
    word({ addressSpaceLimit: 135 * GiB }),
    '32 slots, 32 stacks, elided',
    'no checks before more slots',
  );
  t.equal(word({ addressSpaceLimit: 12 * GiB }), '32 slots, 32 stacks, explicit');
  t.equal(word({ addressSpaceLimit: 8 * GiB }), '16 slots, 16 stacks, explicit');
  t.equal(word({ addressBits: 38 }), '32 slots, 32 stacks, elided', 'as on 64-bit RISC-V with sv39');
  t.equal(word({ maxMapCount: 400 }), '32 slots, 32 stacks, elided', 'two for a stack, four for an instance');
  t.end();
});

t.test('idle slots keep a quarter of the RAM at most, as far as the fewest slots allow', (t) => {
  t.equal(word({ memTotal: 480_420 * KiB }), '32 slots, 32 stacks, elided');
  t.equal(word({ memTotal: 2 * GiB, cgroupMemoryMax: 128 * MiB }), '16 slots, 16 stacks, elided');
  t.equal(word({ memTotal: 2 * GiB, cgroupMemoryMax: 64 * MiB }), '16 slots, 16 stacks, elided');
  t.equal(word({ memTotal: 512 * MiB }), '64 slots, 64 stacks, elided');
  t.end();
});

t.test('wherever sixteen slots without stacks fit, so does the form that is chosen', (t) => {
  const bare = choose({ dataLimit: 1 });
  t.equal(`${String(bare.pool?.memories)} ${String(bare.pool?.stacks)}`, '16 0');
  t.equal(describeForm(bare).chargedBytes, 16 * 160 * KiB);
  for (const node of ['18.20.8', '20.20.2', '22.23.3', '24.21.0', '26.10.0']) {
    let fitted = false;
    for (let limit = 40; limit < 1200; limit += 1) {
      const facts = { ...parseFacts({}), addressBits: 47, stackLimit: 8 * MiB, dataLimit: limit * MiB };
      const engine = { kind: 'wasmtime', version: '50.0.1' } as const;
      const { fits } = predictTier('conservative', {
        ...{ engine, node, facts, profile: 'spin', choice: 'auto', env: {} },
      });
      if (fitted && !fits) t.fail(`Node ${node} fits under less than ${limit} MiB, and not under ${limit}`);
      fitted = fits;
    }
    t.ok(fitted, node);
  }
  t.end();
});

t.test('more of a limit never gives fewer slots', (t) => {
  let before = 0;
  for (let limit = 60; limit < 400; limit += 1) {
    const { pool } = choose({ dataLimit: limit * MiB });
    const charged = listPools(choose({ dataLimit: limit * MiB })).reduce(
      (sum, one) => sum + one.writableBytes,
      0,
    );
    const rank = (pool?.memories ?? 0) + (pool?.stacks ?? 0);
    t.ok(rank >= before && charged < limit * MiB, `${limit} MiB`);
    before = rank;
  }
  t.end();
});
