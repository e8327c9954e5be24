import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { predictHost } from '../../images/allocator/predict.ts';
import type { BuiltImages } from '../../images/build.ts';
import { defaultSettings } from '../axes/table.ts';
import type { Cell } from '../matrix/cell.ts';
import { parseMatrix } from '../matrix/load.ts';
import type { Settings } from '../axes/table.ts';
import { decideCapacity, Budget } from './admission.ts';
import { findInapplicable, foreseeInapplicable } from './applicable.ts';
import { findExecutable, findQemu, readComputer } from './computer.ts';
import { backstopSeconds, deadlinesFor, elapsedCapMs } from './deadlines.ts';
import { estimateFacts } from './estimate-facts.ts';
import { buildMachineSpec } from './machine-spec.ts';
import { estimateCostMib, groupByBoot } from './order.ts';
import { collectRequirements, resolveEngine } from './requirements.ts';

const mib = 1024 * 1024;
const settings = (more: Partial<Settings> = {}): Settings => ({ ...defaultSettings(), ...more });
const cell = (more: Partial<Settings>): Cell => ({
  id: JSON.stringify(more),
  settings: settings(more),
  expectation: null,
  repetition: 1,
});

t.test('cells that differ only in what is set after the boot share one', (t) => {
  const groups = groupByBoot([
    cell({ memory: 512 * mib }),
    cell({ memory: 1024 * mib, node: '24' }),
    cell({ memory: 512 * mib, overcommit: 2, thp: 'never', node: '20', engine: 'v8', addressSpace: 4096 }),
    cell({ memory: 512 * mib, cpus: 2 }),
  ]);
  t.same(
    groups.map(({ cells }) => cells.length),
    [2, 1, 1],
  );
  t.end();
});

t.test('an address width that the machine itself has is another boot, a limit of its size is none', (t) => {
  const groups = (arch: Settings['arch']): number =>
    groupByBoot([cell({ arch }), cell({ arch, addressBits: 38 }), cell({ arch, addressBits: 39 })]).length;
  t.equal(groups('riscv64'), 2);
  t.equal(groups('x86-64'), 1);
  t.end();
});

t.test('another CPU or swap is another machine; a CPU without random numbers gets a source of them', (t) => {
  t.equal(
    groupByBoot([cell({}), cell({ cpu: 'qemu64' }), cell({ swap: mib }), cell({ hugepages: 3 })]).length,
    3,
  );
  const images = { kernel: {}, initramfs: {}, disks: [] } as unknown as BuiltImages;
  const specOf = (more: Partial<Settings>) =>
    buildMachineSpec(settings(more), images, { qemu: 'q', accelerator: 'tcg' });
  t.match(specOf({ cpu: 'Nehalem', swap: 64 * mib }), { cpuModel: 'Nehalem', entropy: true, swapMib: 64 });
  t.notOk(
    'entropy' in specOf({ cpu: 'max,pku=off' }) || 'swapMib' in specOf({}),
    'nothing that nobody asks for',
  );
  t.ok(specOf({ cpu: 'max,rdrand=off' }).entropy);
  t.end();
});

t.test('a cell that its guest cannot be asked is named with the reason', (t) => {
  const bookworm = {
    kernel: { path: '', digest: '', release: '6.1.0-56-cloud-amd64' },
    nodes: { 22: '22.23.3' },
  };
  t.equal(findInapplicable(settings(), bookworm), null);
  t.match(findInapplicable(settings({ node: '16.20.0' }), bookworm), /Node 18 and later, not on 16\.20\.0/);
  t.match(findInapplicable(settings({ mdwe: 'prctl' }), bookworm), /Linux 6\.3, the guest has 6\.1/);
  t.equal(findInapplicable(settings({ mdwe: 'seccomp' }), bookworm), null);
  t.match(findInapplicable(settings({ node: '16' }), { ...bookworm, nodes: {} }), /not on 16:/);
  const serve = parseMatrix(
    "subject: { name: s, host: spin-sizes, run: ['w', '{options}'] }\naxes: { memory: 1G }",
    'm.yaml',
  );
  const [{ subject = null } = {}] = serve.cells();
  t.equal(findInapplicable(settings({ subject: 's' }), bookworm, subject), null);
  const env = { SPIN_MAX_INSTANCE_COUNT: 'many' };
  t.match(findInapplicable(settings({ subject: 's', env }), bookworm, subject), /whole number/);
  const trixie = { ...bookworm, kernel: { ...bookworm.kernel, release: '6.12.88-cloud-amd64' } };
  t.equal(findInapplicable(settings({ mdwe: 'prctl' }), trixie), null);
  t.match(foreseeInapplicable(settings({ mdwe: 'prctl' })), /Linux 6\.3, the guest has 6\.1/);
  t.equal(foreseeInapplicable(settings({ mdwe: 'prctl', kernel: 'trixie' })), null);
  t.equal(
    foreseeInapplicable(settings({ mdwe: 'prctl', kernel: './bzImage' })),
    null,
    'of an unknown release',
  );
  t.end();
});

