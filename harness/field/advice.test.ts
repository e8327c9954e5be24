import t from 'tap';
import type { Facts } from '../../images/allocator/facts.ts';
import { parseFacts } from '../../images/allocator/parse-facts.ts';
import { GiB, KiB, MiB } from '../../images/allocator/sizes.ts';
import { base } from '../fixtures/field/reports.ts';
import { advise, type Advice } from './advice.ts';
import { renderAdvice, type AdviceSource } from './advice-text.ts';
import { advisedHosts, type AdvisedName } from './advised-hosts.ts';
import { factsOf, listUnknown } from './report-facts.ts';

const roomy: Facts = {
  ...parseFacts({}),
  memTotal: 2 * GiB,
  swapTotal: 0,
  commitLimit: GiB,
  committedAs: 60 * MiB,
  overcommitMemory: 0,
  userReserve: 62 * MiB,
  adminReserve: 8 * MiB,
  maxMapCount: 65_530,
  stackLimit: 8 * MiB,
  addressBits: 47,
  sysAdmin: true,
  cpus: 2,
};
const strict4G = {
  overcommitMemory: 2,
  memTotal: 3926 * MiB,
  commitLimit: 1963 * MiB,
  userReserve: 122 * MiB,
} as const;
const names = Object.keys(advisedHosts) as readonly AdvisedName[];

const ask = (host: AdvisedName, facts: Partial<Facts>, version: string = advisedHosts[host].newest): Advice =>
  advise(host, version, { ...roomy, ...facts });

t.test('where nothing is short the whole pool fits, and nothing has to be set or raised', (t) => {
  for (const name of names) {
    t.match(ask(name, {}), {
      fits: 'whole',
      setup: { env: {}, options: [] },
      reached: { tier: 'standard', slots: 1000, checks: 'elided', why: 'nothing is in the way' },
      raises: [],
    });
  }
  t.end();
});

t.test('under strict overcommit each host gets the slots that fit, in its own words', (t) => {
  const spin = ask('spin', strict4G);
  t.match(spin, { fits: 'smaller', byDefault: { tier: null }, reached: { slots: 310 } });
  t.equal(spin.costs[0], 'at most 310 instances at a time; a request beyond is refused');
  t.same(spin.setup, { env: { SPIN_MAX_INSTANCE_COUNT: '310' }, options: [] });
  const serve = ask('wasmtime-serve', strict4G);
  t.match(serve.setup.options, [
    '-O',
    /^pooling-total-memories=400,pooling-total-tables=800,pooling-total-stacks=400,/,
  ]);
  t.match(ask('wash', strict4G).setup.env, {
    WASMTIME_POOLING_TOTAL_MEMORIES: '400',
    WASMTIME_POOLING_TOTAL_STACKS: '400',
    WASMTIME_POOLING_LINEAR_MEMORY_KEEP_RESIDENT: String(2 * MiB),
  });
  const node = ask('node', strict4G, '22.23.3');
  t.match(node, {
    byDefault: { tier: 'conservative', slots: 64 },
    reached: { tier: 'standard', slots: 300 },
  });
  t.same(node.setup.env, { SPIN_MAX_INSTANCE_COUNT: '300' });
  t.end();
});

t.test('one slot more would not fit, and the advised ones do', (t) => {
  const facts = { ...roomy, dataLimit: GiB };
  const { setup } = advise('spin', '4.0.2', facts);
  const at = (slots: number, change: Partial<Facts>) =>
    advisedHosts.spin.predict({ ...facts, ...change }, '4.0.2', {
      env: { SPIN_MAX_INSTANCE_COUNT: String(slots) },
      options: [],
    });
  const slots = Number(setup.env['SPIN_MAX_INSTANCE_COUNT']);
  const room = { dataLimit: GiB - slots * 2 * MiB };
  t.equal(at(slots, room).outcome, 'reached', 'with 2 MiB in each slot');
  t.equal(at(slots + 10, { dataLimit: GiB - (slots + 10) * 2 * MiB - 32 * MiB }).outcome, 'exhausted');
  t.end();
});

