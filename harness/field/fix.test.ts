import t from 'tap';
import type { Tier } from '../../images/allocator/tier.ts';
import { parseCellId } from '../matrix/cell-id.ts';
import type { Settings } from '../axes/table.ts';
import type { Result } from '../store/result.ts';
import { listCandidates, listPopular } from './candidates.ts';
import { findFix } from './fix.ts';
import { keepOnly, listDeviations, minimize } from './minimize.ts';
import { predictSettings } from './model.ts';
import { predictSubject } from './subject-model.ts';

const cell = (id: string): Settings => parseCellId(id);

/** Answers as the model does: the searches are what is tested here, guests are asked elsewhere. */
const modelAsk = (settings: Settings): Promise<Result> => {
  const prediction = predictSettings(settings);
  return Promise.resolve({
    outcome: prediction?.outcome ?? 'broken',
    tier: prediction?.tier ?? null,
    reason: '',
  } as Result);
};

const word = (settings: Settings): string => {
  const prediction = predictSettings(settings);
  return prediction?.tier ?? prediction?.outcome ?? 'refused';
};

t.test('minimize keeps what the failure needs and nothing else', async (t) => {
  const rows = [
    ['memory=4G,overcommit=2,thp=never,cpus=2,node=24', ['overcommit=2']],
    ['memory=512M,overcommit=2,thp=madvise,node=24', ['memory=512M', 'overcommit=2', 'node=24']],
    ['memory=1G,addressSpace=2G,maxMapCount=1000,env.SPIN_WASMTIME_TOTAL_STACKS=5', ['addressSpace=2G']],
    ['maxMapCount=1000,env.X=1,thp=never', ['maxMapCount=1000']],
  ] as const;
  for (const [id, kept] of rows) {
    const wanted = word(cell(id));
    const minimal = await minimize(cell(id), {
      shows: (settings) => Promise.resolve(word(settings) === wanted),
      model: (settings) => word(settings) === wanted,
    });
    t.same(minimal?.kept.map(({ text }) => text).sort(), [...kept].sort(), id);
    t.equal(word(keepOnly(cell(id), minimal!.kept)), wanted);
    t.equal(minimal!.kept.length + minimal!.needless.length, listDeviations(cell(id)).length);
  }
});

t.test('minimize goes one by one where the model is wrong, and says when nothing fails', async (t) => {
  const settings = cell('memory=512M,overcommit=2,thp=never,node=24,cpus=2');
  const shows = (some: Settings) => Promise.resolve(some.thp === 'never' && some.cpus === 2);
  for (const model of [() => true, () => false, (some: Settings) => some.overcommit === 2]) {
    const minimal = await minimize(settings, { shows, model });
    t.same(
      minimal?.kept.map(({ text }) => text),
      ['thp=never', 'cpus=2'],
    );
  }
  t.equal(await minimize(settings, { shows: () => Promise.resolve(false), model: () => true }), null);
});

t.test('every candidate is one that the model believes in, least invasive first', (t) => {
  const order = ['variable', 'pool', 'limit', 'sysctl', 'version', 'memory'];
  const rows: readonly (readonly [id: string, wanted: Tier, first: RegExp | null])[] = [
    ['memory=2G,overcommit=2', 'standard', /^SPIN_MAX_INSTANCE_COUNT=\d+$/],
    ['memory=4G,overcommit=2', 'standard', /^SPIN_WASMTIME_TOTAL_STACKS=\d+$/],
    ['maxMapCount=1000', 'standard', /^SPIN_WASMTIME_TOTAL_STACKS=\d+$/],
    ['addressSpace=8G', 'standard', /^ulimit -v \d+$/],
    ['addressSpace=2G', 'conservative', /./],
    ['allocator=on-demand', 'standard', /^unset SPIN_ALLOCATOR$/],
    ['env.SPIN_WASMTIME_POOLING=0', 'standard', /^unset SPIN_WASMTIME_POOLING$/],
    ['memory=512M,overcommit=2,node=24', 'conservative', /overcommit_ratio=\d+$/],
    ['engine=v8,addressSpace=2G', 'standard', /^ulimit -v unlimited$/],
    ['dataLimit=64M,addressSpace=512M,engine=v8', 'on-demand', /^ulimit -v unlimited -d unlimited$/],
    ['profile=wasmtime,memory=4G,overcommit=2', 'standard', /^-O pooling-total-stacks=/],
  ];
  for (const [id, wanted, first] of rows) {
    const candidates = listCandidates(cell(id), wanted);
    if (first !== null) t.match(candidates[0]?.change, first, id);
    for (const { settings, change, cost } of candidates) {
      t.match(predictSettings(settings), { outcome: 'reached' }, change);
      t.ok(cost.length > 0);
    }
    const kinds = candidates.map(({ kind }) => order.indexOf(kind));
    t.same(
      kinds,
      [...kinds].sort((a, b) => a - b),
      id,
    );
  }
  t.end();
});

