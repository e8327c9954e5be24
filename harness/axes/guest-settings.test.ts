import t from 'tap';
import type { Facts } from '../../images/allocator/facts.ts';
import { facts } from '../fixtures/outcome/observations.ts';
import {
  buildLimits,
  buildMachine,
  buildWrites,
  compareSettings,
  estimateSettings,
  parametersOf,
} from './guest-settings.ts';
import { limitAddressSpace } from './process.ts';
import { axes, defaultSettings, type Settings } from './table.ts';
import { gib, kib, mib } from './values.ts';

const settingsOf = (some: Partial<Settings>): Settings => ({ ...defaultSettings(), ...some });

t.test('settings make the machine', (t) => {
  const plain = { memoryMib: 2048, cpus: 1, cpuModel: null };
  const table: [Partial<Settings>, object][] = [
    [{}, plain],
    [
      { memory: 512 * mib, cpus: 2, swap: gib },
      { ...plain, memoryMib: 512, cpus: 2, swapMib: 1024 },
    ],
    [{ cpu: 'max,pku=off' }, { ...plain, cpuModel: 'max,pku=off' }],
    [{ cpu: 'qemu64' }, { ...plain, cpuModel: 'qemu64', entropy: true }],
    [{ cpu: 'qemu64,rdrand=on' }, { ...plain, cpuModel: 'qemu64,rdrand=on' }],
    [{ cpu: 'max,rdrand=off' }, { ...plain, cpuModel: 'max,rdrand=off', entropy: true }],
    [{ cpu: 'stored by a later version' }, { ...plain, cpuModel: 'stored by a later version' }],
  ];
  for (const [some, machine] of table) t.same(buildMachine(settingsOf(some)), machine, JSON.stringify(some));
  t.end();
});

t.test('kernel files are written huge pages first and the mode of overcommit last', (t) => {
  const pathsOf = (some: Partial<Settings>): string[] =>
    buildWrites(settingsOf(some)).map(({ path, value }) => `${path.replace(/^.*\//, '')} ${value}`);
  t.same(pathsOf({}), ['overcommit_ratio 50', 'enabled always', 'overcommit_memory 0']);
  t.same(pathsOf({ hugepages: 16, overcommitBytes: 600 * mib, maxMapCount: 1000, overcommit: 2 }), [
    'nr_hugepages 16',
    'enabled always',
    'max_map_count 1000',
    'overcommit_kbytes 614400',
    'overcommit_memory 2',
  ]);
  t.end();
});

t.test('settings make the limits of the process', (t) => {
  const table: [Partial<Settings>, object][] = [
    [{}, { c: '0' }],
    [
      { cgroupMemory: 256 * mib, mdwe: 'seccomp' },
      { c: '0', 'memory.max': '268435456', confine: 'seccomp' },
    ],
    [
      { cgroupHigh: mib, pidsMax: 9, processes: 8 },
      { c: '0', 'memory.high': '1048576', 'pids.max': '9', u: '8' },
    ],
    [{ stackLimit: 'unlimited' }, { c: '0', s: 'unlimited' }],
    [
      { stackLimit: 64 * mib, dataLimit: gib },
      { c: '0', s: '65536', d: '1048576' },
    ],
    [{ addressSpace: 8 * gib }, { c: '0', v: '8388608' }],
    [{ addressBits: 36 }, { c: '0', v: '67108864' }],
    [
      { addressBits: 36, addressSpace: 8 * gib },
      { c: '0', v: '8388608' },
    ],
  ];
  for (const [some, limits] of table) t.same(buildLimits(settingsOf(some)), limits, JSON.stringify(some));
  t.match(estimateSettings(settingsOf({ processes: 8 })), { processLimit: 8, sysAdmin: false });
  t.equal(limitAddressSpace(settingsOf({})), null);
  t.equal(limitAddressSpace(settingsOf({ addressBits: 36 })), 2 ** 36);
  t.end();
});