t.test('where the trial fails a pool is forced, if the host can be told so', (t) => {
  const narrow = { addressSpaceLimit: 512 * GiB };
  t.same(ask('spin', narrow).setup.env, { SPIN_MAX_INSTANCE_COUNT: '120', SPIN_WASMTIME_POOLING: '1' });
  t.match(ask('wasmtime-serve', narrow).setup.options, ['-O', /^pooling-allocator=y,/]);
  t.match(ask('wash', narrow), { fits: 'none', setup: { env: {} }, reached: { tier: 'on-demand' } });
  t.match(ask('spin', { addressBits: 39 }).setup.env, { SPIN_WASMTIME_POOLING: '1' });
  t.end();
});

t.test(
  'a Spin without the variable for all is told the ones it reads, and no stacks it cannot do without',
  (t) => {
    t.same(ask('spin', { addressSpaceLimit: 512 * GiB }, '3.2.0').setup.env, {
      SPIN_WASMTIME_INSTANCE_COUNT: '120',
      SPIN_WASMTIME_TOTAL_MEMORIES: '120',
      SPIN_WASMTIME_TOTAL_TABLES: '240',
      SPIN_WASMTIME_POOLING: '1',
    });
    const strict = ask('spin', strict4G, '3.2.0');
    t.match(strict, { fits: 'none', byDefault: { tier: null }, reached: { tier: 'on-demand' } });
    t.same(strict.setup.env, { SPIN_WASMTIME_POOLING: '0' }, 'without a pool it comes up');
    t.throws(() => ask('spin', {}, '1.0.0'), { code: 'BAD_VERSION' });
    t.end();
  },
);

t.test('small slots, and few of them only where the host does not come up without', (t) => {
  const eight = ask('wasmtime-serve', { addressSpaceLimit: 8 * GiB });
  t.match(eight, { reached: { slots: 60, checks: 'explicit' }, byDefault: { tier: 'on-demand' } });
  t.match(eight.setup.options, [
    '-O',
    /memory-reservation=134217728,memory-guard-size=65536,.*max-memory-size=134217728/,
  ]);
  const two = ask('wasmtime-serve', { addressSpaceLimit: 2 * GiB });
  t.match(two, { fits: 'smaller', byDefault: { tier: null } });
  t.ok((two.reached.slots ?? 0) > 0 && (two.reached.slots ?? 0) < 16);
  t.match(
    ask('spin', { addressSpaceLimit: 8 * GiB }),
    { fits: 'none', setup: { env: {} } },
    'rather none than one',
  );
  const half = ask('wasmtime-serve', { addressSpaceLimit: 400 * MiB });
  t.match(half.setup.options, ['-O', /^pooling-allocator=/], 'down to memories that reserve nothing');
  t.end();
});

t.test('the wasm host takes a smaller pool by itself', (t) => {
  const strict = {
    overcommitMemory: 2,
    memTotal: 470 * MiB,
    commitLimit: 235 * MiB,
    userReserve: 15 * MiB,
  } as const;
  t.match(ask('node', strict, '22.23.3'), {
    fits: 'smaller',
    setup: { env: {} },
    reached: { tier: 'conservative', slots: 16 },
    costs: ['at most 16 instances at a time; a request beyond waits'],
  });
  t.match(ask('node', { addressSpaceLimit: 2 * GiB }, '22.23.3'), {
    fits: 'none',
    reached: { tier: 'on-demand' },
  });
  t.end();
});