t.test('the first proven candidate is the cure; refuted ones are told', async (t) => {
  const settings = cell('memory=4G,overcommit=2');
  const fix = await findFix(settings, 'standard', modelAsk);
  t.match(fix.cure?.candidate.change, /^SPIN_WASMTIME_TOTAL_STACKS=/);
  t.same(fix.refuted, []);
  t.match(
    fix.useless.map(({ candidate }) => candidate.change),
    ['sysctl vm.max_map_count=262144', 'transparent huge pages off', 'the newest Node'],
  );
  const stubborn = await findFix(settings, 'standard', (some) =>
    some.overcommit === 2
      ? Promise.resolve({ outcome: 'reached', tier: 'conservative', reason: '' } as Result)
      : modelAsk(some),
  );
  t.equal(stubborn.cure?.candidate.change, 'sysctl vm.overcommit_memory=0');
  t.ok(stubborn.refuted.length > 0);
  const hopeless = await findFix(settings, 'standard', () =>
    Promise.resolve({ outcome: 'exhausted', tier: null, reason: '' } as unknown as Result),
  );
  t.equal(hopeless.cure, null);
});

t.test('popular cures of no use under an address limit are shown to be of no use', async (t) => {
  const settings = cell('memory=1G,addressSpace=8G');
  t.ok(listPopular(settings).some(({ change }) => change === 'ulimit -v unlimited'));
  const { useless } = await findFix(settings, 'standard', modelAsk);
  t.match(
    useless.map(({ candidate }) => candidate.change),
    ['sysctl vm.overcommit_memory=1', 'sysctl vm.max_map_count=262144', 'transparent huge pages off'],
  );
});

t.test('a forced tier is freed, and what is still too small is changed as well', (t) => {
  const [first] = listCandidates(cell('memory=1G,overcommit=2,allocator=conservative'), 'standard');
  t.match(first?.change, /^unset SPIN_ALLOCATOR, SPIN_MAX_INSTANCE_COUNT=/);
  t.match(first?.settings, { allocator: 'auto', env: { SPIN_MAX_INSTANCE_COUNT: String } });
  t.end();
});

t.test('pool parameters, commit sizes, stacks and W^X have cures of their own', (t) => {
  const changes = (id: string): string =>
    listCandidates(cell(id), 'standard')
      .map(({ change }) => change)
      .join('; ');
  t.match(changes('memory=4G,overcommit=2,profile=wasmtime'), /^-O pooling-total-stacks=\d+/);
  t.match(changes('memory=1G,overcommit=2,overcommitBytes=600M'), /sysctl vm\.overcommit_kbytes=\d+;/);
  t.notMatch(
    changes('memory=1G,overcommit=2,overcommitBytes=600M'),
    /overcommit_ratio/,
    'one clears the other',
  );
  t.match(changes('mdwe=seccomp'), /^MemoryDenyWriteExecute=no$/);
  t.match(changes('memory=8G,overcommit=2,stackLimit=256M'), /ulimit -s 8192/);
  t.end();
});