t.test(
  'a cell without a build of its Node or engine for its architecture is named, and asks for no image',
  (t) => {
    const images = { kernel: { path: '', digest: '', release: '6.12.117+deb13-riscv64' }, nodes: {} };
    const of = (more: Partial<Settings>): Settings =>
      settings({ arch: 'riscv64', kernel: 'trixie', ...more });
    t.match(findInapplicable(of({ node: '24' }), images), /no build of libwasmtime for riscv64: .* v8/);
    t.match(
      findInapplicable(of({ node: '22', engine: 'v8' }), images),
      /no Node 22 for riscv64: Debian has 24/,
    );
    t.equal(findInapplicable(of({ node: '24', engine: 'v8' }), images), null);
    t.equal(findInapplicable(of({ node: '24', subject: 'server' }), images), null);
    const asked = collectRequirements([cell(of({ node: '24' })), cell(of({ node: '22', engine: 'v8' }))]);
    t.same(
      [...asked],
      [['riscv64/trixie', { architecture: 'riscv64', kernel: 'trixie', nodes: ['24'], engines: [] }]],
    );
    t.end();
  },
);

t.test('a plan asks for the images its cells use, and no others', (t) => {
  const requirements = collectRequirements([
    cell({ node: '24', engine: 'v8' }),
    cell({ node: '20', engine: 'wasmtime@38.0.0' }),
    cell({ node: '24', engine: 'wasmtime' }),
  ]);
  t.same(
    [...requirements],
    [['bookworm', { kernel: 'bookworm', nodes: ['20', '24'], engines: ['38.0.0', '50.0.1'] }]],
  );
  t.same(resolveEngine('v8'), { kind: 'v8', version: null });
  t.same(resolveEngine('wasmtime@38.0.0'), { kind: 'wasmtime', version: '38.0.0' });
  t.equal(resolveEngine('wasmtime').version, '50.0.1');
  t.end();
});

t.test("images of a kernel of one's own are made of its files, and have its name", (t) => {
  const own = { ...cell({ kernel: './mine' }), kernelFile: 'mine:/home/me/bzImage' };
  t.same(
    [...collectRequirements([own])].map(([name, { kernel }]) => [name, kernel]),
    [['./mine', 'mine:/home/me/bzImage']],
  );
  t.end();
});

t.test('a machine carries what its cell asks and every disk of its image', (t) => {
  const images: BuiltImages = {
    kernel: { path: '/k', digest: 'd', release: 'r' },
    initramfs: { path: '/i', digest: 'd' },
    disks: [{ name: 'base', path: '/b', digest: 'd', sizeBytes: 1 }],
    digest: 'd',
    components: [],
    nodes: {},
    engines: {},
  };
  const spec = buildMachineSpec(settings({ memory: 768 * mib, cpus: 2 }), images, {
    qemu: '/q',
    accelerator: 'tcg',
  });
  t.match(spec, {
    memoryMib: 768,
    cpus: 2,
    cpuModel: 'max',
    icountShift: null,
    disks: [{ name: 'base', path: '/b' }],
  });
  t.equal(buildMachineSpec(settings(), images, { qemu: '/q', accelerator: 'kvm' }).cpuModel, 'host');
  t.end();
});

t.test('capacity follows the computer unless told otherwise', (t) => {
  t.same(decideCapacity({ cores: 4, memAvailableMib: 8192 }, {}), { jobs: 4, budgetMib: 7680 });
  t.same(decideCapacity({ cores: 4, memAvailableMib: 600 }, {}), { jobs: 4, budgetMib: 512 });
  t.same(decideCapacity({ cores: 4, memAvailableMib: 8192 }, { jobs: 1, budgetMib: 100 }), {
    jobs: 1,
    budgetMib: 100,
  });
  t.equal(estimateCostMib(4096, null), 640);
  t.equal(estimateCostMib(256, null), 416, 'never more than the guest and QEMU can take');
  t.equal(estimateCostMib(4096, 800), 1000);
  t.equal(estimateCostMib(65_536, null), 1600, 'the kernel of a large guest notes something of each page');
  t.end();
});