t.test("a guest's facts prove what settings leave to nobody, and refute others", (t) => {
  const right = {
    memory: gib,
    kernel: 'bookworm',
    cpu: 'max,hypervisor=on,avx=off',
    swap: 512 * mib,
    overcommit: 2,
    maxMapCount: 1000,
    stackLimit: 8 * mib,
    dataLimit: gib,
    addressBits: 39,
    cgroupMemory: 256 * mib,
    mdwe: 'prctl',
    cgroupHigh: 128 * mib,
    pidsMax: 64,
    processes: 32,
  } as const;
  const found = {
    ...facts,
    swapTotal: 512 * mib - 4 * kib,
    maxMapCount: 1000,
    dataLimit: gib,
    addressSpaceLimit: 2 ** 39,
    cgroupMemoryMax: 256 * mib,
    mdwe: 'prctl',
    cgroupMemoryHigh: 128 * mib,
    pidsMax: 64,
    processLimit: 32,
    sysAdmin: false,
  } as const;
  const failing = (some: Partial<Settings>, said: Facts = found): string[] =>
    compareSettings(settingsOf(some), said)
      .filter(({ ok }) => !ok)
      .map(({ axis }) => axis);
  t.same(failing(right), []);
  t.match(
    compareSettings(settingsOf(right), found).find(({ axis }) => axis === 'addressBits'),
    { asked: '39 bits', found: '47 bits, RLIMIT_AS 549755813888', standIn: true },
  );
  const wrong: [Partial<Settings>, string][] = [
    [{ memory: 2 * gib }, 'memory'],
    [{ memory: 512 * mib }, 'memory'],
    [{ kernel: 'trixie' }, 'kernel'],
    [{ cpus: 2 }, 'cpus'],
    [{ cpu: 'qemu64' }, 'cpu'],
    [{ cpu: 'max,avx=on' }, 'cpu'],
    [{ cpu: 'max,hypervisor=off' }, 'cpu'],
    [{ cpu: 'no model' }, 'cpu'],
    [{ swap: gib }, 'swap'],
    [{ overcommit: 0 }, 'overcommit'],
    [{ overcommitRatio: 80 }, 'overcommitRatio'],
    [{ overcommitBytes: gib }, 'overcommitBytes'],
    [{ thp: 'never' }, 'thp'],
    [{ hugepages: 16 }, 'hugepages'],
    [{ maxMapCount: 2000 }, 'maxMapCount'],
    [{ stackLimit: mib }, 'stackLimit'],
    [{ dataLimit: mib }, 'dataLimit'],
    [{ addressBits: 38 }, 'addressBits'],
    [{ addressSpace: mib }, 'addressSpace'],
    [{ cgroupMemory: mib }, 'cgroupMemory'],
    [{ mdwe: 'seccomp' }, 'mdwe'],
    [{ cgroupHigh: mib }, 'cgroupHigh'],
    [{ pidsMax: 65 }, 'pidsMax'],
    [{ processes: 33 }, 'processes'],
  ];
  for (const [some, axis] of wrong) t.ok(failing({ ...right, ...some }).includes(axis), JSON.stringify(some));
  t.same(failing(right, { ...found, sysAdmin: true }), ['processes'], 'the limit does not bind root');
  const { cgroupMemoryHigh: _high, pidsMax: _pids, processLimit: _limit, ...older } = found;
  t.same(failing(right, older), ['cgroupHigh', 'pidsMax', 'processes']);
  t.end();
});

t.test('a fact that is unknown proves nothing', (t) => {
  const unknown = { ...facts, memTotal: null, kernelRelease: null, cpuModel: null };
  const compared = compareSettings(settingsOf({ cpu: 'max', addressBits: 39 }), unknown);
  const of = (name: string) => compared.find(({ axis }) => axis === name);
  t.match(of('memory'), { found: 'MemTotal unknown', ok: false });
  t.match(of('kernel'), { found: 'unknown', ok: false });
  t.match(of('cpu'), { found: 'unknown', ok: false });
  t.match(of('addressBits'), { found: '47 bits, RLIMIT_AS unlimited', ok: false });
  const native = { ...facts, cpuModel: 'Some  Processor', emulated: false };
  t.match(
    compareSettings(settingsOf({ cpu: 'max' }), native).find(({ axis }) => axis === 'cpu'),
    { ok: true },
    'under KVM max is the processor of the computer',
  );
  t.end();
});

t.test("a guest's own default matches no fact: there is nothing to prove", (t) => {
  t.equal(axes.cpu.readBack?.matches?.(null, facts), false);
  t.equal(axes.swap.readBack?.matches?.(null, facts), false);
  t.equal(axes.addressBits.readBack?.matches?.(null, { ...facts, addressSpaceLimit: 1 }), false);
  t.same(
    compareSettings(settingsOf({}), facts)
      .map(({ axis }) => axis)
      .filter((axis) => ['cpu', 'swap', 'addressBits', 'maxMapCount', 'mdwe'].includes(axis)),
    [],
  );
  t.end();
});

t.test('settings say what a guest will say', (t) => {
  const plain = estimateSettings(settingsOf({}));
  t.match(plain, { swapTotal: 0, maxMapCount: 65_530, stackLimit: 8 * mib, mdwe: null, overcommitKbytes: 0 });
  const { memTotal, commitLimit } = plain;
  t.equal(commitLimit, Math.floor(Number(memTotal) / 2));
  t.match(
    estimateSettings(
      settingsOf({
        overcommitBytes: gib,
        swap: gib,
        stackLimit: 'unlimited',
        mdwe: 'prctl',
        maxMapCount: 64,
        dataLimit: gib,
        addressBits: 36,
      }),
    ),
    {
      commitLimit: 2 * gib,
      swapTotal: gib,
      stackLimit: null,
      mdwe: 'prctl',
      maxMapCount: 64,
      dataLimit: gib,
      addressSpaceLimit: 2 ** 36,
    },
  );
  const large = estimateSettings(settingsOf({ memory: 4 * gib, stackLimit: mib }));
  t.match(large, { stackLimit: mib });
  t.ok(Number(large.memTotal) < 4 * gib - 160 * mib, 'buffers for devices take their share of a large guest');
  t.end();
});

t.test('only parameters that are set reach the tier', (t) => {
  t.same(parametersOf(settingsOf({})), {});
  t.same(parametersOf(settingsOf({ memories: 100, stacks: 0 })), { memories: 100, stacks: 0 });
  t.end();
});