t.test('a subject that fails has cures in the words of its program, never of Spin', async (t) => {
  const rows = [
    ['engine=v8,node=22.13.0,addressSpace=2G,subject=node-fetch', /^node --disable-wasm-trap-handler$/],
    ['engine=v8,node=20.9.0,addressSpace=5G,subject=node-fetch', /^ulimit -v \d+$/],
    ['engine=v8,node=24,addressSpace=16G,subject=node-memories', /^node --disable-wasm-trap-handler$/],
    ['engine=v8,node=16.14.0,addressSpace=4G,subject=node-instance', /^ulimit -v \d+$/],
    ['engine=v8,node=22,addressSpace=512M,subject=node-start', /^ulimit -v \d+$/],
    ['engine=v8,mdwe=seccomp,subject=node-start', /^MemoryDenyWriteExecute=no$/],
    [
      'engine=v8,cpu=kvm64,subject=node-simd',
      /^a processor with ssse3 and sse4\.1 \(QEMU: -cpu \.\.\.,\+ssse3,\+sse4\.1\)$/,
    ],
    ['cpu=qemu64,subject=wasmtime-module', /^a processor with ssse3 and sse4\.1 and sse4\.2/],
  ] as const;
  for (const [id, first] of rows) {
    const settings = cell(id);
    t.equal(predictSubject(settings), false, id);
    const candidates = listCandidates(settings, 'standard');
    t.match(candidates[0]?.change, first, id);
    for (const { change, also, settings: changed } of candidates) {
      t.notMatch(`${change} ${also}`, /SPIN/);
      t.equal(predictSubject(changed), true, change);
    }
  }
  const tried: string[] = [];
  const works = {
    outcome: 'reached',
    tier: null,
    reason: '',
    subject: { failure: null },
  } as unknown as Result;
  const fails = { ...works, outcome: 'exhausted' } as Result;
  const fix = await findFix(
    cell('engine=v8,node=22,addressSpace=2G,subject=node-fetch'),
    'standard',
    ({ addressSpace, env }) =>
      Promise.resolve(addressSpace === null && env['NODE_OPTIONS'] === undefined ? works : fails),
    { onTry: ({ change }) => void tried.push(change) },
  );
  t.equal(fix.cure?.candidate.change, 'ulimit -v unlimited');
  t.match(fix.cure?.candidate.also, /LimitAS=infinity/);
  t.same(tried.slice(0, 1), ['node --disable-wasm-trap-handler']);
  t.ok(tried.includes('ulimit -v unlimited'), 'each is named before it is tried');
});

t.test('a Node before 18 reserves as the oldest that is known, and a start has an arena', (t) => {
  const [kib, mib] = [2 ** 10, 2 ** 20];
  for (const node of ['12.18.3', '14.21.3', '16.14.0']) {
    // What a report told: 10,000,000,000 bytes.
    const settings = cell(`engine=v8,node=${node},addressSpace=9765624K,subject=node-instance`);
    t.equal(predictSubject(settings), false, node);
    const [first] = listCandidates(settings, 'standard');
    const limit = Number(/^ulimit -v (\d+)$/.exec(first?.change ?? '')?.[1]) * kib;
    t.ok(limit > 10_240 * mib && limit < 11_000 * mib, `${first?.change}: 10 GiB and a start`);
  }
  // Measured: 734 MiB, and with MALLOC_ARENA_MAX=1 671.
  for (const [id, works] of [
    ['addressSpace=704M', false],
    ['addressSpace=704M,env.MALLOC_ARENA_MAX=1', true],
    ['addressSpace=768M', true],
  ] as const)
    t.equal(predictSubject(cell(`engine=v8,node=22.13.0,subject=node-start,${id}`)), works, id);
  t.end();
});

t.test('a wider address space cures sv39, and no Node that there is none of is proposed', (t) => {
  const sv39 = cell('arch=riscv64,kernel=trixie,engine=v8,node=24,addressBits=38');
  const changes = listCandidates(sv39, 'standard').map(({ change }) => change);
  t.same(changes, ['a kernel with 47 or 48 bits of addresses instead of 38']);
  t.notOk(listPopular(sv39).some(({ settings }) => settings.node !== '24'));
  t.ok(listPopular({ ...sv39, arch: 'x86-64' }).some(({ settings }) => settings.node === '26'));
  t.end();
});

t.test('a memory on demand in another program is made smaller by its own options', (t) => {
  const changes = listCandidates(cell('profile=wasmtime,allocator=on-demand,addressSpace=3G'), 'on-demand');
  t.match(changes[0]?.change, /^-O memory-reservation=\d+,memory-guard-size=\d+ \(memory_reservation/);
  t.ok(changes.every(({ change }) => !change.includes('SPIN')));
  t.end();
});