t.test('the budget is never exceeded, the order is kept, and one that is too large runs alone', async (t) => {
  const budget = new Budget(1000);
  const order: string[] = [];
  let used = 0;
  let most = 0;
  const work = async (name: string, costMib: number): Promise<void> => {
    const release = await budget.acquire(costMib);
    order.push(name);
    used += costMib;
    most = Math.max(most, used);
    await new Promise((resolve) => setImmediate(resolve));
    used -= costMib;
    release();
    release(); // giving back twice gives back once
  };
  await Promise.all([work('a', 600), work('b', 600), work('c', 300), work('big', 5000), work('d', 100)]);
  t.same(order, ['a', 'b', 'c', 'big', 'd']);
  t.equal(most, 5000, 'only the one that is larger than the budget exceeds it');
  t.equal(budget.peakMib, 5000);
});

t.test('QEMU is found, asked for its version, and refused when it is too old', async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'poolproof-test-'));
  const before = process.env['POOLPROOF_QEMU'];
  t.teardown(() => {
    rmSync(dir, { recursive: true, force: true });
    if (before === undefined) delete process.env['POOLPROOF_QEMU'];
    else process.env['POOLPROOF_QEMU'] = before;
  });
  const fake = async (text: string): Promise<ReturnType<typeof findQemu>> => {
    const file = path.join(dir, 'qemu');
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
    process.env['POOLPROOF_QEMU'] = file;
    return findQemu();
  };
  t.match(await fake('echo QEMU emulator version 7.2.22 Debian'), { version: '7.2.22' });
  t.match(await fake('echo QEMU emulator version 10.1'), { version: '10.1.0' });
  await t.rejects(fake('echo QEMU emulator version 7.1.9'), { code: 'QEMU_TOO_OLD' });
  await t.rejects(fake('echo QEMU emulator version 6.2.0'), { code: 'QEMU_TOO_OLD' });
  await t.rejects(fake('echo oops >&2; exit 1'), { code: 'QEMU_FAILED', details: { stderr: /oops/ } });
  process.env['POOLPROOF_QEMU'] = path.join(dir, 'nothing');
  await t.rejects(findQemu(), { code: 'QEMU_NOT_FOUND' });
  t.equal(await findExecutable('no-such-program-anywhere'), null);
  t.ok(await findExecutable('sh'));
});

t.test('this computer says what it has', async (t) => {
  const computer = await readComputer();
  t.ok(
    computer.cores >= 1 && computer.memAvailableMib > 0 && computer.memAvailableMib <= computer.memTotalMib,
  );
  t.not(computer.os, '');
});

t.test('estimated facts lead the model where real guests led it', (t) => {
  // Measured: MemTotal 480,284 kB of 512 MiB, 2,026,224 kB of 2 GiB, 4,021,408 kB of 4 GiB.
  for (const [memory, kb] of [
    [512, 480_284],
    [2048, 2_026_224],
    [4096, 4_021_408],
  ] as const) {
    const { memTotal } = estimateFacts(settings({ memory: memory * mib }));
    t.ok(Math.abs((memTotal ?? 0) / 1024 / kb - 1) < 0.01, `${memory} MiB: ${(memTotal ?? 0) / 1024} kB`);
  }
  const tierOf = (more: Partial<Settings>) =>
    predictHost({
      facts: estimateFacts(settings(more)),
      engine: { kind: 'wasmtime', version: '50.0.1' },
      node: '22.23.3',
      profile: 'spin',
      choice: 'auto',
      env: {},
    }).tier;
  t.equal(tierOf({ memory: 512 * mib }), 'standard');
  t.equal(tierOf({ memory: 4096 * mib, overcommit: 2 }), 'conservative');
  t.equal(tierOf({ memory: 8192 * mib, overcommit: 2 }), 'standard');
  t.equal(tierOf({ addressSpace: 2 * 1024 * mib }), 'on-demand');
  t.end();
});

t.test('a wait has an end on a computer that gives the guest no time, and the session ends after it', (t) => {
  t.equal(elapsedCapMs(10_000), 310_000);
  t.equal(elapsedCapMs(60_000), 900_000);
  t.equal(backstopSeconds(10_000), 370);
  t.end();
});

t.test('emulation is given more time than hardware', (t) => {
  const [kvm, tcg] = [deadlinesFor('kvm'), deadlinesFor('tcg')];
  for (const name of Object.keys(kvm) as (keyof typeof kvm)[]) t.ok(tcg[name] > kvm[name], name);
  for (const { subjectMs, attemptMs } of [kvm, tcg])
    t.ok(subjectMs > attemptMs, "the host's own deadline passes first, and says which attempt it was");
  t.end();
});