t.test(
  'every limit in the way is named with the value that is enough, and in the words that raise it',
  (t) => {
    const { raises } = ask('spin', { ...strict4G, addressSpaceLimit: 8 * GiB, maxMapCount: 1000 });
    t.same(
      raises.map(({ limit }) => limit),
      ['RLIMIT_AS', 'CommitLimit', 'max_map_count'],
    );
    const [space, commit, maps] = raises;
    t.match(space, { change: /^ulimit -v \d+ \(or unlimited\)$/, also: /LimitAS=\d+.*Kubernetes/ });
    t.match(commit, {
      change: /^sysctl vm\.overcommit_kbytes=\d+ \(or vm\.overcommit_memory=0\)$/,
      also: /on its host/,
    });
    t.match(maps, { change: 'sysctl vm.max_map_count=2200' });
    const raised = {
      ...strict4G,
      addressSpaceLimit: space?.enough ?? null,
      commitLimit: commit?.enough ?? null,
      maxMapCount: maps?.enough ?? null,
    };
    t.equal(ask('spin', raised).fits, 'whole', 'raised to that, the whole pool fits');
    t.match(ask('spin', { dataLimit: GiB }).raises[0], {
      change: /^ulimit -d/,
      also: /Docker: --ulimit data=/,
    });
    t.match(ask('node', { mdwe: 'prctl' }, '22.23.3').raises, [{ change: 'MemoryDenyWriteExecute=no' }]);
    t.match(ask('spin', { addressBits: 39 }).raises, [{ change: /^a kernel with 47/, enough: 47 }]);
    t.end();
  },
);

t.test('a report becomes the facts that the kernel gave there', (t) => {
  const facts = factsOf(base);
  t.match(facts, {
    memTotal: (base.memory.totalKib ?? 0) * KiB,
    overcommitMemory: base.overcommit.mode,
    maxMapCount: base.kernelLimits.maxMapCount,
    addressSpaceLimit: null,
    dataLimit: null,
    cpus: base.processor.count,
  });
  t.same(listUnknown(base), []);
  const space = { soft: 8 * GiB, hard: 8 * GiB };
  const level = { memoryMax: 64 * MiB, memoryHigh: null, memoryCurrent: null };
  const limited = {
    ...base,
    resourceLimits: { ...base.resourceLimits, addressSpace: space },
    cgroup: { version: 2 as const, levels: [{ ...level, memoryMax: 'unlimited' as const }, level] },
    process: { ...base.process, memoryDenyWriteExecute: 'yes' as const },
  };
  t.match(factsOf(limited), { addressSpaceLimit: 8 * GiB, cgroupMemoryMax: 64 * MiB, mdwe: 'prctl' });
  t.end();
});

t.test('what a report does not say and decides is named', (t) => {
  const unknown = { soft: null, hard: null };
  const damaged = {
    ...base,
    overcommit: { ...base.overcommit, mode: 2 as const },
    memory: { ...base.memory, commitLimitKib: null },
    resourceLimits: { ...base.resourceLimits, data: unknown },
  };
  t.same(listUnknown(damaged), ['memory.commitLimitKib', 'resourceLimits.data']);
  t.end();
});

t.test('advice reads as lines to act on', (t) => {
  const source: AdviceSource = {
    facts: { ...roomy, ...strict4G },
    unknown: [],
    isHere: true,
    proof: null,
    program: 'spin',
  };
  const lines = renderAdvice(ask('spin', strict4G), source);
  t.equal(lines[0], 'Spin 4.0.2: a smaller pool fits');
  t.match(
    lines[1],
    /^this machine: 3926 MiB of RAM, overcommit 2, CommitLimit 1963 MiB, 60 MiB of it committed/,
  );
  t.match(
    lines[2],
    /^by default: it does not come up, or serves nothing; stack pool needs 2004 MiB, CommitLimit leaves/,
  );
  t.equal(lines[3], 'set: SPIN_MAX_INSTANCE_COUNT=310');
  t.equal(lines[4], 'then: a pool of 310 slots, elided bounds checks');
  t.equal(lines.at(-1), 'predicted, not proven: --program <file> names spin');
  const last = (change: Partial<AdviceSource>) =>
    renderAdvice(ask('spin', {}), { ...source, ...change }).at(-1);
  const proof = { agrees: true, program: '/bin/spin', seen: 'a mapping' };
  t.equal(last({ proof }), 'proven: a mapping');
  t.match(
    last({ proof: { ...proof, agrees: false } }),
    /^cannot tell: the prediction is refuted by \/bin\/spin: a mapping/,
  );
  t.equal(last({ isHere: false }), 'predicted, not proven: that is another machine');
  t.equal(last({ unknown: ['overcommit.mode'] }), 'cannot tell: overcommit.mode unknown');
  t.end();
});
